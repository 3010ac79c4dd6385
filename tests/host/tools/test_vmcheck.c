/*
 * tools/vmcheck's readers and verdict: for each rule of a VM entry an image that breaks it (those
 * of vmx/selftest/vmentry_trials.def), written in each format, read back, and checked: that rule
 * and no other. What is right comes from the trials, not from the reader.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "lib/x86_registers.h"
#include "tests/host/tools/vmcs_formats.h"
#include "tests/host/vmentry_ground.h"
#include "tools/entry/field_name.h"
#include "tools/entry/read_vmcs.h"

static struct vmcs_text text;
static char buffer[1 << 16];
static struct vmentry_findings findings;

/* From a copy of the text's exact size, so that the sanitizers see a step beyond it. */
static void read_bytes(const char *bytes, size_t length)
{
    char *copy = malloc(length > 0 ? length : 1);

    assert_non_null(copy);
    memcpy(copy, bytes, length);
    vmcs_text_free(&text);
    vmcs_text_read(copy, length, &text);
    free(copy);
}

static void read_string(const char *string)
{
    read_bytes(string, strlen(string));
}

static int end(void **state)
{
    (void)state;
    vmcs_text_free(&text);
    return 0;
}

static size_t write_in(enum text_format format, const struct vmcs_image *image)
{
    struct text_buffer sink;

    text_buffer_init(&sink, buffer, sizeof(buffer));
    vmcs_text_write(format, image, &sink.sink);
    assert_int_equal(sink.lost, 0);
    return sink.length;
}

/*
 * Of registers as the guest sees them NE and VMXE are added, what a narrower form does not show is
 * lost, and a segment that is not present is unusable, as it is to KVM.
 */
static bool may_differ(enum vmcs_field field, uint64_t written, uint64_t read)
{
    switch (field) {
    case VMCS_GUEST_CR0:
        return read == (written | CR0_NE) || read == ((uint32_t)written | CR0_NE);
    case VMCS_GUEST_CR4:
        return read == (written | CR4_VMXE) || read == ((uint32_t)written | CR4_VMXE);
    case VMCS_GUEST_RFLAGS:
        return read == (uint32_t)written;
    case VMCS_GUEST_GDTR_LIMIT:
    case VMCS_GUEST_IDTR_LIMIT:
        return read == (written & 0xffff);
    case VMCS_EXIT_REASON:
        return true; /* QEMU says it */
    default:
        return field >= VMCS_GUEST_ES_ACCESS_RIGHTS && field <= VMCS_GUEST_TR_ACCESS_RIGHTS &&
               (read == RIGHTS_UNUSABLE ? written & RIGHTS_UNUSABLE || !(written & RIGHTS_P)
                                        : read == (written & 0xf0ff));
    }
}

static bool altered; /* not all that was read is what was written */

/* What was read is what was written, and of a list all of it. */
static void assert_read_back(enum text_format format, const struct vmcs_image *image)
{
    altered = false;
    if (text.count != 1)
        fail_msg("format %u: %zu dumps of\n%s", format, text.count, buffer);
    for (uint32_t row = 0; row < VMCS_FIELD_COUNT; row++) {
        bool present = text.dump[0].image.present[row];

        if (present && text.dump[0].image.value[row] != image->value[row]) {
            altered = true;
            if (vmcs_text_alters(format) &&
                may_differ(vmcs_field_table[row].field, image->value[row],
                           text.dump[0].image.value[row]))
                continue;
            fail_msg("format %u, %s: read %#lx, written %#lx in\n%s", format,
                     vmcs_field_table[row].name, text.dump[0].image.value[row], image->value[row],
                     buffer);
        }
        if (vmcs_text_shows_all(format) && present != image->present[row])
            fail_msg("format %u, %s: not read of\n%s", format, vmcs_field_table[row].name, buffer);
    }
    if (text.not_understood != 0)
        fail_msg("format %u, not understood: line %u, %s", format, text.passed[0].line,
                 text.passed[0].text);
}

static bool tries(const struct vmentry_trial *trial, struct vmcs_image *image)
{
    if (!vmentry_trial_keep(&ground, trial, image))
        return false;
    vmentry_trial_break(&ground, trial, image);
    vmentry_check(image, &ground_context, &findings);
    for (uint32_t i = 0; i < findings.count; i++) {
        if (!vmentry_trial_breaks(trial, findings.item[i].rule))
            return false;
    }
    return vmentry_has(&findings, trial->rule);
}

