/*
 * pretend=[cpuN:]MSR:VALUE: check from VALUE instead of what RDMSR gave for a capability MSR, so
 * that every refusal can be seen on any machine. The hardware is never touched with it.
 */
#ifndef VMX_OVERRIDE_H
#define VMX_OVERRIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "vmx/finding.h"
#include "vmx/capability/vmx_msr.h"

struct override {
    bool every_cpu;
    uint32_t cpu; /* index, where not every CPU; 0 is the boot CPU */
    uint32_t msr;
    uint64_t value;
};

enum { OVERRIDES_MAX = 16 };

struct override_list {
    uint32_t count;
    struct override item[OVERRIDES_MAX];
};

/*
 * Copies `in` to `out` with the values that the list gives for `cpu` in place; of two values for
 * one MSR the later one counts. Each value used is a note (`overridden`), so that no report made
 * from invented values can pass for a real one; a value that cannot count, because this CPU has no
 * such MSR, is a warning (`pretend-without-effect`).
 */
void override_apply(const struct override_list *list, uint32_t cpu, const struct vmx_msrs *in,
                    struct vmx_msrs *out, struct findings *findings);

#endif
