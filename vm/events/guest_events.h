/*
 * Events that reach a guest as they would without a hypervisor: exceptions that exit, INIT, SIPI.
 *
 * SDM Vol. 3, "Information for VM Exits Due to Vectored Events", "Information for VM Exits That
 * Occur During Event Delivery".
 */
#pragma once

#include "vm/registers/registers.h"

/* What an exception becomes that happens while another event is delivered. */
enum event_outcome { EVENT_STAYS, EVENT_BECOMES_DOUBLE_FAULT, EVENT_BECOMES_TRIPLE_FAULT };

/*
 * SDM Vol. 3, "Interrupt 8 - Double Fault Exception (#DF)", table "Conditions for Generating a
 * Double Fault". `first` is the IDT-vectoring information (which may be of no event), `second`
 * the VM-exit interruption information.
 */
enum event_outcome event_combine(uint32_t first, uint32_t second);

/* DR6 after a #DB: of an exit qualification BLD and RTM are the opposite of what DR6 has. */
uint64_t event_dr6(uint64_t dr6, uint64_t qualification);

/*
 * What the delivery of a #DB does beside it, and its injection does not: SDM Vol. 3, "Debug
 * Registers". `qualification` as the exit qualification of a debug exception has it.
 */
void event_enter_debug(uint64_t qualification);

/*
 * IRET had unblocked NMIs when it met the EPT violation that exited, and it will be executed again:
 * NMIs are blocked as before. For bit 12; where it is undefined this does nothing.
 */
void event_nmi_blocked_again(const struct vcpu *vcpu);

/* In place of exit_exception(): the guest's own exceptions are given to it. */
exit_function exit_exception_reflect;

/*
 * What INIT makes of the guest: the state after a reset, but for what INIT leaves alone, and it
 * waits for SIPI. SDM Vol. 3, "Processor State After Reset". Without unrestricted guest, which real
 * mode needs, it waits as it is.
 */
struct vmx_result vcpu_state_init(struct vcpu *vcpu);

/*
 * What SIPI makes of a guest that waits for it: active, at the start of page number `vector`.
 * Without unrestricted guest it goes on where it waited.
 */
struct vmx_result vcpu_state_startup(struct vcpu *vcpu, uint8_t vector);
