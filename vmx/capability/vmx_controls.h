/*
 * The VM-execution, VM-exit and VM-entry controls: what the processor allows, what a minimal
 * hypervisor asks for, and the values that come out of both. SDM Vol. 3, appendix "VMX Capability
 * Reporting Facility"; "Algorithms for Determining VMX Capabilities".
 */
#pragma once

#include "vmx/capability/vmx_capability.h"

enum vmx_control_word {
    VMX_CONTROL_PIN,
    VMX_CONTROL_PRIMARY,
    VMX_CONTROL_SECONDARY,
    VMX_CONTROL_EXIT,
    VMX_CONTROL_ENTRY,
    VMX_CONTROL_WORD_COUNT,
    /* The words of 64 bits, from which a minimal hypervisor wants nothing. */
    VMX_CONTROL_TERTIARY = VMX_CONTROL_WORD_COUNT,
    VMX_CONTROL_SECONDARY_EXIT,
    VMX_CONTROL_VM_FUNCTION,
    VMX_CONTROL_NONE, /* no word; and how many there are */
};

/* PIN_NMI_EXITING, TERTIARY_ENABLE_HLAT …: each control as a mask in its word. */
#define CONTROL(word, bit, id, ...) word##_##id = 1u << (bit),
enum vmx_control_mask {
#include "vmx/capability/vmx_controls.def"
};

enum vmx_control_want { CONTROL_REQUIRED, CONTROL_WANTED, CONTROL_UNWANTED, CONTROL_MUST_BE_ZERO };

struct vmx_control {
    const char *name; /* the SDM's */
    uint32_t mask;
    uint8_t word; /* enum vmx_control_word, or one of 64 bits */
    enum vmx_control_want want;
};

/* One row for each line of vmx/capability/vmx_controls.def, in its order. */
extern const struct vmx_control vmx_control_table[];
extern const uint32_t vmx_control_count;

struct vmx_control_word_text {
    const char *name;  /* "pin-based VM-execution controls"; NULL of a word of 64 bits */
    uint32_t msr;      /* the plain capability MSR */
    uint32_t default1; /* the bits that are 1 in the plain MSR's low half on every processor */
    uint16_t allowed1; /* where struct vmx_capability has the controls that may be 1: offset */
};

extern const struct vmx_control_word_text vmx_control_words[VMX_CONTROL_NONE];

/* The SDM's name of a control, given by its bit. */
const char *vmx_control_name(enum vmx_control_word word, uint32_t mask);

/*
 * Adjusts one word. `plain` and `true_value` are the values of its plain and its TRUE capability
 * MSR (the plain one twice where there is no TRUE one): low half bit 1: must be 1; high half bit 0:
 * must be 0. A default1 control that the table does not name keeps its default, 1, also where 0 is
 * allowed, as the SDM advises. Findings name `msr`.
 */
uint32_t adjust_vmx_control(enum vmx_control_word word, uint64_t plain, uint64_t true_value,
                            uint32_t msr, struct findings *findings);

/*
 * Adjusts all words, then turns off those controls that need another one or a capability that is
 * not there. A word whose MSR has no value is 0, and nothing is said here.
 */
void vmx_controls_derive(const struct vmx_msrs *msrs, uint32_t controls[VMX_CONTROL_WORD_COUNT],
                         struct findings *findings);

/* A check of a CPU's values beyond those without which there is no vmcs_config. */
struct capability_check {
    void (*check)(const struct vmx_msrs *msrs, struct findings *findings);
};
SET_DECLARE(capability_checks, const struct capability_check);

/*
 * vmcs_config: what a hypervisor needs to know to make a VMCS, derived from the capability MSRs
 * as KVM's setup_vmcs_config() derives it, with its names.
 *
 * SDM Vol. 3, appendix "VMX Capability Reporting Facility", "Basic VMX Information".
 */
struct vmcs_config {
    int size;             /* of the VMXON and VMCS regions, in bytes: IA32_VMX_BASIC[44:32] */
    int order;            /* get_order(size): the regions take 2^order pages; 52 for size 0 */
    uint32_t basic_cap;   /* the high half of IA32_VMX_BASIC without the size */
    uint32_t revision_id; /* IA32_VMX_BASIC[30:0]: bit 31 never ends up here */
    uint32_t controls[VMX_CONTROL_WORD_COUNT]; /* KVM's pin_based_exec_ctrl to vmentry_ctrl */
};

/* The fields of struct vmcs_config, in its order. */
extern const struct field vmcs_config_fields[];
extern const uint32_t vmcs_config_field_count;

/*
 * Derives the configuration of one CPU. Every rule that the values break is added to `findings`;
 * `config` is filled as far as it goes, also after a refusal.
 */
void vmcs_config_derive(const struct vmx_msrs *msrs, struct vmcs_config *config,
                        struct findings *findings);

/*
 * Every CPU must have the boot CPU's configuration, as KVM's check_processor_compat() demands.
 * A difference is a finding per field (`detail` is the field's name).
 */
void vmcs_config_compare(const struct vmcs_config *boot_cpu, const struct vmcs_config *other,
                         struct findings *findings);
