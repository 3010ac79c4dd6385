#include "kernel/report/guests_json.h"

#include "vmx/exit_reason.h"

static void put_exits(struct json *json, const struct guest_run *run)
{
    json_object_begin(json, "exits");
    for (uint32_t reason = 0; reason < VM_EXIT_REASONS; reason++) {
        const char *name = exit_reason_name(reason);

        if (run->exits[reason] != 0)
            json_number(json, name != NULL ? name : "undefined", run->exits[reason]);
    }
    json_object_end(json);
}

static void put_finding(struct json *json, const struct vmentry_finding *finding)
{
    json_object_begin(json, NULL);
    json_string(json, "rule", vmentry_rule_table[finding->rule].name);
    json_string(json, "text", vmentry_rule_table[finding->rule].text);
    json_string(json, "sdm", vmentry_rule_table[finding->rule].section);
    json_string(json, "field", vmcs_field_table[vmcs_field_index(finding->field)].name);
    json_hex(json, "seen", finding->seen);
    json_hex(json, "wanted", finding->wanted);
    json_number(json, "entry", finding->entry);
    json_object_end(json);
}

static void put_entry(struct json *json, const struct entry_failure *entry)
{
    if (!entry->judged) {
        json_null(json, "entry");
        return;
    }
    json_object_begin(json, "entry");
    json_string(json, "class", vmentry_class_name(entry->class));
    json_number(json, "broken", entry->broken);
    json_number(json, "unread", entry->unread);
    json_array_begin(json, "unread_rules");
    for (enum vmentry_rule rule = 0; rule < VMENTRY_RULE_COUNT; rule++) {
        if (entry->unjudged[rule / 32] >> rule % 32 & 1)
            json_string(json, NULL, vmentry_rule_table[rule].name);
    }
    json_array_end(json);
    json_array_begin(json, "rules");
    for (uint32_t i = 0; i < entry->broken && i < ENTRY_FINDINGS_KEPT; i++)
        put_finding(json, &entry->item[i]);
    json_array_end(json);
    json_object_end(json);
}

static void put_run(struct json *json, uint32_t cpu, const struct guest_run *run)
{
    json_object_begin(json, NULL);
    json_string(json, "name", run->guest->name);
    json_number(json, "cpu", cpu);
    json_string(json, "result", guest_result_name(run->result));
    put_exits(json, run);
    json_string(json, "detail", run->detail);
    put_entry(json, &run->entry);
    json_object_end(json);
}

/* Chosen guests have no runs where the machine was refused before any was entered. */
static void put_guests(struct json *json, const struct machine *machine)
{
    uint32_t count = machine->guests_done ? machine->cpu_count : 0;

    json_array_begin(json, "guests");
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t j = 0; j < machine->guests.count; j++) {
            const struct guest_run *run = machine_guest_run(machine, j, i);

            if (run != NULL)
                put_run(json, i, run);
        }
    }
    json_array_end(json);
}

static void put_row(struct json *json, const struct bench_row *row)
{
    if (!row->measured) {
        json_null(json, row->name);
        return;
    }
    json_object_begin(json, row->name);
    json_number(json, "min", row->min);
    json_number(json, "median", row->median);
    json_number(json, "max", row->max);
    json_object_end(json);
}

void guests_json(struct json *json, const struct machine *machine)
{
    put_guests(json, machine);
    if (!machine->bench_done) {
        json_null(json, "bench");
        return;
    }
    json_object_begin(json, "bench");
    json_object_begin(json, "exits");
    for (uint32_t i = 0; i < BENCH_ROWS; i++)
        put_row(json, &machine->bench.row[i]);
    json_object_end(json);
    json_object_end(json);
}
