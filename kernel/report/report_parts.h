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
#include "lib/json.h"

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

void findings_text(const struct machine *machine, const struct coloured *page);
void findings_json(const struct machine *machine, struct json *json);

/* "VMfailValid 7"; in JSON with the instruction, unless the object's name or place says it: NULL.
 */
void result_text(const struct coloured *page, struct vmx_result result);
void result_json(struct json *json, const char *name, const char *instruction,
                 struct vmx_result result);

/* The self-tests: of VMX instructions and VMCS fields, and of VM entries. */
void selftest_text(const struct machine *machine, const struct coloured *page);
void selftest_json(const struct machine *machine, struct json *json);

/* Of each guest there is: its name, what it does, and the VM exits that vm/exits.def names it for.
 */
void guest_list_print(struct sink *sink, const struct guest *const *table, uint32_t count);

/* Would a person read the same of both? */
bool guest_runs_alike(const struct guest_run *a, const struct guest_run *b);

/* How many runs came to each result: those of one chosen guest, on all its CPUs, or of all. */
struct guest_counts {
    uint32_t of[GUEST_RESULT_COUNT];
};
struct guest_counts guest_counts_of(const struct machine *machine, uint32_t guest);
struct guest_counts guest_counts_all(const struct machine *machine);

/* "154 ok, 2 skipped" */
void guest_counts_print(struct sink *sink, struct guest_counts counts);

/* Guests, what VM exits cost, the VMCS that was kept. */
void guests_text(const struct machine *machine, const struct coloured *page);
void guests_json(const struct machine *machine, struct json *json);

#endif
