#include "vmx/capability/vmx_controls.h"

#include "mm/memory_type.h"
#include "mm/page_alloc.h"

enum { BASIC_SIZE_MAX = 4096 }; /* SDM, "Basic VMX Information" */

#define FIELD(name, member, kind) name, offsetof(struct vmcs_config, member), 4, FIELD_##kind
#define CONTROLS(name, word)      FIELD(name, controls[VMX_CONTROL_##word], HEX)
const struct field vmcs_config_fields[] = {
    {FIELD("size", size, NUMBER)},
    {FIELD("order", order, NUMBER)},
    {FIELD("basic_cap", basic_cap, HEX)},
    {FIELD("revision_id", revision_id, HEX)},
    {CONTROLS("pin_based_exec_ctrl", PIN)},
    {CONTROLS("cpu_based_exec_ctrl", PRIMARY)},
    {CONTROLS("cpu_based_2nd_exec_ctrl", SECONDARY)},
    {CONTROLS("vmexit_ctrl", EXIT)},
    {CONTROLS("vmentry_ctrl", ENTRY)},
};

const uint32_t vmcs_config_field_count = sizeof(vmcs_config_fields) / sizeof(vmcs_config_fields[0]);

/* The fields of IA32_VMX_BASIC that must have one certain value. */
static const struct {
    enum rule rule;
    int8_t high, low;
    uint64_t wanted;
} basic_rules[] = {
    {RULE_BASIC_REVISION_BIT_31, 31, 31, 0}, /* reserved here; a shadow VMCS has it set */
    {RULE_BASIC_RESERVED_47_45, 47, 45, 0},           {RULE_BASIC_32_BIT_ADDRESSES, 48, 48, 0},
    {RULE_BASIC_MEMORY_TYPE, 53, 50, MEMORY_TYPE_WB}, {RULE_BASIC_BIT_57, 57, 57, 0},
    {RULE_BASIC_RESERVED_63_59, 63, 59, 0},
};

static uint64_t bits(uint64_t value, int high, int low)
{
    return value >> low & (~0ull >> (63 - (high - low)));
}

static void check_basic(uint64_t basic, struct findings *findings)
{
    uint64_t size = bits(basic, 44, 32);

    if (size == 0 || size > BASIC_SIZE_MAX)
        finding_add(findings,
                    FINDING_AT(size == 0 ? RULE_BASIC_SIZE_ZERO : RULE_BASIC_SIZE_OVER_PAGE, 44, 32,
                               .msr = IA32_VMX_BASIC, .seen = size,
                               .wanted = size == 0 ? 1 : BASIC_SIZE_MAX));
    for (size_t i = 0; i < sizeof(basic_rules) / sizeof(basic_rules[0]); i++) {
        int8_t high = basic_rules[i].high, low = basic_rules[i].low;

        if (bits(basic, high, low) != basic_rules[i].wanted)
            finding_add(findings, FINDING_AT(basic_rules[i].rule, high, low, .msr = IA32_VMX_BASIC,
                                             .seen = bits(basic, high, low),
                                             .wanted = basic_rules[i].wanted));
    }
}

/* Without these nothing can be derived; a TRUE MSR can stand in for its plain one. */
static bool is_essential(const struct vmx_msrs *msrs, uint32_t msr)
{
    return msr >= IA32_VMX_BASIC && msr <= IA32_VMX_ENTRY_CTLS && vmx_msr_true(msrs, msr) == msr;
}

/* That the MSR faulted is a finding already, of where it was read. */
static bool is_reported(const struct findings *findings, uint32_t msr)
{
    for (uint32_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->item[i];

        if (finding->rule == RULE_MSR_READ_FAULT && finding->msr == msr)
            return true;
    }
    return false;
}

static void check_presence(const struct vmx_msrs *msrs, struct findings *findings)
{
    for (uint32_t msr = VMX_MSR_FIRST; msr <= VMX_MSR_LAST; msr++) {
        if (!vmx_msr_exists(msrs, msr) || vmx_msr_is_present(msrs, msr) ||
            is_reported(findings, msr))
            continue;
        finding_add(findings,
                    FINDING(is_essential(msrs, msr) ? RULE_MSR_MISSING : RULE_MSR_NOT_READ,
                            .msr = msr, .detail = vmx_msr_name(msr)));
    }
}

/* A bit that FIXED0 wants to be 1 and FIXED1 wants to be 0 leaves no value to load. */
static void check_fixed(const struct vmx_msrs *msrs, uint32_t fixed0, uint32_t fixed1,
                        const char *name, struct findings *findings)
{
    uint64_t must_be_1 = vmx_msr_value(msrs, fixed0), may_be_1 = vmx_msr_value(msrs, fixed1);

    if (!vmx_msr_is_present(msrs, fixed1) || !(must_be_1 & ~may_be_1))
        return;
    finding_add(findings,
                FINDING_AT(RULE_CR_FIXED_CONTRADICTION, 63, 0, .msr = fixed0, .seen = must_be_1,
                           .wanted = must_be_1 & may_be_1, .detail = name));
}

void vmcs_config_derive(const struct vmx_msrs *msrs, struct vmcs_config *config,
                        struct findings *findings)
{
    uint64_t basic = vmx_msr_value(msrs, IA32_VMX_BASIC);

    *config = (struct vmcs_config){0};
    check_presence(msrs, findings);
    if (vmx_msr_is_present(msrs, IA32_VMX_BASIC)) {
        check_basic(basic, findings);
        config->size = (int)bits(basic, 44, 32);
        config->order = get_order((uint64_t)config->size);
        config->basic_cap = (uint32_t)(basic >> 32) & ~0x1fffu;
        config->revision_id = (uint32_t)bits(basic, 30, 0);
    }
    vmx_controls_derive(msrs, config->controls, findings);
    check_fixed(msrs, IA32_VMX_CR0_FIXED0, IA32_VMX_CR0_FIXED1, "CR0", findings);
    check_fixed(msrs, IA32_VMX_CR4_FIXED0, IA32_VMX_CR4_FIXED1, "CR4", findings);
}

void vmcs_config_compare(const struct vmcs_config *boot_cpu, const struct vmcs_config *other,
                         struct findings *findings)
{
    for (uint32_t i = 0; i < vmcs_config_field_count; i++) {
        const struct field *field = &vmcs_config_fields[i];
        uint64_t seen = field_value(field, other), wanted = field_value(field, boot_cpu);

        if (seen == wanted)
            continue;
        finding_add(findings, FINDING(RULE_COMPARE_MISMATCH, .seen = seen, .wanted = wanted,
                                      .detail = field->name));
    }
}
