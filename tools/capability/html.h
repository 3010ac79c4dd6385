/*
 * A page of the corpus for a browser: index.html and what it loads, all in one folder, so that it
 * works as files too.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "tools/capability/dump_list.h"
#include "tools/capability/check_set.h"

enum { HTML_ERROR_MAX = 512 };

/*
 * Writes the page into `folder`, which is made if it is missing: every row of the corpus, and the
 * sets of `lists` beside them. False, with what failed.
 */
bool html_write(const char *folder, const struct dump_list *lists, size_t count,
                enum check_choice check, char error[HTML_ERROR_MAX]);
