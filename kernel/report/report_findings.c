#include "kernel/report/report.h"
#include "lib/string.h"
#include "vmx/capability/vmx_msr.h"

enum { CPUS_COLUMNS = 40, PLACE_SIZE = 512 };

void cpu_ranges_print(struct sink *sink, const bool *set, uint32_t count)
{
    const char *before = "";

    for (uint32_t first = 0; first < count; first++) {
        uint32_t last = first;

        if (!set[first])
            continue;
        while (last + 1 < count && set[last + 1])
            last++;
        print_to(sink, last > first ? "%s%u-%u" : "%s%u", before, first, last);
        before = ",";
        first = last;
    }
}

void cpus_print(struct sink *sink, const bool *set, uint32_t count)
{
    char ranges[CPUS_COLUMNS + 1];
    struct text_buffer text;
    uint32_t members = 0;

    for (uint32_t cpu = 0; cpu < count; cpu++)
        members += set[cpu];
    text_buffer_init(&text, ranges, sizeof(ranges));
    cpu_ranges_print(&text.sink, set, count);
    while (text.lost > 0 && ranges[text.length - 1] != ',')
        text.length--;
    print_to(sink, "%s%.*s", members == 1 ? "CPU " : "CPUs ", (int)text.length, ranges);
    if (text.lost > 0)
        print_to(sink, "... (%u)", members);
}

/* The CPUs that have this finding; false if one before this CPU has it: it was given there. */
static bool find_cpus(const struct machine *machine, struct finding_walk *walk)
{
    for (uint32_t cpu = 0; cpu < machine->cpu_count; cpu++) {
        const struct findings *own = machine_findings(machine, cpu + 1);

        walk->cpus[cpu] = walk->list == 0 ? cpu_set_has(&machine->finding_cpus[walk->next - 1], cpu)
                                          : findings_find(own, walk->finding) < own->count;
        if (walk->cpus[cpu] && cpu + 1 < walk->list)
            return false;
    }
    return true;
}

bool finding_next(const struct machine *machine, struct finding_walk *walk)
{
    struct text_buffer text;

    for (; walk->list <= machine->cpu_count; walk->list++, walk->next = 0) {
        const struct findings *findings = machine_findings(machine, walk->list);

        while (walk->next < findings->count) {
            walk->finding = &findings->item[walk->next++];
            if (!find_cpus(machine, walk))
                continue;
            text_buffer_init(&text, walk->cpus_text, sizeof(walk->cpus_text));
            cpus_print(&text.sink, walk->cpus, machine->cpu_count);
            return true;
        }
    }
    return false;
}

uint32_t findings_lost(const struct machine *machine)
{
    uint32_t lost = 0;

    for (uint32_t i = 0; i <= machine->cpu_count; i++)
        lost += machine_findings(machine, i)->lost;
    return lost;
}

/* Which register and bits, and what stood there: as much of it as the finding has. */
static void print_place(struct sink *sink, const struct finding *finding)
{
    const char *name = vmx_msr_name(finding->msr);
    bool values = finding->seen != finding->wanted;
    bool more = finding->msr != 0 || finding->low >= 0 || values;

    if (finding->detail != NULL)
        print_to(sink, more ? "%s: " : "%s", finding->detail);
    if (name != NULL)
        print_to(sink, "%s ", name);
    else if (finding->msr != 0)
        print_to(sink, "MSR %#x ", finding->msr);
    if (finding->high > finding->low)
        print_to(sink, "bits %d:%d ", finding->high, finding->low);
    else if (finding->low >= 0)
        print_to(sink, "bit %d ", finding->low);
    if (values)
        print_to(sink, "seen %#lx, wanted %#lx", finding->seen, finding->wanted);
}

void finding_print_rule(const struct coloured *page, const struct finding *finding)
{
    static const enum colour colours[] = {
        [SEVERITY_NOTE] = COLOUR_DIM,
        [SEVERITY_WARNING] = COLOUR_WARNING,
        [SEVERITY_REFUSAL] = COLOUR_REFUSAL,
    };

    print_in(page, colours[finding->severity], "  %-8s %s", severity_name(finding->severity),
             rule_table[finding->rule].name);
}

void finding_print(const struct coloured *page, const struct finding *finding, const char *on_cpus)
{
    char place[PLACE_SIZE];
    struct text_buffer text;

    finding_print_rule(page, finding);
    print_to(page->sink, " (%s)\n", on_cpus);
    text_buffer_init(&text, place, sizeof(place));
    if (finding->detail != NULL || finding->msr != 0 || finding->low >= 0)
        print_place(&text.sink, finding);
    SET_FOR_EACH(finding_printers, room) {
        (*room)->print(page, finding, place);
        return;
    }
    if (text.length > 0)
        print_to(page->sink, "           %s\n", place);
}

static void findings_text(const struct machine *machine, const struct coloured *page)
{
    struct finding_walk walk = {0};
    uint32_t lost = findings_lost(machine);
    bool any = finding_next(machine, &walk);

    print_in(page, COLOUR_HEADING, any || lost > 0 ? "\nFindings\n" : "\nFindings: none\n");
    for (; any; any = finding_next(machine, &walk))
        finding_print(page, walk.finding, walk.cpus_text);
    if (lost > 0)
        print_to(page->sink, "  %u more findings did not fit\n", lost);
}

REPORT_TEXT(080, findings_text);

static void findings_json(const struct machine *machine, struct json *json)
{
    static char ranges[CPU_RANGES_SIZE];
    struct finding_walk walk = {0};
    struct text_buffer text;

    json_array_begin(json, "findings");
    while (finding_next(machine, &walk)) {
        struct finding first = *walk.finding;

        for (first.cpu = 0; first.cpu < walk.finding->cpu && !walk.cpus[first.cpu];)
            first.cpu++;
        text_buffer_init(&text, ranges, sizeof(ranges));
        cpu_ranges_print(&text.sink, walk.cpus, machine->cpu_count);
        vmx_json_finding(json, &first, ranges, &machine->cpus[first.cpu]->apic_id,
                         vmx_rule_text(first.rule));
    }
    json_array_end(json);
    json_number(json, "findings_lost", findings_lost(machine));
}

REPORT_JSON(020, findings_json);
