/*
 * What the processor remembers of a guest's address translations.
 *
 * SDM Vol. 3, "Caching Translation Information". Without VPID every VM entry and VM exit forgets
 * them by itself.
 */
#ifndef VM_TRANSLATION_H
#define VM_TRANSLATION_H

#include "vm/vcpu.h"

/* Forgets the guest's linear and combined mappings: all of its VPID, global pages too. */
void translation_flush(const struct vcpu *vcpu);

/* Forgets everything that an earlier guest may have left: before the first VM entry. */
void translation_flush_all(const struct vcpu *vcpu);

#endif
