#include "kernel/report/report_brief.h"

#include "kernel/report/cpu_ranges.h"
#include "kernel/report/finding_told.h"
#include "kernel/report/guest_told.h"
#include "lib/string.h"

enum { CPU_LINES_MOST = 8, SCREEN_COLUMNS = 80 };

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

static void no_colour(enum colour colour)
{
    (void)colour;
}

static uint32_t rows_of(const struct finding *finding, const char *cpus_text)
{
    struct row_counter counter = {.sink = {count_rows}};
    const struct coloured page = {&counter.sink, no_colour};

    finding_print(&page, finding, cpus_text);
    return counter.rows;
}

/* Findings of one severity, while they are told. */
struct telling {
    const struct machine *machine;
    const struct coloured *page;
    enum severity severity;
    uint32_t left; /* of them, to be told */
    uint32_t rows; /* that there is room for */
};

static void count_one(void *context, const struct finding *finding, const bool *set)
{
    struct telling *telling = context;

    (void)set;
    telling->left += finding->severity == telling->severity;
}

/* Whole where that leaves a line for each that follows, else a line, and the last line for many. */
static void tell_one(void *context, const struct finding *finding, const bool *set)
{
    struct telling *telling = context;
    char text[CPUS_TEXT_SIZE];
    struct text_buffer buffer;
    uint32_t whole;

    if (finding->severity != telling->severity || telling->rows == 0)
        return;
    text_buffer_init(&buffer, text, sizeof(text));
    cpus_print(&buffer.sink, set, telling->machine->cpu_count);
    whole = rows_of(finding, text);
    if (whole + telling->left - 1 <= telling->rows) {
        finding_print(telling->page, finding, text);
        telling->rows -= whole;
    } else if (telling->rows > 1 || telling->left == 1) {
        finding_print_line(telling->page, finding, text);
        telling->rows--;
    } else {
        print_to(telling->page->sink, "  and %u more of them\n", telling->left);
        telling->rows = 0;
    }
    telling->left--;
}

static uint32_t count(const struct machine *machine, enum severity severity)
{
    struct telling telling = {.severity = severity};

    machine_each_finding(machine, count_one, &telling);
    return telling.left;
}

static uint32_t tell_findings(const struct machine *machine, const struct coloured *page,
                              enum severity severity, uint32_t rows)
{
    struct telling telling = {machine, page, severity, count(machine, severity), rows};

    machine_each_finding(machine, tell_one, &telling);
    return telling.rows;
}

static void print_cpu(const struct coloured *page, const struct cpu *cpu)
{
    print_to(page->sink, "  CPU %u  APIC id %#x  ", cpu->index, cpu->apic_id);
    page->colour(cpu_state_colour(cpu));
    print_to(page->sink, "%s\n", cpu_state_name(cpu));
    page->colour(COLOUR_PLAIN);
}

/* A line for each state that CPUs are in; the first of them tells it. */
static uint32_t sum_up_cpus(const struct machine *machine, const struct coloured *page)
{
    static bool alike[CPUS_MAX], told[CPUS_MAX];
    uint32_t lines = 0;

    memset(told, 0, sizeof(told));
    for (uint32_t i = 0; i < machine->cpu_count; i++) {
        uint32_t members = 0;

        if (told[i])
            continue;
        for (uint32_t j = 0; j < machine->cpu_count; j++) {
            alike[j] = cpu_state_name(machine->cpus[j]) == cpu_state_name(machine->cpus[i]);
            told[j] |= alike[j];
            members += alike[j];
        }
        page->colour(cpu_state_colour(machine->cpus[i]));
        print_to(page->sink, "  %-8s", cpu_state_name(machine->cpus[i]));
        page->colour(COLOUR_PLAIN);
        print_to(page->sink, "%u: ", members);
        cpus_print(page->sink, alike, machine->cpu_count);
        print_to(page->sink, "\n");
        lines++;
    }
    return lines;
}

static uint32_t tell_cpus(const struct machine *machine, const struct coloured *page)
{
    if (machine->cpu_count > CPU_LINES_MOST)
        return sum_up_cpus(machine, page);
    for (uint32_t i = 0; i < machine->cpu_count; i++)
        print_cpu(page, machine->cpus[i]);
    return machine->cpu_count;
}

static uint32_t tell_guests(const struct machine *machine, const struct coloured *page)
{
    if (!machine->guests_done)
        return 0;
    print_to(page->sink, "Guests: ");
    guest_counts_print(page->sink, guest_counts_all(machine));
    print_to(page->sink, "\n");
    return 1;
}

void report_brief(const struct machine *machine, const struct coloured *page, uint32_t rows)
{
    enum { FIXED = 3 }; /* the empty line, the findings' heading, the last line */
    uint32_t lost = machine_findings_lost(machine);

    print_to(page->sink, "\n");
    rows -= FIXED + tell_cpus(machine, page);
    rows -= tell_guests(machine, page);
    page->colour(COLOUR_HEADING);
    print_to(page->sink, "Findings: refusals %u, warnings %u, notes %u",
             count(machine, SEVERITY_REFUSAL), count(machine, SEVERITY_WARNING),
             count(machine, SEVERITY_NOTE));
    if (lost > 0)
        print_to(page->sink, ", and %u that did not fit", lost);
    page->colour(COLOUR_PLAIN);
    print_to(page->sink, "\n");
    rows = tell_findings(machine, page, SEVERITY_REFUSAL, rows);
    tell_findings(machine, page, SEVERITY_WARNING, rows);
    page->colour(COLOUR_DIM);
    print_to(page->sink, "All of it: on the serial line, or here with report=full.\n");
    page->colour(COLOUR_PLAIN);
}
