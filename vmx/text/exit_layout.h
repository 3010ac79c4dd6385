/*
 * What the exit qualification and the VM-exit instruction information can hold:
 * vmx/text/exit_layout.def.
 */
#ifndef VMX_EXIT_LAYOUT_H
#define VMX_EXIT_LAYOUT_H

#include <stdint.h>

#define EXIT_LAYOUT(id, ...) EXIT_LAYOUT_##id,
#define EXIT_BITS(...)
enum exit_layout {
#include "vmx/text/exit_layout.def"
    EXIT_LAYOUT_COUNT,
};
#undef EXIT_LAYOUT
#undef EXIT_BITS

/* Of one basic exit reason; EXIT_LAYOUT_NOTHING for one that the manual does not define. */
struct exit_layouts {
    uint8_t qualification, information; /* enum exit_layout */
};

struct exit_layouts exit_layouts(uint32_t basic_reason);

#endif
