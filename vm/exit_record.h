/*
 * What the processor says about one VM exit, as far as it is defined, and what was done about it.
 *
 * SDM Vol. 3, "VM-Exit Information Fields".
 */
#ifndef VM_EXIT_RECORD_H
#define VM_EXIT_RECORD_H

#include <stdint.h>

#include "lib/format.h"

/* Room for every basic exit reason that the SDM defines, and some more. */
enum { VM_EXIT_REASONS = 96 };

/* What a handler did; 0 ends the guest (vm/enter.S knows that). */
enum exit_done {
    EXIT_ENDED,    /* the guest's end: struct vcpu says which */
    EXIT_EMULATED, /* did what the instruction does; the guest goes on after it */
    EXIT_IGNORED,  /* the instruction does nothing here; the guest goes on after it */
    EXIT_INJECTED, /* an event is injected at the next VM entry */
    EXIT_MAPPED,   /* a page of memory was mapped; the guest tries again */
    EXIT_WINDOW,   /* an event waits no longer: the guest can take it now */
    EXIT_HOST,     /* the event was the hypervisor's own */
    EXIT_STEPPED,  /* nothing to do but go on */
    EXIT_REFUSED,  /* the guest did not get what it reached for, and goes on without */
    EXIT_STATE,    /* the guest got new state: an address space, a task, a start-up address */
    EXIT_DONE_COUNT,
    EXIT_DEFAULT = EXIT_DONE_COUNT, /* from a guest's own handler: do what is always done */
};

struct exit_record {
    uint32_t reason; /* as the field has it: basic reason in 15:0, entry failure in 31 */
    enum exit_done done;
    uint64_t qualification;
    uint64_t rip;
    uint64_t guest_linear, guest_physical;
    const char *owner; /* what of the hypervisor is there; NULL: nothing that is known */
    uint32_t instruction_length;
    uint32_t instruction_information;
    uint32_t interruption, interruption_error; /* VM-exit interruption information */
    uint32_t vectoring, vectoring_error;       /* IDT-vectoring information */
    uint64_t rax, rcx, rdx;                    /* the guest's, at the exit */
};

static inline uint32_t exit_basic_reason(const struct exit_record *exit)
{
    return exit->reason & 0xffff;
}

/* "done for the guest", "page mapped" … */
const char *exit_done_text(enum exit_done done);

/* The exit in words: reason, qualification, operands, where the guest was, what was done. */
void exit_record_print(struct sink *sink, const struct exit_record *exit);

#endif
