#include "vmx/capability/vmx_json.h"

#include "lib/format.h"

void vmx_json_finding(struct json *json, const struct finding *finding, const char *cpus,
                      const uint32_t *apic_id, const struct rule_advice *advice)
{
    const struct rule_text *rule = &rule_table[finding->rule];
    char bits[8], cpu[12];

    json_object_begin(json, NULL);
    json_string(json, "rule", rule->name);
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
    json_string(json, "text", rule->text);
    if (advice != NULL) {
        json_string(json, "sdm", advice->sdm);
        json_string(json, "remedy", advice->remedy);
    }
    json_object_end(json);
}

void vmx_json_msrs(struct json *json, const struct vmx_dump *dump)
{
    char name[8];

    json_object_begin(json, "msrs");
    if (dump->has_feature_control)
        json_hex(json, "0x3a", dump->feature_control);
    for (uint32_t msr = VMX_MSR_FIRST; msr <= VMX_MSR_LAST; msr++) {
        if (!vmx_msr_is_present(&dump->msrs, msr))
            continue;
        format_text(name, sizeof(name), "%#x", msr);
        json_hex(json, name, vmx_msr_value(&dump->msrs, msr));
    }
    json_object_end(json);
}

void vmx_json_fields(struct json *json, const char *name, const struct field *fields,
                     uint32_t count, const void *values)
{
    json_object_begin(json, name);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t value = field_value(&fields[i], values);

        if (fields[i].kind == FIELD_BOOL)
            json_bool(json, fields[i].name, value != 0);
        else if (fields[i].kind == FIELD_NUMBER)
            json_number(json, fields[i].name, value);
        else
            json_hex(json, fields[i].name, value);
    }
    json_object_end(json);
}
