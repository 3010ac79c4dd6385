/*
 * The self-test: provokes each failure of a VMX instruction that can be provoked from here, and
 * compares what the processor says with what the manual predicts.
 *
 * SDM Vol. 3, "VMX Instruction Reference" (each instruction's "Operation"), "VM-Instruction Error
 * Numbers".
 */
#pragma once

#include "lib/x86_vmx.h"
#include "vmx/vmcs_image.h"
#include "vmx/vmx_cpu.h"

struct selftest_row {
    char name[72]; /* what was done */
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

/* Adds the row, if there is room, and where it does not agree a finding that names it. */
void selftest_add(struct selftest *selftest, struct vmx_cpu *cpu, const struct selftest_row *row);

/*
 * Adds a row to `selftest` for every case, on the CPU that runs this, which is LOADED, and leaves
 * it LOADED with an initialised VMCS at the same address. Each difference is a finding (`detail`:
 * the row's name). If the processor departs from the manual so far that it cannot be brought back,
 * `cpu->state` says where it is. A page for a second VMCS is taken and given back; without one
 * there is a finding and no row.
 */
void selftest_run(struct vmx_cpu *cpu, struct selftest *selftest);

/*
 * Brings a CPU that is in VMX operation back to LOADED, if it keeps to the manual. What was written
 * into its VMCS is wiped, so that its next user finds it as enabling left it.
 */
void selftest_restore(struct vmx_cpu *cpu);

/*
 * The self-test of the VMCS fields: VMREAD of every encoding there is, all widths, types, indexes
 * and both access types, against what vmx/vmcs_fields.def predicts for this processor.
 *
 * SDM Vol. 3, "VMREAD, VMWRITE, and Encodings of VMCS Fields"; appendix "Field Encoding in VMCS";
 * "VMCS Enumeration".
 */

/*
 * Adds to `selftest` a row for each width and type (its values are how many encodings can be read,
 * predicted and seen), a row for each field that is there or not against the prediction, and one
 * for IA32_VMX_VMCS_ENUM. What vmx/selftest/departures.def knows of the machine below agrees, and
 * is reported. The CPU that runs this is LOADED; its VMCS is read only.
 */
void selftest_fields_run(struct vmx_cpu *cpu, struct selftest *selftest);

/* Makes 0, in an image, the fields that this machine is known not to have. */
void selftest_fields_drop(struct vmcs_image *image);

/*
 * The smallest guest: 64-bit code at CPL 0 that shares the host's address space and descriptor
 * tables, and whose only instruction is CPUID. It has no stack: an NMI or machine check, the only
 * events that could come before it exits, has one of its own in the host's TSS.
 */

/* CPUID, again and again: vmx/selftest/selftest_entry.S. */
extern const uint8_t selftest_guest_code[];

/*
 * Describes that guest, and the way back but for HOST_RSP and HOST_RIP, in the current VMCS.
 * Gives VMsucceed, or the outcome of the first VMWRITE that did not succeed.
 */
struct vmx_result selftest_guest_write(const struct vmx_msrs *msrs);

/*
 * Enters the guest that the current VMCS describes (VMRESUME if `resume`, else VMLAUNCH), with
 * these general registers in the order of their numbers, RSP's unused; comes back at its first VM
 * exit, which saves them there. Writes HOST_RSP, and HOST_RIP: `host_rip` where that is not 0,
 * which only an entry that fails comes back from. All flags clear: the guest was entered, or failed
 * to be with a VM exit of its own kind; the exit reason says which. vmx/selftest/selftest_entry.S.
 */
struct vmx_flags x86_vm_enter(bool resume, uint64_t host_rip, uint64_t registers[16]);

/* The same with its outcome. */
static inline struct vmx_result vm_enter(bool resume, uint64_t host_rip, uint64_t registers[16])
{
    return vmx_result_of(x86_vm_enter(resume, host_rip, registers));
}
