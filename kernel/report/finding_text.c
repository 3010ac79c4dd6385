#include "kernel/report/finding_text.h"

#include "vmx/capability/vmx_msr.h"

enum { TEXT_COLUMNS = 67, INDENT = 11, LINE_COLUMNS = 79, MANUAL_SIZE = 160, PLACE_SIZE = 512 };

/* Which register and bits, and what stood there: as much of it as the finding has. */
static void print_place(struct sink *sink, const struct finding *finding)
{
    const char *name = vmx_msr_name(finding->msr);
    bool values = finding->seen != finding->wanted;
    char place[PLACE_SIZE];
    struct text_buffer text;

    text_buffer_init(&text, place, sizeof(place));
    if (finding->detail != NULL)
        print_to(&text.sink, "%s", finding->detail);
    if (finding->detail != NULL && (finding->msr != 0 || finding->low >= 0 || values))
        print_to(&text.sink, ": ");
    if (name != NULL)
        print_to(&text.sink, "%s ", name);
    else if (finding->msr != 0)
        print_to(&text.sink, "MSR %#x ", finding->msr);
    if (finding->high > finding->low)
        print_to(&text.sink, "bits %d:%d ", finding->high, finding->low);
    else if (finding->low >= 0)
        print_to(&text.sink, "bit %d ", finding->low);
    if (values)
        print_to(&text.sink, "seen %#lx, wanted %#lx", finding->seen, finding->wanted);
    print_wrapped(sink, INDENT, TEXT_COLUMNS, place);
}

/* "  refusal  feature-control-absent", in the colour of how bad it is. */
static void print_rule(const struct coloured *page, const struct finding *finding)
{
    static const enum colour colours[] = {
        [SEVERITY_NOTE] = COLOUR_DIM,
        [SEVERITY_WARNING] = COLOUR_WARNING,
        [SEVERITY_REFUSAL] = COLOUR_REFUSAL,
    };

    page->colour(colours[finding->severity]);
    print_to(page->sink, "  %-8s %s", severity_name(finding->severity),
             rule_table[finding->rule].name);
    page->colour(COLOUR_PLAIN);
}

void finding_print(const struct coloured *page, const struct finding *finding, const char *cpus)
{
    const struct rule_text *rule = &rule_table[finding->rule];
    char manual[MANUAL_SIZE];

    print_rule(page, finding);
    print_to(page->sink, " (%s)\n", cpus);
    print_wrapped(page->sink, INDENT, TEXT_COLUMNS, rule->text);
    if (finding->detail != NULL || finding->msr != 0 || finding->low >= 0)
        print_place(page->sink, finding);
    page->colour(COLOUR_DIM);
    format_text(manual, sizeof(manual), "manual: %s", rule->sdm);
    print_wrapped(page->sink, INDENT, TEXT_COLUMNS, manual);
    page->colour(COLOUR_PLAIN);
    print_wrapped(page->sink, INDENT, TEXT_COLUMNS, rule->remedy);
}

void finding_print_line(const struct coloured *page, const struct finding *finding,
                        const char *cpus)
{
    char rest[LINE_COLUMNS + 1];
    size_t begun = format_text(NULL, 0, "  %-8s %s", severity_name(finding->severity),
                               rule_table[finding->rule].name);

    format_text(rest, sizeof(rest) - begun, finding->detail != NULL ? " (%s) %s" : " (%s)", cpus,
                finding->detail);
    print_rule(page, finding);
    print_to(page->sink, "%s\n", rest);
}
