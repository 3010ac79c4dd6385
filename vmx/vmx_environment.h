/*
 * What the way into VMX operation needs from those above: memory, and what the person asked for.
 */
#ifndef VMX_VMX_ENVIRONMENT_H
#define VMX_VMX_ENVIRONMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "vmx/finding.h"
#include "vmx/capability/pretend.h"

struct vmx_cpu;

/* The last stage that the command line's `stop=` lets us perform. */
enum vmx_stage { VMX_STAGE_CAPS, VMX_STAGE_VMXON, VMX_STAGE_VMPTRLD, VMX_STAGE_GUEST };

struct vmx_environment {
    /*
     * The effective memory type (enum memory_type, mm/memory_type.h) of every byte of a physical
     * range as the direct map reaches it, on the CPU that asks; not MEMORY_TYPE_WB where the range
     * has parts of another type.
     */
    uint8_t (*memory_type)(uint64_t address, uint64_t bytes);
    /* Why it is not write-back, behind the name of what lies there; the text stays. */
    const char *(*memory_type_explained)(const char *name, uint64_t address, uint64_t bytes);

    bool virtual_machine;            /* MTRRs have no effect: the hypervisor's EPT decides */
    unsigned physical_address_width; /* CPUID.80000008H:EAX[7:0] */
    enum vmx_check check;
    enum vmx_stage stop;
    const struct pretend_list *pretend;
    const struct vmx_cpu *boot_cpu; /* judged already, to compare with; NULL on the boot CPU */
};

#endif
