#include "vm/event.h"
#include "vm/exit.h"
#include "vmx/vmcs_access.h"

/* No interrupt waits for a lower task priority; and VM entry refuses a threshold above it. */
enum exit_done exit_tpr_below_threshold(struct vcpu *vcpu)
{
    (void)vcpu;
    vmcs_write32(VMCS_TPR_THRESHOLD, 0);
    return EXIT_STEPPED;
}

/* There is no APIC after the page: from here on it is the memory that it is. */
enum exit_done exit_apic_access(struct vcpu *vcpu)
{
    vcpu_control_set(vcpu, VMX_CONTROL_SECONDARY, SECONDARY_VIRTUALIZE_APIC_ACCESSES, false);
    translation_flush_all(vcpu);
    event_requeue();
    return EXIT_MAPPED;
}
