#include "vmx/capability/vmx_msr.h"

#define VMX_MSR_NAME(name, address) [(address)-VMX_MSR_FIRST] = "IA32_" #name,
static const char *const names[VMX_MSR_COUNT] = {VMX_MSR_TABLE(VMX_MSR_NAME)};
#undef VMX_MSR_NAME

#define BASIC_TRUE_CONTROLS (1ull << 55)

/* An MSR exists always (condition 0), or if any of these bits of another MSR is 1. */
static const struct condition {
    uint32_t msr;
    uint64_t any_of;
} conditions[VMX_MSR_COUNT] = {
#define EXISTS_IF(name, condition_msr, bits) \
    [IA32_##name - VMX_MSR_FIRST] = {IA32_##condition_msr, (bits)}
    EXISTS_IF(VMX_PROCBASED_CTLS2, VMX_PROCBASED_CTLS, 1ull << 63), /* activate secondary */
    EXISTS_IF(VMX_EPT_VPID_CAP, VMX_PROCBASED_CTLS2, 1ull << 33 | 1ull << 37), /* EPT, VPID */
    EXISTS_IF(VMX_TRUE_PINBASED_CTLS, VMX_BASIC, BASIC_TRUE_CONTROLS),
    EXISTS_IF(VMX_TRUE_PROCBASED_CTLS, VMX_BASIC, BASIC_TRUE_CONTROLS),
    EXISTS_IF(VMX_TRUE_EXIT_CTLS, VMX_BASIC, BASIC_TRUE_CONTROLS),
    EXISTS_IF(VMX_TRUE_ENTRY_CTLS, VMX_BASIC, BASIC_TRUE_CONTROLS),
    EXISTS_IF(VMX_VMFUNC, VMX_PROCBASED_CTLS2, 1ull << 45),         /* enable VM functions */
    EXISTS_IF(VMX_PROCBASED_CTLS3, VMX_PROCBASED_CTLS, 1ull << 49), /* activate tertiary */
    EXISTS_IF(VMX_EXIT_CTLS2, VMX_EXIT_CTLS, 1ull << 63),           /* activate secondary */
#undef EXISTS_IF
};

static bool in_table(uint32_t msr)
{
    return msr >= VMX_MSR_FIRST && msr <= VMX_MSR_LAST;
}

const char *vmx_msr_name(uint32_t msr)
{
    return in_table(msr) ? names[msr - VMX_MSR_FIRST] : NULL;
}

bool vmx_msr_is_present(const struct vmx_msrs *msrs, uint32_t msr)
{
    return in_table(msr) && (msrs->present >> (msr - VMX_MSR_FIRST) & 1);
}

uint64_t vmx_msr_value(const struct vmx_msrs *msrs, uint32_t msr)
{
    return vmx_msr_is_present(msrs, msr) ? msrs->value[msr - VMX_MSR_FIRST] : 0;
}

void vmx_msr_set(struct vmx_msrs *msrs, uint32_t msr, uint64_t value)
{
    if (!in_table(msr))
        return;
    msrs->present |= 1u << (msr - VMX_MSR_FIRST);
    msrs->value[msr - VMX_MSR_FIRST] = value;
}

uint32_t vmx_msr_true(const struct vmx_msrs *msrs, uint32_t msr)
{
    uint32_t true_msr = msr - IA32_VMX_PINBASED_CTLS + IA32_VMX_TRUE_PINBASED_CTLS;

    if (msr < IA32_VMX_PINBASED_CTLS || msr > IA32_VMX_ENTRY_CTLS)
        return msr;
    if (!(vmx_msr_value(msrs, IA32_VMX_BASIC) & BASIC_TRUE_CONTROLS))
        return msr;
    return vmx_msr_is_present(msrs, true_msr) ? true_msr : msr;
}

/* An MSR that does not exist itself says nothing about others: follow the chain to its end. */
static bool meets_conditions(const struct vmx_msrs *msrs, uint32_t msr, bool if_not_known)
{
    if (!in_table(msr))
        return false;
    for (const struct condition *condition = &conditions[msr - VMX_MSR_FIRST]; condition->any_of;
         condition = &conditions[condition->msr - VMX_MSR_FIRST]) {
        /* Where the plain MSR was not recorded, its TRUE one reports the same 1-settings. */
        uint32_t told_by = vmx_msr_is_present(msrs, condition->msr)
                               ? condition->msr
                               : vmx_msr_true(msrs, condition->msr);

        if (!vmx_msr_is_present(msrs, told_by) && if_not_known)
            continue;
        if (!(vmx_msr_value(msrs, told_by) & condition->any_of))
            return false;
    }
    return true;
}

bool vmx_msr_exists(const struct vmx_msrs *msrs, uint32_t msr)
{
    return meets_conditions(msrs, msr, false);
}

bool vmx_msr_may_exist(const struct vmx_msrs *msrs, uint32_t msr)
{
    return meets_conditions(msrs, msr, true);
}

uint64_t vmx_msr_capability(const struct vmx_msrs *msrs, uint32_t msr)
{
    return vmx_msr_exists(msrs, msr) ? vmx_msr_value(msrs, msr) : 0;
}

static bool is_for(const struct override *override, uint32_t cpu)
{
    return override->every_cpu || override->cpu == cpu;
}

void override_apply(const struct override_list *list, const struct vmx_msrs *in,
                    struct vmx_msrs *out, struct findings *findings)
{
    *out = *in;
    for (uint32_t i = 0; i < list->count; i++) {
        if (is_for(&list->item[i], findings->cpu))
            vmx_msr_set(out, list->item[i].msr, list->item[i].value);
    }
    /* Whether an MSR exists may itself be overridden: looked at when all values are in place. */
    for (uint32_t i = 0; i < list->count; i++) {
        uint32_t msr = list->item[i].msr;

        if (!is_for(&list->item[i], findings->cpu))
            continue;
        finding_add(
            findings,
            FINDING_AT(vmx_msr_exists(out, msr) ? RULE_OVERRIDDEN : RULE_OVERRIDE_WITHOUT_EFFECT,
                       63, 0, .msr = msr, .seen = list->item[i].value,
                       .wanted = vmx_msr_value(in, msr), .detail = vmx_msr_name(msr)));
    }
}

void vmx_json_msrs(struct json *json, const struct vmx_msrs *msrs, const uint64_t *feature_control)
{
    char name[8];

    json_object_begin(json, "msrs");
    if (feature_control != NULL)
        json_hex(json, "0x3a", *feature_control);
    for (uint32_t msr = VMX_MSR_FIRST; msr <= VMX_MSR_LAST; msr++) {
        if (!vmx_msr_is_present(msrs, msr))
            continue;
        format_text(name, sizeof(name), "%#x", msr);
        json_hex(json, name, vmx_msr_value(msrs, msr));
    }
    json_object_end(json);
}
