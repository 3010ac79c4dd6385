#include "kernel/guests/guest_results.h"
#include "kernel/report/report_page.h"
#include "lib/string.h"
#include "lib/wrapped.h"
#include "vmx/text/exit_text.h"
#include "vmx/text/vmcs_dump.h"

enum { INDENT = 7, COLUMNS = 71 }; /* of what stands below a guest's line */
enum { EXITS_COLUMN = 43, EXITS_COLUMN_LAST = 110, EXIT_TEXT_SIZE = 80, EXITS_SIZE = 240 };

/* The guests that provoke a reason, with spaces between; NULL: none can. */
#define EXIT(id, handler, guests) [EXIT_REASON_##id] = (guests),
static const char *const guests_of[EXIT_REASON_COUNT] = {
#include "vm/guests/exits/exits.def"
};
#undef EXIT

static bool names(const char *guests, const char *name)
{
    size_t length = strlen(name);

    while (guests != NULL && *guests != '\0') {
        if (strncmp(guests, name, length) == 0 && (guests[length] == ' ' || guests[length] == '\0'))
            return true;
        while (*guests != '\0' && *guests++ != ' ')
            continue;
    }
    return false;
}

static void print_exits(struct sink *sink, const char *name)
{
    char exits[EXITS_SIZE];
    struct text_buffer text;

    text_buffer_init(&text, exits, sizeof(exits));
    for (uint32_t reason = 0; reason < EXIT_REASON_COUNT; reason++) {
        if (names(guests_of[reason], name))
            print_to(&text.sink, "%s%s", text.length == 0 ? "VM exits: " : ", ",
                     exit_reason_name(reason));
    }
    print_wrapped(sink, INDENT, COLUMNS, exits);
}

void guest_list_print(struct sink *sink)
{
    SET_FOR_EACH(guests, guest) {
        print_to(sink, "  %s\n", (*guest)->name);
        print_wrapped(sink, INDENT, COLUMNS, (*guest)->purpose);
        print_exits(sink, (*guest)->name);
    }
}

static bool findings_alike(const struct vmentry_finding *a, const struct vmentry_finding *b)
{
    return a->rule == b->rule && a->field == b->field && a->seen == b->seen &&
           a->wanted == b->wanted && a->entry == b->entry;
}

static bool entries_alike(const struct entry_failure *a, const struct entry_failure *b)
{
    if (a->checked != b->checked)
        return false;
    if (!a->checked)
        return true;
    if (a->class != b->class || a->broken != b->broken || a->unread != b->unread ||
        memcmp(a->unchecked, b->unchecked, sizeof(a->unchecked)) != 0)
        return false;
    for (uint32_t i = 0; i < a->broken && i < ENTRY_FINDINGS_KEPT; i++) {
        if (!findings_alike(&a->item[i], &b->item[i]))
            return false;
    }
    return true;
}

bool guest_runs_alike(const struct guest_run *a, const struct guest_run *b)
{
    return a->guest == b->guest && a->result == b->result && a->end == b->end &&
           memcmp(a->exits, b->exits, sizeof(a->exits)) == 0 && strcmp(a->detail, b->detail) == 0 &&
           entries_alike(&a->entry, &b->entry);
}

void guest_counts_print(struct sink *sink, const struct machine *machine, uint32_t first,
                        uint32_t guests)
{
    uint32_t counts[GUEST_RESULT_COUNT] = {0};
    const char *before = "";

    for (uint32_t guest = first; guest < first + guests; guest++) {
        for (uint32_t cpu = 0; cpu < machine->cpu_count; cpu++) {
            const struct guest_run *run = guest_run_of(machine, guest, cpu);

            if (run != NULL)
                counts[run->result]++;
        }
    }
    for (enum guest_result result = 0; result < GUEST_RESULT_COUNT; result++) {
        if (counts[result] == 0)
            continue;
        print_to(sink, "%s%u %s", before, counts[result], guest_result_name(result));
        before = ", ";
    }
}

/* "CPUID: 2, VMCALL: 1" …, after a guest's result; in lines below one another if need be. */
static void exits_text(struct sink *page, const struct guest_run *run)
{
    size_t column = EXITS_COLUMN;
    const char *before = "";

    console_colour(COLOUR_DIM);
    for (uint32_t reason = 0; reason < VM_EXIT_REASONS; reason++) {
        char one[EXIT_TEXT_SIZE], word[EXIT_REASON_WORD_SIZE];
        size_t length;

        if (run->exits[reason] == 0)
            continue;
        length = format_text(one, sizeof(one), "%s: %u", exit_reason_word(reason, word),
                             run->exits[reason]);
        if (column > EXITS_COLUMN && column + length > EXITS_COLUMN_LAST) {
            print_to(page, ",\n%*s", EXITS_COLUMN, "");
            column = EXITS_COLUMN;
            before = "";
        }
        print_to(page, "%s%s", before, one);
        column += length + strlen(", ");
        before = ", ";
    }
    console_colour(COLOUR_PLAIN);
}

