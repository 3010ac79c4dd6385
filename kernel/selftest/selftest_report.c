#include "kernel/report/report_page.h"
#include "kernel/selftest/selftest_room.h"
#include "vmx/quirks.h"

struct selftest_results selftest_results;
uint32_t selftest_wanted;

static void row_text(struct sink *page, const struct selftest_row *row)
{
    print_in(page, row->agrees ? COLOUR_OK : COLOUR_REFUSAL, row->agrees ? "  ok  " : "  DIFF");
    print_to(page, " %-48s ", row->name);
    result_text(page, row->seen);
    if (row->has_value)
        print_to(page, " %#lx", row->seen_value);
    if (!row->agrees) {
        print_to(page, ", predicted ");
        result_text(page, row->predicted);
        if (row->has_value)
            print_to(page, " %#lx", row->predicted_value);
    }
    print_to(page, "\n");
}

static void row_json(struct json *json, const struct selftest_row *row)
{
    json_object_begin(json, NULL);
    json_string(json, "name", row->name);
    result_json(json, "predicted", NULL, row->predicted);
    result_json(json, "seen", NULL, row->seen);
    if (row->has_value) {
        json_hex(json, "predicted_value", row->predicted_value);
        json_hex(json, "seen_value", row->seen_value);
    }
    json_bool(json, "agrees", row->agrees);
    json_object_end(json);
}

static const char *class_of(struct vmentry_outcome outcome)
{
    return outcome.class < VMENTRY_CLASS_COUNT ? vmentry_class_name(outcome.class) : "other";
}

/* In place of a rule's name. */
static const char no_rule[] = "no rule broken", guest_state[] = "guest-state";

static struct vmentry_rule_text rule_of(enum vmentry_rule rule, const char *otherwise)
{
    struct vmentry_rule_text none = {0};

    if (rule < VMENTRY_RULE_COUNT)
        return vmentry_rule_text(rule);
    format_text(none.name, sizeof(none.name), "%s", otherwise);
    return none;
}

static void outcome_json(struct json *json, const char *name, struct vmentry_outcome outcome)
{
    json_object_begin(json, name);
    json_string(json, "class", class_of(outcome));
    json_number(json, "qualification", outcome.qualification);
    json_object_end(json);
}

static const char *field_of(const struct selftest_vmentry_row *row)
{
    return vmcs_field_table[vmcs_field_index(row->field)].name;
}

static void difference_text(struct sink *page, const struct selftest_vmentry_row *row)
{
    print_in(page, COLOUR_REFUSAL, "  DIFF");
    print_to(page, " %s %u: %s\n", row->random ? "random image" : "trial", row->number,
             rule_of(row->rule, no_rule).name);
    print_to(page, "       %s = %#lx: predicted %s (%lu), seen %s (%lu)\n", field_of(row),
             row->value, class_of(row->predicted), row->predicted.qualification,
             class_of(row->seen), row->seen.qualification);
}

static void trial_json(struct json *json, const struct selftest_vmentry_row *row, bool difference)
{
    json_object_begin(json, NULL);
    if (difference)
        json_bool(json, "random", row->random);
    json_number(json, difference ? "number" : "trial", row->number);
    json_string(json, "rule", rule_of(row->rule, no_rule).name);
    json_string(json, difference ? "field" : "base",
                difference ? field_of(row) : vmentry_base_name(row->base));
    if (difference)
        json_hex(json, "value", row->value);
    outcome_json(json, "predicted", row->predicted);
    outcome_json(json, "seen", row->seen);
    if (!difference) {
        json_bool(json, "agrees", row->agrees);
        json_bool(json, "departs", row->departs);
    }
    json_object_end(json);
}

static void departure_json(struct json *json, const struct vmentry_departure_text *departure,
                           uint32_t count)
{
    static const char *const kinds[] = {
        [DEPARTURE_LAXER] = "laxer",
        [DEPARTURE_STRICTER] = "stricter",
        [DEPARTURE_FATAL] = "fatal",
    };

    json_object_begin(json, NULL);
    json_string(json, "rule", rule_of(departure->rule, guest_state).name);
    json_string(json, "kind", kinds[departure->kind]);
    json_string(json, "text", departure->text);
    json_number(json, "count", count);
    json_object_end(json);
}

