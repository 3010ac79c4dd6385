#include "tools/capability/stage.h"

#include "vmx/text/consistency.h"
#include "vmx/capability/vmx_controls.h"
#include "vmx/capability/vmxon_registers.h"
#include "tools/capability/vmx_feature.h"

enum { WRITE_BACK = 6, PAGE_BYTES = 4096 };

/* What is needed is no range of numbers. */
#define WITHOUT_RANGE(stage, feature, need, why) \
    {                                            \
        stage, (feature), need, 0, 0, (why)      \
    }

const struct stage_requirement stage_requirements[] = {
    {STAGE_VMXON, "basic.size", NEED_BETWEEN, 1, PAGE_BYTES,
     "the VMXON region and the VMCS are given the pages that this size takes"},
    WITHOUT_RANGE(STAGE_VMXON, "basic.32-bit-addresses", NEED_ZERO,
                  "VMX structures may lie anywhere in memory, also above 4 GiB"),
    {STAGE_VMXON, "basic.memory-type", NEED_BETWEEN, WRITE_BACK, WRITE_BACK,
     "VMX structures lie in write-back memory, like all memory of the hypervisor"},
    WITHOUT_RANGE(STAGE_VMXON, "feature-control.vmx-outside-smx", NEED_ENABLED,
                  "VMXON faults where the firmware has locked it off; an unlocked register is set "
                  "and locked"),
    WITHOUT_RANGE(
        STAGE_VMXON, "exit.host-address-space-size", NEED_ONE,
        "the hypervisor is 64-bit code: without this control no guest could ever come back to it"),
    WITHOUT_RANGE(STAGE_VMXON, "entry.entry-to-smm", NEED_ZERO,
                  "no VM entry outside system-management mode succeeds with this control"),
    WITHOUT_RANGE(STAGE_VMXON, "entry.deactivate-dual-monitor", NEED_ZERO,
                  "no VM entry outside system-management mode succeeds with this control"),
    WITHOUT_RANGE(STAGE_GUEST, "primary.hlt-exiting", NEED_ONE,
                  "a guest that halts must come back"),
    WITHOUT_RANGE(
        STAGE_GUEST, "primary.cr3-load-exiting", NEED_ONE,
        "without EPT the page tables are the hypervisor's, and the guest must not leave them"),
    WITHOUT_RANGE(STAGE_GUEST, "primary.cr3-store-exiting", NEED_ONE,
                  "without EPT the guest must not see the page tables that it really runs on"),
    WITHOUT_RANGE(STAGE_GUEST, "entry.ia32e-mode-guest", NEED_ONE,
                  "without EPT a guest is 64-bit code, on 64-bit page tables"),
    WITHOUT_RANGE(STAGE_GUEST_EPT, "primary.secondary-controls", NEED_ONE,
                  "EPT is turned on in the secondary controls"),
    WITHOUT_RANGE(STAGE_GUEST_EPT, "secondary.ept", NEED_ONE,
                  "EPT keeps the guest to its own memory, whatever its page tables say"),
    WITHOUT_RANGE(STAGE_GUEST_EPT, "ept.4-level-walk", NEED_ONE,
                  "the hypervisor's EPT has 4 levels"),
    WITHOUT_RANGE(STAGE_GUEST_EPT, "ept.write-back", NEED_ONE,
                  "EPT tables lie in write-back memory"),
    WITHOUT_RANGE(STAGE_GUEST_EPT, "ept.invept", NEED_ONE,
                  "a change of EPT counts only once old translations are forgotten"),
    WITHOUT_RANGE(STAGE_GUEST_EPT, "ept.invept-all-contexts", NEED_ONE,
                  "the form of INVEPT that is used forgets the translations of all guests"),
    WITHOUT_RANGE(
        STAGE_UNRESTRICTED_GUEST, "secondary.unrestricted-guest", NEED_ONE,
        "real mode, and protected mode without paging, run as they are, without an interpreter"),
};

const uint32_t stage_requirement_count = sizeof(stage_requirements) / sizeof(stage_requirements[0]);

_Static_assert(sizeof(stage_requirements) / sizeof(stage_requirements[0]) <= STAGE_REQUIREMENTS_MAX,
               "a bit for each in struct stage_result");

