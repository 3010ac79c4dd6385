/*
 * The self-test: provokes each failure of a VMX instruction that can be provoked from here, and
 * compares what the processor says with what the manual predicts.
 *
 * SDM Vol. 3, "VMX Instruction Reference" (each instruction's "Operation"), "VM-Instruction Error
 * Numbers".
 */
#ifndef VMX_SELFTEST_H
#define VMX_SELFTEST_H

#include <stdbool.h>
#include <stdint.h>

#include "vmx/vmx_cpu.h"
#include "vmx/vmx_result.h"

struct selftest_row {
    const char *name; /* what was done */
    struct vmx_result predicted, seen;
    bool has_value; /* the step also gives a value: an exit reason, a VMCS pointer */
    uint64_t predicted_value, seen_value;
    bool agrees;
};

enum { SELFTEST_ROWS_MAX = 128 };

struct selftest {
    uint32_t count;
    uint32_t differences;
    struct selftest_row row[SELFTEST_ROWS_MAX];
};

/*
 * Adds a row to `selftest` for every case, on the CPU that runs this, which is LOADED, and leaves
 * it LOADED with an initialised VMCS at the same address. Each difference is a finding (`detail`:
 * the row's name). If the processor departs from the manual so far that it cannot be brought back,
 * `cpu->state` says where it is. A page for a second VMCS is taken and given back; without one
 * there is a finding and no row.
 */
void selftest_run(struct vmx_cpu *cpu, struct selftest *selftest);

#endif
