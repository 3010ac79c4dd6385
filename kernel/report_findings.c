#include "kernel/report.h"

#include "kernel/console.h"
#include "kernel/cpu_ranges.h"
#include "kernel/finding_told.h"

enum { TEXT_COLUMNS = 67, INDENT = 11 };

static void tell_wrapped(const char *text)
{
    print_wrapped(console_sink(), INDENT, TEXT_COLUMNS, text);
}

/* Which register and bits, and what stood there: as much of it as the finding has. */
static void tell_place(const struct finding *finding)
{
    const char *name = vmx_msr_name(finding->msr);
    bool values = finding->seen != finding->wanted;

    console_print("%*s", INDENT, "");
    if (finding->detail != NULL)
        console_print("%s", finding->detail);
    if (finding->detail != NULL && (finding->msr != 0 || finding->low >= 0 || values))
        console_print(": ");
    if (name != NULL)
        console_print("%s ", name);
    else if (finding->msr != 0)
        console_print("MSR %#x ", finding->msr);
    if (finding->high > finding->low)
        console_print("bits %d:%d ", finding->high, finding->low);
    else if (finding->low >= 0)
        console_print("bit %d ", finding->low);
    if (values)
        console_print("seen %#lx, wanted %#lx", finding->seen, finding->wanted);
    console_print("\n");
}

static void tell_finding(const struct finding *finding, const char *cpus_text)
{
    static const enum colour colours[] = {
        [SEVERITY_NOTE] = COLOUR_DIM,
        [SEVERITY_WARNING] = COLOUR_WARNING,
        [SEVERITY_REFUSAL] = COLOUR_REFUSAL,
    };
    const struct rule_text *rule = &rule_table[finding->rule];

    console_colour(colours[finding->severity]);
    console_print("  %-8s %s", severity_name(finding->severity), rule->name);
    console_colour(COLOUR_PLAIN);
    console_print(" (%s)\n", cpus_text);
    tell_wrapped(rule->text);
    if (finding->detail != NULL || finding->msr != 0 || finding->low >= 0)
        tell_place(finding);
    console_colour(COLOUR_DIM);
    console_print("%*smanual: %s\n", INDENT, "", rule->sdm);
    console_colour(COLOUR_PLAIN);
    tell_wrapped(rule->remedy);
}

static void tell(void *context, const struct finding *finding, const bool *set)
{
    const struct machine *machine = context;
    char name[CPUS_TEXT_SIZE];
    struct text_buffer text;

    text_buffer_init(&text, name, sizeof(name));
    cpus_print(&text.sink, set, machine->cpu_count);
    tell_finding(finding, name);
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
