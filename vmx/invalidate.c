#include "vmx/invalidate.h"

#include "lib/x86.h"

struct vmx_result invept(const struct vmx_capability *capability, uint64_t eptp)
{
    if (!capability->invept_single_context)
        return invept_all();
    return vmx_result_of(x86_invept(INVEPT_SINGLE_CONTEXT, eptp));
}

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

struct vmx_result invvpid_retaining_globals(const struct vmx_capability *capability, uint16_t vpid)
{
    if (!capability->invvpid_single_retaining_globals)
        return invvpid(capability, vpid);
    return vmx_result_of(x86_invvpid(INVVPID_SINGLE_CONTEXT_RETAINING_GLOBALS, vpid, 0));
}

struct vmx_result invvpid_address(const struct vmx_capability *capability, uint16_t vpid,
                                  uint64_t linear)
{
    if (!capability->invvpid_individual_address)
        return invvpid(capability, vpid);
    return vmx_result_of(x86_invvpid(INVVPID_INDIVIDUAL_ADDRESS, vpid, linear));
}

struct vmx_result invvpid_all(void)
{
    return vmx_result_of(x86_invvpid(INVVPID_ALL_CONTEXTS, 0, 0));
}
