/*
 * Which controls a guest runs with: what the processor's configuration has, what the guest's mode
 * and the guest itself want, within what the processor allows.
 */
#ifndef VM_GUEST_CONTROLS_H
#define VM_GUEST_CONTROLS_H

#include "vm/guest.h"
#include "vmx/capability/vmcs_config.h"

/*
 * Fills `controls`, by word. Gives NULL, or the name of what the guest needs and this processor
 * does not offer. A preemption timer that counts on over exits bounds the guest's time where there
 * is one; a guest that does not want it says so in `off`.
 */
const char *guest_controls_adjust(const struct guest *guest, const struct vmcs_config *config,
                                  const struct vmx_capability *capability,
                                  uint32_t controls[VMX_CONTROL_WORD_COUNT]);

/* Does that preemption timer exist? Otherwise the host must interrupt a guest whose time is up. */
bool guest_controls_have_timer(const struct vmx_capability *capability);

#endif
