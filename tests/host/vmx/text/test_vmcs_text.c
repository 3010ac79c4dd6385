/*
 * VMCS fields in words, bit by bit: SDM Vol. 1, "EFLAGS Register"; Vol. 3, "Guest Non-Register
 * State", "Extended Feature Enable Register", tables "Format of Access Rights", "Format of
 * Extended-Page-Table Pointer".
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "vmx/text/vmcs_dump.h"

static char text[512];

static const char *reported(enum vmcs_field field, uint64_t value)
{
    struct vmcs_image image = {0};
    struct text_buffer buffer;

    text_buffer_init(&buffer, text, sizeof text);
    vmcs_image_set(&image, field, value);
    vmcs_field_print(&buffer.sink, &image, field);
    return text;
}

/* One bit at a time; what has no name is reported as its number. */
static void assert_bits(enum vmcs_field field, unsigned width, const char *const names[],
                        const char *behind)
{
    for (unsigned bit = 0; bit < width; bit++) {
        char wanted[128];

        if (names[bit] != NULL)
            snprintf(wanted, sizeof wanted, "%s%s", names[bit], behind);
        else
            snprintf(wanted, sizeof wanted, "bits %#llx%s", 1ull << bit, behind);
        assert_string_equal(reported(field, 1ull << bit), wanted);
    }
}

static void flags(void **state)
{
    static const char *const names[64] = {
        [0] = "CF",  [1] = "none", [2] = "PF",   [4] = "AF",   [6] = "ZF",  [7] = "SF",
        [8] = "TF",  [9] = "IF",   [10] = "DF",  [11] = "OF",  [14] = "NT", [16] = "RF",
        [17] = "VM", [18] = "AC",  [19] = "VIF", [20] = "VIP", [21] = "ID",
    };
    char wanted[32];

    (void)state;
    for (unsigned bit = 0; bit < 64; bit++) {
        if (bit == 12 || bit == 13)
            continue; /* IOPL */
        if (names[bit] != NULL)
            snprintf(wanted, sizeof wanted, "%s, IOPL 0", names[bit]);
        else
            snprintf(wanted, sizeof wanted, "bits %#llx, IOPL 0", 1ull << bit);
        assert_string_equal(reported(VMCS_GUEST_RFLAGS, 1ull << bit), wanted);
    }
    for (unsigned iopl = 0; iopl < 4; iopl++) {
        snprintf(wanted, sizeof wanted, "none, IOPL %u", iopl);
        assert_string_equal(reported(VMCS_GUEST_RFLAGS, 2 | iopl << 12), wanted);
    }
}

static void other_words_of_bits(void **state)
{
    static const char *const efer[64] = {[0] = "SCE", [8] = "LME", [10] = "LMA", [11] = "NXE"};
    static const char *const blocking[32] = {"blocking by STI", "blocking by MOV SS",
                                             "blocking by SMI", "blocking by NMI",
                                             "enclave interruption"};
    static const char *const pending[64] = {
        [0] = "breakpoint 0", [1] = "breakpoint 1",
        [2] = "breakpoint 2", [3] = "breakpoint 3",
        [11] = "bus lock",    [12] = "enabled breakpoint",
        [14] = "single step", [16] = "transactional region",
    };
    static const char *const exceptions[32] = {
        "#DE", "#DB", "NMI", "#BP", "#OF",        "#BR", "#UD", "#NM", "#DF", [10] = "#TS",
        "#NP", "#SS", "#GP", "#PF", [16] = "#MF", "#AC", "#MC", "#XM", "#VE", "#CP"};

    (void)state;
    assert_bits(VMCS_GUEST_IA32_EFER, 64, efer, "");
    assert_bits(VMCS_HOST_IA32_EFER, 64, efer, "");
    assert_bits(VMCS_GUEST_INTERRUPTIBILITY_STATE, 32, blocking, "");
    assert_bits(VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS, 64, pending, "");
    assert_bits(VMCS_EXCEPTION_BITMAP, 32, exceptions, "");
}

static void states_of_activity(void **state)
{
    (void)state;
    assert_string_equal(reported(VMCS_GUEST_ACTIVITY_STATE, 0), "active");
    assert_string_equal(reported(VMCS_GUEST_ACTIVITY_STATE, 1), "HLT");
    assert_string_equal(reported(VMCS_GUEST_ACTIVITY_STATE, 2), "shutdown");
    assert_string_equal(reported(VMCS_GUEST_ACTIVITY_STATE, 3), "wait-for-SIPI");
    assert_string_equal(reported(VMCS_GUEST_ACTIVITY_STATE, 4), "reserved");
    assert_string_equal(reported(VMCS_GUEST_ACTIVITY_STATE, UINT32_MAX), "reserved");
}

