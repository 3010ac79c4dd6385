/*
 * Rules of a VM entry about bits of one field, bit by bit: which of them break the rule, copied
 * from the SDM's sentences in Vol. 3, "Checks on VMX Controls and Host-State Area" and "Checks on
 * the Guest State Area", and that none does where the control is 0 that the rule depends on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/host/vmentry_ground.h"
#include "vmx/capability/vmx_controls.h"

#define BITS(high, low) ((~0ull >> (63 - (high))) & (~0ull << (low)))
#define BEYOND          BITS(63, GROUND_WIDTH) /* what physical addresses have not here */
#define PAGE            (BEYOND | BITS(11, 0)) /* of an address of a page */
#define NONCANONICAL    BITS(63, 47)           /* of 0 and of small addresses: 48-bit processor */

enum word { NONE, PIN, PRIMARY, SECONDARY, TERTIARY, VM_FUNCTION, EXIT, EXIT_2, ENTRY, WORDS };

static const enum vmcs_field words[WORDS] = {
    [PIN] = VMCS_PIN_BASED_VM_EXECUTION_CONTROLS,
    [PRIMARY] = VMCS_PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS,
    [SECONDARY] = VMCS_SECONDARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS,
    [TERTIARY] = VMCS_TERTIARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS,
    [VM_FUNCTION] = VMCS_VM_FUNCTION_CONTROLS,
    [EXIT] = VMCS_PRIMARY_VM_EXIT_CONTROLS,
    [EXIT_2] = VMCS_SECONDARY_VM_EXIT_CONTROLS,
    [ENTRY] = VMCS_VM_ENTRY_CONTROLS,
};

/* The bits that may not be 1, in that field of that base, where that bit of the word is 1. */
struct row {
    enum vmentry_rule rule;
    enum vmentry_base base;
    enum word word;
    unsigned control;
    enum vmcs_field field;
    uint64_t bits;
};

#define LONG     VMENTRY_BASE_LONG
#define LONG_EPT VMENTRY_BASE_LONG_EPT
#define R(rule, base, word, control, field, bits)               \
    {                                                           \
        VMENTRY_##rule, base, word, control, VMCS_##field, bits \
    }

