/*
 * The room of the long report, and what has to be left standing on a screen that cannot be scrolled
 * back.
 */
#pragma once

#include "kernel/report/report.h"
#include "mm/paging_audit.h"

/* What was found in the page tables in use. */
extern struct paging_audit paging_audited;

/* As vmx_state_name(), or "silent" where it takes no part, "no path" where it could not be asked
 * to. */
const char *cpu_state_name(const struct cpu *cpu);
enum colour cpu_state_colour(const struct cpu *cpu);

/* "TSC at 49.983 MHz by CPUID 15h". */
void tsc_rate_print(struct tsc_rate rate, struct sink *sink);

/* "VMfailValid 7" */
void result_text(struct sink *page, struct vmx_result result);

/* Its rule, CPUs and detail: a line of 79 characters at most. */
void finding_print_line(struct sink *page, const struct finding *finding, const char *on_cpus);

/* A part that also stands on a screen that cannot be scrolled back: how many rows it took. */
typedef uint32_t report_brief_part(const struct machine *machine, struct sink *page);
#define REPORT_BRIEF(place, function) SET_MEMBER(report_brief, place, report_brief_part, function)
SET_DECLARE(report_brief, report_brief_part);

/* Eight CPUs, guests, a finding, and what is always there. */
enum { BRIEF_ROWS_LEAST = 13 };

/*
 * The CPUs, a line each up to eight, summed up above; how many guests came to what; refusals and
 * warnings, as much of each as there is room for. At most `rows` rows of a screen with 80 columns;
 * `rows` is at least BRIEF_ROWS_LEAST.
 */
void report_brief(const struct machine *machine, struct sink *page, uint32_t rows);
