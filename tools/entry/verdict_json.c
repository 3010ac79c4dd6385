#include "tools/entry/verdict_text.h"

#include "lib/format.h"

static const char *field_name_of(enum vmcs_field field)
{
    return vmcs_field_table[vmcs_field_index(field)].name;
}

static void json_field_if(struct json *json, const char *name, const struct vmcs_image *image,
                          enum vmcs_field field)
{
    const uint64_t *value = vmcs_image_find(image, field);

    if (value != NULL)
        json_hex(json, name, *value);
    else
        json_null(json, name);
}

static void json_fields(struct json *json, const char *name, const uint32_t *bits)
{
    json_array_begin(json, name);
    for (uint32_t row = 0; row < VMCS_FIELD_COUNT; row++) {
        if (bits[row / 32] >> row % 32 & 1)
            json_string(json, NULL, vmcs_field_table[row].name);
    }
    json_array_end(json);
}

static void json_broken(struct json *json, const struct entry_check *check)
{
    json_array_begin(json, "broken");
    for (uint32_t i = 0; i < check->findings.count; i++) {
        const struct vmentry_finding *finding = &check->findings.item[i];
        const struct checked_rule *checked = &check->rule[finding->rule];

        json_object_begin(json, NULL);
        json_string(json, "rule", vmentry_rule_text(finding->rule).name);
        json_string(json, "field", field_name_of(finding->field));
        json_fields(json, "fields", checked->looks);
        json_hex(json, "seen", finding->seen);
        json_hex(json, "wanted", finding->wanted);
        if (finding->entry != 0)
            json_number(json, "entry", finding->entry);
        json_string(json, "sdm", vmentry_rule_text(finding->rule).section);
        json_object_end(json);
    }
    json_array_end(json);
}

static void json_needs(struct json *json, const struct entry_check *check,
                       const struct checked_rule *checked)
{
    json_array_begin(json, "needs");
    for (uint32_t row = 0; row < VMCS_FIELD_COUNT; row++) {
        if (checked_rule_lacks(checked, row))
            json_string(json, NULL, vmcs_field_table[row].name);
    }
    if (checked->needs_memory)
        json_string(json, NULL, "memory");
    for (uint32_t i = 0; i < VMX_MSR_COUNT && checked->needs_msrs; i++) {
        if (check->first->lacking >> i & 1)
            json_string(json, NULL, vmx_msr_name(VMX_MSR_FIRST + i));
    }
    json_array_end(json);
}

static void json_depends(struct json *json, const struct entry_check *check)
{
    json_array_begin(json, "depends");
    for (enum vmentry_rule rule = 0; rule < VMENTRY_RULE_COUNT; rule++) {
        const struct checked_rule *checked = &check->rule[rule];

        if (checked->state != RULE_UNKNOWN && checked->state != RULE_DEPENDS)
            continue;
        json_object_begin(json, NULL);
        json_string(json, "rule", vmentry_rule_text(rule).name);
        if (checked->state == RULE_DEPENDS) {
            json_array_begin(json, "needs");
            json_string(json, NULL, "CPU");
            json_array_end(json);
            json_number(json, "breaks", checked->breaks);
            json_string(json, "example", checked->example);
        } else {
            json_needs(json, check, checked);
        }
        json_object_end(json);
    }
    json_array_end(json);
}

static void json_suspicions(struct json *json, const struct vmcs_image *image)
{
    enum vmcs_field field;
    const char *words;

    json_array_begin(json, "suspicions");
    for (unsigned i = 0; (words = suspicion_of(image, i, &field)) != NULL; i++) {
        json_object_begin(json, NULL);
        json_string(json, "text", words);
        json_array_begin(json, "fields");
        json_string(json, NULL, field_name_of(field));
        json_array_end(json);
        json_object_end(json);
    }
    json_array_end(json);
}

void verdict_json(struct json *json, const struct vmcs_dump *dump, const struct entry_check *check,
                  const char *cpu)
{
    json_object_begin(json, NULL);
    json_string(json, "format", vmcs_format_name(dump->format));
    json_number(json, "line", dump->line);
    json_string(json, "cpu", cpu);
    json_number(json, "cpus", check->cpus);
    json_object_begin(json, "said");
    json_field_if(json, "exit_reason", &dump->image, VMCS_EXIT_REASON);
    json_field_if(json, "exit_qualification", &dump->image, VMCS_EXIT_QUALIFICATION);
    json_field_if(json, "instruction_error", &dump->image, VMCS_VM_INSTRUCTION_ERROR);
    json_object_end(json);
    json_string(json, "verdict", verdict_name(check->verdict));
    json_string(json, "outcome",
                check->verdict == VERDICT_DEPENDS ? NULL
                                                  : vmentry_class_name(check->outcome.class));
    json_broken(json, check);
    json_depends(json, check);
    json_suspicions(json, &dump->image);
    json_object_end(json);
}

void said_json(struct json *json, const struct vmcs_text *text)
{
    json_array_begin(json, "emulator");
    for (unsigned i = 0; i < text->said_count; i++) {
        json_object_begin(json, NULL);
        json_number(json, "line", text->said[i].line);
        json_string(json, "text", text->said[i].text);
        json_array_begin(json, "rules");
        for (unsigned j = 0; text->said[i].rules[j] != VMENTRY_RULE_COUNT; j++)
            json_string(json, NULL, vmentry_rule_text(text->said[i].rules[j]).name);
        json_array_end(json);
        json_object_end(json);
    }
    json_array_end(json);
}

void passed_json(struct json *json, const struct vmcs_text *text)
{
    json_object_begin(json, "not_understood");
    json_number(json, "count", text->not_understood);
    json_array_begin(json, "first");
    for (unsigned i = 0; i < text->not_understood && i < DUMP_PASSED_MAX; i++) {
        json_object_begin(json, NULL);
        json_number(json, "line", text->passed[i].line);
        json_string(json, "text", text->passed[i].text);
        json_string(json, "expected", text->passed[i].expected);
        json_object_end(json);
    }
    json_array_end(json);
    json_object_end(json);
}
