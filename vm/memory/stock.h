/*
 * Pages that a vCPU owns beside its guest's memory, and those of them that are at hand, zeroed.
 *
 * To zero a page costs more than a whole VM exit, so pages are put in stock where there is time:
 * before the guest starts, and whenever it halts.
 */
#ifndef VM_STOCK_H
#define VM_STOCK_H

#include "vm/vcpu.h"

/* A zeroed page that is given back with the vCPU; physical address, 0 for none. */
uint64_t stock_page(struct vcpu *vcpu);

/* As many pages at hand as there is room for, or memory. */
void stock_fill(struct vcpu *vcpu);

/* One of those at hand; 0 when there is no memory at all. */
uint64_t stock_take(struct vcpu *vcpu);

/* Everything goes back. */
void stock_free(struct vcpu *vcpu);

#endif
