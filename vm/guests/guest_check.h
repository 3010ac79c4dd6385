/*
 * Did a guest do what it should?
 */
#ifndef VM_GUEST_CHECK_H
#define VM_GUEST_CHECK_H

#include "vm/guests/guest.h"

/* Compares what happened with what guest->end, ->expected and ->check say; fills result, detail. */
void guest_check(const struct vcpu *vcpu, struct guest_run *run);

/* Is that end the one that the guest should come to? */
bool guest_ends_well(const struct guest *guest, enum guest_end end);

#endif
