#include "vmx/vmx_result.h"

#include "lib/x86_vmx.h"
#include "vmx/vmcs_field.h"

/* Of a failure of this VMREAD itself no number can be read: 0, no error. Apart, for the linker
 * keeps what has a fixup, used or not. */
__attribute__((noinline)) static uint32_t instruction_error(void)
{
    uint64_t number = 0;
    struct vmx_flags flags = x86_vmread(VMCS_VM_INSTRUCTION_ERROR, &number);

    return flags.vector || flags.carry || flags.zero ? 0 : (uint32_t)number;
}

struct vmx_result vmx_result_of(struct vmx_flags flags)
{
    if (flags.vector)
        return (struct vmx_result){VMX_FAULT, flags.vector, 0};
    if (flags.carry)
        return (struct vmx_result){VMX_FAIL_INVALID, 0, 0};
    if (flags.zero)
        return (struct vmx_result){VMX_FAIL_VALID, instruction_error(), 0};
    return (struct vmx_result){VMX_SUCCEED, 0, 0};
}

/* vmxon() is x86_vmxon() with its outcome, and so on. */
#define INSTRUCTION(name, parameters, ...)             \
    struct vmx_result name parameters {                \
        return vmx_result_of(x86_##name(__VA_ARGS__)); \
    }
INSTRUCTION(vmxon, (uint64_t region), region)
INSTRUCTION(vmxoff, (void))
INSTRUCTION(vmclear, (uint64_t region), region)
INSTRUCTION(vmptrld, (uint64_t region), region)
INSTRUCTION(vmptrst, (uint64_t * region), region)
INSTRUCTION(vmread, (uint64_t field, uint64_t *value), field, value)
INSTRUCTION(vmwrite, (uint64_t field, uint64_t value), field, value)
