/*
 * The rules of a VM entry by name (vmx/entry/vmentry_rules.def), what each says to people, and what
 * they need to know besides the image of the VMCS.
 */
#pragma once

#include "vmx/vmcs_image.h"

/* SDM Vol. 3, "VM-Instruction Error Numbers": entry with invalid control, host-state fields. */
enum { VMENTRY_ERROR_CONTROLS = 7, VMENTRY_ERROR_HOST = 8 };

/* How a processor reports that a rule is broken. */
enum vmentry_class {
    VMENTRY_CONTROLS, /* VMfailValid, VMENTRY_ERROR_CONTROLS */
    VMENTRY_HOST,     /* VMfailValid, VMENTRY_ERROR_HOST */
    VMENTRY_GUEST,    /* VM exit, reason 33 */
    VMENTRY_MSR_LOAD, /* VM exit, reason 34 */
    VMENTRY_ENTERS,   /* no rule is broken: the guest is entered */
    VMENTRY_CLASS_COUNT,
};

/* Exit qualifications of a VM exit with reason 33, where it is not 0: "VM-Entry Failures During or
 * After Loading Guest State". */
enum { VMENTRY_QUALIFICATION_PDPTE = 2, VMENTRY_QUALIFICATION_NMI };
enum { VMENTRY_QUALIFICATION_LINK_POINTER = 4 };

#define CHECK(id, ...) VMENTRY_##id,
enum vmentry_rule {
#include "vmx/entry/vmentry_rules.def"
    VMENTRY_RULE_COUNT,
};

/* A section of the manual, or a part of one. */
struct vmentry_section {
    enum vmentry_class class;
    bool may;              /* the SDM leaves it to the processor whether it checks this */
    uint8_t qualification; /* of the VM exit, where the class is VMENTRY_GUEST */
    uint8_t first;         /* enum vmentry_rule; the others up to the next section's first */
    const char *title;
};

const struct vmentry_section *vmentry_section_of(enum vmentry_rule rule);

static inline enum vmentry_class vmentry_class_of(enum vmentry_rule rule)
{
    return vmentry_section_of(rule)->class;
}

/* What a rule's row says to people. */
struct vmentry_rule_text {
    char name[32]; /* "guest-cr0-fixed" */
    enum vmentry_class class;
    bool may;
    const char *section; /* title */
    char text[256];      /* a sentence without a full stop: what must hold */
};

struct vmentry_rule_text vmentry_rule_text(enum vmentry_rule rule);

/* What the checks need to know besides the image. */
struct vmentry_context {
    const struct vmx_capability *capability;
    /*
     * In bits. The processor's physical addresses, which memory encryption (TME) may make narrower;
     * those of a guest on EPT, which stay as wide as CPUID.80000008H:EAX says; linear addresses.
     */
    unsigned physical_address_width, guest_address_width, linear_address_width;
    bool ia32e_mode;        /* the processor is in it when it executes VMLAUNCH */
    bool rtm, sgx;          /* CPUID.07H:EBX, bits 11 and 2 */
    bool bus_lock_debug;    /* CPUID.07H:ECX[24] */
    bool lam;               /* CPUID.07H.01H:EAX[26] */
    bool tracing;           /* IA32_RTIT_CTL.TraceEn */
    bool sti_blocks_nmi;    /* may fail over an NMI injected under blocking by STI */
    uint64_t efer_reserved; /* bits of these MSRs that are reserved on this processor */
    uint64_t debugctl_reserved;
    uint64_t perf_global_ctrl_reserved;
    uint64_t rtit_ctl_reserved;
    uint64_t spec_ctrl_reserved;
    uint32_t revision_id;  /* of this processor's VMCSs */
    uint64_t current_vmcs; /* physical address */

    /*
     * Copies physical memory; false where it cannot be read; NULL: nowhere. Rules that need what
     * is not read are not checked. `msr_write_faults` reports whether WRMSR would fault at CPL 0;
     * it may be NULL.
     */
    bool (*read)(const struct vmentry_context *context, uint64_t address, void *to, size_t bytes);
    bool (*msr_write_faults)(const struct vmentry_context *context, uint32_t msr, uint64_t value);
};

/*
 * Fills `context` from CPUID and MSRs of the CPU that runs this, which is in VMX operation in
 * IA-32e mode; `capability` is its own, `revision_id` that of its VMCSs. How memory is read, and
 * what WRMSR would say, stays as it is in `context`.
 */
void vmentry_context_read(const struct vmx_capability *capability, uint32_t revision_id,
                          struct vmentry_context *context);

/*
 * Fills the whole image from the current VMCS by VMREAD. Only the fields that `capability` (this
 * CPU's own) promises are read; one whose VMREAD fails all the same is absent.
 */
void vmcs_image_read(struct vmcs_image *image, const struct vmx_capability *capability);

/*
 * The first row from `row` on of a host-state field that a VM exit would load with another value
 * than this CPU has, `here`; VMCS_FIELD_COUNT: there is none. HOST_RSP and HOST_RIP are not looked
 * at.
 */
uint32_t vmcs_host_difference(const struct vmcs_image *image, uint32_t row, uint64_t *here);
