#include "vmx/finding.h"

#include "lib/string.h"

#define BY_CHECK(kvm, virtual, strict) SEVERITY_##kvm, SEVERITY_##virtual, SEVERITY_##strict
#define NOTE                           BY_CHECK(NOTE, NOTE, NOTE)
#define WARNING                        BY_CHECK(WARNING, WARNING, WARNING)
#define REFUSAL                        BY_CHECK(REFUSAL, REFUSAL, REFUSAL)

#define RULE(id, name, severity) {(name), {severity}},
const struct rule_row rule_table[RULE_COUNT] = {
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
    static const char *const names[] = {"none", "note", "warning", "refusal"};

    return names[severity];
}

void vmx_json_finding(struct json *json, const struct finding *finding, const char *cpus,
                      const uint32_t *apic_id, const struct rule_text *text)
{
    char bits[8], cpu[12];

    json_object_begin(json, NULL);
    json_string(json, "rule", rule_table[finding->rule].name);
    json_string(json, "severity", severity_name(finding->severity));
    format_text(cpu, sizeof(cpu), "%u", finding->cpu);
    json_number(json, "cpu", finding->cpu);
    json_string(json, "cpus", cpus != NULL ? cpus : cpu);
    if (apic_id != NULL)
        json_number(json, "apic_id", *apic_id);
    else
        json_null(json, "apic_id");
    if (finding->msr != 0)
        json_hex(json, "msr", finding->msr);
    else
        json_null(json, "msr");
    if (finding->high > finding->low)
        format_text(bits, sizeof(bits), "%d:%d", finding->high, finding->low);
    else
        format_text(bits, sizeof(bits), "%d", finding->low);
    json_string(json, "bits", finding->low < 0 ? NULL : bits);
    json_hex(json, "seen", finding->seen);
    json_hex(json, "wanted", finding->wanted);
    json_string(json, "detail", finding->detail);
    if (text != NULL) {
        json_string(json, "text", text->text);
        json_string(json, "sdm", text->sdm);
        json_string(json, "remedy", text->remedy);
    }
    json_object_end(json);
}
