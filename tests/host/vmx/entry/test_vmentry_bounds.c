/*
 * Where the checks of a VM entry end: lists of MSRs after their last entry, FRED's stack pointers
 * after the third; and what a finding wants where a part of a field breaks a rule.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "tests/host/vmentry_ground.h"
#include "vmx/capability/vmx_controls.h"
#include "vmx/entry/vmentry_check.h"
#include "vmx/entry/vmentry_state.h"

enum { LIST = 0x200000, LIST_MAX = 4096 };

static struct vmcs_image image;
static struct vmentry_findings findings;
static uint32_t broken_entry; /* counted from 1 */

/* A list without end: IA32_SYSENTER_CS, whose value is free, but for one entry with a reserved bit.
 */
static bool read_list(const struct vmentry_context *context, uint64_t address, void *to,
                      size_t bytes)
{
    const struct vmentry_msr_entry entry = {0x174, (address - LIST) / 16 + 1 == broken_entry, 0};

    (void)context;
    assert_int_equal(bytes, sizeof(entry));
    memcpy(to, &entry, sizeof(entry));
    return true;
}

static int reset(void **state)
{
    (void)state;
    ground_reset(GROUND_ALL);
    assert_true(vmentry_base_image(&ground, VMENTRY_BASE_LONG, &image));
    return 0;
}

static void check_with(enum vmcs_field field, uint64_t value)
{
    vmcs_image_set(&image, field, value);
    vmentry_check(&image, &ground_context, &findings);
}

/* SDM Vol. 3, "Miscellaneous Data": bits 27:25 recommend at most 512 * (7 + 1) entries. */
static void a_list_ends_after_its_last_entry(void **state)
{
    static const struct {
        uint32_t count, broken;
        bool seen;
    } rows[] = {{1, 1, true},
                {1, 2, false},
                {7, 7, true},
                {7, 8, false},
                {LIST_MAX, LIST_MAX, true},
                {LIST_MAX + 2, LIST_MAX, true},
                {LIST_MAX + 2, LIST_MAX + 1, false}};

    (void)state;
    ground_context.read = read_list;
    vmcs_image_set(&image, VMCS_VM_ENTRY_MSR_LOAD_ADDRESS, LIST);
    for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        broken_entry = rows[i].broken;
        check_with(VMCS_VM_ENTRY_MSR_LOAD_COUNT, rows[i].count);
        assert_int_equal(vmentry_has(&findings, VMENTRY_MSR_RESERVED), rows[i].seen);
        if (rows[i].seen)
            assert_int_equal(findings.item[0].entry, rows[i].broken);
    }
}

static void turn_on_fred(void)
{
    uint64_t exit = vmcs_image_get(&image, VMCS_PRIMARY_VM_EXIT_CONTROLS);

    vmcs_image_set(&image, VMCS_PRIMARY_VM_EXIT_CONTROLS, exit | EXIT_SECONDARY_CONTROLS);
    vmcs_image_set(&image, VMCS_SECONDARY_VM_EXIT_CONTROLS, SECONDARY_EXIT_LOAD_FRED);
    vmcs_image_set(&image, VMCS_VM_ENTRY_CONTROLS,
                   vmcs_image_get(&image, VMCS_VM_ENTRY_CONTROLS) | ENTRY_LOAD_FRED);
}

/* Each of the six, of host and guest; nothing behind them is looked at. */
static void fred_has_three_stacks_of_each_kind(void **state)
{
    static const struct {
        enum vmcs_field rsp1, ssp1;
        enum vmentry_rule rule;
    } rows[] = {{VMCS_HOST_IA32_FRED_RSP1, VMCS_HOST_IA32_FRED_SSP1, VMENTRY_HOST_FRED_STACKS},
                {VMCS_GUEST_IA32_FRED_RSP1, VMCS_GUEST_IA32_FRED_SSP1, VMENTRY_GUEST_FRED_STACKS}};

    (void)state;
    turn_on_fred();
    vmentry_check(&image, &ground_context, &findings);
    assert_int_equal(findings.count, 0);
    assert_int_equal(findings.unread, 0);
    for (unsigned i = 0; i < 12; i++) {
        bool shadow = i / 2 >= 3;
        enum vmcs_field field = (enum vmcs_field)(shadow ? rows[i % 2].ssp1 + 2 * (i / 2 - 3)
                                                         : rows[i % 2].rsp1 + i / 2 * 2);

        for (unsigned bit = 2; bit < 8; bit++) { /* SSPs are multiples of 8, RSPs of 64 */
            check_with(field, 1u << bit);
            assert_int_equal(vmentry_has(&findings, rows[i % 2].rule), bit < (shadow ? 3u : 6u));
        }
        check_with(field, 0);
    }
}

/* SDM Vol. 3, "Checks on Host Control Registers, MSRs, and SSP": "bit 10 and bit 11 cannot both be
 * set". Other bits have no part in it: what is wanted is what was seen without the two. */
