/*
 * Rows of the tables in vmx/ against numbers copied by hand from the SDM: appendix "VMX Capability
 * Reporting Facility", "VM-Execution Control Fields", "VM-Exit Control Fields", "VM-Entry Control
 * Fields", "Control Registers", Vol. 4, "IA32_FEATURE_CONTROL". A page that is generated from a
 * table proves nothing about it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/x86_registers.h"
#include "vmx/capability/vmx_capability.h"
#include "vmx/capability/vmx_controls.h"
#include "vmx/entry/vmentry_check.h"
#include "tools/capability/vmx_feature.h"

/* Bits of the MSRs that are neither controls nor bits of CR0 and CR4. */
static const struct {
    const char *id;
    enum vmx_feature_kind kind;
    uint32_t msr;
    unsigned high, low;
} features[] = {
    {"feature-control.lock", FEATURE_FLAG, 0x3a, 0, 0},
    {"feature-control.vmx-inside-smx", FEATURE_FLAG, 0x3a, 1, 1},
    {"feature-control.vmx-outside-smx", FEATURE_FLAG, 0x3a, 2, 2},
    {"feature-control.senter-local", FEATURE_NUMBER, 0x3a, 14, 8},
    {"feature-control.senter-global", FEATURE_FLAG, 0x3a, 15, 15},
    {"feature-control.sgx-launch-control", FEATURE_FLAG, 0x3a, 17, 17},
    {"feature-control.sgx-global", FEATURE_FLAG, 0x3a, 18, 18},
    {"feature-control.lmce", FEATURE_FLAG, 0x3a, 20, 20},
    {"basic.revision-id", FEATURE_NUMBER, 0x480, 30, 0},
    {"basic.bit-31", FEATURE_RESERVED, 0x480, 31, 31},
    {"basic.size", FEATURE_NUMBER, 0x480, 44, 32},
    {"basic.reserved-47-45", FEATURE_RESERVED, 0x480, 47, 45},
    {"basic.32-bit-addresses", FEATURE_FLAG, 0x480, 48, 48},
    {"basic.dual-monitor-treatment", FEATURE_FLAG, 0x480, 49, 49},
    {"basic.memory-type", FEATURE_ENUMERATION, 0x480, 53, 50},
    {"basic.ins-outs-information", FEATURE_FLAG, 0x480, 54, 54},
    {"basic.true-controls", FEATURE_FLAG, 0x480, 55, 55},
    {"basic.any-event-error-code", FEATURE_FLAG, 0x480, 56, 56},
    {"basic.bit-57", FEATURE_RESERVED, 0x480, 57, 57},
    {"basic.nested-exception", FEATURE_FLAG, 0x480, 58, 58},
    {"basic.reserved-63-59", FEATURE_RESERVED, 0x480, 63, 59},
    {"misc.preemption-timer-rate", FEATURE_NUMBER, 0x485, 4, 0},
    {"misc.exit-stores-efer-lma", FEATURE_FLAG, 0x485, 5, 5},
    {"misc.activity-hlt", FEATURE_FLAG, 0x485, 6, 6},
    {"misc.activity-shutdown", FEATURE_FLAG, 0x485, 7, 7},
    {"misc.activity-wait-for-sipi", FEATURE_FLAG, 0x485, 8, 8},
    {"misc.reserved-13-9", FEATURE_RESERVED, 0x485, 13, 9},
    {"misc.pt-in-vmx", FEATURE_FLAG, 0x485, 14, 14},
    {"misc.rdmsr-smbase", FEATURE_FLAG, 0x485, 15, 15},
    {"misc.cr3-targets", FEATURE_NUMBER, 0x485, 24, 16},
    {"misc.msr-list-limit", FEATURE_NUMBER, 0x485, 27, 25},
    {"misc.smm-monitor-blocks-smi", FEATURE_FLAG, 0x485, 28, 28},
    {"misc.vmwrite-any-field", FEATURE_FLAG, 0x485, 29, 29},
    {"misc.zero-length-injection", FEATURE_FLAG, 0x485, 30, 30},
    {"misc.reserved-31", FEATURE_RESERVED, 0x485, 31, 31},
    {"misc.mseg-revision-id", FEATURE_NUMBER, 0x485, 63, 32},
    {"vmcs-enum.highest-index", FEATURE_NUMBER, 0x48a, 9, 1},
    {"ept.execute-only", FEATURE_FLAG, 0x48c, 0, 0},
    {"ept.4-level-walk", FEATURE_FLAG, 0x48c, 6, 6},
    {"ept.5-level-walk", FEATURE_FLAG, 0x48c, 7, 7},
    {"ept.uncacheable", FEATURE_FLAG, 0x48c, 8, 8},
    {"ept.write-back", FEATURE_FLAG, 0x48c, 14, 14},
    {"ept.2m-pages", FEATURE_FLAG, 0x48c, 16, 16},
    {"ept.1g-pages", FEATURE_FLAG, 0x48c, 17, 17},
    {"ept.invept", FEATURE_FLAG, 0x48c, 20, 20},
    {"ept.accessed-dirty", FEATURE_FLAG, 0x48c, 21, 21},
    {"ept.advanced-exit-information", FEATURE_FLAG, 0x48c, 22, 22},
    {"ept.supervisor-shadow-stack", FEATURE_FLAG, 0x48c, 23, 23},
    {"ept.invept-single-context", FEATURE_FLAG, 0x48c, 25, 25},
    {"ept.invept-all-contexts", FEATURE_FLAG, 0x48c, 26, 26},
    {"ept.hlat-prefix-size", FEATURE_NUMBER, 0x48c, 53, 48},
    {"vpid.invvpid", FEATURE_FLAG, 0x48c, 32, 32},
    {"vpid.invvpid-individual-address", FEATURE_FLAG, 0x48c, 40, 40},
    {"vpid.invvpid-single-context", FEATURE_FLAG, 0x48c, 41, 41},
    {"vpid.invvpid-all-contexts", FEATURE_FLAG, 0x48c, 42, 42},
    {"vpid.invvpid-retaining-globals", FEATURE_FLAG, 0x48c, 43, 43},
};

