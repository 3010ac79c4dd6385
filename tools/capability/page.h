/*
 * A page of text for a person: a width to break lines at, and colours where they are wanted.
 */
#pragma once

#include <stdbool.h>

#include "lib/format.h"
#include "vmx/finding.h"

enum style { STYLE_PLAIN, STYLE_STRONG, STYLE_DIM, STYLE_GOOD, STYLE_WARNING, STYLE_BAD };

struct page {
    struct sink *sink;
    unsigned width; /* in columns */
    bool colour;
};

enum { PAGE_WIDTH_LEAST = 40, PAGE_WIDTH_MOST = 160 };

/* A width that text can be read at, for a terminal that is `columns` wide. */
unsigned page_width(unsigned columns);

/* What follows is written so; nothing without colours. */
void page_style(const struct page *page, enum style style);

/* `format` written in a style, and plain after it. */
void page_print(const struct page *page, enum style style, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A line that begins a part, strong, with an empty one before it. */
void page_heading(const struct page *page, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Text broken at spaces, with `indent` spaces before each line but the first, which begins at
 * column `column` already; ends the last line.
 */
void page_wrapped(const struct page *page, unsigned column, unsigned indent, const char *text);

/* The style of a severity's name. */
enum style page_severity(enum severity severity);
