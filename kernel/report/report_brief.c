#include "kernel/report/report_page.h"

#include "lib/string.h"

enum { CPU_LINES_MOST = 8, SCREEN_COLUMNS = 80, LINE_COLUMNS = 79 };

/* Counts the rows of a screen that text takes. */
struct row_counter {
    struct sink sink;
    uint32_t rows, column;
};

static void count_rows(struct sink *sink, const char *text, size_t length)
{
    struct row_counter *counter = (struct row_counter *)sink;

    for (size_t i = 0; i < length; i++) {
        bool wraps = counter->column == SCREEN_COLUMNS;

        counter->rows += wraps || text[i] == '\n';
        counter->column = text[i] == '\n' ? 0 : (wraps ? 0 : counter->column) + 1;
    }
}

static uint32_t rows_of(const struct finding *finding, const char *cpus_text)
{
    struct row_counter counter = {.sink = {count_rows}};

    finding_print(&counter.sink, finding, cpus_text);
    return counter.rows;
}

void finding_print_line(struct sink *page, const struct finding *finding, const char *on_cpus)
{
    char rest[LINE_COLUMNS + 1];
    size_t begun = format_text(NULL, 0, "  %-8s %s", severity_name(finding->severity),
                               rule_table[finding->rule].name);

    format_text(rest, sizeof(rest) - begun, finding->detail != NULL ? " (%s) %s" : " (%s)", on_cpus,
                finding->detail);
    finding_print_rule(page, finding);
    print_to(page, "%s\n", rest);
}

static uint32_t count(const struct machine *machine, enum severity severity)
{
    uint32_t found = 0;

    for (uint32_t i = 0; i < machine->findings.count; i++)
        found += machine->findings.item[i].severity == severity;
    return found;
}

/*
 * Each whole where that leaves a line for each that follows, else a line, and the last line for
 * many. Of `rows` rows, how many are left.
 */
static uint32_t print_findings(const struct machine *machine, struct sink *page,
                               enum severity severity, uint32_t rows)
{
    uint32_t left = count(machine, severity);

    for (uint32_t i = 0; rows > 0 && i < machine->findings.count; i++) {
        const struct finding *finding = &machine->findings.item[i];
        char on_cpus[CPUS_TEXT_SIZE];
        uint32_t whole;

        if (finding->severity != severity)
            continue;
        cpus_name(machine_finding_cpus(machine, i), machine->cpu_count, on_cpus);
        whole = rows_of(finding, on_cpus);
        if (whole + left - 1 <= rows) {
            finding_print(page, finding, on_cpus);
            rows -= whole;
        } else if (rows > 1 || left == 1) {
            finding_print_line(page, finding, on_cpus);
            rows--;
        } else {
            print_to(page, "  and %u more of them\n", left);
            rows = 0;
        }
        left--;
    }
    return rows;
}

static void print_cpu(struct sink *page, const struct cpu *cpu)
{
    print_to(page, "  CPU %u  APIC id %#x  ", cpu->index, cpu->apic_id);
    print_in(page, cpu_state_colour(cpu), "%s\n", cpu_state_name(cpu));
}

/* A line for each state that CPUs are in, at the first CPU of that state. */
static uint32_t sum_up_cpus(const struct machine *machine, struct sink *page)
{
    static bool alike[CPUS_MAX], reported[CPUS_MAX];
    char text[CPUS_TEXT_SIZE];
    uint32_t lines = 0;

    memset(reported, 0, sizeof(reported));
    for (uint32_t i = 0; i < machine->cpu_count; i++) {
        uint32_t members = 0;

        if (reported[i])
            continue;
        for (uint32_t j = 0; j < machine->cpu_count; j++) {
            alike[j] = cpu_state_name(machine->cpus[j]) == cpu_state_name(machine->cpus[i]);
            reported[j] |= alike[j];
            members += alike[j];
        }
        print_in(page, cpu_state_colour(machine->cpus[i]), "  %-8s",
                 cpu_state_name(machine->cpus[i]));
        print_to(page, "%u: %s\n", members, cpus_name(alike, machine->cpu_count, text));
        lines++;
    }
    return lines;
}

static uint32_t print_cpus(const struct machine *machine, struct sink *page)
{
    if (machine->cpu_count > CPU_LINES_MOST)
        return sum_up_cpus(machine, page);
    for (uint32_t i = 0; i < machine->cpu_count; i++)
        print_cpu(page, machine->cpus[i]);
    return machine->cpu_count;
}

void report_brief(const struct machine *machine, struct sink *page, uint32_t rows)
{
    enum { FIXED = 3 }; /* the empty line, the findings' heading, the last line */
    uint32_t lost = machine->findings.lost;

    print_to(page, "\n");
    rows -= FIXED + print_cpus(machine, page);
    SET_FOR_EACH(report_brief, part)
        rows -= (*part)(machine, page);
    console_colour(COLOUR_HEADING);
    print_to(page, "Findings: refusals %u, warnings %u, notes %u", count(machine, SEVERITY_REFUSAL),
             count(machine, SEVERITY_WARNING), count(machine, SEVERITY_NOTE));
    if (lost > 0)
        print_to(page, ", and %u that did not fit", lost);
    console_colour(COLOUR_PLAIN);
    print_to(page, "\n");
    rows = print_findings(machine, page, SEVERITY_REFUSAL, rows);
    print_findings(machine, page, SEVERITY_WARNING, rows);
    print_in(page, COLOUR_DIM, "All of it: on the serial line, or here with report=full.\n");
}
