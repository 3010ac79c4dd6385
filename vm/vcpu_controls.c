#include "vm/vcpu_controls.h"

#include "vm/memory/ept.h"

/*
 * EPT and VPID are of use only where what the processor remembers of them can be forgotten: the
 * next guest has other tables and the same VPID. Our EPT walks four levels. Without it the
 * hypervisor owns the page tables, and CR3 is what it says.
 */
static void adjust_memory_controls(const struct vmx_capability *capability,
                                   uint32_t controls[VMX_CONTROL_WORD_COUNT])
{
    if (!ept_is_usable(capability) || !capability->invept || !capability->invept_all_contexts)
        controls[VMX_CONTROL_SECONDARY] &= ~(uint32_t)SECONDARY_ENABLE_EPT;
    if (!capability->invvpid || !capability->invvpid_all_contexts)
        controls[VMX_CONTROL_SECONDARY] &= ~(uint32_t)SECONDARY_ENABLE_VPID;
    if ((controls[VMX_CONTROL_SECONDARY] & SECONDARY_ENABLE_EPT) != 0)
        return;
    controls[VMX_CONTROL_SECONDARY] &= ~(uint32_t)SECONDARY_UNRESTRICTED_GUEST;
    controls[VMX_CONTROL_PRIMARY] |= PRIMARY_CR3_LOAD_EXITING | PRIMARY_CR3_STORE_EXITING;
}

/* Its value must be kept over exits, or each exit would give the guest its whole time again. */
bool vcpu_controls_have_timer(const struct vmx_capability *capability)
{
    return (capability->pin_allowed1 & PIN_PREEMPTION_TIMER) != 0 &&
           (capability->exit_allowed1 & EXIT_SAVE_PREEMPTION_TIMER) != 0;
}

static void adjust_timer(const struct vmx_capability *capability,
                         uint32_t controls[VMX_CONTROL_WORD_COUNT])
{
    if (vcpu_controls_have_timer(capability)) {
        controls[VMX_CONTROL_PIN] |= PIN_PREEMPTION_TIMER;
        controls[VMX_CONTROL_EXIT] |= EXIT_SAVE_PREEMPTION_TIMER;
    }
}

void vcpu_controls_adjust(const uint32_t policy[VMX_CONTROL_WORD_COUNT],
                          const struct vmcs_config *config, const struct vmx_capability *capability,
                          uint32_t controls[VMX_CONTROL_WORD_COUNT])
{
    controls[VMX_CONTROL_PIN] = config->pin_based_exec_ctrl;
    controls[VMX_CONTROL_PRIMARY] = config->cpu_based_exec_ctrl;
    controls[VMX_CONTROL_SECONDARY] = config->cpu_based_2nd_exec_ctrl;
    controls[VMX_CONTROL_EXIT] = config->vmexit_ctrl;
    controls[VMX_CONTROL_ENTRY] = config->vmentry_ctrl;
    adjust_memory_controls(capability, controls);
    adjust_timer(capability, controls);
    controls[VMX_CONTROL_PRIMARY] |=
        policy[VMX_CONTROL_PRIMARY] & (uint32_t)capability->primary_allowed1;
    if ((controls[VMX_CONTROL_PRIMARY] & PRIMARY_SECONDARY_CONTROLS) != 0)
        controls[VMX_CONTROL_SECONDARY] |=
            policy[VMX_CONTROL_SECONDARY] & (uint32_t)capability->secondary_allowed1;
}
