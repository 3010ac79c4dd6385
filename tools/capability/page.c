#include "tools/capability/page.h"

#include <string.h>

unsigned page_width(unsigned columns)
{
    if (columns < PAGE_WIDTH_LEAST)
        return PAGE_WIDTH_LEAST;
    return columns < PAGE_WIDTH_MOST ? columns : PAGE_WIDTH_MOST;
}

void page_style(const struct page *page, enum style style)
{
    /* ECMA-48, "Select Graphic Rendition". */
    static const char *const sequences[] = {
        [STYLE_PLAIN] = "\033[0m", [STYLE_STRONG] = "\033[1m",   [STYLE_DIM] = "\033[2m",
        [STYLE_GOOD] = "\033[32m", [STYLE_WARNING] = "\033[33m", [STYLE_BAD] = "\033[1;31m",
    };

    if (page->colour)
        print_to(page->sink, "%s", sequences[style]);
}

void page_print(const struct page *page, enum style style, const char *format, ...)
{
    va_list arguments;

    if (style != STYLE_PLAIN)
        page_style(page, style);
    va_start(arguments, format);
    vprint_to(page->sink, format, arguments);
    va_end(arguments);
    if (style != STYLE_PLAIN)
        page_style(page, STYLE_PLAIN);
}

void page_heading(const struct page *page, const char *format, ...)
{
    va_list arguments;

    print_to(page->sink, "\n");
    page_style(page, STYLE_STRONG);
    va_start(arguments, format);
    vprint_to(page->sink, format, arguments);
    va_end(arguments);
    page_style(page, STYLE_PLAIN);
    print_to(page->sink, "\n");
}

void page_wrapped(const struct page *page, unsigned column, unsigned indent, const char *text)
{
    unsigned at = column;
    bool begun = false; /* a word stands in this line */

    while (*text != '\0') {
        size_t length = strcspn(text, " ");

        if (begun && at + 1 + length > page->width) {
            print_to(page->sink, "\n%*s", (int)indent, "");
            at = indent;
            begun = false;
        }
        print_to(page->sink, "%s%.*s", begun ? " " : "", (int)length, text);
        at += (unsigned)length + begun;
        begun = true;
        text += length;
        text += strspn(text, " ");
    }
    print_to(page->sink, "\n");
}

enum style page_severity(enum severity severity)
{
    static const enum style styles[] = {
        [SEVERITY_NONE] = STYLE_PLAIN,
        [SEVERITY_NOTE] = STYLE_DIM,
        [SEVERITY_WARNING] = STYLE_WARNING,
        [SEVERITY_REFUSAL] = STYLE_BAD,
    };

    return styles[severity];
}
