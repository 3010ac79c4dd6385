#include "tools/capability/set_json.h"

#include "lib/format.h"
#include "tools/capability/dump_text.h"
#include "vmx/text/capability_text.h"

static void put_features(struct json *json, const char *name, uint32_t requirements)
{
    json_array_begin(json, name);
    for (uint32_t i = 0; i < stage_requirement_count; i++) {
        if (requirements >> i & 1)
            json_string(json, NULL, stage_requirements[i].feature);
    }
    json_array_end(json);
}

static void put_stages(struct json *json, const struct stage_report *report)
{
    json_array_begin(json, "stages");
    for (int i = 0; i < STAGE_COUNT; i++) {
        json_object_begin(json, NULL);
        json_string(json, "stage", stage_name((enum stage)i));
        json_string(json, "verdict", stage_verdict_name(report->stage[i].verdict));
        put_features(json, "missing", report->stage[i].missing);
        put_features(json, "unknown", report->stage[i].unknown);
        json_object_end(json);
    }
    json_array_end(json);
}

static void put_lacking(struct json *json, uint32_t lacking)
{
    char name[8];

    json_array_begin(json, "msrs_missing");
    for (uint32_t i = 0; i < VMX_MSR_COUNT; i++) {
        if (lacking >> i & 1) {
            format_text(name, sizeof(name), "%#x", VMX_MSR_FIRST + i);
            json_string(json, NULL, name);
        }
    }
    json_array_end(json);
}

/* How the text that the set is from was read, and what in it was passed over. */
static void put_reading(struct json *json, const struct dump_reading *reading)
{
    char formats[DUMP_FORMATS_TEXT_MAX];

    dump_formats_text(reading->formats, formats);
    json_string(json, "read_as", formats);
    json_object_begin(json, "not_understood");
    json_number(json, "count", reading->not_understood);
    json_array_begin(json, "first");
    for (uint32_t i = 0; i < reading->not_understood && i < DUMP_PASSED_MAX; i++) {
        json_object_begin(json, NULL);
        json_number(json, "line", reading->passed[i].line);
        json_string(json, "text", reading->passed[i].text);
        json_string(json, "expected", reading->passed[i].expected);
        json_object_end(json);
    }
    json_array_end(json);
    json_object_end(json);
}

void set_json(struct json *json, const struct checked *checked)
{
    const struct vmx_dump *dump = &checked->set->dump;
    const struct stage_report *report = &checked->report;

    json_object_begin(json, NULL);
    json_string(json, "id", checked->set->id);
    json_string(json, "verdict", stage_verdict_name(report->verdict));
    json_string(json, "stage", stage_name(report->reached));
    put_stages(json, report);
    put_lacking(json, report->lacking);
    json_array_begin(json, "findings");
    for (uint32_t i = 0; i < report->findings.count; i++) {
        const struct rule_text text = rule_text(report->findings.item[i].rule);

        vmx_json_finding(json, &report->findings.item[i], NULL, NULL, &text);
    }
    json_array_end(json);
    json_number(json, "findings_lost", report->findings.lost);
    json_string(json, "check", checked->mode == VMX_CHECK_STRICT ? "strict" : "kvm");
    json_string(json, "registers", checked->set->virtual_registers ? "virtual" : "physical");
    put_reading(json, checked->reading);
    vmx_json_msrs(json, &dump->msrs, dump->has_feature_control ? &dump->feature_control : NULL);
    vmx_json_fields(json, "vmcs_config", vmcs_config_fields, vmcs_config_field_count,
                    &report->config);
    vmx_json_fields(json, "vmx_capability", vmx_capability_fields, vmx_capability_field_count,
                    &checked->capability);
    json_object_end(json);
}
