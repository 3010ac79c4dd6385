#include "kernel/report/report_entry.h"

const char *report_entry_class(struct vmentry_outcome outcome)
{
    return outcome.class < VMENTRY_CLASS_COUNT ? vmentry_class_name(outcome.class) : "other";
}

const char *report_entry_rule(enum vmentry_rule rule)
{
    return rule < VMENTRY_RULE_COUNT ? vmentry_rule_table[rule].name : "no rule broken";
}

const char *report_entry_field(enum vmcs_field field)
{
    return vmcs_field_table[vmcs_field_index(field)].name;
}

static void put_outcome(struct json *json, const char *name, struct vmentry_outcome outcome)
{
    json_object_begin(json, name);
    json_string(json, "class", report_entry_class(outcome));
    json_number(json, "qualification", outcome.qualification);
    json_object_end(json);
}

static void put_rows(struct json *json, const struct selftest_vmentry *selftest)
{
    json_array_begin(json, "trials");
    for (uint32_t i = 0; i < selftest->count; i++) {
        const struct selftest_vmentry_row *row = &selftest->row[i];

        json_object_begin(json, NULL);
        json_number(json, "trial", row->trial);
        json_string(json, "rule", report_entry_rule(row->rule));
        json_string(json, "base", vmentry_base_name(row->base));
        put_outcome(json, "predicted", row->predicted);
        put_outcome(json, "seen", row->seen);
        json_bool(json, "agrees", row->agrees);
        json_bool(json, "departs", row->departs);
        json_object_end(json);
    }
    json_array_end(json);
}

static void put_differences(struct json *json, const struct selftest_vmentry *selftest)
{
    json_array_begin(json, "told");
    for (uint32_t i = 0; i < selftest->told; i++) {
        const struct selftest_vmentry_difference *difference = &selftest->difference[i];

        json_object_begin(json, NULL);
        json_bool(json, "random", difference->random);
        json_number(json, "number", difference->number);
        json_string(json, "rule", report_entry_rule(difference->rule));
        json_string(json, "field", report_entry_field(difference->field));
        json_hex(json, "value", difference->value);
        put_outcome(json, "predicted", difference->predicted);
        put_outcome(json, "seen", difference->seen);
        json_object_end(json);
    }
    json_array_end(json);
}

static void put_departures(struct json *json, const struct selftest_vmentry *selftest)
{
    static const char *const kinds[] = {
        [DEPARTURE_LAXER] = "laxer",
        [DEPARTURE_STRICTER] = "stricter",
        [DEPARTURE_FATAL] = "fatal",
    };

    json_array_begin(json, "departures");
    for (enum vmentry_departure i = 0; i < VMENTRY_DEPARTURE_COUNT; i++) {
        if (selftest->departed[i] == 0)
            continue;
        json_object_begin(json, NULL);
        json_string(json, "rule", report_entry_rule(vmentry_departure_table[i].rule));
        json_string(json, "kind", kinds[vmentry_departure_table[i].kind]);
        json_string(json, "text", vmentry_departure_table[i].text);
        json_number(json, "count", selftest->departed[i]);
        json_object_end(json);
    }
    json_array_end(json);
}

void report_entry_json(struct json *json, const struct selftest_vmentry *selftest)
{
    if (!selftest->done) {
        json_null(json, "selftest_entry");
        return;
    }
    json_object_begin(json, "selftest_entry");
    json_number(json, "rules", selftest->rules);
    json_number(json, "not_possible", selftest->not_possible);
    json_number(json, "agreements", selftest->agreements);
    json_number(json, "differences", selftest->differences);
    json_number(json, "random", selftest->random_count);
    json_number(json, "random_agreements", selftest->random_agreements);
    put_rows(json, selftest);
    put_differences(json, selftest);
    put_departures(json, selftest);
    json_object_end(json);
}
