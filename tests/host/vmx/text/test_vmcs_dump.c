/*
 * A VMCS reported: each decoded field against values put together by hand from the SDM's tables,
 * and the whole in text and JSON: what the image has, all of it, and nothing else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "vmx/text/vmcs_dump.h"
#include "vmx/capability/vmx_controls.h"

static char text[65536];
static struct text_buffer buffer;
static struct vmcs_image image;

static int reset(void **state)
{
    (void)state;
    memset(&image, 0, sizeof image);
    text_buffer_init(&buffer, text, sizeof text);
    return 0;
}

static void each_field_is_reported_in_words(void **state)
{
    static const struct {
        enum vmcs_field field;
        uint64_t value;
        const char *wanted;
    } rows[] = {
        {VMCS_PIN_BASED_VM_EXECUTION_CONTROLS, 0x9, "external-interrupt exiting, NMI exiting"},
        /* Bits 1, 2 and 4 are of the default1 class and have no name. */
        {VMCS_PIN_BASED_VM_EXECUTION_CONTROLS, 0x17, "external-interrupt exiting, bits 0x16"},
        {VMCS_PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS, 0x90000080,
         "HLT exiting, use MSR bitmaps, activate secondary controls"},
        {VMCS_SECONDARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS, 0xa2,
         "enable EPT, enable VPID, unrestricted guest"},
        {VMCS_SECONDARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS, 0, "none"},
        {VMCS_TERTIARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS, 0x12,
         "enable HLAT, IPI virtualization"},
        {VMCS_SECONDARY_VM_EXIT_CONTROLS, 0x3, "save FRED, load FRED"},
        {VMCS_VM_FUNCTION_CONTROLS, 0x1, "EPTP switching"},
        {VMCS_PRIMARY_VM_EXIT_CONTROLS, 0x200, "host address-space size"},
        {VMCS_VM_ENTRY_CONTROLS, 0x8200, "IA-32e mode guest, load IA32_EFER"},
        {VMCS_EXCEPTION_BITMAP, 1u << 1 | 1u << 14 | 1u << 31, "#DB, #PF, bits 0x80000000"},
        /* Memory type 6, 4 levels less 1, accessed and dirty flags in bit 6 */
        {VMCS_EPT_POINTER, 0x123456000 | 6 | 3 << 3 | 1 << 6,
         "tables at 0x123456000, 4 levels, memory type WB, accessed and dirty flags"},
        {VMCS_EPT_POINTER, 0x1000 | 0 | 4 << 3, "tables at 0x1000, 5 levels, memory type UC"},
        {VMCS_LINK_POINTER, UINT64_MAX, "none"},
        {VMCS_LINK_POINTER, 0x1000, ""},
        /* Access rights: 3:0 type, 4 S, 6:5 DPL, 7 P, 12 AVL, 13 L, 14 D/B, 15 G, 16 unusable */
        {VMCS_GUEST_CS_ACCESS_RIGHTS, 0xa09b,
         "code, readable, accessed, DPL 0, present, 64-bit, limit in pages"},
        {VMCS_GUEST_CS_ACCESS_RIGHTS, 0x409e, "code, readable, conforming, DPL 0, present, 32-bit"},
        {VMCS_GUEST_SS_ACCESS_RIGHTS, 0xc0f3,
         "data, writable, accessed, DPL 3, present, 32-bit, limit in pages"},
        {VMCS_GUEST_DS_ACCESS_RIGHTS, 0x0015, "data, expand-down, accessed, DPL 0, not present"},
        {VMCS_GUEST_TR_ACCESS_RIGHTS, 0x008b, "busy TSS, DPL 0, present"},
        {VMCS_GUEST_TR_ACCESS_RIGHTS, 0x0083, "busy 16-bit TSS, DPL 0, present"},
        {VMCS_GUEST_LDTR_ACCESS_RIGHTS, 0x0082, "LDT, DPL 0, present"},
        {VMCS_GUEST_LDTR_ACCESS_RIGHTS, 0x10000, "unusable"},
        /* SDM Vol. 3, "Control Registers": PE 0, MP 1, NE 5, PG 31; PAE 5, VMXE 13, CET 23 */
        {VMCS_GUEST_CR0, 0x80000023, "PE, MP, NE, PG"},
        {VMCS_HOST_CR0, 0x80000008, "TS, PG"},
        {VMCS_CR0_GUEST_HOST_MASK, 0xffffffff00000020, "NE, bits 0xffffffff00000000"},
        {VMCS_CR0_READ_SHADOW, 0, "none"},
        {VMCS_GUEST_CR4, 0x802020, "PAE, VMXE, CET"},
        {VMCS_HOST_CR4, 0x2000, "VMXE"},
        {VMCS_CR4_GUEST_HOST_MASK, 0x2000, "VMXE"},
        {VMCS_CR4_READ_SHADOW, 0x20, "PAE"},
        {VMCS_GUEST_IA32_EFER, 0xd01, "SCE, LME, LMA, NXE"},
        {VMCS_HOST_IA32_EFER, 0x1500, "LME, LMA, bits 0x1000"},
        {VMCS_GUEST_RFLAGS, 0x2, "none, IOPL 0"},
        /* CF 0, ZF 6, IF 9, IOPL 13:12, AC 18 */
        {VMCS_GUEST_RFLAGS, 0x43243, "CF, ZF, IF, AC, IOPL 3"},
        {VMCS_GUEST_INTERRUPTIBILITY_STATE, 0, "none"},
        {VMCS_GUEST_INTERRUPTIBILITY_STATE, 0x9, "blocking by STI, blocking by NMI"},
        {VMCS_GUEST_INTERRUPTIBILITY_STATE, 0x26, "blocking by MOV SS, blocking by SMI, bits 0x20"},
        {VMCS_GUEST_ACTIVITY_STATE, 0, "active"},
        {VMCS_GUEST_ACTIVITY_STATE, 1, "HLT"},
        {VMCS_GUEST_ACTIVITY_STATE, 3, "wait-for-SIPI"},
        {VMCS_GUEST_ACTIVITY_STATE, 4, "reserved"},
        {VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS, 0x5001,
         "breakpoint 0, enabled breakpoint, single step"},
        {VMCS_VM_INSTRUCTION_ERROR, 7, "VM entry with invalid control field(s)"},
        {VMCS_VM_INSTRUCTION_ERROR, 0, "none"},
        {VMCS_VM_INSTRUCTION_ERROR, 14, "not defined"},
        {VMCS_EXIT_REASON, 0x80000022, "VM-entry failure due to MSR loading; VM-entry failure"},
        {VMCS_GUEST_RIP, 0x1000, ""},
    };

    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        reset(state);
        vmcs_image_set(&image, rows[i].field, rows[i].value);
        vmcs_field_print(&buffer.sink, &image, rows[i].field);
        assert_string_equal(text, rows[i].wanted);
    }
}

