/*
 * The guest's memory by its physical addresses, as its own instructions and the processor's walks
 * would reach it.
 */
#ifndef VM_GUEST_PHYSICAL_H
#define VM_GUEST_PHYSICAL_H

#include "vm/vcpu.h"

bool guest_has_ept(const struct vcpu *vcpu);

/* Through EPT where it can be touched, up to the end of its page; NULL: not for this. */
void *guest_through_ept(const struct vcpu *vcpu, uint64_t address, bool write);

/* Likewise; without EPT the addresses are the machine's. */
void *guest_reach_physical(const struct vcpu *vcpu, uint64_t address, bool write);

/* The guest's end (GUEST_END_MEMORY): it does not have that memory, or not for this. */
enum exit_done guest_has_no_memory(struct vcpu *vcpu, uint64_t physical);

/* Within a page. EXIT_EMULATED, or EXIT_ENDED as above, nothing having been read. */
enum exit_done guest_read_physical(struct vcpu *vcpu, uint64_t physical, void *data,
                                   unsigned bytes);

#endif
