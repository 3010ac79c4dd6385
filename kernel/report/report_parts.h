/*
 * The parts of the report, each as text and as members of the JSON document.
 */
#ifndef KERNEL_REPORT_PARTS_H
#define KERNEL_REPORT_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/report/cpu_ranges.h"
#include "kernel/console/console.h"
#include "kernel/machine.h"
#include "lib/format.h"
#include "lib/set.h"

/* One finding after the other, each with the CPUs that it was found on alike. Begins with zeros. */
struct finding_walk {
    const struct finding *finding;
    bool cpus[CPUS_MAX];            /* one at least is set */
    char cpus_text[CPUS_TEXT_SIZE]; /* by cpus_print() */
    uint32_t list, next;            /* of the machine as a whole (0) or a CPU (from 1), item */
};

/* Those of the machine as a whole, then those of its CPUs, by the first that has it. */
bool finding_next(const struct machine *machine, struct finding_walk *walk);

/* How many did not fit, on all CPUs. */
uint32_t findings_lost(const struct machine *machine);

/* What it says, where, the manual's section and the remedy; `on_cpus` as cpus_print() has them. */
void finding_print(const struct coloured *page, const struct finding *finding, const char *on_cpus);

/* Its rule, CPUs and detail: a line of 79 characters at most. */
void finding_print_line(const struct coloured *page, const struct finding *finding,
                        const char *on_cpus);

/* "VMfailValid 7"; in JSON with the instruction, unless the object's name or place says it: NULL.
 */
void result_text(const struct coloured *page, struct vmx_result result);
void result_json(struct json *json, const char *name, const char *instruction,
                 struct vmx_result result);

/*
 * A part of the report: as text, as members of the JSON document, on a screen that cannot be
 * scrolled back (returns how many rows it took). Who has one registers it; `place`, of three
 * digits, sorts them.
 */
struct report_text {
    void (*print)(const struct machine *machine, const struct coloured *page);
};
struct report_json {
    void (*print)(const struct machine *machine, struct json *json);
};
struct report_brief {
    uint32_t (*print)(const struct machine *machine, const struct coloured *page);
};
#define REPORT_PART(kind, place, function)                       \
    static const struct kind kind##_member_##place = {function}; \
    SET_MEMBER(kind, place, const struct kind, kind##_member_##place)
#define REPORT_TEXT(place, function)  REPORT_PART(report_text, place, function)
#define REPORT_JSON(place, function)  REPORT_PART(report_json, place, function)
#define REPORT_BRIEF(place, function) REPORT_PART(report_brief, place, function)
SET_DECLARE(report_text, const struct report_text);
SET_DECLARE(report_json, const struct report_json);
SET_DECLARE(report_brief, const struct report_brief);

#endif