static void exits_json(struct json *json, const struct guest_run *run)
{
    char word[EXIT_REASON_WORD_SIZE];

    json_object_begin(json, "exits");
    for (uint32_t reason = 0; reason < VM_EXIT_REASONS; reason++) {
        if (run->exits[reason] != 0)
            json_number(json, exit_reason_word(reason, word), run->exits[reason]);
    }
    json_object_end(json);
}

static bool is_unchecked(const struct entry_failure *entry, enum vmentry_rule rule)
{
    return entry->unchecked[rule / 32] >> rule % 32 & 1;
}

static uint32_t kept(const struct entry_failure *entry)
{
    return entry->broken < ENTRY_FINDINGS_KEPT ? entry->broken : ENTRY_FINDINGS_KEPT;
}

/* Why the guest could not be entered, as far as the rules of VM entry report. */
static void entry_text(struct sink *sink, const struct guest_run *run)
{
    const struct entry_failure *entry = &run->entry;

    if (run->end == GUEST_END_RULES)
        print_to(sink, "%*sThe processor would tell so:\n", INDENT, "");
    print_wrapped(sink, INDENT, COLUMNS, vmentry_class_text(entry->class));
    if (entry->broken == 0)
        print_wrapped(sink, INDENT, COLUMNS,
                      entry->unread == 0 ? vmentry_class_text(VMENTRY_ENTERS)
                                         : "No rule that could be checked is broken.");
    for (uint32_t i = 0; i < kept(entry); i++)
        vmentry_explain(sink, &entry->item[i]);
    if (entry->broken > ENTRY_FINDINGS_KEPT)
        print_to(sink, "       and %u more\n", entry->broken - ENTRY_FINDINGS_KEPT);
    for (enum vmentry_rule rule = 0; rule < VMENTRY_RULE_COUNT; rule++) {
        if (is_unchecked(entry, rule))
            print_to(sink, "%*snot checked, for want of memory that can be read: %s\n", INDENT, "",
                     vmentry_rule_text(rule).name);
    }
}

static void broken_json(struct json *json, const struct vmentry_finding *finding)
{
    json_object_begin(json, NULL);
    json_string(json, "rule", vmentry_rule_text(finding->rule).name);
    json_string(json, "text", vmentry_rule_text(finding->rule).text);
    json_string(json, "sdm", vmentry_rule_text(finding->rule).section);
    json_string(json, "field", vmcs_field_table[vmcs_field_index(finding->field)].name);
    json_hex(json, "seen", finding->seen);
    json_hex(json, "wanted", finding->wanted);
    json_number(json, "entry", finding->entry);
    json_object_end(json);
}

static void entry_json(struct json *json, const struct entry_failure *entry)
{
    if (!json_object_if(json, "entry", entry->checked))
        return;
    json_string(json, "class", vmentry_class_name(entry->class));
    json_number(json, "broken", entry->broken);
    json_number(json, "unread", entry->unread);
    json_array_begin(json, "unread_rules");
    for (enum vmentry_rule rule = 0; rule < VMENTRY_RULE_COUNT; rule++) {
        if (is_unchecked(entry, rule))
            json_string(json, NULL, vmentry_rule_text(rule).name);
    }
    json_array_end(json);
    json_array_begin(json, "rules");
    for (uint32_t i = 0; i < kept(entry); i++)
        broken_json(json, &entry->item[i]);
    json_array_end(json);
    json_object_end(json);
}

static void run_text(struct sink *page, const char *on_cpus, const struct guest_run *run)
{
    bool skipped = run->result == GUEST_SKIPPED;

    print_in(page,
             run->result == GUEST_OK ? COLOUR_OK
             : skipped               ? COLOUR_WARNING
                                     : COLOUR_REFUSAL,
             "  %-4s %-26s%-10s", on_cpus, run->guest->name, guest_result_name(run->result));
    if (skipped)
        print_to(page, "%s", run->detail);
    else
        exits_text(page, run);
    print_to(page, "\n");
    if (!skipped)
        print_wrapped(page, INDENT, COLUMNS, run->detail);
    if (run->entry.checked)
        entry_text(page, run);
}

static void run_json(struct json *json, uint32_t cpu, const struct guest_run *run)
{
    json_object_begin(json, NULL);
    json_string(json, "name", run->guest->name);
    json_number(json, "cpu", cpu);
    json_string(json, "result", guest_result_name(run->result));
    exits_json(json, run);
    json_string(json, "detail", run->detail);
    entry_json(json, &run->entry);
    json_object_end(json);
}

/* One line for all CPUs where the same came of a guest, at the first of them. */
static void guest_text(const struct machine *machine, uint32_t guest, struct sink *page)
{
    static bool reported[CPUS_MAX], alike[CPUS_MAX];
    static char cpus_text[CPU_RANGES_SIZE];
    struct text_buffer text;

    memset(reported, 0, sizeof(reported));
    for (uint32_t i = 0; i < machine->cpu_count; i++) {
        const struct guest_run *run = guest_run_of(machine, guest, i);

        if (run == NULL || reported[i])
            continue;
        memset(alike, 0, sizeof(alike));
        for (uint32_t j = i; j < machine->cpu_count; j++) {
            const struct guest_run *other = guest_run_of(machine, guest, j);

            alike[j] = !reported[j] && other != NULL && guest_runs_alike(run, other);
            reported[j] |= alike[j];
        }
        text_buffer_init(&text, cpus_text, sizeof(cpus_text));
        cpu_ranges_print(&text.sink, alike, machine->cpu_count);
        run_text(page, cpus_text, run);
    }
}

