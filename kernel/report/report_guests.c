#include "kernel/console/console.h"
#include "kernel/report/cpu_ranges.h"
#include "kernel/report/guest_list.h"
#include "kernel/report/guest_told.h"
#include "kernel/report/report.h"
#include "vmx/exit_reason.h"
#include "vmx/text/vmcs_dump.h"

#include "lib/string.h"

enum { INDENT = 7, COLUMNS = 71 }; /* of what is told below a guest's line */
enum { EXITS_COLUMN = 43, EXITS_COLUMN_LAST = 110, EXIT_TEXT_SIZE = 80 };

/* "CPUID: 2, VMCALL: 1" …, behind a guest's result; in lines below one another if need be. */
static void tell_exits(const struct guest_run *run)
{
    size_t column = EXITS_COLUMN;
    const char *before = "";

    console_colour(COLOUR_DIM);
    for (uint32_t reason = 0; reason < VM_EXIT_REASONS; reason++) {
        const char *name = exit_reason_name(reason);
        char one[EXIT_TEXT_SIZE];
        size_t length;

        if (run->exits[reason] == 0)
            continue;
        length = format_text(one, sizeof(one), "%s: %u", name != NULL ? name : "undefined",
                             run->exits[reason]);
        if (column > EXITS_COLUMN && column + length > EXITS_COLUMN_LAST) {
            console_print(",\n%*s", EXITS_COLUMN, "");
            column = EXITS_COLUMN;
            before = "";
        }
        console_print("%s%s", before, one);
        column += length + strlen(", ");
        before = ", ";
    }
    console_colour(COLOUR_PLAIN);
}

/* Why the guest could not be entered, as far as the rules of VM entry tell. */
static void tell_entry(const struct guest_run *run)
{
    const struct entry_failure *entry = &run->entry;

    if (run->end == GUEST_END_RULES)
        console_print("%*sThe processor would tell so:\n", INDENT, "");
    print_wrapped(console_sink(), INDENT, COLUMNS, vmentry_class_text(entry->class));
    if (entry->broken == 0)
        print_wrapped(console_sink(), INDENT, COLUMNS,
                      entry->unread == 0 ? vmentry_class_text(VMENTRY_ENTERS)
                                         : "No rule that could be checked is broken.");
    for (uint32_t i = 0; i < entry->broken && i < ENTRY_FINDINGS_KEPT; i++)
        vmentry_explain(console_sink(), &entry->item[i]);
    if (entry->broken > ENTRY_FINDINGS_KEPT)
        console_print("       and %u more\n", entry->broken - ENTRY_FINDINGS_KEPT);
    for (enum vmentry_rule rule = 0; rule < VMENTRY_RULE_COUNT; rule++) {
        if (entry->unjudged[rule / 32] >> rule % 32 & 1)
            console_print("%*snot checked, for want of memory that can be read: %s\n", INDENT, "",
                          vmentry_rule_table[rule].name);
    }
}

static void tell_run(const char *on_cpus, const struct guest_run *run)
{
    bool good = run->result == GUEST_OK;

    console_colour(good                           ? COLOUR_OK
                   : run->result == GUEST_SKIPPED ? COLOUR_WARNING
                                                  : COLOUR_REFUSAL);
    console_print("  %-4s %-26s%-10s", on_cpus, run->guest->name, guest_result_name(run->result));
    console_colour(COLOUR_PLAIN);
    if (run->result == GUEST_SKIPPED)
        console_print("%s", run->detail);
    else
        tell_exits(run);
    console_print("\n");
    if (run->result != GUEST_SKIPPED)
        print_wrapped(console_sink(), INDENT, COLUMNS, run->detail);
    if (run->entry.judged)
        tell_entry(run);
}

