#include "kernel/report.h"

#include "kernel/console.h"

enum { TEXT_COLUMNS = 67, INDENT = 11 };

/* The same thing said of another CPU? Rows of a table, so the pointers are equal if the text is. */
static bool same(const struct finding *a, const struct finding *b)
{
    return a->rule == b->rule && a->severity == b->severity && a->msr == b->msr &&
           a->high == b->high && a->low == b->low && a->seen == b->seen && a->wanted == b->wanted &&
           a->detail == b->detail;
}

static bool has_same(const struct findings *findings, const struct finding *finding)
{
    for (uint32_t i = 0; i < findings->count; i++) {
        if (same(&findings->item[i], finding))
            return true;
    }
    return false;
}

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

/* "CPU 0", "CPUs 1-3, 5": the CPUs from `first` on that have this finding. */
static void name_cpus(const struct machine *machine, const struct finding *finding, uint32_t first,
                      struct sink *sink)
{
    const char *before = "";
    uint32_t cpu = first;

    print_to(sink, "CPU ");
    while (cpu < machine->cpu_count) {
        uint32_t last = cpu;

        if (!has_same(&machine->cpus[cpu]->vmx.findings, finding)) {
            cpu++;
            continue;
        }
        while (last + 1 < machine->cpu_count &&
               has_same(&machine->cpus[last + 1]->vmx.findings, finding))
            last++;
        print_to(sink, last > cpu ? "%s%u-%u" : "%s%u", before, cpu, last);
        before = ", ";
        cpu = last + 1;
    }
}

static bool told_before(const struct machine *machine, const struct finding *finding, uint32_t cpu)
{
    for (uint32_t i = 0; i < cpu; i++) {
        if (has_same(&machine->cpus[i]->vmx.findings, finding))
            return true;
    }
    return false;
}

static void tell_machine_findings(const struct machine *machine)
{
    char name[32];

    for (uint32_t i = 0; i < machine->findings.count; i++) {
        const struct finding *finding = &machine->findings.item[i];

        format_text(name, sizeof(name), "CPU %u, APIC id %#x", finding->cpu,
                    machine->cpus[finding->cpu]->apic_id);
        tell_finding(finding, name);
    }
}

void report_findings(const struct machine *machine)
{
    uint32_t lost = machine->findings.lost;
    uint32_t count = machine->findings.count;

    for (uint32_t i = 0; i < machine->cpu_count; i++) {
        count += machine->cpus[i]->vmx.findings.count;
        lost += machine->cpus[i]->vmx.findings.lost;
    }
    report_heading("Findings%s", count == 0 ? ": none" : "");
    tell_machine_findings(machine);
    for (uint32_t i = 0; i < machine->cpu_count; i++) {
        const struct findings *findings = &machine->cpus[i]->vmx.findings;

        for (uint32_t j = 0; j < findings->count; j++) {
            struct text_buffer buffer;
            char name[64];

            if (told_before(machine, &findings->item[j], i))
                continue;
            text_buffer_init(&buffer, name, sizeof(name));
            name_cpus(machine, &findings->item[j], i, &buffer.sink);
            tell_finding(&findings->item[j], name);
        }
    }
    if (lost > 0)
        console_print("  %u more findings did not fit\n", lost);
}