static void every_feature_has_its_bits(void **state)
{
    unsigned found = 0;

    (void)state;
    for (unsigned i = 0; i < sizeof features / sizeof *features; i++) {
        const struct vmx_feature *row = vmx_feature_find(features[i].id);

        assert_non_null(row);
        if (row->kind != features[i].kind || row->msr != features[i].msr ||
            row->high != features[i].high || row->low != features[i].low)
            fail_msg("%s", features[i].id);
    }
    for (uint32_t i = 0; i < vmx_feature_count; i++)
        found += vmx_feature_table[i].kind != FEATURE_CONTROL &&
                 vmx_feature_table[i].kind != FEATURE_FIXED;
    assert_int_equal(found, sizeof features / sizeof *features);
}

/* The fields of struct vmx_capability: each by the MSR and the bits that it comes from. */
static const struct {
    const char *name;
    uint32_t msr;
    unsigned high, low;
    enum field_kind kind;
} fields[] = {
    {"dual_monitor_treatment", 0x480, 49, 49, FIELD_BOOL},
    {"ins_outs_information", 0x480, 54, 54, FIELD_BOOL},
    {"true_controls", 0x480, 55, 55, FIELD_BOOL},
    {"any_event_error_code", 0x480, 56, 56, FIELD_BOOL},
    {"basic_bit_57", 0x480, 57, 57, FIELD_BOOL},
    {"nested_exception", 0x480, 58, 58, FIELD_BOOL},
    {"pin_allowed0", 0x481, 31, 0, FIELD_HEX},
    {"pin_allowed1", 0x481, 63, 32, FIELD_HEX},
    {"primary_allowed0", 0x482, 31, 0, FIELD_HEX},
    {"primary_allowed1", 0x482, 63, 32, FIELD_HEX},
    {"secondary_allowed0", 0x48b, 31, 0, FIELD_HEX},
    {"secondary_allowed1", 0x48b, 63, 32, FIELD_HEX},
    {"tertiary_allowed1", 0x492, 63, 0, FIELD_HEX},
    {"exit_allowed0", 0x483, 31, 0, FIELD_HEX},
    {"exit_allowed1", 0x483, 63, 32, FIELD_HEX},
    {"secondary_exit_allowed1", 0x493, 63, 0, FIELD_HEX},
    {"entry_allowed0", 0x484, 31, 0, FIELD_HEX},
    {"entry_allowed1", 0x484, 63, 32, FIELD_HEX},
    {"preemption_timer_shift", 0x485, 4, 0, FIELD_NUMBER},
    {"exit_stores_efer_lma", 0x485, 5, 5, FIELD_BOOL},
    {"activity_hlt", 0x485, 6, 6, FIELD_BOOL},
    {"activity_shutdown", 0x485, 7, 7, FIELD_BOOL},
    {"activity_wait_for_sipi", 0x485, 8, 8, FIELD_BOOL},
    {"pt_in_vmx", 0x485, 14, 14, FIELD_BOOL},
    {"rdmsr_smbase_in_smm", 0x485, 15, 15, FIELD_BOOL},
    {"cr3_targets", 0x485, 24, 16, FIELD_NUMBER},
    {"msr_list_limit", 0x485, 27, 25, FIELD_NUMBER},
    {"smm_monitor_blocks_smi", 0x485, 28, 28, FIELD_BOOL},
    {"vmwrite_any_field", 0x485, 29, 29, FIELD_BOOL},
    {"zero_length_injection", 0x485, 30, 30, FIELD_BOOL},
    {"mseg_revision_id", 0x485, 63, 32, FIELD_HEX},
    {"cr0_fixed0", 0x486, 63, 0, FIELD_HEX},
    {"cr0_fixed1", 0x487, 63, 0, FIELD_HEX},
    {"cr4_fixed0", 0x488, 63, 0, FIELD_HEX},
    {"cr4_fixed1", 0x489, 63, 0, FIELD_HEX},
    {"vmcs_enum_max_index", 0x48a, 9, 1, FIELD_NUMBER},
    {"ept_execute_only", 0x48c, 0, 0, FIELD_BOOL},
    {"ept_page_walk_4", 0x48c, 6, 6, FIELD_BOOL},
    {"ept_page_walk_5", 0x48c, 7, 7, FIELD_BOOL},
    {"ept_uncacheable", 0x48c, 8, 8, FIELD_BOOL},
    {"ept_write_back", 0x48c, 14, 14, FIELD_BOOL},
    {"ept_2m_pages", 0x48c, 16, 16, FIELD_BOOL},
    {"ept_1g_pages", 0x48c, 17, 17, FIELD_BOOL},
    {"invept", 0x48c, 20, 20, FIELD_BOOL},
    {"ept_accessed_dirty", 0x48c, 21, 21, FIELD_BOOL},
    {"ept_advanced_exit_information", 0x48c, 22, 22, FIELD_BOOL},
    {"ept_supervisor_shadow_stack", 0x48c, 23, 23, FIELD_BOOL},
    {"invept_single_context", 0x48c, 25, 25, FIELD_BOOL},
    {"invept_all_contexts", 0x48c, 26, 26, FIELD_BOOL},
    {"hlat_prefix_size_max", 0x48c, 53, 48, FIELD_NUMBER},
    {"invvpid", 0x48c, 32, 32, FIELD_BOOL},
    {"invvpid_individual_address", 0x48c, 40, 40, FIELD_BOOL},
    {"invvpid_single_context", 0x48c, 41, 41, FIELD_BOOL},
    {"invvpid_all_contexts", 0x48c, 42, 42, FIELD_BOOL},
    {"invvpid_single_retaining_globals", 0x48c, 43, 43, FIELD_BOOL},
    {"vm_functions", 0x491, 63, 0, FIELD_HEX},
};

