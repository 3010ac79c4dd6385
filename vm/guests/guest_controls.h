/*
 * Which controls a guest runs with: what the processor's configuration has, what the guest's mode
 * and the guest itself want, within what the processor allows.
 */
#ifndef VM_GUEST_CONTROLS_H
#define VM_GUEST_CONTROLS_H

#include "vm/guests/guest.h"
#include "vmx/capability/vmcs_config.h"

/*
 * Of the policy of all test guests: what would reach beyond the guest, were it let through. The
 * priority that CR8 sets is that of the host's own local APIC, MWAIT puts the CPU to sleep, RDPMC
 * reads what others do, and ENCLS and ENCLV (SGX) have functions that concern all of the machine.
 */
#define GUEST_POLICY_CONTROLS                                                                 \
    {                                                                                         \
        [VMX_CONTROL_PRIMARY] = PRIMARY_CR8_LOAD_EXITING | PRIMARY_CR8_STORE_EXITING |        \
                                PRIMARY_MWAIT_EXITING | PRIMARY_MONITOR_EXITING |             \
                                PRIMARY_RDPMC_EXITING,                                        \
        [VMX_CONTROL_SECONDARY] = SECONDARY_WBINVD_EXITING | SECONDARY_ENABLE_ENCLS_EXITING | \
                                  SECONDARY_ENABLE_ENCLV_EXITING,                             \
    }

/*
 * Fills `controls`, by word. Gives NULL, or the name of what the guest needs and this processor
 * does not offer. A preemption timer that counts on over exits bounds the guest's time where there
 * is one; a guest that does not want it says so in `off`.
 */
const char *guest_controls_adjust(const struct guest *guest, const struct vmcs_config *config,
                                  const struct vmx_capability *capability,
                                  uint32_t controls[VMX_CONTROL_WORD_COUNT]);

#endif
