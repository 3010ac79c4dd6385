/* What the findings of vmx/entry/vmentry_check.h mean for the VM entry. */
#include "vmx/entry/vmentry_check.h"

static uint64_t qualification_of(const struct vmentry_finding *finding)
{
    return vmentry_section_of(finding->rule)->qualification;
}

/* The entry at which loading MSRs stops: the lowest that breaks a rule. */
static uint64_t first_entry(const struct vmentry_findings *findings)
{
    uint64_t first = UINT32_MAX;

    for (uint32_t i = 0; i < findings->count; i++) {
        if (vmentry_class_of(findings->item[i].rule) == VMENTRY_MSR_LOAD &&
            findings->item[i].entry < first)
            first = findings->item[i].entry;
    }
    return first;
}

bool vmentry_has(const struct vmentry_findings *findings, enum vmentry_rule rule)
{
    for (uint32_t i = 0; i < findings->count; i++) {
        if (findings->item[i].rule == rule)
            return true;
    }
    return false;
}

/* The classes of which rules are broken, a bit each; `sure`: of those every processor checks. */
static unsigned classes_of(const struct vmentry_findings *findings, bool sure)
{
    unsigned classes = 1u << VMENTRY_ENTERS;

    for (uint32_t i = 0; i < findings->count; i++) {
        if (!sure || !vmentry_section_of(findings->item[i].rule)->may)
            classes |= 1u << vmentry_class_of(findings->item[i].rule);
    }
    return classes;
}

struct vmentry_outcome vmentry_predict(const struct vmentry_findings *findings)
{
    enum vmentry_class class = (enum vmentry_class)__builtin_ctz(classes_of(findings, false));
    const struct vmentry_finding *finding = findings->item;

    if (class == VMENTRY_ENTERS)
        return (struct vmentry_outcome){class, 0};
    while (vmentry_class_of(finding->rule) != class)
        finding++;
    return (struct vmentry_outcome){class, class == VMENTRY_MSR_LOAD ? first_entry(findings)
                                                                     : qualification_of(finding)};
}

/*
 * Where several rules are broken, the qualification may be that of any of them; also of one that
 * could not be checked, for want of memory that can be read, and which may be broken, too.
 */
static bool qualification_fits(const struct vmentry_findings *findings, uint64_t qualification)
{
    for (uint32_t i = 0; i < findings->count; i++) {
        if (vmentry_class_of(findings->item[i].rule) == VMENTRY_GUEST &&
            qualification_of(&findings->item[i]) == qualification)
            return true;
    }
    return classes_of(findings, false) >> VMENTRY_GUEST & 1 &&
           ((qualification == VMENTRY_QUALIFICATION_PDPTE &&
             vmentry_is_unchecked(findings, VMENTRY_PDPTE_MEMORY)) ||
            (qualification == VMENTRY_QUALIFICATION_LINK_POINTER &&
             vmentry_is_unchecked(findings, VMENTRY_LINK_POINTER_REVISION)));
}

/* May it be this entry at which loading MSRs stops, and none before it? */
static bool entry_fits(const struct vmentry_findings *findings, uint64_t entry)
{
    bool found = false;

    for (uint32_t i = 0; i < findings->count; i++) {
        const struct vmentry_finding *finding = &findings->item[i];

        if (vmentry_class_of(finding->rule) != VMENTRY_MSR_LOAD)
            continue;
        if (finding->entry < entry && !vmentry_section_of(finding->rule)->may)
            return false;
        found |= finding->entry == entry;
    }
    return found;
}

/* Controls and host state may be checked in either order; the guest's and MSRs come after both. */
bool vmentry_allows(const struct vmentry_findings *findings, struct vmentry_outcome outcome)
{
    if (outcome.class <= VMENTRY_HOST)
        return classes_of(findings, false) >> outcome.class & 1;
    if (__builtin_ctz(classes_of(findings, true)) < (int)outcome.class)
        return false;
    if (outcome.class == VMENTRY_GUEST)
        return qualification_fits(findings, outcome.qualification);
    return outcome.class != VMENTRY_MSR_LOAD || entry_fits(findings, outcome.qualification);
}