/* SDM: 48BH, 48CH, 491H, 492H and 493H exist where these controls may be 1. All MSRs say no more.
 */
static void only_that_all_msrs_exist(struct vmx_msrs *msrs)
{
    memset(msrs, 0, sizeof(*msrs));
    for (uint32_t msr = 0x480; msr <= 0x493; msr++)
        vmx_msr_set(msrs, msr, 0);
    vmx_msr_set(msrs, 0x482, 1ull << (32 + 31) | 1ull << (32 + 17));
    vmx_msr_set(msrs, 0x483, 1ull << (32 + 31));
    vmx_msr_set(msrs, 0x48b, 1ull << (32 + 1) | 1ull << (32 + 13));
}

static uint64_t field(const struct vmx_msrs *msrs, unsigned i)
{
    struct vmx_capability capability;

    vmx_capability_derive(msrs, &capability);
    return field_value(&vmx_capability_fields[i], &capability);
}

/* Each bit of the MSR counts where the row says so, and nowhere else. */
static void every_capability_comes_from_its_bits(void **state)
{
    static const uint64_t needed[0x494 - 0x480] = {
        [2] = 1ull << 63 | 1ull << 49, [3] = 1ull << 63, [0xb] = 1ull << 33 | 1ull << 45};

    (void)state;
    assert_int_equal(vmx_capability_field_count, sizeof fields / sizeof *fields);
    for (unsigned i = 0; i < sizeof fields / sizeof *fields; i++) {
        assert_string_equal(vmx_capability_fields[i].name, fields[i].name);
        assert_int_equal(vmx_capability_fields[i].kind, fields[i].kind);
        for (unsigned bit = 0; bit < 64; bit++) {
            bool within = bit >= fields[i].low && bit <= fields[i].high;
            struct vmx_msrs msrs;
            uint64_t base;

            only_that_all_msrs_exist(&msrs);
            if (needed[fields[i].msr - 0x480] >> bit & 1)
                continue;
            if (fields[i].msr == 0x480 && bit == 55 && !within)
                continue; /* the TRUE MSRs, which are 0 */
            base = field(&msrs, i);
            vmx_msr_set(&msrs, fields[i].msr, vmx_msr_value(&msrs, fields[i].msr) | 1ull << bit);
            if ((field(&msrs, i) ^ base) != (within ? 1ull << (bit - fields[i].low) : 0))
                fail_msg("%s, bit %u", fields[i].name, bit);
        }
    }
}

