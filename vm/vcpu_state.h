/*
 * A vCPU's VMCS as it is before the first VM entry: the host's state, the guest's, the controls.
 */
#ifndef VM_VCPU_STATE_H
#define VM_VCPU_STATE_H

#include "vm/vcpu.h"
#include "vmx/vmx_result.h"

/*
 * Fills the current VMCS, all but HOST_RSP and HOST_RIP (vm/enter.S), with the guest in its mode's
 * first state. Gives VMsucceed, or the outcome of the first VMWRITE that did not.
 */
struct vmx_result vcpu_state_write(struct vcpu *vcpu);

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

#endif
