#include "kernel/report/report.h"

#include "kernel/console/console.h"
#include "kernel/report/cpu_ranges.h"
#include "kernel/report/finding_text.h"
#include "kernel/report/finding_told.h"

static void tell(void *context, const struct finding *finding, const bool *set)
{
    const struct coloured page = {console_sink(), console_colour};
    const struct machine *machine = context;
    char name[CPUS_TEXT_SIZE];
    struct text_buffer text;

    text_buffer_init(&text, name, sizeof(name));
    cpus_print(&text.sink, set, machine->cpu_count);
    finding_print(&page, finding, name);
}

static void find_one(void *context, const struct finding *finding, const bool *set)
{
    bool *found = context;

    (void)finding;
    (void)set;
    *found = true;
}

void report_findings(const struct machine *machine)
{
    uint32_t lost = machine_findings_lost(machine);
    bool any = lost > 0;

    machine_each_finding(machine, find_one, &any);
    report_heading("Findings%s", any ? "" : ": none");
    machine_each_finding(machine, tell, (void *)machine);
    if (lost > 0)
        console_print("  %u more findings did not fit\n", lost);
}