/* Controls by word and bit; what a minimal hypervisor wants of them is the column "want". */
#define C(word, bit, id)                                               \
    {                                                                  \
        VMX_CONTROL_##word, 1u << (bit), word##_##id, CONTROL_UNWANTED \
    }
#define W(word, bit, id)                                             \
    {                                                                \
        VMX_CONTROL_##word, 1u << (bit), word##_##id, CONTROL_WANTED \
    }
#define T(word, bit, id, the)                               \
    {                                                       \
        VMX_CONTROL_##word, 1u << (bit), word##_##id, (the) \
    }
static const struct {
    enum vmx_control_word word;
    uint32_t mask, named;
    enum vmx_control_want want;
} controls[] = {
    W(PIN, 0, EXTERNAL_INTERRUPT_EXITING),
    W(PIN, 3, NMI_EXITING),
    W(PIN, 5, VIRTUAL_NMIS),
    C(PIN, 6, PREEMPTION_TIMER),
    C(PIN, 7, POSTED_INTERRUPTS),
    C(PRIMARY, 2, INTERRUPT_WINDOW_EXITING),
    C(PRIMARY, 3, TSC_OFFSETTING),
    W(PRIMARY, 7, HLT_EXITING),
    C(PRIMARY, 9, INVLPG_EXITING),
    C(PRIMARY, 10, MWAIT_EXITING),
    C(PRIMARY, 11, RDPMC_EXITING),
    C(PRIMARY, 12, RDTSC_EXITING),
    C(PRIMARY, 15, CR3_LOAD_EXITING),
    C(PRIMARY, 16, CR3_STORE_EXITING),
    C(PRIMARY, 17, TERTIARY_CONTROLS),
    C(PRIMARY, 19, CR8_LOAD_EXITING),
    C(PRIMARY, 20, CR8_STORE_EXITING),
    C(PRIMARY, 21, TPR_SHADOW),
    C(PRIMARY, 22, NMI_WINDOW_EXITING),
    C(PRIMARY, 23, MOV_DR_EXITING),
    W(PRIMARY, 24, UNCONDITIONAL_IO_EXITING),
    C(PRIMARY, 25, IO_BITMAPS),
    C(PRIMARY, 27, MONITOR_TRAP_FLAG),
    W(PRIMARY, 28, MSR_BITMAPS),
    C(PRIMARY, 29, MONITOR_EXITING),
    C(PRIMARY, 30, PAUSE_EXITING),
    W(PRIMARY, 31, SECONDARY_CONTROLS),
    C(SECONDARY, 0, VIRTUALIZE_APIC_ACCESSES),
    W(SECONDARY, 1, ENABLE_EPT),
    C(SECONDARY, 2, DESCRIPTOR_TABLE_EXITING),
    W(SECONDARY, 3, ENABLE_RDTSCP),
    C(SECONDARY, 4, VIRTUALIZE_X2APIC_MODE),
    W(SECONDARY, 5, ENABLE_VPID),
    C(SECONDARY, 6, WBINVD_EXITING),
    W(SECONDARY, 7, UNRESTRICTED_GUEST),
    C(SECONDARY, 8, APIC_REGISTER_VIRTUALIZATION),
    C(SECONDARY, 9, VIRTUAL_INTERRUPT_DELIVERY),
    C(SECONDARY, 10, PAUSE_LOOP_EXITING),
    C(SECONDARY, 11, RDRAND_EXITING),
    W(SECONDARY, 12, ENABLE_INVPCID),
    C(SECONDARY, 13, ENABLE_VM_FUNCTIONS),
    C(SECONDARY, 14, VMCS_SHADOWING),
    C(SECONDARY, 15, ENABLE_ENCLS_EXITING),
    C(SECONDARY, 16, RDSEED_EXITING),
    C(SECONDARY, 17, ENABLE_PML),
    C(SECONDARY, 18, EPT_VIOLATION_VE),
    C(SECONDARY, 19, CONCEAL_VMX_FROM_PT),
    W(SECONDARY, 20, ENABLE_XSAVES),
    C(SECONDARY, 21, PASID_TRANSLATION),
    C(SECONDARY, 22, MODE_BASED_EPT_EXECUTE),
    C(SECONDARY, 23, SUB_PAGE_WRITE_PERMISSIONS),
    C(SECONDARY, 24, PT_GUEST_PHYSICAL),
    C(SECONDARY, 25, TSC_SCALING),
    C(SECONDARY, 26, USER_WAIT_AND_PAUSE),
    C(SECONDARY, 27, ENABLE_PCONFIG),
    C(SECONDARY, 28, ENABLE_ENCLV_EXITING),
    C(SECONDARY, 30, BUS_LOCK_DETECTION),
    C(SECONDARY, 31, INSTRUCTION_TIMEOUT),
    W(EXIT, 2, SAVE_DEBUG_CONTROLS),
    T(EXIT, 9, HOST_ADDRESS_SPACE_SIZE, CONTROL_REQUIRED),
    C(EXIT, 12, LOAD_PERF_GLOBAL_CTRL),
    W(EXIT, 15, ACKNOWLEDGE_INTERRUPT),
    W(EXIT, 18, SAVE_PAT),
    W(EXIT, 19, LOAD_PAT),
    W(EXIT, 20, SAVE_EFER),
    W(EXIT, 21, LOAD_EFER),
    C(EXIT, 22, SAVE_PREEMPTION_TIMER),
    C(EXIT, 23, CLEAR_BNDCFGS),
    C(EXIT, 24, CONCEAL_VMX_FROM_PT),
    C(EXIT, 25, CLEAR_RTIT_CTL),
    C(EXIT, 26, CLEAR_LBR_CTL),
    C(EXIT, 27, CLEAR_UINV),
    C(EXIT, 28, LOAD_CET_STATE),
    C(EXIT, 29, LOAD_PKRS),
    C(EXIT, 30, SAVE_PERF_GLOBAL_CTL),
    C(EXIT, 31, SECONDARY_CONTROLS),
    W(ENTRY, 2, LOAD_DEBUG_CONTROLS),
    W(ENTRY, 9, IA32E_MODE_GUEST),
    T(ENTRY, 10, ENTRY_TO_SMM, CONTROL_MUST_BE_ZERO),
    T(ENTRY, 11, DEACTIVATE_DUAL_MONITOR, CONTROL_MUST_BE_ZERO),
    C(ENTRY, 13, LOAD_PERF_GLOBAL_CTRL),
    W(ENTRY, 14, LOAD_PAT),
    W(ENTRY, 15, LOAD_EFER),
    C(ENTRY, 16, LOAD_BNDCFGS),
    C(ENTRY, 17, CONCEAL_VMX_FROM_PT),
    C(ENTRY, 18, LOAD_RTIT_CTL),
    C(ENTRY, 19, LOAD_UINV),
    C(ENTRY, 20, LOAD_CET_STATE),
    C(ENTRY, 21, LOAD_GUEST_LBR_CTL),
    C(ENTRY, 22, LOAD_PKRS),
    C(ENTRY, 23, LOAD_FRED),
    C(ENTRY, 24, LOAD_SPEC_CTRL),
    C(ENTRY, 25, ALLOW_SEAM_GUEST_TELEMETRY),
};