static const struct row rows[] = {
    /* VM-execution controls */
    R(IO_BITMAP_ADDRESS, LONG, PRIMARY, 25, ADDRESS_OF_IO_BITMAP_A, PAGE),
    R(IO_BITMAP_ADDRESS, LONG, PRIMARY, 25, ADDRESS_OF_IO_BITMAP_B, PAGE),
    R(MSR_BITMAP_ADDRESS, LONG, PRIMARY, 28, ADDRESS_OF_MSR_BITMAPS, PAGE),
    R(VIRTUAL_APIC_ADDRESS, LONG, PRIMARY, 21, VIRTUAL_APIC_ADDRESS, PAGE),
    R(APIC_ACCESS_ADDRESS, LONG, SECONDARY, 0, APIC_ACCESS_ADDRESS, PAGE),
    R(POSTED_INTERRUPT_VECTOR, LONG, PIN, 7, POSTED_INTERRUPT_NOTIFICATION_VECTOR, BITS(15, 8)),
    R(POSTED_INTERRUPT_DESCRIPTOR, LONG, PIN, 7, POSTED_INTERRUPT_DESCRIPTOR_ADDRESS,
      BEYOND | BITS(5, 0)),
    R(EPTP_RESERVED, LONG_EPT, SECONDARY, 1, EPT_POINTER, BITS(11, 8)),
    R(EPTP_ADDRESS, LONG_EPT, SECONDARY, 1, EPT_POINTER, BEYOND),
    R(PML_ADDRESS, LONG_EPT, SECONDARY, 17, PML_ADDRESS, PAGE),
    R(SUB_PAGE_TABLE_ADDRESS, LONG_EPT, SECONDARY, 23, SUB_PAGE_PERMISSION_TABLE_POINTER, PAGE),
    R(EPTP_LIST_ADDRESS, LONG_EPT, VM_FUNCTION, 0, EPTP_LIST_ADDRESS, PAGE),
    R(VMCS_SHADOWING_BITMAPS, LONG, SECONDARY, 14, VMREAD_BITMAP_ADDRESS, PAGE),
    R(VMCS_SHADOWING_BITMAPS, LONG, SECONDARY, 14, VMWRITE_BITMAP_ADDRESS, PAGE),
    R(VE_INFORMATION_ADDRESS, LONG_EPT, SECONDARY, 18, VIRTUALIZATION_EXCEPTION_INFORMATION_ADDRESS,
      PAGE),
    R(PASID_DIRECTORY_ADDRESS, LONG, SECONDARY, 21, LOW_PASID_DIRECTORY_ADDRESS, PAGE),
    R(PASID_DIRECTORY_ADDRESS, LONG, SECONDARY, 21, HIGH_PASID_DIRECTORY_ADDRESS, PAGE),
    R(HLAT_POINTER_RESERVED, LONG_EPT, TERTIARY, 1, HLAT_POINTER, BITS(2, 0) | BITS(11, 5)),
    R(HLAT_POINTER_ADDRESS, LONG_EPT, TERTIARY, 1, HLAT_POINTER, BEYOND),
    R(PID_POINTER_TABLE, LONG, TERTIARY, 4, PID_POINTER_TABLE_ADDRESS, BEYOND | BITS(2, 0)),
    R(APIC_TIMER_VECTOR, LONG, TERTIARY, 8, VIRTUAL_TIMER_VECTOR, BITS(15, 8)),
    /* VM-entry controls */
    R(ENTRY_OUTSIDE_SMM, LONG, NONE, 0, VM_ENTRY_CONTROLS, BITS(11, 10)),
    /* the host */
    R(HOST_SYSENTER_CANONICAL, LONG, NONE, 0, HOST_IA32_SYSENTER_ESP, NONCANONICAL),
    R(HOST_SYSENTER_CANONICAL, LONG, NONE, 0, HOST_IA32_SYSENTER_EIP, NONCANONICAL),
    R(HOST_S_CET_RESERVED, LONG, EXIT, 28, HOST_IA32_S_CET, BITS(9, 6)),
    R(HOST_SSP_ALIGNED, LONG, EXIT, 28, HOST_SSP, BITS(1, 0)),
    R(HOST_SSP_TABLE_CANONICAL, LONG, EXIT, 28, HOST_IA32_INTERRUPT_SSP_TABLE_ADDR, NONCANONICAL),
    R(HOST_PKRS_HIGH, LONG, EXIT, 29, HOST_IA32_PKRS, BITS(63, 32)),
    R(HOST_SELECTOR_RPL_TI, LONG, NONE, 0, HOST_ES_SELECTOR, BITS(2, 0)),
    R(HOST_SELECTOR_RPL_TI, LONG, NONE, 0, HOST_CS_SELECTOR, BITS(2, 0)),
    R(HOST_SELECTOR_RPL_TI, LONG, NONE, 0, HOST_SS_SELECTOR, BITS(2, 0)),
    R(HOST_SELECTOR_RPL_TI, LONG, NONE, 0, HOST_DS_SELECTOR, BITS(2, 0)),
    R(HOST_SELECTOR_RPL_TI, LONG, NONE, 0, HOST_FS_SELECTOR, BITS(2, 0)),
    R(HOST_SELECTOR_RPL_TI, LONG, NONE, 0, HOST_GS_SELECTOR, BITS(2, 0)),
    R(HOST_SELECTOR_RPL_TI, LONG, NONE, 0, HOST_TR_SELECTOR, BITS(2, 0)),
    R(HOST_BASE_CANONICAL, LONG, NONE, 0, HOST_FS_BASE, NONCANONICAL),
    R(HOST_BASE_CANONICAL, LONG, NONE, 0, HOST_GS_BASE, NONCANONICAL),
    R(HOST_BASE_CANONICAL, LONG, NONE, 0, HOST_TR_BASE, NONCANONICAL),
    R(HOST_BASE_CANONICAL, LONG, NONE, 0, HOST_GDTR_BASE, NONCANONICAL),
    R(HOST_BASE_CANONICAL, LONG, NONE, 0, HOST_IDTR_BASE, NONCANONICAL),
    /* the guest's registers */
    R(GUEST_CR3_WIDTH, LONG, NONE, 0, GUEST_CR3, BITS(63, 63) | BITS(60, GROUND_WIDTH)),
    R(GUEST_CR3_WIDTH, LONG_EPT, NONE, 0, GUEST_CR3, BITS(63, 63) | BITS(60, GROUND_WIDTH + 4)),
    R(GUEST_CR4_IA32E_ONLY, VMENTRY_BASE_PAE, NONE, 0, GUEST_CR4, BITS(17, 17) | BITS(32, 32)),
    R(GUEST_DR7_HIGH, LONG, ENTRY, 2, GUEST_DR7, BITS(63, 32)),
    R(GUEST_SYSENTER_CANONICAL, LONG, NONE, 0, GUEST_IA32_SYSENTER_ESP, NONCANONICAL),
    R(GUEST_SYSENTER_CANONICAL, LONG, NONE, 0, GUEST_IA32_SYSENTER_EIP, NONCANONICAL),
    R(GUEST_BNDCFGS, LONG, ENTRY, 16, GUEST_IA32_BNDCFGS, NONCANONICAL | BITS(11, 2)),
    R(GUEST_LBR_CTL, LONG, ENTRY, 21, GUEST_IA32_LBR_CTL, BITS(63, 23) | BITS(15, 4)),
    R(GUEST_UINV, LONG, ENTRY, 19, GUEST_UINV, BITS(15, 8)),
    R(GUEST_S_CET_RESERVED, LONG, ENTRY, 20, GUEST_IA32_S_CET, BITS(9, 6)),
    R(GUEST_CET_CANONICAL, LONG, ENTRY, 20, GUEST_IA32_S_CET, NONCANONICAL),
    R(GUEST_CET_CANONICAL, LONG, ENTRY, 20, GUEST_IA32_INTERRUPT_SSP_TABLE_ADDR, NONCANONICAL),
    R(GUEST_PKRS_HIGH, LONG, ENTRY, 22, GUEST_IA32_PKRS, BITS(63, 32)),
    R(GUEST_TABLE_CANONICAL, LONG, NONE, 0, GUEST_GDTR_BASE, NONCANONICAL),
    R(GUEST_TABLE_CANONICAL, LONG, NONE, 0, GUEST_IDTR_BASE, NONCANONICAL),
    R(GUEST_TABLE_LIMIT, LONG, NONE, 0, GUEST_GDTR_LIMIT, BITS(31, 16)),
    R(GUEST_TABLE_LIMIT, LONG, NONE, 0, GUEST_IDTR_LIMIT, BITS(31, 16)),
    R(GUEST_RIP_HIGH, VMENTRY_BASE_PAE, NONE, 0, GUEST_RIP, BITS(63, 32)),
    R(GUEST_RIP_HIGH, LONG, NONE, 0, GUEST_RIP, 0),
    R(GUEST_RIP_IDENTICAL, LONG, NONE, 0, GUEST_RIP, BITS(63, 48)),
    R(GUEST_RFLAGS_RESERVED, LONG, NONE, 0, GUEST_RFLAGS,
      BITS(63, 22) | BITS(15, 15) | BITS(5, 5) | BITS(3, 3)),
    R(GUEST_RFLAGS_BIT_1, LONG, NONE, 0, GUEST_RFLAGS, BITS(1, 1)),
    R(GUEST_RFLAGS_VM, LONG, NONE, 0, GUEST_RFLAGS, BITS(17, 17)),
    R(GUEST_SSP_ALIGNED, LONG, ENTRY, 20, GUEST_SSP, BITS(1, 0)),
    R(GUEST_SSP_IDENTICAL, LONG, ENTRY, 20, GUEST_SSP, BITS(63, 48)),
    R(GUEST_SSP_HIGH, VMENTRY_BASE_PAE, ENTRY, 20, GUEST_SSP, BITS(63, 32)),
    /* FRED: "IA32_FRED_CONFIG" has bits 2, 5:4 and 11 reserved; stacks are aligned */
    R(HOST_FRED_CONFIG, LONG, EXIT_2, 1, HOST_IA32_FRED_CONFIG,
      NONCANONICAL | BITS(2, 2) | BITS(5, 4) | BITS(11, 11)),
    R(HOST_FRED_STACKS, LONG, EXIT_2, 1, HOST_IA32_FRED_RSP1, NONCANONICAL | BITS(5, 0)),
    R(HOST_FRED_STACKS, LONG, EXIT_2, 1, HOST_IA32_FRED_RSP2, NONCANONICAL | BITS(5, 0)),
    R(HOST_FRED_STACKS, LONG, EXIT_2, 1, HOST_IA32_FRED_RSP3, NONCANONICAL | BITS(5, 0)),
    R(HOST_FRED_STACKS, LONG, EXIT_2, 1, HOST_IA32_FRED_SSP1, NONCANONICAL | BITS(2, 0)),
    R(HOST_FRED_STACKS, LONG, EXIT_2, 1, HOST_IA32_FRED_SSP2, NONCANONICAL | BITS(2, 0)),
    R(HOST_FRED_STACKS, LONG, EXIT_2, 1, HOST_IA32_FRED_SSP3, NONCANONICAL | BITS(2, 0)),
    R(GUEST_FRED_CONFIG, LONG, ENTRY, 23, GUEST_IA32_FRED_CONFIG,
      NONCANONICAL | BITS(2, 2) | BITS(5, 4) | BITS(11, 11)),
    R(GUEST_FRED_STACKS, LONG, ENTRY, 23, GUEST_IA32_FRED_RSP1, NONCANONICAL | BITS(5, 0)),
    R(GUEST_FRED_STACKS, LONG, ENTRY, 23, GUEST_IA32_FRED_RSP2, NONCANONICAL | BITS(5, 0)),
    R(GUEST_FRED_STACKS, LONG, ENTRY, 23, GUEST_IA32_FRED_RSP3, NONCANONICAL | BITS(5, 0)),
    R(GUEST_FRED_STACKS, LONG, ENTRY, 23, GUEST_IA32_FRED_SSP1, NONCANONICAL | BITS(2, 0)),
    R(GUEST_FRED_STACKS, LONG, ENTRY, 23, GUEST_IA32_FRED_SSP2, NONCANONICAL | BITS(2, 0)),
    R(GUEST_FRED_STACKS, LONG, ENTRY, 23, GUEST_IA32_FRED_SSP3, NONCANONICAL | BITS(2, 0)),
    /* the guest's segments; 31:17 and 11:8 of the access rights are reserved */
    R(SEGMENT_BASE_HIGH, LONG, NONE, 0, GUEST_ES_BASE, BITS(63, 32)),
    R(SEGMENT_BASE_HIGH, LONG, NONE, 0, GUEST_CS_BASE, BITS(63, 32)),
    R(SEGMENT_BASE_HIGH, LONG, NONE, 0, GUEST_SS_BASE, BITS(63, 32)),
    R(SEGMENT_BASE_HIGH, LONG, NONE, 0, GUEST_DS_BASE, BITS(63, 32)),
    R(SEGMENT_BASE_CANONICAL, LONG, NONE, 0, GUEST_FS_BASE, NONCANONICAL),
    R(SEGMENT_BASE_CANONICAL, LONG, NONE, 0, GUEST_GS_BASE, NONCANONICAL),
    R(SEGMENT_BASE_CANONICAL, LONG, NONE, 0, GUEST_TR_BASE, NONCANONICAL),
    R(SEGMENT_RESERVED, LONG, NONE, 0, GUEST_ES_ACCESS_RIGHTS, BITS(31, 17) | BITS(11, 8)),
    R(SEGMENT_RESERVED, LONG, NONE, 0, GUEST_CS_ACCESS_RIGHTS, BITS(31, 17) | BITS(11, 8)),
    R(SEGMENT_RESERVED, LONG, NONE, 0, GUEST_SS_ACCESS_RIGHTS, BITS(31, 17) | BITS(11, 8)),
    R(SEGMENT_RESERVED, LONG, NONE, 0, GUEST_DS_ACCESS_RIGHTS, BITS(31, 17) | BITS(11, 8)),
    R(SEGMENT_RESERVED, LONG, NONE, 0, GUEST_FS_ACCESS_RIGHTS, BITS(31, 17) | BITS(11, 8)),
    R(SEGMENT_RESERVED, LONG, NONE, 0, GUEST_GS_ACCESS_RIGHTS, BITS(31, 17) | BITS(11, 8)),
    R(SYSTEM_SEGMENT_RESERVED, LONG, NONE, 0, GUEST_TR_ACCESS_RIGHTS, BITS(31, 17) | BITS(11, 8)),
    R(SEGMENT_S, LONG, NONE, 0, GUEST_ES_ACCESS_RIGHTS, BITS(4, 4)),
    R(SEGMENT_PRESENT, LONG, NONE, 0, GUEST_CS_ACCESS_RIGHTS, BITS(7, 7)),
    R(SEGMENT_CS_DB_L, LONG, NONE, 0, GUEST_CS_ACCESS_RIGHTS, BITS(14, 14)),
    R(SYSTEM_SEGMENT_S, LONG, NONE, 0, GUEST_TR_ACCESS_RIGHTS, BITS(4, 4)),
    R(SYSTEM_SEGMENT_PRESENT, LONG, NONE, 0, GUEST_TR_ACCESS_RIGHTS, BITS(7, 7)),
    R(TR_TYPE, LONG, NONE, 0, GUEST_TR_ACCESS_RIGHTS, BITS(3, 0)),
    R(TR_UNUSABLE, LONG, NONE, 0, GUEST_TR_ACCESS_RIGHTS, BITS(16, 16)),
    R(SEGMENT_TI, LONG, NONE, 0, GUEST_TR_SELECTOR, BITS(2, 2)),
    R(SEGMENT_V8086_BASE, VMENTRY_BASE_V8086, NONE, 0, GUEST_FS_BASE, BITS(63, 0)),
    R(SEGMENT_V8086_BASE, VMENTRY_BASE_V8086, NONE, 0, GUEST_GS_SELECTOR, BITS(15, 0)),
    R(SEGMENT_V8086_LIMIT, VMENTRY_BASE_V8086, NONE, 0, GUEST_ES_LIMIT, BITS(31, 0)),
    R(SEGMENT_V8086_RIGHTS, VMENTRY_BASE_V8086, NONE, 0, GUEST_DS_ACCESS_RIGHTS, BITS(31, 0)),
    /* the guest's non-register state */
    R(BLOCKING_RESERVED, LONG, NONE, 0, GUEST_INTERRUPTIBILITY_STATE, BITS(31, 5)),
    R(BLOCKING_SMI, LONG, NONE, 0, GUEST_INTERRUPTIBILITY_STATE, BITS(2, 2)),
    R(PENDING_RESERVED, LONG, NONE, 0, GUEST_PENDING_DEBUG_EXCEPTIONS,
      BITS(63, 17) | BITS(15, 15) | BITS(13, 13) | BITS(11, 4)),
};

