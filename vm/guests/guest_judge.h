/*
 * Did a guest do what it should?
 */
#ifndef VM_GUEST_JUDGE_H
#define VM_GUEST_JUDGE_H

#include "vm/guest.h"

/* Compares what happened with what guest->end, ->expected and ->check say; fills result, detail. */
void guest_judge(const struct vcpu *vcpu, struct guest_run *run);

/* Is that end the one that the guest should come to? */
bool guest_ends_well(const struct guest *guest, enum guest_end end);

#endif