/* What an event or a qualification means is reported by other fields too. */
static void fields_that_explain_each_other_are_reported_together(void **state)
{
    (void)state;
    vmcs_image_set(&image, VMCS_VM_EXIT_INTERRUPTION_INFORMATION, 0x80000b0e);
    vmcs_image_set(&image, VMCS_VM_EXIT_INTERRUPTION_ERROR_CODE, 0x7);
    vmcs_image_set(&image, VMCS_EXIT_QUALIFICATION, 0xdead000);
    vmcs_image_set(&image, VMCS_EXIT_REASON, 0);
    vmcs_field_print(&buffer.sink, &image, VMCS_VM_EXIT_INTERRUPTION_INFORMATION);
    assert_string_equal(text, "hardware exception 14 (#PF), error code 0x7");
    reset(state);
    vmcs_image_set(&image, VMCS_IDT_VECTORING_INFORMATION, 0x80000b0d);
    vmcs_image_set(&image, VMCS_IDT_VECTORING_ERROR_CODE, 0x10);
    vmcs_field_print(&buffer.sink, &image, VMCS_IDT_VECTORING_INFORMATION);
    assert_string_equal(text, "hardware exception 13 (#GP), error code 0x10");
    reset(state);
    vmcs_image_set(&image, VMCS_VM_EXIT_INTERRUPTION_INFORMATION, 0x8000130d);
    vmcs_field_print(&buffer.sink, &image, VMCS_VM_EXIT_INTERRUPTION_INFORMATION);
    assert_string_equal(text, "hardware exception 13 (#GP), NMI unblocking due to IRET");
    /* Bit 12 is undefined with an event on its way, and of that event. */
    vmcs_image_set(&image, VMCS_IDT_VECTORING_INFORMATION, 0x80001300);
    text_buffer_init(&buffer, text, sizeof text);
    vmcs_field_print(&buffer.sink, &image, VMCS_VM_EXIT_INTERRUPTION_INFORMATION);
    assert_string_equal(text, "hardware exception 13 (#GP)");
    text_buffer_init(&buffer, text, sizeof text);
    vmcs_field_print(&buffer.sink, &image, VMCS_IDT_VECTORING_INFORMATION);
    assert_string_equal(text, "hardware exception 0 (#DE)");
    /* Likewise of the qualification of an EPT violation. */
    for (unsigned undefined = 0; undefined < 2; undefined++) {
        reset(state);
        vmcs_image_set(&image, VMCS_EXIT_REASON, 48);
        vmcs_image_set(&image, VMCS_EXIT_QUALIFICATION, 0x1181);
        vmcs_image_set(&image, VMCS_IDT_VECTORING_INFORMATION, undefined ? 0x80000300 : 0);
        vmcs_field_print(&buffer.sink, &image, VMCS_EXIT_QUALIFICATION);
        assert_int_equal(strstr(text, "NMI unblocking") == NULL, undefined);
    }
    reset(state);
    vmcs_image_set(&image, VMCS_VM_ENTRY_INTERRUPTION_INFORMATION, 0x80000b0a);
    vmcs_image_set(&image, VMCS_VM_ENTRY_EXCEPTION_ERROR_CODE, 0x28);
    vmcs_field_print(&buffer.sink, &image, VMCS_VM_ENTRY_INTERRUPTION_INFORMATION);
    assert_string_equal(text, "hardware exception 10 (#TS), error code 0x28");
    reset(state);
    vmcs_image_set(&image, VMCS_EXIT_REASON, 30);
    vmcs_image_set(&image, VMCS_EXIT_QUALIFICATION, 0x00e90000);
    vmcs_field_print(&buffer.sink, &image, VMCS_EXIT_QUALIFICATION);
    assert_string_equal(text, "OUT port 0xe9 (DX), 1 byte");
    reset(state);
    vmcs_image_set(&image, VMCS_EXIT_REASON, 57);
    vmcs_image_set(&image, VMCS_VM_EXIT_INSTRUCTION_INFORMATION, 2 << 11 | 3 << 3);
    vmcs_field_print(&buffer.sink, &image, VMCS_VM_EXIT_INSTRUCTION_INFORMATION);
    assert_string_equal(text, "64 bits of RBX");
}

