#include "vmx/invalidate.h"

#include "lib/x86_vmx.h"

struct vmx_result invept_all(void)
{
    return vmx_result_of(x86_invept(INVEPT_ALL_CONTEXTS, 0));
}

struct vmx_result invvpid(const struct vmx_capability *capability, uint16_t vpid)
{
    if (!capability->invvpid_single_context)
        return invvpid_all();
    return vmx_result_of(x86_invvpid(INVVPID_SINGLE_CONTEXT, vpid, 0));
}

struct vmx_result invvpid_all(void)
{
    return vmx_result_of(x86_invvpid(INVVPID_ALL_CONTEXTS, 0, 0));
}
