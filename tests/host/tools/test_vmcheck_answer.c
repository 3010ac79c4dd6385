/*
 * What tools/vmcheck answers. The dumps are those that the manual's rules decide at a glance; a
 * whole one, of which every rule can be checked, is a trial's image.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "lib/x86.h"
#include "tests/host/full_msrs.h"
#include "tests/host/tools/vmcs_formats.h"
#include "tests/host/vmentry_ground.h"
#include "tools/capability/corpus.h"
#include "tools/entry/answer.h"

enum { TEXT_MAX = 1 << 16, ANSWER_MAX = 1 << 22 };

static char dump[TEXT_MAX], answer[ANSWER_MAX];
static struct vmx_dump full, little;
static struct entry_cpu cpus[2];

/* The second CPU has no SMAP: its IA32_VMX_CR4_FIXED1 does not let that bit be 1. */
static int begin(void **state)
{
    (void)state;
    full.msrs = full_msrs();
    little = full;
    vmx_msr_set(&little.msrs, IA32_VMX_CR4_FIXED1,
                vmx_msr_value(&full.msrs, IA32_VMX_CR4_FIXED1) & ~CR4_SMAP);
    cpus[0] = entry_cpu_of("full", &full);
    cpus[1] = entry_cpu_of("little", &little);
    return 0;
}

static enum verdict ask(const char *bytes, bool json, unsigned count)
{
    struct vmcs_text text = {.dump = NULL};
    struct text_buffer sink;
    enum verdict verdict;

    vmcs_text_read(bytes, strlen(bytes), &text);
    text_buffer_init(&sink, answer, sizeof(answer) - 1);
    verdict = entry_answer(&sink.sink, json, &text, cpus, count);
    assert_int_equal(sink.lost, 0);
    answer[sink.length] = '\0';
    vmcs_text_free(&text);
    return verdict;
}

static void assert_says(const char *words)
{
    if (strstr(answer, words) == NULL)
        fail_msg("`%s` is not in\n%s", words, answer);
}

static void assert_does_not_say(const char *words)
{
    if (strstr(answer, words) != NULL)
        fail_msg("`%s` is in\n%s", words, answer);
}

/* The whole VMCS of a guest in 64-bit mode, which keeps every rule, but for one field. */
static void write_whole(enum vmcs_field field, bool present, uint64_t value)
{
    struct text_buffer sink;
    struct vmcs_image image;

    ground_reset(GROUND_ALL);
    assert_true(vmentry_base_image(&ground, VMENTRY_BASE_LONG, &image));
    vmcs_image_set(&image, field, value);
    image.present[vmcs_field_index(field)] = present;
    text_buffer_init(&sink, dump, sizeof(dump) - 1);
    vmcs_text_write(TEXT_SDM, &image, &sink.sink);
    assert_int_equal(sink.lost, 0);
    dump[sink.length] = '\0';
}

/* SDM Vol. 3, "Checks on Guest RIP, RFLAGS, and SSP": bit 1 is 1. */
static void one_rule_is_broken(void **state)
{
    (void)state;
    write_whole(VMCS_GUEST_RFLAGS, true, 0);
    assert_int_equal(ask(dump, false, 1), VERDICT_REFUSED);
    assert_says("on full\n");
    assert_says("The rules say:       exit reason 33, qualification 0\n");
    assert_says("\nBroken: 1 rule\n");
    assert_says("guest-rflags-bit-1\n");
    assert_says("Guest RFLAGS: seen 0x0, wanted for example 0x2");
    assert_does_not_say("If the entry fails all the same");
    assert_does_not_say("Not understood");
    assert_int_equal(ask(dump, true, 1), VERDICT_REFUSED);
    assert_says("\"verdict\": \"refused\"");
    assert_says("\"outcome\": \"exit reason 33\"");
    assert_says("\"rule\": \"guest-rflags-bit-1\"");
    assert_says("\"fields\": [\"Guest RFLAGS\"]");
}

