/*
 * Memory operands of the guest's instructions, out of the VMCS.
 */
#ifndef VM_GUEST_OPERAND_H
#define VM_GUEST_OPERAND_H

#include "vm/guests/exits/operand.h"
#include "vm/vcpu.h"

/* The operand that the instruction information and the displacement in the exit qualification say.
 */
struct operand guest_operand(const struct vcpu *vcpu, uint32_t information);

/* The segment register of the operand. */
unsigned guest_operand_segment(uint32_t information);

/* An operand at `offset` in a segment. */
struct operand guest_operand_at(unsigned segment, uint64_t offset);

/*
 * Reads the operand, whose `bytes`, `write` and `alignment` the caller has set, to `data`, or
 * writes it from there. Gives EXIT_EMULATED, or what has become of the guest:
 * vm/guests/exits/guest_access.h.
 */
enum exit_done guest_operand_access(struct vcpu *vcpu, const struct operand *operand, void *data);

#endif
