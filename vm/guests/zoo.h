/*
 * What built-in guests share: handlers that write down the events which reach the guest.
 *
 * vm/guests/recorder.inc has the handlers; each leaves one struct zoo_event at GUEST_ARRAY, and
 * GUEST_DATA counts them.
 */
#ifndef VM_ZOO_H
#define VM_ZOO_H

#include "lib/x86.h"
#include "vm/guest.h"
#include "vmx/exit_reason.h"

/* As the assembly lays it out. */
struct zoo_event {
    uint32_t vector;
    uint32_t error; /* ZOO_NO_ERROR: the handler got none */
    uint64_t rip;   /* the address to return to */
    uint64_t cr2;
    uint64_t flags;
};

#define ZOO_NO_ERROR UINT32_MAX

/* An event that should have reached the guest, in its turn. */
struct zoo_wanted {
    uint8_t vector;
    uint32_t error;
    const uint8_t *at; /* the address to return to, within the guest's code; NULL: any */
};

/* What differs between the events that were written down and those wanted; NULL: nothing. */
const char *zoo_events_differ(const struct vcpu *vcpu, const struct zoo_wanted *wanted,
                              uint32_t count);

/* An event as the interruption-information fields have it, valid. */
#define ZOO_EVENT(type, vector) \
    (EVENT_INFORMATION_VALID | (uint32_t)EVENT_##type << 8 | (uint32_t)(vector))

/* Bits of the VM-exit interruption information that count: not bit 12, which may be undefined. */
#define ZOO_EVENT_MASK 0x80000fffu

/* An exception that exits at a place and is injected again; more of the exit where it is given. */
#define ZOO_EXIT_OF(event, place, ...)                                                       \
    {                                                                                        \
        .reason = EXIT_REASON_EXCEPTION_OR_NMI, .at = (place),                               \
        .interruption_mask = ZOO_EVENT_MASK, .interruption = (event), .done = EXIT_INJECTED, \
        __VA_ARGS__                                                                          \
    }
#define ZOO_FAULT(vector)       ZOO_EVENT(HARDWARE_EXCEPTION, X86_VECTOR_##vector)
#define ZOO_FAULT_ERROR(vector) (ZOO_FAULT(vector) | EVENT_INFORMATION_ERROR_CODE)

/* The entry of the EPT that maps 4 KiB there, to be written as vm/memory/ept.h would not; NULL:
 * none. */
uint64_t *zoo_ept_leaf(struct vcpu *vcpu, uint64_t address);

/* Does Bochs run this, with nothing between? In each model its VMCSs take 4096 bytes. */
bool zoo_in_bochs(void);

/* Every exception exits: for `setup`. */
void zoo_intercept_exceptions(struct vcpu *vcpu);

/* Where a place in the guest's code is in the guest's memory. */
static inline uint64_t zoo_address(const struct guest *guest, const uint8_t *place)
{
    return GUEST_CODE + (uint64_t)(place - guest->code);
}

#endif