static void text_of_a_small_image(void **state)
{
    (void)state;
    vmcs_image_set(&image, VMCS_PIN_BASED_VM_EXECUTION_CONTROLS, 0x9);
    vmcs_image_set(&image, VMCS_GUEST_CS_SELECTOR, 0x8);
    vmcs_image_set(&image, VMCS_GUEST_CS_BASE, 0x10000);
    vmcs_image_set(&image, VMCS_GUEST_CS_LIMIT, 0xffffffff);
    vmcs_image_set(&image, VMCS_GUEST_CS_ACCESS_RIGHTS, 0xa09b);
    vmcs_image_set(&image, VMCS_GUEST_RIP, 0x1234);
    vmcs_image_set(&image, VMCS_HOST_TR_SELECTOR, 0x28);
    vmcs_image_set(&image, VMCS_TSC_OFFSET, 0x12);
    vmcs_image_set(&image, VMCS_EXIT_REASON, 12);
    vmcs_dump_text(&image, (struct vmcs_marks){NULL, 0}, &buffer.sink);
    assert_string_equal(text,
                        "Control fields\n"
                        "  TSC offset                                         0x0000000000000012\n"
                        "  Pin-based VM-execution controls                    0x00000009\n"
                        "        external-interrupt exiting, NMI exiting\n"
                        "Guest state\n"
                        "       selector base               limit      access rights\n"
                        "  ES        -                    -          -          -\n"
                        "  CS   0x0008   0x0000000000010000 0xffffffff 0x0000a09b\n"
                        "        code, readable, accessed, DPL 0, present, 64-bit, limit in pages\n"
                        "  SS        -                    -          -          -\n"
                        "  DS        -                    -          -          -\n"
                        "  FS        -                    -          -          -\n"
                        "  GS        -                    -          -          -\n"
                        "  LDTR      -                    -          -          -\n"
                        "  TR        -                    -          -          -\n"
                        "  Guest RIP                                          0x0000000000001234\n"
                        "Host state\n"
                        "  Host TR selector                                   0x0028\n"
                        "Exit information\n"
                        "  Exit reason                                        0x0000000c\n"
                        "        HLT\n");
}