static struct vmcs_image image;
static struct vmentry_findings findings;

static void change(enum vmcs_field field, uint64_t bits)
{
    vmcs_image_set(&image, field, vmcs_image_get(&image, field) ^ bits);
}

static void set_control(enum word word, unsigned control)
{
    vmcs_image_set(&image, words[word], vmcs_image_get(&image, words[word]) | 1ull << control);
}

static void turn_on(enum word word, unsigned control)
{
    if (word == NONE)
        return;
    if (word == SECONDARY || word == VM_FUNCTION)
        set_control(PRIMARY, 31);
    if (word == TERTIARY)
        set_control(PRIMARY, 17);
    if (word == VM_FUNCTION)
        set_control(SECONDARY, 13);
    if (word == EXIT_2)
        set_control(EXIT, 31);
    set_control(word, control);
}

static bool breaks(enum vmentry_rule rule)
{
    vmentry_check(&image, &ground_context, &findings);
    return vmentry_has(&findings, rule);
}

/* What is described the field: nothing but bits of the rule would have to change. */
static void assert_told(const struct row *row)
{
    for (uint32_t i = 0; i < findings.count; i++) {
        const struct vmentry_finding *finding = &findings.item[i];

        if (finding->rule != row->rule || finding->field != row->field)
            continue;
        assert_int_equal(finding->seen, vmcs_image_get(&image, row->field));
        assert_int_not_equal(finding->wanted, finding->seen);
        if ((finding->wanted ^ finding->seen) & ~row->bits)
            fail_msg("row %u: %s, wanted %#lx", (unsigned)(row - rows),
                     vmentry_rule_text(row->rule).name, (unsigned long)finding->wanted);
    }
}

