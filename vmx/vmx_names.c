#include <stddef.h>

#include "vmx/vmx_result.h"
#include "vmx/exit_reason.h"

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

#define EXIT_REASON(number, id, name) [number] = (name),
static const char *const names[EXIT_REASON_COUNT] = {
#include "vmx/exit_reason.def"
};
#undef EXIT_REASON

const char *exit_reason_name(uint32_t basic_reason)
{
    return basic_reason < EXIT_REASON_COUNT ? names[basic_reason] : NULL;
}