static void every_control_has_its_bit(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof controls / sizeof *controls; i++) {
        const struct vmx_control *row = &vmx_control_table[i];

        if (row->word != controls[i].word || row->mask != controls[i].mask ||
            row->want != controls[i].want || controls[i].named != controls[i].mask)
            fail_msg("%s", row->name);
    }
}

/* The controls of the 64-bit words: their own numbers in 491H, 492H and 493H. */
static void every_64_bit_control_has_its_bit(void **state)
{
    static const struct {
        const char *id;
        uint32_t msr;
        unsigned bit;
        uint32_t named;
    } rows[] = {
        {"tertiary.loadiwkey-exiting", 0x492, 0, TERTIARY_LOADIWKEY_EXITING},
        {"tertiary.hlat", 0x492, 1, TERTIARY_ENABLE_HLAT},
        {"tertiary.ept-paging-write", 0x492, 2, TERTIARY_EPT_PAGING_WRITE},
        {"tertiary.guest-paging-verification", 0x492, 3, TERTIARY_GUEST_PAGING_VERIFICATION},
        {"tertiary.ipi-virtualization", 0x492, 4, TERTIARY_IPI_VIRTUALIZATION},
        {"tertiary.seam-guest-physical-width", 0x492, 5, TERTIARY_SEAM_GUEST_PHYSICAL_WIDTH},
        {"tertiary.msr-list", 0x492, 6, TERTIARY_ENABLE_MSR_LIST},
        {"tertiary.virtualize-spec-ctrl", 0x492, 7, TERTIARY_VIRTUALIZE_SPEC_CTRL},
        {"tertiary.apic-timer-virtualization", 0x492, 8, TERTIARY_VIRTUAL_TIMER},
        {"tertiary.pbndkb", 0x492, 9, TERTIARY_ENABLE_PBNDKB},
        {"tertiary.pebs-guest-physical", 0x492, 12, TERTIARY_PEBS_GUEST_PHYSICAL},
        {"exit2.save-fred", 0x493, 0, SECONDARY_EXIT_SAVE_FRED},
        {"exit2.load-fred", 0x493, 1, SECONDARY_EXIT_LOAD_FRED},
        {"exit2.load-spec-ctrl", 0x493, 2, SECONDARY_EXIT_LOAD_SPEC_CTRL},
        {"exit2.prematurely-busy-shadow-stack", 0x493, 3,
         SECONDARY_EXIT_PREMATURELY_BUSY_SHADOW_STACK},
        {"vmfunc.eptp-switching", 0x491, 0, VM_FUNCTION_EPTP_SWITCHING},
    };
    unsigned found = 0;

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct vmx_feature *row = vmx_feature_find(rows[i].id);

        const struct vmx_control *control =
            &vmx_control_table[sizeof controls / sizeof *controls + i];

        assert_non_null(row);
        if (row->kind != FEATURE_CONTROL || row->msr != rows[i].msr || row->low != rows[i].bit ||
            row->high != rows[i].bit || rows[i].named != 1u << rows[i].bit)
            fail_msg("%s", rows[i].id);
        assert_int_equal(control->mask, rows[i].named);
        assert_int_equal(control->want, CONTROL_UNWANTED);
        assert_string_equal(control->name, row->name);
    }
    assert_int_equal(vmx_control_count,
                     sizeof controls / sizeof *controls + sizeof rows / sizeof *rows);
    for (uint32_t i = 0; i < vmx_feature_count; i++)
        found += vmx_feature_table[i].kind == FEATURE_CONTROL && vmx_feature_table[i].msr >= 0x491;
    assert_int_equal(found, sizeof rows / sizeof *rows);
}

