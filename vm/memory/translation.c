#include "vm/memory/translation.h"

#include "vmx/invalidate.h"

void translation_flush(const struct vcpu *vcpu)
{
    if ((vcpu->controls[VMX_CONTROL_SECONDARY] & SECONDARY_ENABLE_VPID) != 0)
        (void)invvpid(&vcpu->capability, VCPU_VPID);
}

void translation_flush_all(const struct vcpu *vcpu)
{
    if (vcpu->capability.invvpid)
        (void)invvpid_all();
    if (vcpu->capability.invept)
        (void)invept_all();
}
