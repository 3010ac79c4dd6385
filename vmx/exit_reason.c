#include "vmx/exit_reason.h"

#include <stddef.h>

#define EXIT_REASON(number, id, name) [number] = (name),
static const char *const names[EXIT_REASON_COUNT] = {
#include "vmx/exit_reason.def"
};
#undef EXIT_REASON

const char *exit_reason_name(uint32_t basic_reason)
{
    return basic_reason < EXIT_REASON_COUNT ? names[basic_reason] : NULL;
}
