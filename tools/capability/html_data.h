/*
 * What the page of `vmxcap --html` shows, as one JSON document. The engine decides all of it; the
 * page's scripts only lay it out.
 *
 *   version, generations, groups, features, kinds, states, stages, requirements
 *   rows   for each set of values: what it is, verdict, stages, findings, MSRs, and
 *            cells   a character for each feature: the code of its state (`states`)
 *            values  the value of each cell that is one, in order, as it is asked to a person
 *            reported    for each group the MSR that reported it, which may be the TRUE one
 */
#pragma once

#include <stddef.h>

#include "lib/format.h"
#include "tools/capability/corpus.h"
#include "tools/capability/check_set.h"

struct html_row {
    struct checked checked;
    const struct corpus_row *row; /* NULL: given by the person who makes the page */
};

void html_data(struct sink *sink, const struct html_row *rows, size_t count);
