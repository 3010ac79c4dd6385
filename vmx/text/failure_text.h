/*
 * Why a VMX instruction did not succeed. A failure changes nothing but the VM-instruction error, so
 * what was looked at by the processor can be looked at afterwards.
 *
 * SDM Vol. 3, "VMX Instruction Reference": the "Operation" of each instruction.
 */
#pragma once

#include "lib/format.h"
#include "vmx/vmx_cpu.h"

/* The manual's sentence for a VM-instruction error number; NULL for one that it does not define. */
const char *vmx_error_text(uint32_t number);

/* What it looks at. */
struct failure_facts {
    bool is_vmxon, takes_region; /* the instruction; VMXON, VMCLEAR and VMPTRLD take one */
    uint64_t operand;            /* an address, or the encoding of a field */
    const struct vmx_cpu *cpu;   /* as vmx_cpu_check() found it */
    bool is_on;                  /* in VMX operation */
    uint64_t cr0, cr4;
    bool has_revision; /* the region's could be read */
    uint32_t revision;
};

/* "VMfailValid 11 (VMPTRLD with …); revision id is 0x0, wanted 0x2b", without a line end. */
void failure_print(struct sink *sink, struct vmx_result result, const struct failure_facts *facts);