static void marked_fields_stand_after_a_mark(void **state)
{
    static const enum vmcs_field marked[] = {VMCS_GUEST_RIP, VMCS_GUEST_CS_LIMIT};
    static const enum vmcs_field of_cs[] = {VMCS_GUEST_CS_SELECTOR, VMCS_GUEST_CS_BASE,
                                            VMCS_GUEST_CS_LIMIT, VMCS_GUEST_CS_ACCESS_RIGHTS};

    (void)state;
    vmcs_image_set(&image, VMCS_GUEST_CS_LIMIT, 0xffff);
    vmcs_image_set(&image, VMCS_GUEST_RSP, 0x5678);
    vmcs_image_set(&image, VMCS_GUEST_RIP, 0x1234);
    vmcs_dump_text(&image, (struct vmcs_marks){marked, 2}, &buffer.sink);
    assert_non_null(
        strstr(text, "\n  Guest RSP                                          0x0000000000005678\n"
                     "> Guest RIP                                          0x0000000000001234\n"));
    assert_non_null(strstr(text, "\n> CS  "));
    assert_non_null(strstr(text, "\n  SS  "));
    for (unsigned i = 0; i < sizeof(of_cs) / sizeof(*of_cs); i++) {
        reset(state);
        vmcs_dump_text(&image, (struct vmcs_marks){&of_cs[i], 1}, &buffer.sink);
        assert_non_null(strstr(text, "\n> CS  "));
        assert_null(strstr(text, "> ES"));
    }
}

/* Every field but those of the table of segments by name; every value reported; no line too long.
 */
static void a_full_image_is_reported_whole(void **state)
{
    unsigned column = 0;

    (void)state;
    for (unsigned i = 0; i < VMCS_FIELD_COUNT; i++)
        vmcs_image_set(&image, vmcs_field_table[i].field, UINT64_MAX);
    vmcs_dump_text(&image, (struct vmcs_marks){NULL, 0}, &buffer.sink);
    assert_int_equal(buffer.lost, 0);
    for (unsigned i = 0; i < VMCS_FIELD_COUNT; i++) {
        const char *name = vmcs_field_table[i].name;
        unsigned field = (unsigned)vmcs_field_table[i].field;
        bool segment = (field >= 0x800 && field <= 0x80e) || (field >= 0x4800 && field <= 0x480e) ||
                       (field >= 0x4814 && field <= 0x4822) || (field >= 0x6806 && field <= 0x6814);

        assert_int_equal(strstr(text, name) == NULL, segment);
    }
    for (const char *c = text; *c; c++) {
        column = *c == '\n' ? 0 : column + 1;
        assert_true(column < 80);
    }
}

