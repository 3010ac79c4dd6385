#include "vm/event.h"
#include "vm/exit.h"
#include "vm/guest.h"
#include "vm/stock.h"
#include "vm/translation.h"
#include "vmx/exit_reason.h"
#include "vmx/vmcs_access.h"

/* INVLPG and INVPCID: more is forgotten than is asked for, which is always allowed. */
enum exit_done exit_invalidate(struct vcpu *vcpu)
{
    translation_flush(vcpu);
    return exit_behind(vcpu, EXIT_EMULATED);
}

/* The guest has reached for memory that is not mapped, or not for this kind of access. */
enum exit_done exit_ept_violation(struct vcpu *vcpu)
{
    return vcpu_end(vcpu, GUEST_END_MEMORY, EXIT_REASON_EPT_VIOLATION,
                    vmcs_read64(VMCS_GUEST_PHYSICAL_ADDRESS));
}

enum exit_done exit_ept_misconfiguration(struct vcpu *vcpu)
{
    return vcpu_end(vcpu, GUEST_END_MISCONFIGURED, EXIT_REASON_EPT_MISCONFIGURATION,
                    vmcs_read64(VMCS_GUEST_PHYSICAL_ADDRESS));
}