static void all_guests_text(const struct machine *machine, struct sink *page)
{
    print_in(page, COLOUR_HEADING, "\nGuests, and their VM exits by reason\n");
    print_in(page, COLOUR_DIM, "  CPUs %-26s%-10s%s\n", "guest", "result", "VM exits");
    for (uint32_t i = 0; i < guest_results.choice.count; i++)
        guest_text(machine, i, page);
    print_to(page, "  together: ");
    guest_counts_print(page, machine, 0, guest_results.choice.count);
    print_to(page, "\n");
}

static void bench_text(const struct bench *bench, struct sink *page)
{
    print_in(page, COLOUR_HEADING,
             "\nA VM exit and back, in TSC ticks, less %u for the empty pair of RDTSC\n",
             bench->empty);
    print_in(page, COLOUR_DIM, "  %-20s%10s%10s%10s\n", "exit", "min", "median", "max");
    for (uint32_t i = 0; i < BENCH_ROWS; i++) {
        const struct bench_row *row = &bench->row[i];

        if (row->measured)
            print_to(page, "  %-20s%10u%10u%10u\n", row->name, row->min, row->median, row->max);
        else
            print_to(page, "  %-20snot on this CPU\n", row->name);
    }
}

static void bench_row_json(struct json *json, const struct bench_row *row)
{
    if (!json_object_if(json, row->name, row->measured))
        return;
    json_number(json, "min", row->min);
    json_number(json, "median", row->median);
    json_number(json, "max", row->max);
    json_object_end(json);
}

static void vmcs_text(const struct vmcs_kept *vmcs, struct sink *page)
{
    enum vmcs_field fields[ENTRY_FINDINGS_KEPT];
    struct vmcs_marks marks = {.field = fields};

    for (; marks.count < kept(&vmcs->entry); marks.count++)
        fields[marks.count] = vmcs->entry.item[marks.count].field;
    print_in(page, COLOUR_HEADING, "\nVMCS of the guest %s on CPU %u, %s\n", vmcs->guest, vmcs->cpu,
             vmcs->entry_failed ? "which could not be entered" : "after its end");
    if (marks.count > 0)
        print_to(page, "> before a field: a broken rule is about it, see above\n");
    vmcs_dump_text(&vmcs->image, marks, page);
}

static void vmcs_json(const struct vmcs_kept *vmcs, struct json *json)
{
    if (!json_object_if(json, "vmcs", vmcs->guest != NULL))
        return;
    json_string(json, "guest", vmcs->guest);
    json_number(json, "cpu", vmcs->cpu);
    json_bool(json, "entry_failed", vmcs->entry_failed);
    vmcs_dump_json(&vmcs->image, json, "fields");
    json_object_end(json);
}

static void guests_text(const struct machine *machine, struct sink *page)
{
    if (guest_results.choice.list) {
        print_in(page, COLOUR_HEADING,
                 "\nGuests, each in the order of guest=all, and the VM exits it is there for\n");
        guest_list_print(page);
    }
    if (guest_results.done)
        all_guests_text(machine, page);
    if (guest_results.bench_run.guest != NULL && guest_results.bench_run.result != GUEST_OK)
        print_to(page, "\nbench=exits %s: %s\n", guest_result_name(guest_results.bench_run.result),
                 guest_results.bench_run.detail);
    if (guest_results.bench_done)
        bench_text(&guest_results.bench, page);
    if (guest_results.vmcs.guest != NULL)
        vmcs_text(&guest_results.vmcs, page);
}

REPORT_TEXT(070, guests_text);

/* Chosen guests have no runs where the machine was refused before any was entered. */
void guests_json(const struct machine *machine, struct json *json)
{
    json_array_begin(json, "guests");
    for (uint32_t i = 0; guest_results.done && i < machine->cpu_count; i++) {
        for (uint32_t j = 0; j < guest_results.choice.count; j++) {
            const struct guest_run *run = guest_run_of(machine, j, i);

            if (run != NULL)
                run_json(json, i, run);
        }
    }
    json_array_end(json);
    if (json_object_if(json, "bench", guest_results.bench_done)) {
        json_object_begin(json, "exits");
        for (uint32_t i = 0; i < BENCH_ROWS; i++)
            bench_row_json(json, &guest_results.bench.row[i]);
        json_object_end(json);
        json_object_end(json);
    }
    vmcs_json(&guest_results.vmcs, json);
}

REPORT_JSON(070, guests_json);

static uint32_t guests_brief(const struct machine *machine, struct sink *page)
{
    if (!guest_results.done)
        return 0;
    print_to(page, "Guests: ");
    guest_counts_print(page, machine, 0, guest_results.choice.count);
    print_to(page, "\n");
    return 1;
}

REPORT_BRIEF(070, guests_brief);