static unsigned bits_of(enum vmcs_field field)
{
    static const unsigned bits[] = {16, 64, 32, 64}; /* by bits 14:13 of the encoding */

    return bits[(unsigned)field >> 13 & 3];
}

static void start(const struct row *row)
{
    ground_reset(GROUND_ALL);
    assert_true(vmentry_base_image(&ground, row->base, &image));
    turn_on(row->word, row->control);
}

static void each_bit_breaks_the_rule_or_not(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *row = &rows[i];

        start(row);
        if (breaks(row->rule))
            fail_msg("row %u: %s is broken before", i, vmentry_rule_text(row->rule).name);
        for (unsigned bit = 0; bit < bits_of(row->field); bit++) {
            change(row->field, 1ull << bit);
            if (breaks(row->rule) != (row->bits >> bit & 1))
                fail_msg("row %u: %s, bit %u", i, vmentry_rule_text(row->rule).name, bit);
            assert_told(row);
            change(row->field, 1ull << bit);
        }
    }
}

static void without_the_control_no_bit_does(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *row = &rows[i];

        if (row->word == NONE)
            continue;
        start(row);
        change(words[row->word], 1ull << row->control);
        for (unsigned bit = 0; bit < bits_of(row->field); bit++) {
            change(row->field, 1ull << bit);
            if (breaks(row->rule))
                fail_msg("row %u: %s, bit %u", i, vmentry_rule_text(row->rule).name, bit);
            change(row->field, 1ull << bit);
        }
    }
}

