/*
 * Which controls a vCPU runs with: what the processor's configuration has and the VM's policy
 * wants, within what the processor allows. Pure.
 */
#ifndef VM_VCPU_CONTROLS_H
#define VM_VCPU_CONTROLS_H

#include "vmx/capability/vmcs_config.h"
#include "vmx/capability/vmx_capability.h"
#include "vmx/capability/vmx_controls.h"

/*
 * Fills `controls`, by word; `policy` are those of a VM's policy. A preemption timer that counts on
 * over exits bounds the guest's time where there is one.
 */
void vcpu_controls_adjust(const uint32_t policy[VMX_CONTROL_WORD_COUNT],
                          const struct vmcs_config *config, const struct vmx_capability *capability,
                          uint32_t controls[VMX_CONTROL_WORD_COUNT]);

/* Does that preemption timer exist? Otherwise the host must interrupt a guest whose time is up. */
bool vcpu_controls_have_timer(const struct vmx_capability *capability);

#endif
