#include "vmx/vmx_result.h"

#include <stddef.h>

const char *vmx_error_text(uint32_t number)
{
#define VMX_ERROR(error_number, text) [error_number] = (text),
    static const char *const texts[] = {
#include "vmx/vmx_error.def"
    };
#undef VMX_ERROR

    return number < sizeof(texts) / sizeof(texts[0]) ? texts[number] : NULL;
}

const char *vmx_outcome_name(enum vmx_outcome outcome)
{
    static const char *const names[] = {
        [VMX_SUCCEED] = "VMsucceed",
        [VMX_FAIL_INVALID] = "VMfailInvalid",
        [VMX_FAIL_VALID] = "VMfailValid",
        [VMX_FAULT] = "fault",
    };

    return names[outcome];
}