static void entry_text(const struct selftest_vmentry *selftest, struct sink *page)
{
    print_in(page, COLOUR_HEADING,
             "\nSelf-test of VM entries: %u rules broken, %u random images, %u differences\n",
             selftest->rules, selftest->random_count, selftest->differences);
    print_to(page,
             "  %u trials, the processor agrees in %u; %u not possible on this processor\n"
             "  %u random images, the processor agrees in %u:",
             selftest->count, selftest->agreements, selftest->not_possible, selftest->random_count,
             selftest->random_agreements);
    for (enum vmentry_class class = 0; class < VMENTRY_CLASS_COUNT; class ++)
        print_to(page, "%s %s %u", class == 0 ? "" : ",", vmentry_class_name(class),
                 selftest->random_by_class[class]);
    print_to(page, "\n");
    for (uint32_t i = 0; i < selftest->reported; i++)
        difference_text(page, &selftest->difference[i]);
    for (enum vmentry_departure i = 0; i < VMENTRY_DEPARTURE_COUNT; i++) {
        if (selftest->departed[i] > 0)
            print_to(page, "  %s, %u times, %s:\n       %s\n",
                     emulator_name(vmentry_departure_table[i].emulators), selftest->departed[i],
                     rule_of(vmentry_departure_table[i].rule, guest_state).name,
                     vmentry_departure_table[i].text);
    }
}

static void entry_json(const struct selftest_vmentry *selftest, struct json *json)
{
    if (!json_object_if(json, "selftest_entry", selftest->done))
        return;
    json_number(json, "rules", selftest->rules);
    json_number(json, "not_possible", selftest->not_possible);
    json_number(json, "agreements", selftest->agreements);
    json_number(json, "differences", selftest->differences);
    json_number(json, "random", selftest->random_count);
    json_number(json, "random_agreements", selftest->random_agreements);
    json_array_begin(json, "trials");
    for (uint32_t i = 0; i < selftest->count; i++)
        trial_json(json, &selftest->row[i], false);
    json_array_end(json);
    json_array_begin(json, "told");
    for (uint32_t i = 0; i < selftest->reported; i++)
        trial_json(json, &selftest->difference[i], true);
    json_array_end(json);
    json_array_begin(json, "departures");
    for (enum vmentry_departure i = 0; i < VMENTRY_DEPARTURE_COUNT; i++) {
        if (selftest->departed[i] > 0)
            departure_json(json, &vmentry_departure_table[i], selftest->departed[i]);
    }
    json_array_end(json);
    json_object_end(json);
}

static void selftest_text(const struct machine *machine, struct sink *page)
{
    const struct selftest *selftest = &selftest_results.instructions;

    (void)machine;
    if (selftest_results.done)
        print_in(page, COLOUR_HEADING,
                 "\nSelf-test on CPU 0: %u steps, %u differences from the manual\n",
                 selftest->count, selftest->differences);
    for (uint32_t i = 0; selftest_results.done && i < selftest->count; i++)
        row_text(page, &selftest->row[i]);
    if (selftest_results.entry.done)
        entry_text(&selftest_results.entry, page);
}

REPORT_TEXT(060, selftest_text);

void selftest_json(const struct machine *machine, struct json *json)
{
    const struct selftest *selftest = &selftest_results.instructions;

    (void)machine;
    if (!selftest_results.done) {
        json_null(json, "selftest");
    } else {
        json_array_begin(json, "selftest");
        for (uint32_t i = 0; i < selftest->count; i++)
            row_json(json, &selftest->row[i]);
        json_array_end(json);
    }
    entry_json(&selftest_results.entry, json);
}

REPORT_JSON(060, selftest_json);

static enum word_outcome take_selftest(struct command_line *line, struct command_text value)
{
    static const char *const parts[] = {"instructions", "fields", "entry"};
    bool more = value.length > 0;
    uint32_t chosen = more ? 0 : SELFTEST_STANDARD;

    (void)line;
    while (more) {
        size_t whole = value.length;
        struct command_text name = command_text_cut(&value, ',');
        unsigned part = 0;

        while (part < sizeof(parts) / sizeof(parts[0]) && !command_text_is(name, parts[part]))
            part++;
        if (part == sizeof(parts) / sizeof(parts[0]))
            return WORD_BAD;
        chosen |= 1u << part;
        more = name.length < whole;
    }
    selftest_wanted = chosen;
    return WORD_TAKEN;
}

COMMAND_WORD(060, .name = "selftest", .values = "WHAT,...", .take = take_selftest,
             .option = &selftest_wanted, .option_bytes = sizeof(selftest_wanted));
