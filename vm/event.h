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
static inline bool event_sets_resume_flag(uint8_t vector)
{
    const uint32_t others = 1u << X86_VECTOR_DB | 1u << X86_VECTOR_NMI | 1u << X86_VECTOR_BP |
                            1u << X86_VECTOR_OF | 1u << X86_VECTOR_DF | 1u << X86_VECTOR_MC;

    return vector < 32 && (others >> vector & 1) == 0;
}

/* What an exception becomes that happens while another event is delivered. */
enum event_outcome { EVENT_STAYS, EVENT_BECOMES_DOUBLE_FAULT, EVENT_BECOMES_TRIPLE_FAULT };

/*
 * SDM Vol. 3, "Interrupt 8 - Double Fault Exception (#DF)", table "Conditions for Generating a
 * Double Fault". `first` is the IDT-vectoring information (which may be of no event), `second`
 * the VM-exit interruption information.
 */
enum event_outcome event_combine(uint32_t first, uint32_t second);

/*
 * IRET had unblocked NMIs when it met the fault or the EPT violation that exited, and it will be
 * executed again: NMIs are blocked as before. For bit 12, NMI unblocking due to IRET, of the
 * VM-exit interruption information or of an exit qualification; where that bit is undefined
 * (vmx/exit_reason.h) this does nothing.
 */
void event_nmi_blocked_again(const struct vcpu *vcpu);

/* DR6 after a #DB: of an exit qualification BLD and RTM are the opposite of what DR6 has. */
uint64_t event_dr6(uint64_t dr6, uint64_t qualification);

/*
 * What the delivery of a #DB does beside it, and its injection does not: SDM Vol. 3, "Debug
 * Registers". `qualification` as the exit qualification of a debug exception has it.
 */
void event_enter_debug(uint64_t qualification);

/* The event whose delivery the exit interrupted, if there is one, comes again at VM entry. */
void event_requeue(void);

/*
 * An event for the next VM entry: an exception (`error_code` only where it has one), an external
 * interrupt, or an NMI. SDM Vol. 3, "Event Injection"; `type` is bits 10:8 of the field.
 */
void vcpu_inject(struct vcpu *vcpu, enum event_type type, uint8_t vector);
void vcpu_inject_error(struct vcpu *vcpu, uint8_t vector, uint32_t error_code);

#endif
