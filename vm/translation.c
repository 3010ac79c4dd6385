#include "vm/translation.h"

#include "lib/x86.h"

/* SDM Vol. 3, "INVVPID", "INVEPT": the types. */
enum { INVVPID_SINGLE_CONTEXT = 1, INVVPID_ALL_CONTEXTS = 2, INVEPT_ALL_CONTEXTS = 2 };

void translation_flush(const struct vcpu *vcpu)
{
    if ((vcpu->controls[VMX_CONTROL_SECONDARY] & SECONDARY_ENABLE_VPID) == 0)
        return;
    if (vcpu->capability.invvpid_single_context)
        (void)x86_invvpid(INVVPID_SINGLE_CONTEXT, VCPU_VPID, 0);
    else
        (void)x86_invvpid(INVVPID_ALL_CONTEXTS, 0, 0);
}

void translation_flush_all(const struct vcpu *vcpu)
{
    if (vcpu->capability.invvpid)
        (void)x86_invvpid(INVVPID_ALL_CONTEXTS, 0, 0);
    if (vcpu->capability.invept)
        (void)x86_invept(INVEPT_ALL_CONTEXTS, 0);
}
