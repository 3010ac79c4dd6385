/*
 * The report as one JSON document, for programs: docs/report.md says what each part means.
 */
#ifndef KERNEL_REPORT_JSON_H
#define KERNEL_REPORT_JSON_H

#include "kernel/machine.h"
#include "lib/format.h"

void report_json(const struct machine *machine, struct sink *sink);

#endif
