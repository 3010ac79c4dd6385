/*
 * Did a guest do what it should?
 */
#ifndef VM_GUEST_JUDGE_H
#define VM_GUEST_JUDGE_H

#include "vm/guest.h"

/* Compares what happened with what guest->end, ->expected and ->check say; fills result, detail. */
void guest_judge(const struct vcpu *vcpu, struct guest_run *run);

#endif
