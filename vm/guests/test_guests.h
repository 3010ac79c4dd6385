/*
 * What built-in guests share: handlers that write down the events which reach the guest, and
 * helpers for their checks.
 */
#pragma once

#include "vm/registers/registers.h"
#include "vm/guests/agreed.h"
#include "vmx/quirks.h"

/* Support of guests (vm/guests/support.S): each event that it has a handler for leaves one struct
 * recorded_event at GUEST_ARRAY, and GUEST_DATA counts them. */
extern const struct guest_kind guests_of_events, guests_of_memory;

struct recorded_event {
    uint32_t vector;
    uint32_t error; /* NO_ERROR_CODE: the handler got none */
    uint64_t rip;   /* the address to return to */
    uint64_t cr2;
    uint64_t flags;
};

#define NO_ERROR_CODE UINT32_MAX

/* An event that should have reached the guest, in its turn. */
struct __attribute__((packed)) wanted_event {
    uint8_t vector;
    uint32_t error;
    const uint8_t *at; /* the address to return to, within the guest's code; NULL: any */
    uint32_t cr2;      /* 0: any */
};
const char *check_events(const struct vcpu *vcpu);
#define EVENT_WITH_CODE(vector, code, place) \
    {                                        \
        (vector), (code), .at = (place)      \
    }
#define EVENT(vector, place) EVENT_WITH_CODE(vector, NO_ERROR_CODE, place)
#define EVENTS_IN(array) \
    .kind = &guests_of_events, .events = (array), .wanted_count = COUNT_OF(array)
#define EVENTS(...) EVENTS_IN(((const struct wanted_event[]){__VA_ARGS__}))

/* What is in the guest's memory when it has ended. */
struct __attribute__((packed)) wanted_memory {
    uint32_t address;
    uint16_t bytes;
    const void *is; /* NULL: zeroes */
    const char *otherwise;
};
const char *check_left(const struct vcpu *vcpu);
#define MEMORY_IN(array) \
    .kind = &guests_of_memory, .memory = (array), .wanted_count = COUNT_OF(array)
#define MEMORY(...) MEMORY_IN(((const struct wanted_memory[]){__VA_ARGS__}))
#define WORDS(address, otherwise, ...)                                                             \
    {                                                                                              \
        (address), sizeof((uint32_t[]){__VA_ARGS__}), (const uint32_t[]){__VA_ARGS__}, (otherwise) \
    }
#define WORD(address, value, otherwise) WORDS(address, otherwise, value)

/* An event as the interruption-information fields have it, valid. */
#define EVENT_INFO(type, vector) \
    (EVENT_INFORMATION_VALID | (uint32_t)EVENT_##type << 8 | (uint32_t)(vector))

/* Rows of expected exits, without what else they have: an exception that is injected again; a whole
 * exit qualification. */
#define EXCEPTION(event, place) \
    EXIT_REASON_EXCEPTION_OR_NMI, (place), .interruption = (event), .done = EXIT_INJECTED
#define QUALIFIED(whole)        .qualification_mask = -1, .qualification = (int64_t)(whole)
#define FAULT(vector)           EVENT_INFO(HARDWARE_EXCEPTION, X86_VECTOR_##vector)
#define FAULT_WITH_CODE(vector) (FAULT(vector) | EVENT_INFORMATION_ERROR_CODE)

/* The entry of the EPT that maps 4 KiB there, to be written as vm/memory/ept.h would not; NULL:
 * none. */
uint64_t *guest_ept_leaf(struct vcpu *vcpu, uint64_t address);

/* Maps the page at that guest-physical address as at first: the guest's own, with everything
 * allowed. False: it is not the guest's, or there is no memory. */
bool guest_page_restore(struct vcpu *vcpu, uint64_t address);

/* Has the guest's page tables show any physical address, in a window of 2 MiB: the last in the
 * first GiB, or `number` before it. Gives the linear address. */
uint64_t guest_window(const struct vcpu *vcpu, uint32_t number, uint64_t physical);

/* For `lacks` and `check`: functions that give NULL where the CPU has it, or where nothing is
 * wrong; for `setup`: statements. */
#define GUEST_LACKS(function, has, what)                                 \
    static const char *function(const struct vmx_capability *capability) \
    {                                                                    \
        (void)capability;                                                \
        return (has) ? NULL : (what);                                    \
    }
#define GUEST_SETUP(function, statements)   \
    static void function(struct vcpu *vcpu) \
    {                                       \
        (void)vcpu;                         \
        statements;                         \
    }
#define GUEST_CHECK(function, well, otherwise)           \
    static const char *function(const struct vcpu *vcpu) \
    {                                                    \
        return (well) ? NULL : (otherwise);              \
    }

/* Words of the guest's memory, aligned. */
static inline uint32_t *guest_word(const struct vcpu *vcpu, uint64_t address)
{
    return vm_memory(vcpu->vm, address, sizeof(uint32_t));
}

static inline uint64_t *guest_quadword(const struct vcpu *vcpu, uint64_t address)
{
    return vm_memory(vcpu->vm, address, sizeof(uint64_t));
}

/* Every exception exits: for `setup`. */
void intercept_exceptions(struct vcpu *vcpu);

/* Where a place in the guest's code is in the guest's memory. */
static inline uint64_t guest_address(const struct vcpu *vcpu, const uint8_t *place)
{
    return GUEST_CODE + (uint64_t)(place - guest_of(vcpu)->code->start);
}

/* What a machine with this quirk does not offer to a guest; NULL where it is not active. */
const char *quirk_lacks(enum quirk quirk);