static void every_rule_is_read_from_every_format(void **state)
{
    struct vmentry_trial trial = {0};
    unsigned checked[TEXT_FORMAT_COUNT] = {0};

    (void)state;
    while (vmentry_trial_next(&trial)) {
        struct vmcs_image image;

        ground_reset(GROUND_ALL);
        if (!tries(&trial, &image))
            continue;
        for (enum text_format format = 0; format < TEXT_FORMAT_COUNT; format++) {
            read_bytes(buffer, write_in(format, &image));
            assert_read_back(format, &image);
            vmentry_check(&text.dump[0].image, &ground_context, &findings);
            for (uint32_t i = 0; i < findings.count && !altered; i++)
                assert_true(vmentry_trial_breaks(&trial, findings.item[i].rule));
            if (altered)
                assert_true(vmcs_text_alters(format));
            else if (vmentry_is_unchecked(&findings, trial.rule) &&
                     !vmentry_has(&findings, trial.rule))
                assert_false(vmcs_text_shows_all(format));
            else
                assert_true(vmentry_has(&findings, trial.rule));
            checked[format] += vmentry_has(&findings, trial.rule);
        }
    }
    /* KVM and Xen print what their own guests use, the last ones registers alone. */
    assert_true(checked[TEXT_SDM] > 250);
    for (enum text_format format = 0; format < TEXT_FORMAT_COUNT; format++) {
        unsigned least = vmcs_text_shows_all(format) ? checked[TEXT_SDM]
                         : vmcs_text_alters(format)  ? 60
                                                     : 150;

        if (checked[format] < least)
            fail_msg("format %u: %u rules", format, checked[format]);
    }
}

static void every_field_is_known_by_its_names(void **state)
{
    char name[FIELD_NAME_MAX];

    (void)state;
    for (uint32_t row = 0; row < VMCS_FIELD_COUNT; row++) {
        struct field_named named;

        field_name_plain(piece_of(vmcs_field_table[row].name), name);
        named = field_named(name, PART_ANY);
        assert_true(named.known);
        if (named.field != vmcs_field_table[row].field)
            fail_msg("%s is taken for %s", vmcs_field_table[row].name,
                     vmcs_field_table[vmcs_field_index(named.field)].name);
    }
}

static uint64_t value_of(size_t dump, enum vmcs_field field)
{
    assert_true(text.count > dump);
    assert_true(vmcs_image_has(&text.dump[dump].image, field));
    return vmcs_image_get(&text.dump[dump].image, field);
}

static void noise_holds_no_dump(void **state)
{
    static const char linux_log[] =
        "Linux version 6.1.0 (gcc 12) #1 SMP\n[    0.000000] BIOS-e820: [mem 0x0-0x9fbff] usable\n";
    static const char oops[] = "RIP: 0010:ffffffff81000000\nCode: 48 89 e5 0f 01 c2\nRSP: "
                               "0018:ffffc900 EFLAGS: 00010246\n";
    static const char *const noise[] = {
        "",
        "\n\n\n",
        linux_log,
        oops,
        "00000000  7f 45 4c 46 02 01 01 00\n",
        "0x00 0x48 0x65 0x6c\n",
        "[2] 17\n[4002]     0  4002     5432\nCPU[0] = 5\n",
        "[0?\n&17\n",
        "\x7f\x45\x4c\x46((((((([[[[[[====::::\x01\x02\xff",
        "*** Guest State ***\n*** Host State ***\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(noise) / sizeof(noise[0]); i++) {
        read_string(noise[i]);
        if (text.count != 0)
            fail_msg("found a dump in\n%s", noise[i]);
    }
}

static void two_dumps_are_two(void **state)
{
    (void)state;
    read_string("GUEST_CR0 = 0x80000021\nGUEST_RFLAGS = 2\n\nGUEST_CR0 = 0x21\nGUEST_RFLAGS = 2\n");
    assert_int_equal(text.count, 2);
    assert_int_equal(value_of(0, VMCS_GUEST_CR0), 0x80000021);
    assert_int_equal(value_of(1, VMCS_GUEST_CR0), 0x21);
    assert_int_equal(text.dump[1].line, 4);
    read_string("*** Guest State ***\nCR3 = 0x1000\n*** Host State ***\nCR3 = 0x2000\n"
                "*** Guest State ***\nCR3 = 0x3000\n");
    assert_int_equal(text.count, 2);
    assert_int_equal(value_of(0, VMCS_HOST_CR3), 0x2000);
    assert_int_equal(value_of(1, VMCS_GUEST_CR3), 0x3000);
    assert_false(vmcs_image_has(&text.dump[1].image, VMCS_HOST_CR3));
}

