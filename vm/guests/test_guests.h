/*
 * What built-in guests share: handlers that write down the events which reach the guest.
 *
 * vm/guests/guest.inc has the handlers; each leaves one struct test_guest_event at GUEST_ARRAY,
 * and GUEST_DATA counts them.
 */
#ifndef VM_TEST_GUESTS_H
#define VM_TEST_GUESTS_H

#include "lib/x86.h"
#include "vm/guest.h"
#include "vmx/exit_reason.h"

/* As the assembly lays it out. */
struct test_guest_event {
    uint32_t vector;
    uint32_t error; /* TEST_GUEST_NO_ERROR: the handler got none */
    uint64_t rip;   /* the address to return to */
    uint64_t cr2;
    uint64_t flags;
};

#define TEST_GUEST_NO_ERROR UINT32_MAX

/* An event that should have reached the guest, in its turn. */
struct wanted_exits {
    uint8_t vector;
    uint32_t error;
    const uint8_t *at; /* the address to return to, within the guest's code; NULL: any */
};

/* What differs between the events that were written down and those wanted; NULL: nothing. */
const char *events_differ(const struct vcpu *vcpu, const struct wanted_exits *wanted,
                          uint32_t count);

/* An event as the interruption-information fields have it, valid. */
#define TEST_GUEST_EVENT(type, vector) \
    (EVENT_INFORMATION_VALID | (uint32_t)EVENT_##type << 8 | (uint32_t)(vector))

/* Bits of the VM-exit interruption information that count: not bit 12, which may be undefined. */
#define TEST_GUEST_EVENT_MASK 0x80000fffu

/* An exception that exits at a place and is injected again; more of the exit where it is given. */
#define TEST_GUEST_EXIT_OF(event, place, ...)                                \
    {                                                                        \
        .reason = EXIT_REASON_EXCEPTION_OR_NMI, .at = (place),               \
        .interruption_mask = TEST_GUEST_EVENT_MASK, .interruption = (event), \
        .done = EXIT_INJECTED, __VA_ARGS__                                   \
    }
#define TEST_GUEST_FAULT(vector)       TEST_GUEST_EVENT(HARDWARE_EXCEPTION, X86_VECTOR_##vector)
#define TEST_GUEST_FAULT_ERROR(vector) (TEST_GUEST_FAULT(vector) | EVENT_INFORMATION_ERROR_CODE)

/* The entry of the EPT that maps 4 KiB there, to be written as vm/memory/ept.h would not; NULL:
 * none. */
uint64_t *test_guest_ept_leaf(struct vcpu *vcpu, uint64_t address);

/* Every exception exits: for `setup`. */
void test_guest_intercept_exceptions(struct vcpu *vcpu);

/* Where a place in the guest's code is in the guest's memory. */
static inline uint64_t test_guest_address(const struct vcpu *vcpu, const uint8_t *place)
{
    return GUEST_CODE + (uint64_t)(place - guest_of(vcpu)->code);
}

#endif
