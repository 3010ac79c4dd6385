#include <stddef.h>

#include "vm/zoo.h"

extern const uint8_t step_start[], step_end[], step_1[], step_2[], step_3[], step_4[], step_5[],
    step_6[], step_7[], step_8[], step_handler[], step_return[];

enum { VECTOR = 0x40 };

#define STEP(place)                                                                  \
    {                                                                                \
        .reason = EXIT_REASON_MONITOR_TRAP_FLAG, .at = (place), .done = EXIT_STEPPED \
    }

/*
 * SDM Vol. 3, "Monitor Trap Flag": an exit behind each instruction; an instruction that exits
 * itself has none of its own. The delivery of the software interrupt is a part of INT.
 */
static const struct exit_expected exits[] = {
    STEP(step_1), STEP(step_2),
    STEP(step_3), STEP(step_4),
    STEP(step_5), {.reason = EXIT_REASON_CPUID, .at = step_5, .done = EXIT_EMULATED},
    STEP(step_7), STEP(step_handler),
    STEP(step_8), STEP(step_return),
};

static const struct guest_handler handlers[] = {{VECTOR, step_handler}};

const struct guest guest_step = {
    .name = "step",
    .purpose = "Is followed instruction by instruction; each exit is where the code says.",
    .code = step_start,
    .code_end = step_end,
    .mode = GUEST_LONG,
    .handlers = handlers,
    .handler_count = 1,
    .on[VMX_CONTROL_PRIMARY] = PRIMARY_MONITOR_TRAP_FLAG,
    .expected = exits,
    .expected_count = sizeof(exits) / sizeof(exits[0]),
};
