/*
 * What the monitor answers, on the model CPU: the scripts of docs/monitor/, and line by line what
 * they leave out: names, numbers, bounds, and what is not done. Values are the model's, which is
 * Bochs's corei7_haswell_4770 (revision identifier 0x2b, 40 bits of physical addresses).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "tests/host/kernel/monitor/monitor_talk.h"

#define SCRIPTS TEST_DATA "/../../docs/monitor"

static void every_script_ends_as_it_expects(void **state)
{
    static char text[1 << 16], line[LINE_SIZE];
    unsigned scripts = 0;
    DIR *folder = opendir(SCRIPTS);

    (void)state;
    assert_non_null(folder);
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char path[sizeof(SCRIPTS) + sizeof(entry->d_name) + 1];
        struct command_text script = {text, 0};
        FILE *file;

        /* the model is one CPU */
        if (strstr(entry->d_name, ".mon") == NULL || strstr(entry->d_name, "another-cpu") != NULL)
            continue;
        (void)snprintf(path, sizeof(path), "%s/%s", SCRIPTS, entry->d_name);
        file = fopen(path, "r");
        assert_non_null(file);
        script.length = fread(text, 1, sizeof(text), file);
        (void)fclose(file);
        monitor_machine_reset(&nowhere);
        while (!monitor.left) {
            monitor_machine_obey(line_next(&script, "", line, &nowhere) ? line : "quit");
            if (monitor.failed)
                fail_msg("%s: %s: the answer is \"%s\"", entry->d_name, line, monitor.answer);
        }
        scripts++;
    }
    (void)closedir(folder);
    assert_true(scripts >= 20);
}

static void pages_have_names_of_their_own(void **state)
{
    (void)state;
    TALK({"alloc a", "=a = 0x100000, with revision id 0x2b\n"},
         {"alloc b", "=b = 0x101000, with revision id 0x2b\n"}, {"alloc a", "no page"},
         {"alloc A", "no page"}, {"alloc 12", "no page"}, {"alloc 0x12", "no page"},
         {"alloc a+1", "=unknown here: \"a+1\"\n"}, {"alloc a-b", "unknown here"},
         {"alloc a|b", "unknown here"}, {"alloc a&b", "unknown here"},
         {"alloc GUEST_RIP", "no page"}, {"alloc guest_rip", "no page"},
         {"alloc IA32_LSTAR", "no page"}, {"alloc abcdefghijklmnop", "no page"},
         {"alloc abcdefghijklmno", "=abcdefghijklmno = 0x102000, with revision id 0x2b\n"},
         {"state", "=CPU 0: CR4.VMXE 0, VMX operation off, current VMCS: none\n"
                   "  a, launch state: unknown\n  b, launch state: unknown\n"
                   "  abcdefghijklmno, launch state: unknown\n"},
         {"alloc", "=expected: alloc NAME\n"});
    for (unsigned i = 3; i < PAGES_MAX; i++) {
        char line[16];

        (void)snprintf(line, sizeof(line), "alloc p%u", i);
        assert_non_null(strstr(answer(line), "revision id"));
    }
    TALK({"alloc one_more", "no page"});
    assert_int_equal(model_pages_used(), PAGES_MAX);
    TALK({"reset", NULL}, {"alloc a", "=a = 0x100000, with revision id 0x2b\n"});
    assert_int_equal(model_pages_used(), 1);
}

static void without_memory_there_is_no_page(void **state)
{
    (void)state;
    model_pages_limit(0);
    TALK({"alloc a", "no page"}, {"a", "unknown here"});
    model_pages_limit(MODEL_PAGES);
    TALK({"vmxon", NULL});
    model_pages_limit(1);
    TALK({"setup", "=no page is left\n"});
}