static void encodings_are_read_as_people_write_them(void **state)
{
    static const char *const lists[] = {
        "0x6800 = 0x21\n",  "0x6800 0x21\n",
        "6800 = 21\n",      "VMCS[0x6800] = 0x21\n",
        "VMCS[6800]: 21\n", "vmread 0x6800 -> 21\n",
        "0x6800: 21h\n",    "{\n\"encoding\": \"0x6800\",\n\"value\": \"0x21\"}\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        read_string(lists[i]);
        if (text.count != 1 || vmcs_image_get(&text.dump[0].image, VMCS_GUEST_CR0) != 0x21)
            fail_msg("not read: %s", lists[i]);
    }
}

/* What hasty readers get wrong. */
static void a_value_that_is_not_the_field_is_not_read(void **state)
{
    (void)state;
    read_string("*** Guest State ***\nEFER= 0x0000000000000500 (effective)\nCR3 = 0x1000\n");
    assert_false(vmcs_image_has(&text.dump[0].image, VMCS_GUEST_IA32_EFER));
    read_string("GUEST_ES_SELECTOR = 0x12345\nGUEST_CS_SELECTOR = 8\n");
    assert_false(vmcs_image_has(&text.dump[0].image, VMCS_GUEST_ES_SELECTOR));
    assert_int_equal(text.not_understood, 1);
    assert_int_equal(text.passed[0].line, 1);
    read_string("*** Guest State ***\nCR3 = 0x1000\nFrobnicator = 0x17\n");
    assert_int_equal(text.not_understood, 1);
    assert_string_equal(text.passed[0].text, "Frobnicator = 0x17");
}

/* A 32-bit host's halves: CS and EIP of SYSENTER are two numbers, whatever joins them. */
static void a_32_bit_host_is_read(void **state)
{
    (void)state;
    read_string("*** Host State ***\nRIP = 0xc0401000  RSP = 0xf5a01d60\n"
                "Sysenter RSP=f5a01e00 CS:RIP=0060:c0401234\n");
    assert_int_equal(value_of(0, VMCS_HOST_IA32_SYSENTER_CS), 0x60);
    assert_int_equal(value_of(0, VMCS_HOST_IA32_SYSENTER_EIP), 0xc0401234);
}

/* A report of Rootmode says much about VMCSs beside the one that it dumps. */
static void of_a_report_the_dump_alone_is_read(void **state)
{
    (void)state;
    read_string("vmcs_config, as KVM derives it\n  pin_based_exec_ctrl       0x3f\n"
                "  vmexit_ctrl               0x3fefff\n\nControls that are on\n"
                "  pin-based VM-execution controls                 0x0000003f\n"
                "\nGuests, and their VM exits by reason\n"
                "       VM-instruction error 7: a control field is wrong.\n"
                "         Guest RFLAGS: seen 0x0, wanted for example 0x2; set bit 1\n"
                "\nVMCS of the guest x on CPU 0, after its end\n"
                "Control fields\n  Pin-based VM-execution controls   0x0000007f\n"
                "Guest state\n> Guest RFLAGS   0x0000000000000002\n");
    assert_int_equal(text.count, 1);
    assert_int_equal(text.dump[0].format, VMCS_FORMAT_ROOTMODE);
    assert_int_equal(value_of(0, VMCS_PIN_BASED_VM_EXECUTION_CONTROLS), 0x7f);
    assert_int_equal(value_of(0, VMCS_GUEST_RFLAGS), 2);
    assert_false(vmcs_image_has(&text.dump[0].image, VMCS_VM_INSTRUCTION_ERROR));
    read_string(
        "\"vmcs_config\": {\n\"pin_based_exec_ctrl\": \"0x3f\",\n\"vmentry_ctrl\": \"0xd3ff\"}\n"
        "\"class\": \"exit reason 33\",\n\"rule\": \"guest-rflags-bit-1\",\n"
        "\"field\": \"Exit reason\",\n\"encoding\": \"0x4402\",\n"
        "\"value\": \"0x0\",\n\"text\": \"exception, vector 14\"},{\n"
        "\"Guest RFLAGS\": \"0x2\"\n\"log\": \"GUEST_CR0 = 0x21\"\n");
    assert_int_equal(text.count, 1);
    assert_int_equal(value_of(0, VMCS_EXIT_REASON), 0);
    assert_int_equal(value_of(0, VMCS_GUEST_RFLAGS), 2);
    assert_int_equal(value_of(0, VMCS_GUEST_CR0), 0x21);
}

