#include "vmx/finding.h"

#define FINDING_RULE(id, rule_name, kvm, virtual, strict, sentence, section, advice) \
    [RULE_##id] = {                                                                  \
        .name = (rule_name),                                                         \
        .severity = {SEVERITY_##kvm, SEVERITY_##virtual, SEVERITY_##strict},         \
        .text = (sentence),                                                          \
        .sdm = (section),                                                            \
        .remedy = (advice),                                                          \
    },
const struct rule_text rule_table[RULE_COUNT] = {
#include "vmx/findings.def"
};
#undef FINDING_RULE

void finding_add(struct findings *findings, enum vmx_check mode, struct finding finding)
{
    finding.severity = rule_table[finding.rule].severity[mode];
    if (finding.severity == SEVERITY_NONE)
        return;
    if (findings->count == FINDINGS_MAX) {
        findings->lost++;
        return;
    }
    findings->item[findings->count++] = finding;
}

bool findings_refuse(const struct findings *findings)
{
    for (uint32_t i = 0; i < findings->count; i++) {
        if (findings->item[i].severity == SEVERITY_REFUSAL)
            return true;
    }
    return findings->lost > 0;
}

const char *severity_name(enum severity severity)
{
    static const char *const names[] = {
        [SEVERITY_NONE] = "none",
        [SEVERITY_NOTE] = "note",
        [SEVERITY_WARNING] = "warning",
        [SEVERITY_REFUSAL] = "refusal",
    };

    return names[severity];
}