/* SDM Vol. 3, "Control Registers". FIXED0 of CR0 is MSR 486H, of CR4 488H. */
static void every_bit_of_a_control_register_has_its_place(void **state)
{
    static const struct {
        const char *id;
        unsigned bit;
    } bits[] = {
        {"cr0.pe", 0},       {"cr0.mp", 1},          {"cr0.em", 2},        {"cr0.ts", 3},
        {"cr0.et", 4},       {"cr0.ne", 5},          {"cr0.wp", 16},       {"cr0.am", 18},
        {"cr0.nw", 29},      {"cr0.cd", 30},         {"cr0.pg", 31},       {"cr4.vme", 0},
        {"cr4.pvi", 1},      {"cr4.tsd", 2},         {"cr4.de", 3},        {"cr4.pse", 4},
        {"cr4.pae", 5},      {"cr4.mce", 6},         {"cr4.pge", 7},       {"cr4.pce", 8},
        {"cr4.osfxsr", 9},   {"cr4.osxmmexcpt", 10}, {"cr4.umip", 11},     {"cr4.la57", 12},
        {"cr4.vmxe", 13},    {"cr4.smxe", 14},       {"cr4.fsgsbase", 16}, {"cr4.pcide", 17},
        {"cr4.osxsave", 18}, {"cr4.kl", 19},         {"cr4.smep", 20},     {"cr4.smap", 21},
        {"cr4.pke", 22},     {"cr4.cet", 23},        {"cr4.pks", 24},      {"cr4.uintr", 25},
        {"cr4.lass", 27},    {"cr4.lam-sup", 28},    {"cr4.fred", 32},
    };
    unsigned found = 0;

    (void)state;
    for (unsigned i = 0; i < sizeof bits / sizeof *bits; i++) {
        const struct vmx_feature *row = vmx_feature_find(bits[i].id);

        if (row == NULL || row->kind != FEATURE_FIXED || row->low != bits[i].bit ||
            row->high != bits[i].bit || row->msr != (bits[i].id[2] == '0' ? 0x486 : 0x488))
            fail_msg("%s", bits[i].id);
    }
    for (uint32_t i = 0; i < vmx_feature_count; i++)
        found += vmx_feature_table[i].kind == FEATURE_FIXED;
    assert_int_equal(found, sizeof bits / sizeof *bits);
}

