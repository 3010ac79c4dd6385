/*
 * One CPU's way into VMX operation: OFF → ROOT (VMXON) → LOADED (VMPTRLD, read back by VMPTRST).
 * The boot CPU is checked first; the others, in parallel, are compared with it. All or nothing: if
 * any CPU has a refusal after enabling, the caller disables all.
 *
 * SDM Vol. 3, "Enabling and Entering VMX Operation", "Restrictions on VMX Operation",
 * "Software Use of Virtual-Machine Control Structures and Related Structures"; on the regions,
 * "VMCS Region", "VMXON Region", "Software Access to the VMCS and Related Structures".
 */
#pragma once

#include "mm/memory_type.h"
#include "vmx/capability/vmx_controls.h"
#include "vmx/vmx_result.h"

/* The last stage that the command line's `stop=` lets us perform. */
enum vmx_stage { VMX_STAGE_CAPS, VMX_STAGE_VMXON, VMX_STAGE_VMPTRLD, VMX_STAGE_GUEST };

/* What the person asked for: of every CPU the same. */
struct vmx_options {
    enum vmx_check check;
    enum vmx_stage stop;
    const struct override_list *override;
};

/* A VMXON region or a VMCS: 2^order pages of write-back memory, zeroed, revision id written. */
struct vmx_region {
    uint64_t address; /* physical; 0: none */
    int order;
    uint8_t memory_type; /* enum memory_type: the effective type of the whole range */
    char reason[112];    /* why it is not write-back: findings point to it */
};

enum vmx_cpu_state {
    VMX_CPU_OFF,
    VMX_CPU_ROOT,   /* VMXON succeeded */
    VMX_CPU_LOADED, /* VMPTRLD succeeded and VMPTRST gave the same address */
};

struct vmx_cpu {
    uint32_t cpu; /* index, 0 is the boot CPU */
    const struct vmx_options *options;
    enum vmx_cpu_state state;
    /* Its MTRRs and PAT: firmware may have set another CPU's otherwise. And MAXPHYADDR. */
    struct memory_types_state memory_types;
    struct vmx_msrs msrs;              /* as read */
    struct vmx_msrs checked;           /* with `pretend=` applied: what is checked and reported */
    struct vmcs_config config;         /* from `msrs`: what the hardware is given */
    struct vmcs_config checked_config; /* from `checked` */
    struct vmx_region vmxon_region;
    struct vmx_region vmcs_region;
    uint64_t vmptrst;         /* what VMPTRST gave; all ones before */
    uint64_t feature_control; /* as found, before we set and lock it */
    bool feature_control_present;
    uint64_t feature_control_wanted; /* what to write before VMXON; 0: nothing */
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
 * it with the boot CPU's (NULL on the boot CPU itself); checks CPUID, IA32_FEATURE_CONTROL, CR0 and
 * CR4. All that is wrong goes into `findings`, not only the first. `cpu` is zero but for its index
 * and options.
 */
void vmx_cpu_check(struct vmx_cpu *cpu, const struct vmx_cpu *boot_cpu);

/*
 * Brings this CPU as far as `stop` allows: ROOT, then LOADED with an initialised VMCS. Does nothing
 * if the findings refuse; the first step that fails is a refusal and ends it there.
 */
void vmx_cpu_enable(struct vmx_cpu *cpu);

/*
 * Takes this CPU out of VMX operation: VMCLEAR, VMXOFF, CR4 and CR0 as they were, regions freed.
 * Calling it on a CPU that is out already does nothing. If VMXOFF fails, that is a finding, and the
 * regions stay the processor's.
 */
void vmx_cpu_disable(struct vmx_cpu *cpu);

/*
 * Takes pages for a region of this CPU's configuration and writes the revision id into it. `name`
 * is what findings call it. False, with a finding and nothing taken: no memory, or none that is
 * fit.
 */
bool vmx_region_create(struct vmx_region *region, const struct vmx_cpu *cpu, const char *name,
                       struct findings *findings);

/* Zeroes a region that the processor does not use and writes `revision_id` into it. */
void vmx_region_write(const struct vmx_region *region, uint32_t revision_id);

/* Gives the pages back; a region that has none stays as it is. */
void vmx_region_free(struct vmx_region *region);
