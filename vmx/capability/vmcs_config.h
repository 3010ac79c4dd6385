/*
 * vmcs_config: what a hypervisor needs to know to make a VMCS, derived from the capability MSRs
 * as KVM's setup_vmcs_config() derives it, with its names.
 *
 * SDM Vol. 3, appendix "VMX Capability Reporting Facility", "Basic VMX Information".
 */
#ifndef VMX_VMCS_CONFIG_H
#define VMX_VMCS_CONFIG_H

#include "vmx/capability/vmx_capability.h"
#include "vmx/capability/vmx_controls.h"

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

#endif
