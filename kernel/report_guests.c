#include "kernel/console.h"
#include "kernel/report.h"
#include "vmx/exit_reason.h"
#include "vmx/vmcs_dump.h"

enum { INDENT = 7, COLUMNS = 71 }; /* of what is told below a guest's line */

/* "48 EPT violation" … in one line. */
static void tell_exits(const struct guest_run *run)
{
    const char *before = "";

    console_colour(COLOUR_DIM);
    for (uint32_t reason = 0; reason < VM_EXIT_REASONS; reason++) {
        const char *name = exit_reason_name(reason);

        if (run->exits[reason] == 0)
            continue;
        console_print("%s%s: %u", before, name != NULL ? name : "undefined", run->exits[reason]);
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
        print_wrapped(console_sink(), INDENT, COLUMNS, vmentry_class_text(VMENTRY_ENTERS));
    for (uint32_t i = 0; i < entry->broken && i < ENTRY_FINDINGS_KEPT; i++)
        vmentry_explain(console_sink(), &entry->item[i]);
    if (entry->broken > ENTRY_FINDINGS_KEPT)
        console_print("       and %u more\n", entry->broken - ENTRY_FINDINGS_KEPT);
    if (entry->unread > 0)
        console_print("       %u rules could not be judged: they are about memory that is not the "
                      "guest's\n",
                      entry->unread);
}

static void tell_run(uint32_t cpu, const struct guest_run *run)
{
    bool good = run->result == GUEST_OK;

    console_colour(good                           ? COLOUR_OK
                   : run->result == GUEST_SKIPPED ? COLOUR_WARNING
                                                  : COLOUR_REFUSAL);
    console_print("  %3u  %-26s%-10s", cpu, run->guest->name, guest_result_name(run->result));
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

static void tell_guests(const struct machine *machine)
{
    report_heading("Guests, and their VM exits by reason");
    console_colour(COLOUR_DIM);
    console_print("  CPU  %-26s%-10s%s\n", "guest", "result", "VM exits");
    console_colour(COLOUR_PLAIN);
    for (uint32_t i = 0; i < machine->cpu_count; i++) {
        for (uint32_t j = 0; j < machine->guests.count; j++) {
            if (machine->cpus[i]->phase == CPU_READY && guest_chosen_for(&machine->guests, j, i))
                tell_run(i, &machine->cpus[i]->guest_runs[j]);
        }
    }
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
