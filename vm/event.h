/*
 * Events on their way to a guest: the three fields of one format that report them.
 *
 * SDM Vol. 3, "VM-Entry Controls for Event Injection", "Information for VM Exits Due to Vectored
 * Events", "Information for VM Exits That Occur During Event Delivery".
 */
#ifndef VM_EVENT_H
#define VM_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/x86_registers.h"
#include "vm/vcpu.h"

enum { EVENT_TYPE_SHIFT = 8 };

/* What of an event that exited, or was interrupted, VM entry takes: the rest is undefined or 0. */
#define EVENT_TO_INJECT (EVENT_INFORMATION_VALID | EVENT_INFORMATION_ERROR_CODE | 0x7ffu)

static inline uint32_t event_vector(uint32_t event)
{
    return event & 0xff;
}

static inline enum event_type event_type_of(uint32_t event)
{
    return (enum event_type)(event >> EVENT_TYPE_SHIFT & 7);
}

/*
 * SDM Vol. 3, "Debug Exceptions", "Instruction-Breakpoint Exception Condition": the RFLAGS that the
 * delivery of a fault saves have RF = 1, lest an instruction breakpoint come twice. VM entry saves
 * what the VMCS holds, so the field must have it. Traps (#DB, #BP, #OF), aborts (#DF, #MC) and the
 * NMI save RF as it is; so does the #DB of DR7.GD, a fault, on Intel's processors.
 */
bool event_sets_resume_flag(uint8_t vector);

/* For an exception that VM entry shall deliver. */
void event_resume_flag(uint8_t vector);

/* The event whose delivery the exit interrupted, if there is one, comes again at VM entry. */
void event_requeue(void);

/*
 * An event for the next VM entry: an exception (`error_code` only where it has one), an external
 * interrupt, or an NMI. SDM Vol. 3, "Event Injection"; `type` is bits 10:8 of the field.
 */
void vcpu_inject(struct vcpu *vcpu, enum event_type type, uint8_t vector);
void vcpu_inject_error(struct vcpu *vcpu, uint8_t vector, uint32_t error_code);

#endif