static void both_bits_of_the_tracker_are_too_many(void **state)
{
    static const uint64_t others[] = {0, 1, 0x3f, 0x1000};

    (void)state;
    vmcs_image_set(&image, VMCS_VM_ENTRY_CONTROLS,
                   vmcs_image_get(&image, VMCS_VM_ENTRY_CONTROLS) | ENTRY_LOAD_CET_STATE);
    for (unsigned i = 0; i < sizeof(others) / sizeof(*others); i++) {
        for (uint64_t tracker = 0; tracker < 4; tracker++) {
            check_with(VMCS_GUEST_IA32_S_CET, others[i] | tracker << 10);
            assert_int_equal(vmentry_has(&findings, VMENTRY_GUEST_S_CET_TRACKER), tracker == 3);
            for (uint32_t j = 0; j < findings.count; j++) {
                if (findings.item[j].rule == VMENTRY_GUEST_S_CET_TRACKER)
                    assert_int_equal(findings.item[j].wanted, others[i]);
            }
        }
    }
}

/* SDM Vol. 4 numbers the MSRs: SYSENTER_CS, FS_BASE, x2APIC ID, SMM_MONITOR_CTL, PAT, GS_BASE,
 * BIOS_SIGN_ID.
 */
static void trials_have_the_msrs_they_are_about(void **state)
{
    static const uint32_t wanted[] = {0x174, 0x174, 0xc0000100, 0x802, 0x9b,
                                      0x277, 0x174, 0xc0000101, 0x8b};
    struct vmentry_msr_entry entry;

    (void)state;
    for (unsigned i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
        memcpy(&entry, ground_memory[VMENTRY_PAGE_MSRS] + 16 * i, sizeof(entry));
        assert_int_equal(entry.index, wanted[i]);
        assert_int_equal(entry.reserved, i == 1);
        assert_int_equal(entry.value, entry.index == 0x277 ? 0x0007040600070402 : 0);
    }
}

/* SDM Vol. 3, table "Use of CR3 with PAE Paging": bits 31:5 are the table's address, others
 * ignored. */
static void pdptes_are_read_where_cr3_points(void **state)
{
    const uint64_t wrong = 7; /* bits 1 and 2 of a PDPTE are reserved */
    uint8_t *page = ground_memory[VMENTRY_PAGE_PDPTES];

    (void)state;
    assert_true(vmentry_base_image(&ground, VMENTRY_BASE_PAE, &image));
    memset(page, 0, sizeof(ground_memory[0]));
    memcpy(page + 32, &wrong, sizeof(wrong));
    for (unsigned offset = 0; offset < 96; offset++) {
        check_with(VMCS_GUEST_CR3, ground.page[VMENTRY_PAGE_PDPTES] + offset);
        assert_int_equal(vmentry_has(&findings, VMENTRY_PDPTE_MEMORY), offset / 32 == 1);
        assert_int_equal(findings.unread, 0);
    }
}

/* Without paging, or without PAE, there are no PDPTEs: SDM Vol. 3, "PDPTE Registers". */
static void pdptes_are_of_pae_paging(void **state)
{
    static const struct {
        uint64_t cr0, cr4;
        bool has;
    } rows[] = {{CR0_PG | CR0_PE, CR4_PAE, true},
                {CR0_PG | CR0_PE, 0, false},
                {CR0_PE, CR4_PAE, false},
                {0, 0, false}};
    const uint64_t bases = CR0_PG | CR0_PE;

    (void)state;
    for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        assert_true(vmentry_base_image(&ground, VMENTRY_BASE_REAL, &image));
        vmcs_image_set(&image, VMCS_GUEST_CR0,
                       (vmcs_image_get(&image, VMCS_GUEST_CR0) & ~bases) | rows[i].cr0);
        vmcs_image_set(&image, VMCS_GUEST_CR4,
                       (vmcs_image_get(&image, VMCS_GUEST_CR4) & ~(uint64_t)CR4_PAE) | rows[i].cr4);
        check_with(VMCS_GUEST_PDPTE0, 7);
        assert_int_equal(vmentry_has(&findings, VMENTRY_PDPTE_FIELDS), rows[i].has);
    }
}

/* SDM Vol. 3, "Loading MSRs": "The value of bits 31:8 is 000008H": 800H to 8FFH. */
static uint32_t listed_msr;

static bool read_msr_list(const struct vmentry_context *context, uint64_t address, void *to,
                          size_t bytes)
{
    const struct vmentry_msr_entry entry = {listed_msr, 0, 0};

    (void)context;
    (void)address;
    memcpy(to, &entry, bytes);
    return true;
}

static void x2apics_msrs_are_256(void **state)
{
    static const struct {
        uint32_t msr;
        bool refused;
    } rows[] = {{0x7ff, false}, {0x800, true},  {0x8aa, true},
                {0x8ff, true},  {0x900, false}, {0x9fe, false}};

    (void)state;
    ground_context.read = read_msr_list;
    vmcs_image_set(&image, VMCS_VM_ENTRY_MSR_LOAD_ADDRESS, LIST);
    for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        listed_msr = rows[i].msr;
        check_with(VMCS_VM_ENTRY_MSR_LOAD_COUNT, 1);
        assert_int_equal(vmentry_has(&findings, VMENTRY_MSR_X2APIC), rows[i].refused);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_list_ends_after_its_last_entry, reset),
        cmocka_unit_test_setup(fred_has_three_stacks_of_each_kind, reset),
        cmocka_unit_test_setup(both_bits_of_the_tracker_are_too_many, reset),
        cmocka_unit_test_setup(pdptes_are_read_where_cr3_points, reset),
        cmocka_unit_test_setup(pdptes_are_of_pae_paging, reset),
        cmocka_unit_test_setup(x2apics_msrs_are_256, reset),
        cmocka_unit_test_setup(trials_have_the_msrs_they_are_about, reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
