/*
 * What the processor says about one VM exit, as far as it is defined, and what was done about it.
 *
 * SDM Vol. 3, "VM-Exit Information Fields".
 */
#ifndef VM_GUESTS_EXIT_RECORD_H
#define VM_GUESTS_EXIT_RECORD_H

#include "vm/vcpu.h"

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

/* "CPUID" … "an undefined reason" */
const char *exit_name(uint32_t basic_reason);

/* "done for the guest", "page mapped" … */
const char *exit_done_text(enum exit_done done);

/* The exit in words: reason, qualification, operands, where the guest was, what was done. */
void exit_record_print(struct sink *sink, const struct exit_record *exit);

#endif
