/* What came of a guest that owns the machine: findings, and its parts of the report. Pure. */
#pragma once

#include "kernel/linux/guest_loader.h"
#include "vm/linux/linux.h"
#include "vm/linux/linux_plan.h"

enum hypervisor_word { HYPERVISOR_SHOWN = 1, HYPERVISOR_HIDDEN };

struct linux_results {
    unsigned hypervisor; /* enum hypervisor_word: of the word; 0: it was not there */
    bool is_planned;     /* there is a guest, and everything has its place */
    const struct guest_loader *loader;
    struct guest_load load;
    struct linux_vm vm;
    bool image_changed; /* code and constants of the hypervisor's, while the guest ran */
};
extern struct linux_results linux_results;

/* Each adds a finding where something is not as it must be; false: then the guest cannot run. */

/* The kernel's header; then whether the kernel takes that command line. */
bool check_linux_image(struct machine *machine, enum linux_image_result result,
                       const struct linux_image *image);

bool check_linux_plan(struct machine *machine, enum linux_plan_result result,
                      const struct linux_plan *plan);

/* Not all of the memory map could be handed over. */
void check_linux_ranges(struct machine *machine);

/* CPUs that the firmware names, all of which the guest would start, and those that run. */
bool check_linux_cpus(struct machine *machine, uint32_t named, uint32_t used);

/* What the boot CPU lacks; NULL: nothing. */
bool check_linux_cpu(struct machine *machine, const char *lacks);

/* At the end. */
void check_linux_end(struct machine *machine);