/* QEMU shows the descriptor's second word and what the guest sees of CR4. */
static void qemu_registers_are_read(void **state)
{
    (void)state;
    read_string("KVM: entry failed, hardware error 0x80000021\n"
                "EAX=00000000 EBX=00000000 ECX=00000000 EDX=000306c3\n"
                "ESI=00000000 EDI=00000000 EBP=00000000 ESP=00006f00\n"
                "EIP=0000fff0 EFL=00000002 [-------] CPL=0 II=0 A20=1 SMM=0 HLT=0\n"
                "ES =0000 00000000 0000ffff 00009300\n"
                "CS =f000 ffff0000 0000ffff 00009b00 DPL=0 CS16 [-RA]\n"
                "LDT=0000 00000000 0000ffff 00008200\n"
                "TR =0000 00000000 0000ffff 00008b00\n"
                "GDT=     000f6000 00000037\nIDT=     00001000 000003ff\n"
                "CR0=60000010 CR2=00000000 CR3=00000000 CR4=00000000\n"
                "DR6=00000000ffff0ff0 DR7=0000000000000400\nEFER=0000000000000000\n");
    assert_int_equal(text.count, 1);
    assert_int_equal(text.dump[0].format, VMCS_FORMAT_QEMU);
    assert_int_equal(value_of(0, VMCS_EXIT_REASON), 0x80000021);
    assert_int_equal(value_of(0, VMCS_GUEST_RIP), 0xfff0);
    assert_int_equal(value_of(0, VMCS_GUEST_RFLAGS), 2);
    assert_int_equal(value_of(0, VMCS_GUEST_CS_BASE), 0xffff0000);
    assert_int_equal(value_of(0, VMCS_GUEST_CS_ACCESS_RIGHTS), 0x9b);
    assert_int_equal(value_of(0, VMCS_GUEST_LDTR_ACCESS_RIGHTS), 0x82);
    assert_int_equal(value_of(0, VMCS_GUEST_GDTR_LIMIT), 0x37);
    assert_int_equal(value_of(0, VMCS_GUEST_CR4), 0x2000);
    assert_int_equal(value_of(0, VMCS_GUEST_CR0), 0x60000030);
}

/* "hardware error" is an exit reason where bit 31 says so, else a VM-instruction error. */
static void what_qemu_says_belongs_to_the_dump_that_follows(void **state)
{
    (void)state;
    read_string("KVM: entry failed, hardware error 0x7\nEAX=00000000 EBX=00000000\n"
                "EIP=0000fff0 EFL=00000002 [-------] CPL=0 II=0 A20=1 SMM=0 HLT=0\n");
    assert_int_equal(value_of(0, VMCS_VM_INSTRUCTION_ERROR), 7);
    assert_false(vmcs_image_has(&text.dump[0].image, VMCS_EXIT_REASON));
    read_string("GUEST_RFLAGS = 2\nKVM: entry failed, hardware error 0x80000021\n"
                "GUEST_DR7 = 0x400\n");
    assert_int_equal(text.count, 2);
    assert_false(vmcs_image_has(&text.dump[0].image, VMCS_EXIT_REASON));
    assert_int_equal(value_of(1, VMCS_EXIT_REASON), 0x80000021);
    assert_int_equal(value_of(1, VMCS_GUEST_DR7), 0x400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rule_is_read_from_every_format),
        cmocka_unit_test(every_field_is_known_by_its_names),
        cmocka_unit_test(noise_holds_no_dump),
        cmocka_unit_test(encodings_are_read_as_people_write_them),
        cmocka_unit_test(two_dumps_are_two),
        cmocka_unit_test(a_value_that_is_not_the_field_is_not_read),
        cmocka_unit_test(a_32_bit_host_is_read),
        cmocka_unit_test(of_a_report_the_dump_alone_is_read),
        cmocka_unit_test(qemu_registers_are_read),
        cmocka_unit_test(what_qemu_says_belongs_to_the_dump_that_follows),
    };

    return cmocka_run_group_tests(tests, NULL, end);
}
