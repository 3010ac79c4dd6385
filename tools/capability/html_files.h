/*
 * The files of the page as they stand in tools/capability/page, put into the program at build time
 * by tools/gen_page.py.
 */
#pragma once

#include <stddef.h>

struct html_file {
    const char *name, *text;
};

extern const struct html_file html_files[];
extern const size_t html_file_count;