/* SDM, "VMXON": the registers that it needs, which `vmxon` alone sets; and what `reset` undoes. */
static void vmxon_alone_sets_what_it_needs_and_reset_undoes_it(void **state)
{
    uint64_t cr0 = model_cpu.cr0 & ~(uint64_t)CR0_NE, cr4 = model_cpu.cr4;

    (void)state;
    model_cpu.cr0 = cr0;
    model_cpu.feature_control = 0;
    monitor_init(&nowhere);
    TALK({"vmxon", "=vmxon0 = 0x100000, with revision id 0x2b\n"
                   "VMsucceed; there is no current VMCS yet\n"});
    assert_int_equal(model_cpu.feature_control & 5, 5);
    assert_int_equal(model_cpu.cr0, cr0 | CR0_NE);
    assert_int_equal(model_cpu.cr4, cr4 | CR4_VMXE);
    TALK({"state", "=CPU 0: CR4.VMXE 1, VMX operation on, current VMCS: none\n"
                   "  vmxon0, launch state: unknown\n"},
         {"vmxoff", "=VMsucceed; CR4.VMXE stays\n"},
         {"vmxon", "=VMsucceed; there is no current VMCS yet\n"}, {"reset", NULL});
    assert_false(model_cpu.vmx_operation);
    assert_int_equal(model_cpu.cr0, cr0);
    assert_int_equal(model_cpu.cr4, cr4);
    assert_int_equal(model_pages_used(), 0);
}

/* Without VMX there is no register to set and no page to make: the processor's #UD is told. */
static void without_vmx_there_is_the_processors_answer(void **state)
{
    (void)state;
    model_cpu.vmx = false;
    TALK({"vmxon", "#UD; this processor has no VMX"}, {"vmxoff", "#UD; this processor has no VMX"});
    assert_int_equal(model_pages_used(), 0);
}

static void a_failed_expectation_stays(void **state)
{
    (void)state;
    TALK({"expect", "=expected: expect TEXT\n"}, {"alloc v", NULL}); /* before any answer */
    monitor.failed = false;
    TALK({"alloc v", NULL}, {"expect no page", NULL}, {"reset", NULL},
         {"expect", "=expected: expect TEXT\n"}, {"reset", NULL});
    monitor.failed = false;
    TALK({"alloc v", NULL}, {"expect v = 0x100000", NULL});
    assert_false(monitor.failed);
    TALK({"expect revision id 0x2b", NULL});
    assert_false(monitor.failed);
    TALK({"expect revision id 0x2c", NULL});
    assert_true(monitor.failed);
    TALK({"reset", NULL});
    assert_true(monitor.failed);
    assert_false(monitor.left);
    TALK({"quit", NULL});
    assert_true(monitor.left);
}

