/*
 * What lines with several numbers behind an MSR are: the halves of one value, or values of CPUs.
 */
#pragma once

#include "tools/capability/found.h"

/*
 * Makes one value of each pair of halves, and drops rows that may be something else. False, with
 * the error reported, where columns can be neither halves nor CPUs.
 */
bool columns_finish(struct scan *scan, struct found_list *list);
