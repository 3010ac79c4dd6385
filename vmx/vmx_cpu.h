/*
 * One CPU's way into VMX operation: OFF → ROOT (VMXON) → LOADED (VMPTRLD, read back by VMPTRST).
 *
 * Three steps, each on the CPU that it is about:
 *   vmx_cpu_judge    reads and decides; the machine is left as it was
 *   vmx_cpu_enable   allocates, programs IA32_FEATURE_CONTROL, CR0 and CR4, VMXON, VMPTRLD
 *   vmx_cpu_disable  undoes whatever the second one did
 * The boot CPU is judged first; the others, in parallel, are compared with it. All or nothing: if
 * any CPU has a refusal after enabling, the caller disables all.
 *
 * SDM Vol. 3, "Enabling and Entering VMX Operation", "Restrictions on VMX Operation",
 * "Software Use of Virtual-Machine Control Structures and Related Structures".
 */
#ifndef VMX_VMX_CPU_H
#define VMX_VMX_CPU_H

#include <stdbool.h>
#include <stdint.h>

#include "vmx/finding.h"
#include "vmx/capability/vmcs_config.h"
#include "vmx/vmx_environment.h"
#include "vmx/capability/vmx_msr.h"
#include "vmx/vmx_region.h"
#include "vmx/vmx_result.h"

enum vmx_cpu_state {
    VMX_CPU_OFF,
    VMX_CPU_ROOT,   /* VMXON succeeded */
    VMX_CPU_LOADED, /* VMPTRLD succeeded and VMPTRST gave the same address */
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
    bool says_smi_blocked; /* at each VM exit, outside system-management mode, where it is not so */
    struct vmx_result error;         /* the first VMX instruction that did not succeed */
    const char *error_instruction;   /* its name, or NULL */
    uint64_t cr0_before, cr4_before; /* restored when leaving VMX operation; 0: as they were */
    struct findings findings;
};

/* The mode that `check=auto` stands for here: a virtual machine's register is trusted less. */
enum vmx_check vmx_check_auto(void);

/*
 * Reads the capability MSRs of this CPU, applies `pretend=`, derives the configuration and compares
 * it with the boot CPU's; judges CPUID, IA32_FEATURE_CONTROL, CR0 and CR4. All that is wrong goes
 * into `findings`, not only the first. `cpu` is zero but for its index.
 */
void vmx_cpu_judge(struct vmx_cpu *cpu, const struct vmx_environment *environment);

/*
 * Brings this CPU as far as `stop` allows: ROOT, then LOADED with an initialised VMCS. Does nothing
 * if the findings refuse; the first step that fails is a refusal and ends it there.
 */
void vmx_cpu_enable(struct vmx_cpu *cpu, const struct vmx_environment *environment);

/*
 * Takes this CPU out of VMX operation: VMCLEAR, VMXOFF, CR4 and CR0 as they were, regions freed.
 * Calling it on a CPU that is out already does nothing. If VMXOFF fails, that is a finding, and the
 * regions stay the processor's.
 */
void vmx_cpu_disable(struct vmx_cpu *cpu, const struct vmx_environment *environment);

#endif