/* Both are VMfailValid, the one for controls, the other for the host's state. */
static void two_rules_are_told_and_the_first_decides(void **state)
{
    (void)state;
    ask("GUEST_RFLAGS = 0\nHOST_CS_SELECTOR = 0\nVM_INSTRUCTION_ERROR = 8\n", false, 1);
    assert_says("The rules say:       VMfailValid 8\n");
    assert_says("\nBroken: 2 rules\n");
}

/* What the last entry or exit left in the read-only fields. */
static void what_the_processor_said_is_told(void **state)
{
    static const struct {
        const char *fields, *told;
    } said[] = {
        {"VM_EXIT_REASON = 0x80000021\n", "exit reason 33 (0x80000021)\n"},
        {"VM_EXIT_REASON = 0x80000022\nEXIT_QUALIFICATION = 3\n",
         "exit reason 34 (0x80000022), qualification 0x3\n"},
        {"VM_EXIT_REASON = 0xa\nVM_INSTRUCTION_ERROR = 7\n", "VM-instruction error 7\n"},
        {"VM_EXIT_REASON = 0xa\n", "exit reason 10 (0xa), which is no failed entry\n"},
        {"", "the dump does not tell\n"},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
        char text[128];

        snprintf(text, sizeof(text), "GUEST_DR7 = 0x400\n%s", said[i].fields);
        ask(text, false, 1);
        assert_says(said[i].told);
    }
    ask("GUEST_DR7 = 0x400\nVM_EXIT_REASON = 0x80000022\nEXIT_QUALIFICATION = 3\n", true, 1);
    assert_says("\"exit_reason\": \"0x80000022\"");
    assert_says("\"exit_qualification\": \"0x3\"");
    assert_says("\"instruction_error\": null");
}

/*
 * A wrong RFLAGS is a failed entry with reason 33; other words are about something else.
 * Qualification 2 is of wrong PDPTEs, which these dumps do not show: it may be.
 */
static void what_does_not_fit_is_told(void **state)
{
    static const char misfit[] = "This does not fit what the processor said";
    static const struct {
        const char *dump;
        bool fits;
    } cases[] = {
        {"GUEST_RFLAGS = 0\nVM_EXIT_REASON = 0x80000021\nEXIT_QUALIFICATION = 0\n", true},
        {"GUEST_RFLAGS = 0\nVM_EXIT_REASON = 0x80000021\nEXIT_QUALIFICATION = 2\n", true},
        {"GUEST_RFLAGS = 0\nVM_EXIT_REASON = 0x80000022\nEXIT_QUALIFICATION = 1\n", false},
        {"GUEST_RFLAGS = 0\nVM_EXIT_REASON = 0x80000029\nEXIT_QUALIFICATION = 0\n", true},
        {"GUEST_RFLAGS = 0\nVM_INSTRUCTION_ERROR = 7\n", false},
        {"GUEST_RFLAGS = 0\nVM_INSTRUCTION_ERROR = 8\n", false},
        {"GUEST_RFLAGS = 0\nVM_INSTRUCTION_ERROR = 12\n", true},
        {"HOST_CS_SELECTOR = 0\nVM_INSTRUCTION_ERROR = 8\n", true},
        {"GUEST_RFLAGS = 2\nVM_INSTRUCTION_ERROR = 8\n", true},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ask(cases[i].dump, false, 1);
        if ((strstr(answer, misfit) == NULL) != cases[i].fits)
            fail_msg("case %u:\n%s", i, answer);
    }
}

