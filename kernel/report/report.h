/*
 * The report: a page for a person, one JSON document for programs (docs/report.md says what each
 * part means), and what has to be left standing on a screen that cannot be scrolled back.
 */
#ifndef KERNEL_REPORT_H
#define KERNEL_REPORT_H

#include "kernel/console/console.h"
#include "kernel/machine.h"

void report_text(const struct machine *machine, const struct coloured *page);
void report_json(const struct machine *machine, struct sink *sink);

/* Eight CPUs, guests, a finding, and what is always there. */
enum { BRIEF_ROWS_LEAST = 13 };

/*
 * The CPUs, a line each up to eight, summed up above; how many guests came to what; refusals and
 * warnings, as much of each as there is room for. At most `rows` rows of a screen with 80 columns;
 * `rows` is at least BRIEF_ROWS_LEAST.
 */
void report_brief(const struct machine *machine, const struct coloured *page, uint32_t rows);

#endif