static enum stage_verdict check_requirement(const struct stage_requirement *requirement,
                                            const struct vmx_dump *dump)
{
    struct vmx_feature_value value =
        vmx_feature_evaluate(vmx_feature_find(requirement->feature), dump);
    bool met = false;

    if (value.state == FEATURE_UNKNOWN && requirement->need != NEED_ENABLED)
        return STAGE_INCOMPLETE;
    switch (requirement->need) {
    case NEED_ENABLED: /* where it is not known it is 0, and VMXON will report */
        met = !feature_control_is_locked_off(dump->feature_control);
        break;
    case NEED_ONE:
        met = vmx_feature_offered(value);
        break;
    case NEED_ZERO:
        met = value.state == FEATURE_ZERO || value.state == FEATURE_EITHER;
        break;
    case NEED_BETWEEN:
        met = value.value >= requirement->low && value.value <= requirement->high;
        break;
    }
    return met ? STAGE_OK : STAGE_REFUSED;
}

/*
 * The verdict on the derivation: what cannot be derived for want of a value is no refusal here. A
 * finding that did not fit counts as one, as everywhere.
 */
static enum stage_verdict check_findings(const struct findings *findings)
{
    enum stage_verdict verdict = STAGE_OK;

    if (findings->lost > 0)
        return STAGE_REFUSED;
    for (uint32_t i = 0; i < findings->count; i++) {
        if (findings->item[i].severity != SEVERITY_REFUSAL)
            continue;
        if (findings->item[i].rule != RULE_MSR_MISSING)
            return STAGE_REFUSED;
        verdict = STAGE_INCOMPLETE;
    }
    return verdict;
}

static enum stage_verdict worse(enum stage_verdict a, enum stage_verdict b)
{
    if (a == STAGE_REFUSED || b == STAGE_REFUSED)
        return STAGE_REFUSED;
    return a == STAGE_OK ? b : a;
}

/* A stage needs what the stages before it need, and nothing begins without a configuration. */
static void check_stages(const struct vmx_dump *dump, struct stage_report *report)
{
    struct stage_result result = {.verdict = report->verdict};

    for (enum stage stage = STAGE_VMXON; stage < STAGE_COUNT; stage++) {
        for (uint32_t i = 0; i < stage_requirement_count; i++) {
            enum stage_verdict verdict;

            if (stage_requirements[i].stage != stage)
                continue;
            verdict = check_requirement(&stage_requirements[i], dump);
            result.verdict = worse(result.verdict, verdict);
            result.missing |= verdict == STAGE_REFUSED ? 1u << i : 0;
            result.unknown |= verdict == STAGE_INCOMPLETE ? 1u << i : 0;
        }
        report->stage[stage] = result;
        if (result.verdict == STAGE_OK)
            report->reached = stage;
    }
}

static uint32_t lacking_msrs(const struct vmx_msrs *msrs)
{
    uint32_t lacking = 0;

    for (uint32_t msr = VMX_MSR_FIRST; msr <= VMX_MSR_LAST; msr++) {
        if (vmx_msr_exists(msrs, msr) && !vmx_msr_is_present(msrs, msr))
            lacking |= 1u << (msr - VMX_MSR_FIRST);
    }
    return lacking;
}

void stage_check(const struct vmx_dump *dump, enum vmx_check mode, struct stage_report *report)
{
    *report = (struct stage_report){
        .reached = STAGE_CAPS, .lacking = lacking_msrs(&dump->msrs), .findings.check = mode};
    vmcs_config_derive(&dump->msrs, &report->config, &report->findings);
    if (dump->has_feature_control)
        feature_control_decide(true, dump->feature_control, &report->findings);
    report->verdict = check_findings(&report->findings);
    consistency_check(&dump->msrs, &report->findings);
    check_stages(dump, report);
}

static const struct {
    const char *name, *title;
} stages[STAGE_COUNT] = {
    [STAGE_CAPS] = {"caps", "capabilities told"},
    [STAGE_VMXON] = {"vmxon", "VMX root operation"},
    [STAGE_VMPTRLD] = {"vmptrld", "a VMCS loaded"},
    [STAGE_GUEST] = {"guest", "64-bit guest without EPT"},
    [STAGE_GUEST_EPT] = {"guest-ept", "guest with EPT"},
    [STAGE_UNRESTRICTED_GUEST] = {"unrestricted-guest", "guest in every mode"},
};

const char *stage_name(enum stage stage)
{
    return stages[stage].name;
}

const char *stage_title(enum stage stage)
{
    return stages[stage].title;
}

const char *stage_verdict_name(enum stage_verdict verdict)
{
    static const char *const names[] = {
        [STAGE_OK] = "ok", [STAGE_REFUSED] = "refused", [STAGE_INCOMPLETE] = "incomplete"};

    return names[verdict];
}
