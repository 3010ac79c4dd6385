#include "vmx/capability/override.h"

static bool is_for(const struct override *override, uint32_t cpu)
{
    return override->every_cpu || override->cpu == cpu;
}

void override_apply(const struct override_list *list, uint32_t cpu, const struct vmx_msrs *in,
                    struct vmx_msrs *out, struct findings *findings)
{
    *out = *in;
    for (uint32_t i = 0; i < list->count; i++) {
        if (is_for(&list->item[i], cpu))
            vmx_msr_set(out, list->item[i].msr, list->item[i].value);
    }
    /* Whether an MSR exists may itself be overridden: reported when all values are in their place.
     */
    for (uint32_t i = 0; i < list->count; i++) {
        uint32_t msr = list->item[i].msr;

        if (!is_for(&list->item[i], cpu))
            continue;
        /* Both rules have one severity in every mode. */
        finding_add(findings, VMX_CHECK_KVM,
                    (struct finding){.rule = vmx_msr_exists(out, msr)
                                                 ? RULE_OVERRIDDEN
                                                 : RULE_OVERRIDE_WITHOUT_EFFECT,
                                     .cpu = cpu,
                                     .msr = msr,
                                     .high = 63,
                                     .low = 0,
                                     .seen = list->item[i].value,
                                     .wanted = vmx_msr_value(in, msr),
                                     .detail = vmx_msr_name(msr)});
    }
}