/* Haswell has no SMAP, its successors do. */
static void what_depends_on_the_cpu_is_told(void **state)
{
    char line[64];

    (void)state;
    snprintf(line, sizeof(line), "GUEST_CR4 = %#llx\nVM_ENTRY_CONTROLS = 0x11ff\n",
             CR4_VMXE | CR4_SMAP);
    assert_int_equal(ask(line, false, 2), VERDICT_DEPENDS);
    assert_says("on any of 2 CPUs of the corpus\n");
    assert_says("no rule is broken that could be checked; it depends");
    assert_says("Broken on some of the 2 CPUs that could be this one");
    assert_says("guest-cr4-fixed, on 1 (little): ");
    assert_says("If the entry fails all the same");
    assert_int_equal(ask(line, true, 2), VERDICT_DEPENDS);
    assert_says("\"outcome\": null");
    assert_says("\"cpu\": null");
    assert_says("\"example\": \"little\"");
}

/* SDM Vol. 3, "VMCS Link Pointer": all ones, or an aligned address. Without it two things are
 * unknown, and nothing else. */
static void what_is_missing_is_named(void **state)
{
    (void)state;
    write_whole(VMCS_LINK_POINTER, false, 0);
    assert_int_equal(ask(dump, false, 1), VERDICT_DEPENDS);
    assert_says("VMCS link pointer: link-pointer-aligned, ");
    assert_does_not_say("\nBroken");
    assert_int_equal(ask(dump, true, 1), VERDICT_DEPENDS);
    assert_says("\"VMCS link pointer\"");
}

/* The address is good; whether a revision identifier stands there, the dump cannot tell. */
static void memory_is_named(void **state)
{
    (void)state;
    write_whole(VMCS_LINK_POINTER, true, 0x2000);
    assert_int_equal(ask(dump, false, 1), VERDICT_DEPENDS);
    assert_says("what stands in memory: link-pointer-");
    ask(dump, true, 1);
    assert_says("\"needs\": [\"memory\"]");
}

/* Of a CPU whose IA32_VMX_VMFUNC is not known it is unknown which VM functions there are. */
static void an_msr_is_named(void **state)
{
    unsigned vmfunc = IA32_VMX_VMFUNC - VMX_MSR_FIRST;

    (void)state;
    write_whole(VMCS_GUEST_RFLAGS, true, 2);
    strcat(dump, "VM-function controls: 0x1\n");
    ask(dump, false, 1);
    assert_does_not_say("IA32_VMX_VMFUNC");
    cpus[0].lacking = 1u << vmfunc;
    ask("PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS = 0x8401e172\n"
        "SECONDARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS = 0x2002\n"
        "VM_FUNCTION_CONTROLS = 1\n",
        true, 1);
    assert_says("\"IA32_VMX_VMFUNC\"");
    cpus[0].lacking = 0;
}

static void of_much_that_is_missing_the_most_wanted_is_told(void **state)
{
    (void)state;
    assert_int_equal(ask("GUEST_RFLAGS = 2\n", false, 1), VERDICT_DEPENDS);
    assert_says("Could not be checked: ");
    assert_says("  Primary processor-based VM-execution controls (");
    assert_says("  and others; --json has them all\n");
}

static void a_suspicion_is_told(void **state)
{
    (void)state;
    assert_int_equal(ask("HOST_RIP = 0\n", false, 1), VERDICT_DEPENDS);
    assert_says("\nAllowed, but often a mistake\n  host RIP is 0:");
    ask("HOST_RIP = 0\n", true, 1);
    assert_says("\"text\": \"host RIP is 0:");
    assert_says("\"Host RIP\"");
    ask("HOST_RIP = 1\n", false, 1);
    assert_does_not_say("Allowed, but");
}

static void two_dumps_are_numbered_and_the_worse_one_counts(void **state)
{
    (void)state;
    assert_int_equal(ask("GUEST_RFLAGS: 0\nGUEST_DR7: 0\nGUEST_RFLAGS: 2\n", false, 1),
                     VERDICT_REFUSED);
    assert_says("VMCS 1 of 2, line 1: list, 2 fields; on full\n");
    assert_says("\nVMCS 2 of 2, line 3: list, 1 field; on full\n");
}