static void access_rights(void **state)
{
    static const char *const types[32] = {/* S = 0: only these are known */
                                          [2] = "LDT",
                                          [3] = "busy 16-bit TSS",
                                          [9] = "available TSS",
                                          [11] = "busy TSS",
                                          /* S = 1 */
                                          [16] = "data",
                                          "data, accessed",
                                          "data, writable",
                                          "data, writable, accessed",
                                          "data, expand-down",
                                          "data, expand-down, accessed",
                                          "data, writable, expand-down",
                                          "data, writable, expand-down, accessed",
                                          "code",
                                          "code, accessed",
                                          "code, readable",
                                          "code, readable, accessed",
                                          "code, conforming",
                                          "code, conforming, accessed",
                                          "code, readable, conforming",
                                          "code, readable, conforming, accessed"};
    static const char *const bits[16] = {[7] = ", DPL 0, present",
                                         [12] = ", DPL 0, not present, available bit",
                                         [13] = ", DPL 0, not present, 64-bit",
                                         [14] = ", DPL 0, not present, 32-bit",
                                         [15] = ", DPL 0, not present, limit in pages"};
    char wanted[128];

    (void)state;
    for (unsigned type = 0; type < 32; type++) {
        snprintf(wanted, sizeof wanted, "%s, DPL 0, not present",
                 types[type] != NULL ? types[type] : "system segment of another type");
        assert_string_equal(reported(VMCS_GUEST_CS_ACCESS_RIGHTS, type), wanted);
        assert_string_equal(reported(VMCS_GUEST_TR_ACCESS_RIGHTS, type | 1 << 16), "unusable");
    }
    for (unsigned bit = 7; bit < 16; bit++) {
        snprintf(wanted, sizeof wanted, "data%s",
                 bits[bit] != NULL ? bits[bit] : ", DPL 0, not present");
        assert_string_equal(reported(VMCS_GUEST_DS_ACCESS_RIGHTS, 1 << 4 | 1u << bit), wanted);
    }
    for (unsigned dpl = 0; dpl < 4; dpl++) {
        snprintf(wanted, sizeof wanted, "data, DPL %u, not present", dpl);
        assert_string_equal(reported(VMCS_GUEST_SS_ACCESS_RIGHTS, 1 << 4 | dpl << 5), wanted);
    }
}

/* Bits 2:0 the memory type, 5:3 the levels less one, 6 accessed and dirty, 7 shadow stacks. */
static void ept_pointers(void **state)
{
    static const char *const types[8] = {[0] = "UC", [6] = "WB"};
    char wanted[128];

    (void)state;
    for (unsigned type = 0; type < 8; type++) {
        for (unsigned levels = 0; levels < 8; levels++) {
            snprintf(wanted, sizeof wanted, "tables at 0x7000, %u levels, memory type %s",
                     levels + 1, types[type] != NULL ? types[type] : "reserved");
            assert_string_equal(reported(VMCS_EPT_POINTER, 0x7000 | levels << 3 | type), wanted);
        }
    }
    assert_string_equal(reported(VMCS_EPT_POINTER, 0x5e),
                        "tables at 0x0, 4 levels, memory type WB, accessed and dirty flags");
    assert_string_equal(reported(VMCS_EPT_POINTER, 0x9e),
                        "tables at 0x0, 4 levels, memory type WB, supervisor shadow-stack control");
}

static void the_link_pointer(void **state)
{
    (void)state;
    assert_string_equal(reported(VMCS_LINK_POINTER, UINT64_MAX), "none");
    assert_string_equal(reported(VMCS_LINK_POINTER, UINT64_MAX - 1), "");
    assert_string_equal(reported(VMCS_LINK_POINTER, 0), "");
}

/* As the manual's name goes, in capitals; what stands in brackets, and "field" at the end, is left
 * out. */
static void symbols(void **state)
{
    static const struct {
        enum vmcs_field field;
        const char *name;
    } rows[] = {
        {VMCS_VIRTUAL_PROCESSOR_IDENTIFIER, "VIRTUAL_PROCESSOR_IDENTIFIER"},
        {VMCS_ADDRESS_OF_IO_BITMAP_A, "ADDRESS_OF_IO_BITMAP_A"},
        {VMCS_EPT_POINTER, "EPT_POINTER"},
        {VMCS_EOI_EXIT_BITMAP_0, "EOI_EXIT_BITMAP_0"},
        {VMCS_CR0_GUEST_HOST_MASK, "CR0_GUEST_HOST_MASK"},
        {VMCS_VM_ENTRY_INTERRUPTION_INFORMATION, "VM_ENTRY_INTERRUPTION_INFORMATION"},
        {VMCS_GUEST_CS_SELECTOR, "GUEST_CS_SELECTOR"},
        {VMCS_HOST_RIP, "HOST_RIP"},
    };
    char name[VMCS_FIELD_SYMBOL_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_true(vmcs_field_symbol(vmcs_field_index(rows[i].field), name));
        assert_string_equal(name, rows[i].name);
    }
    assert_false(vmcs_field_symbol(VMCS_FIELD_COUNT, name));
    assert_string_equal(name, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flags),
        cmocka_unit_test(symbols),
        cmocka_unit_test(other_words_of_bits),
        cmocka_unit_test(states_of_activity),
        cmocka_unit_test(access_rights),
        cmocka_unit_test(ept_pointers),
        cmocka_unit_test(the_link_pointer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
