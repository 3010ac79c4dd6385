/*
 * The report for a screen that cannot be scrolled back: what has to be left standing on it.
 */
#ifndef KERNEL_REPORT_BRIEF_H
#define KERNEL_REPORT_BRIEF_H

#include "kernel/report/finding_text.h"
#include "kernel/machine.h"

/* Eight CPUs, guests, a finding, and what is always there. */
enum { BRIEF_ROWS_LEAST = 13 };

/*
 * The CPUs, a line each up to eight, summed up above; how many guests came to what; refusals and
 * warnings, as much of each as there is room for. At most `rows` rows of a screen with 80 columns;
 * `rows` is at least BRIEF_ROWS_LEAST.
 */
void report_brief(const struct machine *machine, const struct coloured *page, uint32_t rows);

#endif
