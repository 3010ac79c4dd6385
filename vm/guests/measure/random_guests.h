/*
 * Guests made of chance: random bytes from a seed, run as code in one mode of the processor, again
 * and again with other seeds. What they do is anybody's guess; that each comes to an end which can
 * be reported, and harms nobody, is not.
 */
#ifndef VM_RANDOM_GUESTS_H
#define VM_RANDOM_GUESTS_H

#include "vm/guests/guest_run.h"

/*
 * As guest_run(), as often as options->random guests.rounds says; of a guest whose any_end is set.
 * Stops at the first round that the hypervisor, not the guest, is to blame for: a VM entry that
 * failed. `run` gets the exits of all rounds together; its detail reports how they ended.
 */
void random_guest_run(const struct guest *guest, struct vmx_cpu *cpu,
                      const struct vm_options *options, struct guest_run *run);

#endif
