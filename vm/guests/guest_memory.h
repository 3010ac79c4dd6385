/*
 * A guest's memory: GUEST_MEMORY_BYTES from guest-physical address 0 on, and what translates to it.
 *
 * With EPT the guest has page tables of its own, if any, and EPT maps its memory and nothing else.
 * Without, it runs on page tables that the hypervisor owns and it cannot reach: they map the same
 * memory at the same linear addresses. Either way nothing of the hypervisor's is mapped; that holds
 * for a guest, too, that sees the machine (vm/guests/guest.h, sees_machine).
 */
#ifndef VM_GUEST_MEMORY_H
#define VM_GUEST_MEMORY_H

#include "vm/vcpu.h"

/* Fills vcpu->vm->memory with the guest's image. False when memory has run out or the code is too
 * long.
 */
bool guest_memory_create(struct vcpu *vcpu);

/*
 * What of the hypervisor a guest that sees the machine would have found in the page of a
 * guest-physical address, had it been mapped: "its image". NULL: nothing, or the guest is not such
 * a one.
 */
const char *guest_memory_owner(const struct vcpu *vcpu, uint64_t guest_physical);

void guest_memory_free(struct vcpu *vcpu);

#endif