/* SDM Vol. 4, IA32_PAT: a byte for each of eight entries; types 0, 1, 4, 5, 6 and 7 are defined.
 * What is wanted instead of another is UC, 0. */
static void each_entry_of_a_pat_is_a_memory_type(void **state)
{
    static const struct {
        enum vmentry_rule rule;
        enum word word;
        unsigned control;
        enum vmcs_field field;
    } pats[] = {{VMENTRY_GUEST_PAT_TYPES, ENTRY, 14, VMCS_GUEST_IA32_PAT},
                {VMENTRY_HOST_PAT_TYPES, EXIT, 19, VMCS_HOST_IA32_PAT}};

    (void)state;
    for (unsigned n = 0; n < 2 * 8 * 256; n++) {
        unsigned i = n / 2048, shift = n / 256 % 8 * 8;
        uint64_t type = n % 256, pat = 0x0504070605040706;
        bool valid = type <= 1 || (type >= 4 && type <= 7);

        ground_reset(GROUND_ALL);
        assert_true(vmentry_base_image(&ground, LONG, &image));
        turn_on(pats[i].word, pats[i].control);
        pat &= ~(0xffull << shift);
        vmcs_image_set(&image, pats[i].field, pat | type << shift);
        assert_int_equal(breaks(pats[i].rule), !valid);
        for (uint32_t j = 0; j < findings.count; j++) {
            if (findings.item[j].rule == pats[i].rule)
                assert_int_equal(findings.item[j].wanted, pat);
        }
        change(words[pats[i].word], 1ull << pats[i].control);
        assert_false(breaks(pats[i].rule));
    }
}

/* SDM, table "Format of Pending-Debug-Exceptions": bit 11, a bus lock, is reserved where the
 * processor has no bus-lock debug exception. */
static void a_bus_lock_may_be_pending_where_it_is_known(void **state)
{
    (void)state;
    ground_reset(GROUND_ALL);
    assert_true(vmentry_base_image(&ground, LONG, &image));
    ground_context.bus_lock_debug = true;
    for (unsigned bit = 4; bit < 14; bit++) {
        vmcs_image_set(&image, VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS, 1ull << bit);
        assert_int_equal(breaks(VMENTRY_PENDING_RESERVED), bit != 11 && bit != 12);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_bit_breaks_the_rule_or_not),
        cmocka_unit_test(without_the_control_no_bit_does),
        cmocka_unit_test(each_entry_of_a_pat_is_a_memory_type),
        cmocka_unit_test(a_bus_lock_may_be_pending_where_it_is_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
