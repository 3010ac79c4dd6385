/*
 * The report: a page for a person and one JSON document for programs (docs/report.md says what each
 * part means), made of parts, each as text and as members of the document.
 */
#pragma once

#include "kernel/console/console.h"
#include "kernel/machine.h"
#include "lib/format.h"
#include "lib/set.h"
#include "vmx/vmx_cpu.h"

void report_text(const struct machine *machine, struct sink *page);
void report_json(const struct machine *machine, struct sink *sink);

/* The indices that are set, from 0 to count - 1, as ranges: "0-3,5"; in so many bytes at most. */
enum { CPU_RANGES_SIZE = CPUS_MAX / 2 * 4 };
void cpu_ranges_print(struct sink *sink, const bool *set, uint32_t count);

/* "CPU 3", "CPUs 0-3,5"; a set that takes a line is cut, with the count: "CPUs 1,3,... (256)". */
enum { CPUS_TEXT_SIZE = 64 };
const char *cpus_name(const bool *set, uint32_t count, char text[CPUS_TEXT_SIZE]);

/* "off", "root" after VMXON, "loaded" after VMPTRLD. */
const char *vmx_state_name(enum vmx_cpu_state state);

/* Its rule, and where it was seen, or what a room prints instead; `on_cpus`: by cpus_name(). */
void finding_print(struct sink *page, const struct finding *finding, const char *on_cpus);
typedef void finding_printer(struct sink *page, const struct finding *finding, const char *place);
SET_DECLARE(finding_printers, finding_printer);

/* "  refusal  feature-control-absent", in the colour of how bad it is. */
void finding_print_rule(struct sink *page, const struct finding *finding);

/* With the instruction, unless the object's name or place says it: NULL. */
void result_json(struct json *json, const char *name, const char *instruction,
                 struct vmx_result result);

/*
 * A part of the report: as text, as members of the JSON document. Who has one registers it;
 * `place`, of three digits, sorts them.
 */
typedef void report_text_part(const struct machine *machine, struct sink *page);
typedef void report_json_part(const struct machine *machine, struct json *json);
#define REPORT_TEXT(place, function) SET_MEMBER(report_text, place, report_text_part, function)
#define REPORT_JSON(place, function) SET_MEMBER(report_json, place, report_json_part, function)
SET_DECLARE(report_text, report_text_part);
SET_DECLARE(report_json, report_json_part);
