#include "vmx/finding.h"

#include "lib/string.h"

#define BY_CHECK(kvm, virtual, strict)                        \
    {                                                         \
        SEVERITY_##kvm, SEVERITY_##virtual, SEVERITY_##strict \
    }
#define NOTE    BY_CHECK(NOTE, NOTE, NOTE)
#define WARNING BY_CHECK(WARNING, WARNING, WARNING)
#define REFUSAL BY_CHECK(REFUSAL, REFUSAL, REFUSAL)

#define RULE(id, name, severity, text) {(name), severity, (text)},
const struct rule_text rule_table[RULE_COUNT] = {
#include "vmx/findings.def"
};

static bool details_alike(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

bool finding_is_alike(const struct finding *a, const struct finding *b)
{
    return a->rule == b->rule && a->severity == b->severity && a->msr == b->msr &&
           a->high == b->high && a->low == b->low && a->seen == b->seen && a->wanted == b->wanted &&
           details_alike(a->detail, b->detail);
}

void finding_add(struct findings *findings, struct finding finding)
{
    finding.cpu = findings->cpu;
    finding.severity = rule_table[finding.rule].severity[findings->check];
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
