#include "kernel/report/report.h"
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

const char *cpus_name(const bool *set, uint32_t count, char text[CPUS_TEXT_SIZE])
{
    char ranges[CPUS_COLUMNS + 1];
    struct text_buffer buffer;
    uint32_t members = 0;

    for (uint32_t cpu = 0; cpu < count; cpu++)
        members += set[cpu];
    text_buffer_init(&buffer, ranges, sizeof(ranges));
    cpu_ranges_print(&buffer.sink, set, count);
    while (buffer.lost > 0 && ranges[buffer.length - 1] != ',')
        buffer.length--;
    format_text(text, CPUS_TEXT_SIZE, buffer.lost > 0 ? "%s%.*s... (%u)" : "%s%.*s",
                members == 1 ? "CPU " : "CPUs ", (int)buffer.length, ranges, members);
    return text;
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

void finding_print_rule(struct sink *page, const struct finding *finding)
{
    static const enum colour colours[] = {
        [SEVERITY_NOTE] = COLOUR_DIM,
        [SEVERITY_WARNING] = COLOUR_WARNING,
        [SEVERITY_REFUSAL] = COLOUR_REFUSAL,
    };

    print_in(page, colours[finding->severity], "  %-8s %s", severity_name(finding->severity),
             rule_table[finding->rule].name);
}

void finding_print(struct sink *page, const struct finding *finding, const char *on_cpus)
{
    char place[PLACE_SIZE];
    struct text_buffer text;

    finding_print_rule(page, finding);
    print_to(page, " (%s)\n", on_cpus);
    text_buffer_init(&text, place, sizeof(place));
    if (finding->detail != NULL || finding->msr != 0 || finding->low >= 0)
        print_place(&text.sink, finding);
    SET_FOR_EACH(finding_printers, room) {
        (*room)(page, finding, place);
        return;
    }
    if (text.length > 0)
        print_to(page, "           %s\n", place);
}

static void findings_text(const struct machine *machine, struct sink *page)
{
    const struct findings *findings = &machine->findings;
    char on_cpus[CPUS_TEXT_SIZE];

    print_in(page, COLOUR_HEADING,
             findings->count + findings->lost > 0 ? "\nFindings\n" : "\nFindings: none\n");
    for (uint32_t i = 0; i < findings->count; i++)
        finding_print(page, &findings->item[i],
                      cpus_name(machine_finding_cpus(machine, i), machine->cpu_count, on_cpus));
    if (findings->lost > 0)
        print_to(page, "  %u more findings did not fit\n", findings->lost);
}

REPORT_TEXT(080, findings_text);

static void findings_json(const struct machine *machine, struct json *json)
{
    static char ranges[CPU_RANGES_SIZE];
    struct rule_text sentences;
    struct text_buffer text;

    json_array_begin(json, "findings");
    for (uint32_t i = 0; i < machine->findings.count; i++) {
        const bool *found_on = machine_finding_cpus(machine, i);
        struct finding first = machine->findings.item[i];

        for (first.cpu = 0; first.cpu < machine->findings.item[i].cpu && !found_on[first.cpu];)
            first.cpu++;
        text_buffer_init(&text, ranges, sizeof(ranges));
        cpu_ranges_print(&text.sink, found_on, machine->cpu_count);
        vmx_json_finding(json, &first, ranges, &machine->cpus[first.cpu]->apic_id,
                         vmx_rule_text(first.rule, &sentences));
    }
    json_array_end(json);
    json_number(json, "findings_lost", machine->findings.lost);
}

REPORT_JSON(020, findings_json);
