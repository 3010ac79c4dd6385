#include "tools/capability/html_data.h"

#include <stdbool.h>
#include <string.h>

#include "lib/format.h"
#include "tools/capability/feature_text.h"
#include "tools/capability/html_words.h"
#include "tools/capability/report.h"
#include "vmx/text/capability_text.h"

enum { GROUP_MAX = 32 };

/* The part of a feature's id before its dot. */
static void group_of(const struct vmx_feature *feature, char id[GROUP_MAX])
{
    format_text(id, GROUP_MAX, "%.*s", (int)strcspn(feature->id, "."), feature->id);
}

/* Is it the first of its group? */
static bool begins_group(uint32_t index)
{
    char id[GROUP_MAX], other[GROUP_MAX];

    group_of(&vmx_feature_table[index], id);
    for (uint32_t i = 0; i < index; i++) {
        group_of(&vmx_feature_table[i], other);
        if (strcmp(id, other) == 0)
            return false;
    }
    return true;
}

static void put_generations(struct json *json)
{
    json_array_begin(json, "generations");
    for (size_t i = 0; i < corpus_generation_count; i++) {
        json_object_begin(json, NULL);
        json_string(json, "name", corpus_generations[i].name);
        json_string(json, "vendor", corpus_generations[i].vendor);
        json_number(json, "year", (uint64_t)corpus_generations[i].year);
        json_object_end(json);
    }
    json_array_end(json);
}

static void put_groups(struct json *json)
{
    char id[GROUP_MAX];

    json_array_begin(json, "groups");
    for (uint32_t i = 0; i < vmx_feature_count; i++) {
        if (!begins_group(i))
            continue;
        group_of(&vmx_feature_table[i], id);
        json_object_begin(json, NULL);
        json_string(json, "id", id);
        json_string(json, "title", html_group_title(id));
        json_object_end(json);
    }
    json_array_end(json);
}

/* The names of an enumeration's values. */
static void put_meanings(struct json *json, const struct vmx_feature *feature)
{
    char name[24];

    json_object_begin(json, "meanings");
    for (uint64_t value = 0; value >> (feature->high - feature->low + 1) == 0; value++) {
        format_text(name, sizeof(name), "%llu", (unsigned long long)value);
        if (vmx_feature_meaning(feature, value) != NULL)
            json_string(json, name, vmx_feature_meaning(feature, value));
    }
    json_object_end(json);
}

static void put_features(struct json *json)
{
    json_array_begin(json, "features");
    for (uint32_t i = 0; i < vmx_feature_count; i++) {
        const struct vmx_feature *feature = &vmx_feature_table[i];
        char bits[FEATURE_BITS_MAX];

        feature_bits(feature, bits);
        json_object_begin(json, NULL);
        json_string(json, "id", feature->id);
        json_string(json, "kind", html_kind_name(feature->kind));
        json_string(json, "bits", bits);
        json_string(json, "name", feature->name);
        json_string(json, "explanation", feature->explanation);
        json_string(json, "section", vmx_feature_section(feature));
        json_string(json, "since", feature->since);
        json_bool(json, "default1", vmx_feature_is_default1(feature));
        if (feature->kind == FEATURE_ENUMERATION)
            put_meanings(json, feature);
        json_object_end(json);
    }
    json_array_end(json);
}

/* What a cell's character says, whatever the kind of the feature. */
static void put_states(struct json *json)
{
    json_object_begin(json, "states");
    for (int i = 0; i < HTML_CELL_COUNT; i++) {
        const struct html_cell *cell = &html_cells[i];
        const char code[] = {cell->code, '\0'};

        json_object_begin(json, code);
        json_string(json, "name", vmx_feature_state_name(cell->value.state));
        json_bool(json, "told",
                  cell->value.state != FEATURE_ABSENT && cell->value.state != FEATURE_UNKNOWN);
        json_bool(json, "known", cell->value.state != FEATURE_UNKNOWN);
        json_bool(json, "offered", vmx_feature_offered(cell->value));
        json_object_end(json);
    }
    json_object_end(json);
}

/* The short word and the sentence of each state, by the kind of the feature. */
static void put_kind(struct json *json, enum vmx_feature_kind kind)
{
    const struct vmx_feature any = {.kind = kind};

    json_object_begin(json, html_kind_name(kind));
    for (int i = 0; i < HTML_CELL_COUNT; i++) {
        const struct html_cell *cell = &html_cells[i];
        const char code[] = {cell->code, '\0'};
        char word[FEATURE_STATE_MAX];

        feature_state(&any, cell->value, word);
        json_object_begin(json, code);
        json_string(json, "word", cell->value.state == FEATURE_VALUE ? "a value" : word);
        json_string(json, "sentence", html_state_sentence(kind, cell->value));
        json_object_end(json);
    }
    json_object_end(json);
}

