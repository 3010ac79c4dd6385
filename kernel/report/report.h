/*
 * The report as a page for a person, on the console.
 */
#ifndef KERNEL_REPORT_H
#define KERNEL_REPORT_H

#include "kernel/machine.h"

void report_text(const struct machine *machine);

/* A heading with a line under it. */
void report_heading(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The part about guests and what VM exits cost. */
void report_guests(const struct machine *machine);

/* The part about findings: each once, with the CPUs that it is about. */
void report_findings(const struct machine *machine);

#endif
