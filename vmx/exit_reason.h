/*
 * Why a VM exit happened: the basic exit reasons by name, and what the exit-reason field says
 * beside them.
 *
 * SDM Vol. 3, "Basic VM-Exit Information", table "Format of Exit Reason"; appendix "VMX Basic Exit
 * Reasons".
 */
#ifndef VMX_EXIT_REASON_H
#define VMX_EXIT_REASON_H

#include <stdint.h>

#define EXIT_REASON(number, id, name) EXIT_REASON_##id = (number),
enum exit_reason {
#include "vmx/exit_reason.def"
    EXIT_REASON_COUNT, /* one more than the highest number */
};
#undef EXIT_REASON

#define EXIT_REASON_BASIC             0xffffu
#define EXIT_REASON_BUSY_SHADOW_STACK (1u << 25) /* prematurely busy */
#define EXIT_REASON_BUS_LOCK_ASSERTED (1u << 26)
#define EXIT_REASON_ENCLAVE           (1u << 27) /* the guest was in enclave mode */
#define EXIT_REASON_PENDING_MTF       (1u << 28) /* a monitor-trap-flag exit was pending */
#define EXIT_REASON_FROM_ROOT         (1u << 29) /* an SMM VM exit from VMX root operation */
#define EXIT_REASON_ENTRY_FAILURE     (1u << 31)

/* The manual's name of a basic exit reason; NULL for a number that it does not define. */
const char *exit_reason_name(uint32_t basic_reason);

#endif
