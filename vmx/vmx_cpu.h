/*
 * One CPU's way into VMX operation: OFF → ROOT (VMXON) → LOADED (VMPTRLD, read back by VMPTRST).
 *
 * SDM Vol. 3, "Enabling and Entering VMX Operation", "Restrictions on VMX Operation",
 * "Software Use of Virtual-Machine Control Structures and Related Structures".
 */
#ifndef VMX_VMX_CPU_H
#define VMX_VMX_CPU_H

#include <stdbool.h>
#include <stdint.h>

#include "vmx/finding.h"
#include "vmx/vmcs_config.h"
#include "vmx/vmx_msr.h"
#include "vmx/vmx_result.h"

enum vmx_cpu_state {
    VMX_CPU_OFF,
    VMX_CPU_ROOT,   /* VMXON succeeded */
    VMX_CPU_LOADED, /* VMPTRLD succeeded and VMPTRST gave the same address */
};

/* The last stage that the command line's `stop=` lets us perform. */
enum vmx_stage { VMX_STAGE_CAPS, VMX_STAGE_VMXON, VMX_STAGE_VMPTRLD, VMX_STAGE_GUEST };

/* A VMXON region or a VMCS: 2^order pages of write-back memory, zeroed, revision id written. */
struct vmx_region {
    uint64_t address; /* physical; 0: none */
    int order;
    uint8_t memory_type; /* enum memory_type: the effective type of the whole range */
};

struct vmx_cpu {
    uint32_t cpu; /* index, 0 is the boot CPU */
    enum vmx_cpu_state state;
    struct vmx_msrs msrs;             /* as read */
    struct vmx_msrs judged;           /* with `pretend=` applied: what is judged and reported */
    struct vmcs_config config;        /* from `msrs`: what the hardware is given */
    struct vmcs_config judged_config; /* from `judged` */
    struct vmx_region vmxon_region;
    struct vmx_region vmcs_region;
    uint64_t vmptrst;         /* what VMPTRST gave; all ones before */
    uint64_t feature_control; /* as found, before we set and lock it */
    bool feature_control_present;
    struct vmx_result error;         /* the first VMX instruction that did not succeed */
    const char *error_instruction;   /* its name, or NULL */
    uint64_t cr0_before, cr4_before; /* restored when leaving VMX operation */
    struct findings findings;
};

#endif