static void an_emulators_words_are_told(void **state)
{
    static const char log[] = "00085435234e[CPU0  ] VMENTER FAIL: VMCS guest RFLAGS[1] cleared\n";

    (void)state;
    assert_int_equal(ask(log, false, 1), VERDICT_REFUSED);
    assert_says("line 1: Bochs refused a VM entry\n");
    assert_says("\nBroken: 1 rule\n  guest-rflags-bit-1\n");
    assert_int_equal(ask(log, true, 1), VERDICT_REFUSED);
    assert_says("\"rules\": [\"guest-rflags-bit-1\"]");
}

static void what_was_not_understood_is_told(void **state)
{
    static const char text[] = "GUEST_RFLAGS = 2\n*** Guest State ***\nCR3 = 0x1000\nFrob = 0x17\n";

    (void)state;
    ask(text, false, 1);
    assert_says("\nNot understood: 1 line\n  line 4: `Frob = 0x17`, expected ");
    ask(text, true, 1);
    assert_says("\"count\": 1");
    assert_says("\"text\": \"Frob = 0x17\"");
}

/* Every CPU of the corpus has a name, and values that allow an entry to be judged. */
static void the_corpus_is_asked(void **state)
{
    static struct entry_cpu asked[ENTRY_CPUS_MAX];
    unsigned count = entry_corpus(asked);

    (void)state;
    assert_in_range(count, 100, ENTRY_CPUS_MAX - 1);
    for (unsigned i = 0; i < count; i++) {
        assert_non_null(asked[i].id);
        assert_int_not_equal(vmx_msr_value(&asked[i].dump->msrs, IA32_VMX_BASIC), 0);
    }
}

/* Real processors and those that emulators imitate; of what hypervisors show too little is known.
 */
static void rows_of_both_kinds_count(void **state)
{
    static const char *const kinds[] = {"bare-metal", "emulator"};
    static struct entry_cpu asked[ENTRY_CPUS_MAX];
    unsigned count = entry_corpus(asked);

    (void)state;
    for (size_t kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++) {
        unsigned found = 0;

        for (unsigned i = 0; i < count; i++)
            found += strcmp(corpus_find(asked[i].id)->kind, kinds[kind]) == 0;
        if (found == 0)
            fail_msg("none of %s", kinds[kind]);
    }
}

/* A log of all VM exits: the last ones are told, with their numbers. */
static void of_many_the_last_are_told(void **state)
{
    char text[4096] = "";

    (void)state;
    for (unsigned i = 0; i < 66; i++)
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "GUEST_CR3 = 0x%u000\n", 10 + i);
    ask(text, false, 1);
    assert_says("The first 2 of 66 VMCSs are not told");
    assert_says("VMCS 3 of 66, line 3: ");
    assert_says("VMCS 66 of 66, line 66: ");
    assert_does_not_say("VMCS 2 of 66");
    ask(text, true, 1);
    assert_says("\"not_told\": 2");
    assert_says("\"line\": 66");
    assert_does_not_say("\"line\": 2,");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_both_kinds_count),
        cmocka_unit_test(of_many_the_last_are_told),
        cmocka_unit_test(one_rule_is_broken),
        cmocka_unit_test(two_rules_are_told_and_the_first_decides),
        cmocka_unit_test(what_the_processor_said_is_told),
        cmocka_unit_test(what_does_not_fit_is_told),
        cmocka_unit_test(what_depends_on_the_cpu_is_told),
        cmocka_unit_test(what_is_missing_is_named),
        cmocka_unit_test(memory_is_named),
        cmocka_unit_test(an_msr_is_named),
        cmocka_unit_test(of_much_that_is_missing_the_most_wanted_is_told),
        cmocka_unit_test(a_suspicion_is_told),
        cmocka_unit_test(two_dumps_are_numbered_and_the_worse_one_counts),
        cmocka_unit_test(an_emulators_words_are_told),
        cmocka_unit_test(what_was_not_understood_is_told),
        cmocka_unit_test(the_corpus_is_asked),
    };

    return cmocka_run_group_tests(tests, begin, NULL);
}
