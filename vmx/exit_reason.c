#include "vmx/exit_reason.h"

#include <stddef.h>

#include "vmx/text/exit_layout.h"

#define EXIT_REASON(number, id, name, ...) [number] = (name),
static const char *const names[EXIT_REASON_COUNT] = {
#include "vmx/exit_reason.def"
};
#undef EXIT_REASON

const char *exit_reason_name(uint32_t basic_reason)
{
    return basic_reason < EXIT_REASON_COUNT ? names[basic_reason] : NULL;
}

#define EXIT_REASON(number, id, name, qualification, information, ...) \
    [number] = {EXIT_LAYOUT_##qualification, EXIT_LAYOUT_##information},
static const struct exit_layouts layouts[EXIT_REASON_COUNT] = {
#include "vmx/exit_reason.def"
};
#undef EXIT_REASON

struct exit_layouts exit_layouts(uint32_t basic_reason)
{
    return basic_reason < EXIT_REASON_COUNT ? layouts[basic_reason] : (struct exit_layouts){0};
}
