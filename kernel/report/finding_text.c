/*
 * A room: a finding in full, its sentence, where it was seen, the manual's section and the remedy.
 */
#include "kernel/report/report.h"
#include "lib/wrapped.h"

enum { TEXT_COLUMNS = 67, INDENT = 11, MANUAL_SIZE = 160 };

static void print(const struct coloured *page, const struct finding *finding, const char *place)
{
    const struct rule_text *text = vmx_rule_text(finding->rule);
    char manual[MANUAL_SIZE];

    if (text != NULL)
        print_wrapped(page->sink, INDENT, TEXT_COLUMNS, text->text);
    print_wrapped(page->sink, INDENT, TEXT_COLUMNS, place);
    if (text == NULL)
        return;
    page->colour(COLOUR_DIM);
    format_text(manual, sizeof(manual), "manual: %s", text->sdm);
    print_wrapped(page->sink, INDENT, TEXT_COLUMNS, manual);
    page->colour(COLOUR_PLAIN);
    print_wrapped(page->sink, INDENT, TEXT_COLUMNS, text->remedy);
}

static const struct finding_printer printer = {print};
SET_MEMBER(finding_printers, 0, const struct finding_printer, printer);