static void put_kinds(struct json *json)
{
    json_object_begin(json, "kinds");
    for (int kind = FEATURE_CONTROL; kind <= FEATURE_RESERVED; kind++)
        put_kind(json, (enum vmx_feature_kind)kind);
    json_object_end(json);
}

static void put_stages(struct json *json)
{
    json_array_begin(json, "stages");
    for (int stage = 0; stage < STAGE_COUNT; stage++) {
        json_object_begin(json, NULL);
        json_string(json, "name", stage_name((enum stage)stage));
        json_string(json, "title", stage_title((enum stage)stage));
        json_object_end(json);
    }
    json_array_end(json);
    json_array_begin(json, "requirements");
    for (uint32_t i = 0; i < stage_requirement_count; i++) {
        json_object_begin(json, NULL);
        json_string(json, "feature", stage_requirements[i].feature);
        json_number(json, "stage", stage_requirements[i].stage);
        json_string(json, "why", stage_requirements[i].why);
        json_object_end(json);
    }
    json_array_end(json);
}

static void put_bits(struct json *json, const char *name, uint32_t bits)
{
    json_array_begin(json, name);
    for (uint32_t i = 0; i < 32; i++) {
        if (bits >> i & 1)
            json_number(json, NULL, i);
    }
    json_array_end(json);
}

/* Verdict, the stages that are in reach and what the others lack, findings. */
static void put_verdict(struct json *json, const struct stage_report *report)
{
    json_string(json, "verdict", stage_verdict_name(report->verdict));
    json_number(json, "reached", report->reached);
    json_array_begin(json, "stages");
    for (int i = 0; i < STAGE_COUNT; i++) {
        json_object_begin(json, NULL);
        json_string(json, "verdict", stage_verdict_name(report->stage[i].verdict));
        put_bits(json, "missing", report->stage[i].missing);
        put_bits(json, "unknown", report->stage[i].unknown);
        json_object_end(json);
    }
    json_array_end(json);
    json_array_begin(json, "findings");
    for (uint32_t i = 0; i < report->findings.count; i++) {
        const struct rule_text text = rule_text(report->findings.item[i].rule);

        vmx_json_finding(json, &report->findings.item[i], NULL, NULL, &text);
    }
    json_array_end(json);
}

static void put_cells(struct json *json, const struct vmx_dump *dump)
{
    char cells[512], text[MSR_TITLE_MAX];
    uint32_t count = 0;

    json_array_begin(json, "values");
    for (uint32_t i = 0; i < vmx_feature_count && count < sizeof(cells) - 1; i++) {
        const struct vmx_feature *feature = &vmx_feature_table[i];
        struct vmx_feature_value value = vmx_feature_evaluate(feature, dump);

        cells[count++] = html_cell_code(value);
        if (value.state != FEATURE_VALUE)
            continue;
        feature_state(feature, value, text);
        json_string(json, NULL, text);
    }
    json_array_end(json);
    cells[count] = '\0';
    json_string(json, "cells", cells);
    json_array_begin(json, "told");
    for (uint32_t i = 0; i < vmx_feature_count; i++) {
        if (begins_group(i)) {
            report_msr_title(vmx_feature_evaluate(&vmx_feature_table[i], dump).msr, text);
            json_string(json, NULL, text);
        }
    }
    json_array_end(json);
}

static void put_row(struct json *json, const struct html_row *html)
{
    const struct dump_set *set = html->checked.set;
    const struct corpus_row *row = html->row;

    json_object_begin(json, NULL);
    json_string(json, "id", set->id);
    json_string(json, "cpu", row != NULL ? row->cpu : set->id);
    json_string(json, "about", set->about);
    json_string(json, "cpuid", row != NULL ? row->cpuid : "");
    json_string(json, "kind", row != NULL ? row->kind : "given");
    json_string(json, "confidence", row != NULL ? row->confidence : "");
    json_string(json, "source", row != NULL ? row->source : "");
    json_string(json, "notes", row != NULL ? row->notes : "");
    if (row != NULL && row->generation != NULL)
        json_number(json, "generation", (uint64_t)row->generation->order);
    else
        json_null(json, "generation");
    put_verdict(json, &html->checked.report);
    vmx_json_msrs(json, &set->dump.msrs,
                  set->dump.has_feature_control ? &set->dump.feature_control : NULL);
    put_cells(json, &set->dump);
    json_object_end(json);
}

void html_data(struct sink *sink, const struct html_row *rows, size_t count)
{
    struct json json;

    json_init(&json, sink);
    json_object_begin(&json, NULL);
    json_string(&json, "version", ROOTMODE_VERSION);
    put_generations(&json);
    put_groups(&json);
    put_features(&json);
    put_states(&json);
    put_kinds(&json);
    put_stages(&json);
    json_array_begin(&json, "rows");
    for (size_t i = 0; i < count; i++)
        put_row(&json, &rows[i]);
    json_array_end(&json);
    json_object_end(&json);
}
