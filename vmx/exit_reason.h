/*
 * Why a VM exit happened: the basic exit reasons by name, and what the exit-reason field says
 * beside them; the format of the fields that describe an event.
 *
 * SDM Vol. 3, "Basic VM-Exit Information", table "Format of Exit Reason"; appendix "VMX Basic Exit
 * Reasons".
 */
#pragma once

#include "lib/x86_registers.h"
#include "vmx/capability/vmx_controls.h"

#define EXIT_REASON(number, id, ...) EXIT_REASON_##id = (number),
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

/* The VM-entry and VM-exit interruption information, and the IDT-vectoring information. */
#define EVENT_INFORMATION_ERROR_CODE     (1u << 11)
#define EVENT_INFORMATION_NMI_UNBLOCKING (1u << 12) /* by IRET; of a VM exit */
#define EVENT_INFORMATION_NESTED         (1u << 13)
#define EVENT_INFORMATION_VALID          (1u << 31)

/* Its type, bits 10:8. */
enum event_type {
    EVENT_EXTERNAL_INTERRUPT = 0,
    EVENT_RESERVED = 1,
    EVENT_NMI = 2,
    EVENT_HARDWARE_EXCEPTION = 3,
    EVENT_SOFTWARE_INTERRUPT = 4,
    EVENT_PRIVILEGED_SOFTWARE_EXCEPTION = 5,
    EVENT_SOFTWARE_EXCEPTION = 6,
    EVENT_OTHER = 7,
};

enum { EVENT_TYPE_SHIFT = 8 };

static inline enum event_type event_type_of(uint32_t event)
{
    return (enum event_type)(event >> EVENT_TYPE_SHIFT & 7);
}

static inline uint32_t event_vector(uint32_t event)
{
    return event & 0xff;
}