/* One line for all CPUs where the same came of a guest, at the first of them. */
static void tell_guest(const struct machine *machine, uint32_t guest)
{
    static bool told[CPUS_MAX], alike[CPUS_MAX];
    static char cpus_text[CPU_RANGES_SIZE];
    struct text_buffer text;

    memset(told, 0, sizeof(told));
    for (uint32_t i = 0; i < machine->cpu_count; i++) {
        const struct guest_run *run = machine_guest_run(machine, guest, i);

        if (run == NULL || told[i])
            continue;
        memset(alike, 0, sizeof(alike));
        for (uint32_t j = i; j < machine->cpu_count; j++) {
            const struct guest_run *other = machine_guest_run(machine, guest, j);

            alike[j] = !told[j] && other != NULL && guest_runs_alike(run, other);
            told[j] |= alike[j];
        }
        text_buffer_init(&text, cpus_text, sizeof(cpus_text));
        cpu_ranges_print(&text.sink, alike, machine->cpu_count);
        tell_run(cpus_text, run);
    }
}

static void tell_guests(const struct machine *machine)
{
    report_heading("Guests, and their VM exits by reason");
    console_colour(COLOUR_DIM);
    console_print("  CPUs %-26s%-10s%s\n", "guest", "result", "VM exits");
    console_colour(COLOUR_PLAIN);
    for (uint32_t i = 0; i < machine->guests.count; i++)
        tell_guest(machine, i);
    console_print("  together: ");
    guest_counts_print(console_sink(), guest_counts_all(machine));
    console_print("\n");
}

static void tell_bench(const struct bench *bench)
{
    report_heading("A VM exit and back, in TSC ticks, less %u for the empty pair of RDTSC",
                   bench->empty);
    console_colour(COLOUR_DIM);
    console_print("  %-20s%10s%10s%10s\n", "exit", "min", "median", "max");
    console_colour(COLOUR_PLAIN);
    for (uint32_t i = 0; i < BENCH_ROWS; i++) {
        const struct bench_row *row = &bench->row[i];

        if (row->measured)
            console_print("  %-20s%10u%10u%10u\n", row->name, row->min, row->median, row->max);
        else
            console_print("  %-20snot on this CPU\n", row->name);
    }
}

/* What the run whose VMCS is kept found broken. */
static const struct entry_failure *entry_of(const struct machine *machine,
                                            const struct vmcs_kept *kept)
{
    for (uint32_t i = 0; machine->guests_done && i < machine->guests.count; i++) {
        const struct guest_run *run = &machine->cpus[kept->cpu]->guest_runs[i];

        if (guest_chosen_for(&machine->guests, i, kept->cpu) && run->guest->name == kept->guest &&
            run->entry.judged)
            return &run->entry;
    }
    return NULL;
}

static void tell_vmcs(const struct machine *machine)
{
    const struct entry_failure *entry = entry_of(machine, &machine->vmcs);
    enum vmcs_field fields[ENTRY_FINDINGS_KEPT];
    struct vmcs_marks marks = {.field = fields};

    while (entry != NULL && marks.count < entry->broken && marks.count < ENTRY_FINDINGS_KEPT) {
        fields[marks.count] = entry->item[marks.count].field;
        marks.count++;
    }
    report_heading("VMCS of the guest %s on CPU %u, %s", machine->vmcs.guest, machine->vmcs.cpu,
                   machine->vmcs.entry_failed ? "which could not be entered" : "after its end");
    if (marks.count > 0)
        console_print("> before a field: a broken rule is about it, see above\n");
    vmcs_dump_text(&machine->vmcs.image, marks, console_sink());
}

void report_guests(const struct machine *machine)
{
    if (machine->guests.list) {
        report_heading("Guests, each in the order of guest=all, and the VM exits it is there for");
        guest_list_print(console_sink(), guest_table, guest_count());
    }
    if (machine->guests_done)
        tell_guests(machine);
    if (machine->bench_run.guest != NULL && machine->bench_run.result != GUEST_OK)
        console_print("\nbench=exits %s: %s\n", guest_result_name(machine->bench_run.result),
                      machine->bench_run.detail);
    if (machine->bench_done)
        tell_bench(&machine->bench);
    if (machine->vmcs.guest != NULL)
        tell_vmcs(machine);
}