/*
 * SDM Vol. 3, chapter "VM Entries": which section a rule is from, and what breaking it leads to.
 * The rules stand in the manual's order: from one that is named here to the next it is the same.
 */
static void every_rule_of_vm_entry_is_in_its_section(void **state)
{
    static const struct {
        enum vmentry_rule first;
        enum vmentry_class class;
        bool may;
        const char *section;
    } parts[] = {
        {VMENTRY_PIN_MUST_BE_1, VMENTRY_CONTROLS, false, "VM-Execution Control Fields"},
        {VMENTRY_EXIT_MUST_BE_1, VMENTRY_CONTROLS, false, "VM-Exit Control Fields"},
        {VMENTRY_ENTRY_MUST_BE_1, VMENTRY_CONTROLS, false, "VM-Entry Control Fields"},
        {VMENTRY_HOST_CR0_FIXED, VMENTRY_HOST, false,
         "Checks on Host Control Registers, MSRs, and SSP"},
        {VMENTRY_HOST_SELECTOR_RPL_TI, VMENTRY_HOST, false,
         "Checks on Host Segment and Descriptor-Table Registers"},
        {VMENTRY_HOST_ADDRESS_SPACE, VMENTRY_HOST, false, "Checks Related to Address-Space Size"},
        {VMENTRY_GUEST_CR0_FIXED, VMENTRY_GUEST, false,
         "Checks on Guest Control Registers, Debug Registers, and MSRs"},
        {VMENTRY_GUEST_TABLE_CANONICAL, VMENTRY_GUEST, false,
         "Checks on Guest Descriptor-Table Registers"},
        {VMENTRY_GUEST_RIP_HIGH, VMENTRY_GUEST, false, "Checks on Guest RIP, RFLAGS, and SSP"},
        {VMENTRY_GUEST_SSP_HIGH, VMENTRY_GUEST, true, "Loading Guest RIP, RSP, RFLAGS, and SSP"},
        {VMENTRY_SEGMENT_TI, VMENTRY_GUEST, false, "Checks on Guest Segment Registers"},
        {VMENTRY_ACTIVITY_SUPPORTED, VMENTRY_GUEST, false, "Checks on Guest Non-Register State"},
        {VMENTRY_BLOCKING_NMI_STI, VMENTRY_GUEST, true, "Checks on Guest Non-Register State"},
        {VMENTRY_BLOCKING_VIRTUAL_NMI, VMENTRY_GUEST, false, "Checks on Guest Non-Register State"},
        {VMENTRY_PDPTE_FIELDS, VMENTRY_GUEST, false,
         "Checks on Guest Page-Directory-Pointer-Table Entries"},
        {VMENTRY_MSR_RESERVED, VMENTRY_MSR_LOAD, false, "Loading MSRs"},
        {VMENTRY_MSR_MICROCODE, VMENTRY_MSR_LOAD, true, "Loading MSRs"},
        {VMENTRY_MSR_WRITE_FAULT, VMENTRY_MSR_LOAD, false, "Loading MSRs"},
    };
    unsigned part = 0;

    (void)state;
    for (enum vmentry_rule rule = 0; rule < VMENTRY_RULE_COUNT; rule++) {
        const struct vmentry_rule_text row = vmentry_rule_text(rule);

        if (part + 1 < sizeof parts / sizeof *parts && rule == parts[part + 1].first)
            part++;
        /* One that was cut would fill its place. */
        assert_true(strlen(row.name) + 1 < sizeof(row.name));
        assert_true(strlen(row.text) + 1 < sizeof(row.text));
        assert_string_equal(row.section, parts[part].section);
        assert_int_equal(row.class, parts[part].class);
        assert_int_equal(row.may, parts[part].may);
    }
    assert_int_equal(part, sizeof parts / sizeof *parts - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_feature_has_its_bits),
        cmocka_unit_test(every_capability_comes_from_its_bits),
        cmocka_unit_test(every_control_has_its_bit),
        cmocka_unit_test(every_64_bit_control_has_its_bit),
        cmocka_unit_test(every_bit_of_a_control_register_has_its_place),
        cmocka_unit_test(every_rule_of_vm_entry_is_in_its_section),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
