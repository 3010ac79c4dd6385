/*
 * A processor for the tests: the functions of lib/x86.h, by the SDM's pseudo-code.
 *
 * model_cpu.c has CPUID, MSRs, control registers and memory; model_vmx.c the VMX instructions
 * ("VMX Instruction Reference") and a VM entry with the checks that matter here. Its one guest
 * program is CPUID, as in vmx/selftest/selftest_entry.S.
 *
 * `model_cpu` is the processor that runs; a second CPU is a copy that a test swaps in. Memory is
 * one for all of them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/x86_rooms.h"
#include "lib/x86_vmx.h"
#include "mm/page_alloc.h"
#include "vmx/capability/vmx_msr.h"
#include "vmx/quirks.h"

/* Bits of IA32_FEATURE_CONTROL that are not about VMX. */
#define FEATURE_CONTROL_SENTER    (0x7full << 8)
#define FEATURE_CONTROL_SENTER_EN (1ull << 15)

enum {
    MODEL_MEMORY_BASE = 0x100000,
    MODEL_PAGE = 4096,
    MODEL_PAGES = 256,
    MODEL_VMCSS = 4,          /* VMCSs whose data the processor keeps */
    MODEL_FIELD_INDEXES = 32, /* of each width and type */
    MODEL_MSRS = 10,
};

#define MODEL_NO_VMCS UINT64_MAX /* the current-VMCS pointer's "not valid" */

enum model_operation {
    MODEL_RDMSR,
    MODEL_WRMSR,
    MODEL_WRITE_CR0,
    MODEL_WRITE_CR4,
    MODEL_VMXON,
    MODEL_VMXOFF,
    MODEL_VMCLEAR,
    MODEL_VMPTRLD,
    MODEL_VMPTRST,
    MODEL_VMREAD,
    MODEL_VMWRITE,
    MODEL_VM_ENTRY,
    MODEL_INVEPT,
    MODEL_INVVPID,
    MODEL_OPERATION_COUNT
};

enum model_effect {
    MODEL_AS_IT_SHOULD,
    MODEL_FAULT,        /* `number` is the vector */
    MODEL_FAIL_INVALID, /* CF */
    MODEL_FAIL_VALID,   /* ZF; `number` becomes the VM-instruction error of the current VMCS */
    MODEL_OVERRIDES,    /* says that it succeeded and does nothing */
};

/* One thing that goes wrong: `operation`, after it worked `after` times. */
struct model_injection {
    enum model_effect effect;
    enum model_operation operation;
    unsigned after;
    bool always; /* every time from then on, not once */
    uint32_t number;
};

struct model_vmcs {
    uint64_t address; /* 0: free */
    bool launched;
    uint64_t field[4][4][MODEL_FIELD_INDEXES]; /* by width, type, index of the encoding */
};

struct model_cpu {
    /* What this processor is. */
    bool vmx, smx, svm, hypervisor;
    struct x87_number sine_of_pi;
    unsigned physical_address_width;
    struct vmx_msrs msrs;
    uint64_t cr4_supported; /* setting any other bit is #GP */
    bool feature_control_present;
    bool inside_smx;
    bool a20_masked;
    bool every_feature;      /* CPUID is all ones but for widths; every MSR is there, and is 0 */
    bool all_fields;         /* VMCS fields of every index, whatever the MSRs say */
    uint64_t xcr0_supported; /* 0: no XSAVE */
    struct cpuid_registers features;       /* CPUID.7 */
    uint32_t extended_leaves;              /* the last: CPUID.80000000H:EAX */
    struct cpuid_registers more_features;  /* CPUID.80000001H */
    struct cpuid_registers xsave_features; /* CPUID.0DH, every subleaf */

    /* Its state. */
    uint64_t cr0, cr2, cr3, cr4, feature_control;
    uint64_t dr[4], dr6, xcr0, tsc, fs_base, gs_base;
    uint32_t pkru;
    uint64_t msr[MODEL_MSRS]; /* others that it has: model_msr() */
    unsigned interrupts_taken;
    bool vmx_operation;
    uint64_t vmxon_pointer;
    uint64_t current_vmcs;
    struct model_vmcs vmcs[MODEL_VMCSS];

    /* The operands of the last INVEPT or INVVPID that succeeded. */
    struct {
        uint64_t type, context, linear; /* context: EPTP or VPID */
    } invalidated;

    struct model_injection injection;
    unsigned executed[MODEL_OPERATION_COUNT];
};

extern struct model_cpu model_cpu;

/*
 * A Haswell under firmware that set and locked IA32_FEATURE_CONTROL, in long mode, outside VMX
 * operation; all memory free and zero.
 */
void model_cpu_reset(void);

/* NULL, or 4096 bytes that are the first page of physical memory, the BIOS's data area in it; else
 * there is none. */
extern uint8_t *model_bios_data;

/* Sets what goes wrong from now on, counting from now. */
void model_cpu_inject(struct model_injection injection);

/* As mm/page_alloc.h; freeing what is not allocated ends the test, and so does, with
 * AddressSanitizer, touching it. */
unsigned model_pages_used(void);
void model_pages_limit(unsigned pages);    /* no more than that many at a time; at reset: all */
void model_pages_misalign(uint64_t bytes); /* their addresses from now on; at reset: 0 */

/* Counts, and reports what goes wrong this time; for model_vmx.c. */
enum model_effect model_execute(enum model_operation operation);

/* The place of an MSR that is a plain register of this processor; NULL for every other. */
uint64_t *model_msr(uint32_t msr);

/* The place of a field in the current VMCS, read-only ones included: what the processor writes. */
uint64_t *model_field(uint32_t encoding);

/* Are these values supported in VMX operation, by the FIXED0 and FIXED1 MSRs? */
bool model_cr0_supported(uint64_t value);
bool model_cr4_supported(uint64_t value);