/* Long words are broken between words: with the line ends taken back, each name is whole. */
static void names_of_controls_are_not_broken(void **state)
{
    char *to = text;

    (void)state;
    vmcs_image_set(&image, VMCS_SECONDARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS, UINT64_MAX);
    vmcs_dump_text(&image, (struct vmcs_marks){NULL, 0}, &buffer.sink);
    for (const char *from = text; *from; from++) {
        char c = *from;

        if (c == '\n')
            c = ' ';
        if (c != ' ' || (to > text && to[-1] != ' '))
            *to++ = c;
    }
    *to = '\0';
    for (unsigned i = 0; i < vmx_control_count; i++) {
        if (vmx_control_table[i].word == VMX_CONTROL_SECONDARY)
            assert_non_null(strstr(text, vmx_control_table[i].name));
    }
}

/* A line ends where the next word would reach column 80, and no word before. */
static void words_fill_their_lines(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 500; i++) {
        uint32_t controls = 0x9e3779b9u * i; /* each of the bits now and then */

        reset(state);
        vmcs_image_set(&image, VMCS_SECONDARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS, controls);
        vmcs_dump_text(&image, (struct vmcs_marks){NULL, 0}, &buffer.sink);
        for (const char *end, *line = strstr(text, "\n        ") + 1; *line == ' ';
             line = end + 1) {
            end = strchr(line, '\n');
            assert_true(end - line < 80);
            if (end[1] == ' ')
                assert_true((size_t)(end - line) + 1 + strcspn(end + 9, " \n") >= 80);
        }
    }
}

static void json_has_what_the_image_has(void **state)
{
    struct json json;

    (void)state;
    vmcs_image_set(&image, VMCS_VIRTUAL_PROCESSOR_IDENTIFIER, 5);
    vmcs_image_set(&image, VMCS_EPT_POINTER, 0x101e);
    vmcs_image_set(&image, VMCS_GUEST_RIP, 0x1234);
    json_init(&json, &buffer.sink);
    json_object_begin(&json, NULL);
    vmcs_dump_json(&image, &json, "vmcs");
    json_object_end(&json);
    /* Blanks are the writer's business. */
    for (char *from = text, *to = text; (*to = *from); from++)
        to += *from != ' ' && *from != '\n';
    assert_string_equal(
        text, "{\"vmcs\":[{\"field\":\"Virtual-processoridentifier(VPID)\",\"encoding\":\"0x0\","
              "\"value\":\"0x5\",\"text\":null},"
              "{\"field\":\"EPTpointer(EPTP)\",\"encoding\":\"0x201a\","
              "\"value\":\"0x101e\",\"text\":\"tablesat0x1000,4levels,memorytypeWB\"},"
              "{\"field\":\"GuestRIP\",\"encoding\":\"0x681e\",\"value\":\"0x1234\","
              "\"text\":null}]}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(each_field_is_reported_in_words, reset),
        cmocka_unit_test_setup(fields_that_explain_each_other_are_reported_together, reset),
        cmocka_unit_test_setup(text_of_a_small_image, reset),
        cmocka_unit_test_setup(marked_fields_stand_after_a_mark, reset),
        cmocka_unit_test_setup(a_full_image_is_reported_whole, reset),
        cmocka_unit_test_setup(names_of_controls_are_not_broken, reset),
        cmocka_unit_test_setup(words_fill_their_lines, reset),
        cmocka_unit_test_setup(json_has_what_the_image_has, reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
