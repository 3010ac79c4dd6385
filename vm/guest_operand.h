/*
 * Memory operands of the guest's instructions, out of the VMCS.
 */
#ifndef VM_GUEST_OPERAND_H
#define VM_GUEST_OPERAND_H

#include "vm/operand.h"
#include "vm/vcpu.h"

/* The operand that the instruction information and the displacement in the exit qualification say.
 */
struct operand guest_operand(const struct vcpu *vcpu, uint32_t information);

/* The segment register of the operand. */
unsigned guest_operand_segment(uint32_t information);

/* An operand at `offset` in a segment. */
struct operand guest_operand_at(unsigned segment, uint64_t offset);

/*
 * Where the operand, whose `bytes` and `write` the caller has set, can be touched. Gives
 * EXIT_EMULATED and `memory`; or what has become of the guest: EXIT_INJECTED, a fault, or
 * EXIT_ENDED, because it does not have that memory, or not for this.
 */
enum exit_done guest_operand_reach(struct vcpu *vcpu, const struct operand *operand,
                                   uint8_t **memory);

/* As guest_operand_reach() from a linear address on. */
enum exit_done guest_linear_reach(struct vcpu *vcpu, uint64_t linear, unsigned bytes, bool write,
                                  uint8_t **memory);

/* How wide addresses are that LGDT, WRMSR and their kin load: the processor's, in whatever mode. */
static inline unsigned guest_linear_width(const struct vcpu *vcpu)
{
    return linear_width(vcpu->capability.cr4_fixed1);
}

#endif