/* Nobody sees a script's answers: what the monitor could make nothing of must not pass for done. */
static void a_line_that_is_not_understood_fails_unless_it_is_expected(void **state)
{
    static const struct {
        const char *line, *next;
        bool failed;
    } rows[] = {
        {"vmlunch", "state", true},
        {"vmlunch", "quit", true}, /* as the end of a script is */
        {"vmlunch", "vmlunch", true},
        {"vmlunch", "expect the nearest is vmlaunch", false},
        {"vmlunch", "expect something else", true},
        {"vmread GUEST_RIQ", "state", true},
        {"vmwrite GUEST_RIP", "state", true},
        {"cr 0 1 2", "state", true},
        {"cr 3", "state", true},
        {"cr 3", "expect 0 or 4", false},
        {"out 0x10000 0", "state", true},
        {"mem write 0 100", "state", true},
        {"alloc 12", "state", true},
        {"ept map 0x1000000000000 v", "state", true},
        {"ept map 0x1000 v rwx 8", "state", true},
        {"expect", "state", true},
        {"vmclear v", "state", false}, /* #UD, "not done" and the like are answers */
        {"vmclear 0x150000", "state", false},
        {"mem read 0xfffffffffffff000", "state", false},
        {"wrmsr IA32_EFER 0", "state", false},
        {"ept map 0x1000 0x150000", "state", false},
        {"", "state", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        monitor_machine_reset(&nowhere);
        TALK({"alloc v", NULL}, {rows[i].line, NULL});
        assert_false(monitor.failed);
        TALK({rows[i].next, NULL}, {"quit", NULL});
        if (monitor.failed != rows[i].failed)
            fail_msg("%s, %s", rows[i].line, rows[i].next);
    }
}

static void memory_is_shown_and_written_byte_by_byte(void **state)
{
    (void)state;
    TALK({"alloc v", NULL}, {"alloc w", NULL}, {"mem write v+8 01 02 a3", "=3 bytes written\n"},
         {"mem read v+8 3", "=01 02 a3\n"},
         {"mem read v", "=2b 00 00 00 00 00 00 00 01 02 a3 00 00 00 00 00\n"},
         {"mem read v+1 17", "=00 00 00 00 00 00 00 01 02 a3 00 00 00 00 00 00\n00\n"},
         {"mem read v 1", "=2b\n"}, {"mem write v 100", "=unknown here: \"100\"\n"},
         {"mem write v 1 zz 2", "=unknown here: \"zz\"\n"},
         {"mem write v 90b8cdabf4", "=unknown here: \"90b8cdabf4\"\n"},
         {"mem  write \t v  2b   0 ", "=2 bytes written\n"}, {"mem read v  2 ", "=2b 00\n"},
         {"mem write v+0xffe 1 2 ff", "=3 bytes written\n"}, {"mem read w 1", "=ff\n"},
         {"mem read v+0xffe 2", "=01 02\n"}, {"mem write w+0xfff 1 2", "1 bytes written"},
         {"mem write 0x0 1", "not done: 0x0 is no page of the monitor's"},
         {"mem write 0x150000 1", "not done: 0x150000 is its page pool; `alloc NAME` gives a page"},
         {"mem read 0xfffffffffffff000", "no RAM to be shown at 0xfffffffffffff000"},
         {"mem read v 0", "="},
         {"mem read v 4096", "=2b 00 00 00 00 00 00 00 01 02 a3 00 00 00 00 00\n"});
    assert_int_equal(strlen(answer("mem read v 4095")), 3 * 4095);
}

/* What Rootmode itself runs on: SDM Vol. 4; an MTRR is 0x200 to 0x2ff, x2APIC's are 0x800 to 0x8ff.
 */
static void what_rootmode_runs_on_is_not_written(void **state)
{
    static const uint32_t vital[] = {0x10,  0x3b,  0x1b,  0xc0000080, 0xc0000101, 0x200,
                                     0x277, 0x2ff, 0x800, 0x83f,      0x8ff};
    static const uint32_t others[] = {0x1a,  0x1c,  0xc0000081, 0xc0000100,
                                      0x1ff, 0x300, 0x7ff,      0x900};
    char line[40];

    (void)state;
    for (size_t i = 0; i < sizeof(vital) / sizeof(vital[0]); i++) {
        (void)snprintf(line, sizeof(line), "wrmsr %#x 0", vital[i]);
        assert_string_equal(answer(line), "not done: Rootmode runs on this MSR\n");
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        (void)snprintf(line, sizeof(line), "wrmsr %#x 0", others[i]);
        assert_null(strstr(answer(line), "not done"));
    }
    /* SDM Vol. 4, "IA32_MISC_ENABLE": bit 34 is XD Bit Disable */
    TALK({"wrmsr 0x1a0 0x400000000", "=not done: Rootmode runs on this MSR\n"},
         {"wrmsr 0x1a0 0x3ffffffff", NULL});
    assert_null(strstr(monitor.answer, "not done"));
    TALK({"rdmsr IA32_VMX_BASIC", "=is 0xd810000000002b\n"},
         {"wrmsr IA32_LSTAR 0x1234", "=is 0x1234\n"}, {"rdmsr IA32_LSTAR", "=is 0x1234\n"},
         {"wrmsr IA32_VMX_BASIC 0", "=#GP; 0x0\n"}, {"wrmsr 0x3a 4", "=#GP; 0x4\n"});
}

static void what_it_took_is_given_back(void **state)
{
    unsigned before = model_pages_used();

    (void)state;
    TALK({"alloc v", NULL}, {"vmxon", NULL}, {"ept map 0 v", "=mapped\n"});
    assert_true(model_pages_used() > before);
    monitor_forget();
    assert_int_equal(model_pages_used(), before);
}

static void control_registers_ports_and_cpuid(void **state)
{
    (void)state;
    TALK({"in 0x10064", "=more than 16 bits: \"0x10064\"\n"}, {"in 0xffff", "=is 0xff\n"},
         {"out 0x10064 0", "more than 16 bits"},
         {"out 0x60 0x100", "=more than 8 bits: \"0x100\"\n"}, {"out 0x60 0xff", "="},
         {"rdmsr 0x10000003a", "=more than 32 bits: \"0x10000003a\"\n"},
         {"wrmsr 0x10000003a 0", "more than 32 bits"}, {"rdmsr 0xffffffff", "#GP"},
         {"cpuid 0x100000000", "more than 32 bits"}, {"cpuid 0 0x100000000", "more than 32 bits"},
         {"cpu 0x100000001", "=more than 32 bits: \"0x100000001\"\n"});
    assert_int_equal(monitor.wanted_cpu, 0);
    TALK({"cr 3", "=0 or 4\n"}, {"cr 8 0", "=0 or 4\n"}, {"cr 0x100000000 0", "=0 or 4\n"});
    TALK({"cr 0", "=CR0 0x80010033\n"}, {"cr 4", "CR4 0x"}, {"cr 4 0xffffffff", "#GP; 0x"},
         {"cr 4 0x2020", "=CR4 0x2020\n"}, {"cr 4", "=CR4 0x2020\n"},
         {"cr 0 0x80010013", "=CR0 0x80010013\n"}, {"in 0x60", "=is 0xff\n"}, {"out 0x60 1", "="},
         {"cpuid 0x80000008", "=EAX 0x00000028  EBX 0x00000000  ECX 0x00000000  EDX 0x00000000\n"},
         {"state", "CR4.VMXE 1, VMX operation off"},
         {"regs", "RIP 0x0000000000000000  RFL 0x0000000000000000\n"}); /* there is no VMCS */
}

/* What the processor would refuse anyway is tried; what it would take is not. */
static void regions_are_the_monitors_own(void **state)
{
    (void)state;
    TALK(CURRENT, {"vmclear 0x150000", "not done: 0x150000 is its page pool"},
         {"vmclear 0x150001", "VMfailValid 2 (VMCLEAR with invalid physical address); the address "
                              "is no multiple of 4096"},
         {"vmclear 0x10000000000",
          "VMfailValid 2 (VMCLEAR with invalid physical address); physical addresses have 40 bits"},
         {"vmclear 0xfffffff000", "not done: 0xfffffff000 is no page of the monitor's"},
         {"vmptrld 0x150000", "not done: 0x150000 is its page pool"},
         {"vmptrst", "=VMsucceed; current VMCS: v\n"}, {"vmclear v+0x1000", "not done"},
         {"vmptrld v", "=VMsucceed; current VMCS: v, launch state: clear\n"},
         {"vmclear v", "=VMsucceed; launch state of v: clear\n"},
         {"vmptrst", "=VMsucceed; current VMCS: none\n"}, {"vmptrld 0xfffffff000", "not done"});
    TALK({"alloc w", NULL},
         {"vmptrld w", "=VMsucceed; current VMCS: w, launch state: unknown\n"
                       "  it was never cleared: VMCLEAR comes first\n"},
         {"cpu 1", "="}, {"vmptrld w", "  it is active on CPU 0: VMCLEAR there comes first\n"},
         {"vmclear w", NULL}, {"vmptrld w", "=VMsucceed; current VMCS: w, launch state: clear\n"});
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_script_ends_as_it_expects, begin),
        cmocka_unit_test_setup(pages_have_names_of_their_own, begin),
        cmocka_unit_test_setup(without_memory_there_is_no_page, begin),
        cmocka_unit_test_setup(vmxon_alone_sets_what_it_needs_and_reset_undoes_it, begin),
        cmocka_unit_test_setup(without_vmx_there_is_the_processors_answer, begin),
        cmocka_unit_test_setup(a_failed_expectation_stays, begin),
        cmocka_unit_test_setup(a_line_that_is_not_understood_fails_unless_it_is_expected, begin),
        cmocka_unit_test_setup(memory_is_shown_and_written_byte_by_byte, begin),
        cmocka_unit_test_setup(what_rootmode_runs_on_is_not_written, begin),
        cmocka_unit_test_setup(what_it_took_is_given_back, begin),
        cmocka_unit_test_setup(control_registers_ports_and_cpuid, begin),
        cmocka_unit_test_setup(regions_are_the_monitors_own, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
