#include "vm/guest_controls.h"

#include "vm/memory/ept_entry.h"

struct allowed {
    uint32_t zero, one; /* bits that must be 1, and bits that may be 1 */
};

static struct allowed allowed_of(const struct vmx_capability *capability,
                                 enum vmx_control_word word)
{
    const struct allowed words[VMX_CONTROL_WORD_COUNT] = {
        [VMX_CONTROL_PIN] = {(uint32_t)capability->pin_allowed0,
                             (uint32_t)capability->pin_allowed1},
        [VMX_CONTROL_PRIMARY] = {(uint32_t)capability->primary_allowed0,
                                 (uint32_t)capability->primary_allowed1},
        [VMX_CONTROL_SECONDARY] = {(uint32_t)capability->secondary_allowed0,
                                   (uint32_t)capability->secondary_allowed1},
        [VMX_CONTROL_EXIT] = {(uint32_t)capability->exit_allowed0,
                              (uint32_t)capability->exit_allowed1},
        [VMX_CONTROL_ENTRY] = {(uint32_t)capability->entry_allowed0,
                               (uint32_t)capability->entry_allowed1},
    };

    return words[word];
}

static const char *name_of(enum vmx_control_word word, uint32_t mask)
{
    for (uint32_t i = 0; i < vmx_control_count; i++) {
        if (vmx_control_table[i].word == word && (vmx_control_table[i].mask & mask) != 0)
            return vmx_control_table[i].name;
    }
    return "an unnamed control";
}

static void turn_on(uint32_t *control, uint32_t wanted, uint64_t allowed1)
{
    *control |= wanted & (uint32_t)allowed1;
}

/*
 * What would reach beyond the guest, were it let through: the priority that CR8 sets is that of the
 * host's own local APIC, MWAIT puts the CPU to sleep, RDPMC reports what others do, and ENCLS and
 * ENCLV (SGX) have functions that concern all of the machine.
 */
static void adjust_harmful(const struct vmx_capability *capability,
                           uint32_t controls[VMX_CONTROL_WORD_COUNT])
{
    turn_on(&controls[VMX_CONTROL_PRIMARY],
            PRIMARY_CR8_LOAD_EXITING | PRIMARY_CR8_STORE_EXITING | PRIMARY_MWAIT_EXITING |
                PRIMARY_MONITOR_EXITING | PRIMARY_RDPMC_EXITING,
            capability->primary_allowed1);
    if ((controls[VMX_CONTROL_PRIMARY] & PRIMARY_SECONDARY_CONTROLS) != 0)
        turn_on(&controls[VMX_CONTROL_SECONDARY],
                SECONDARY_WBINVD_EXITING | SECONDARY_ENABLE_ENCLS_EXITING |
                    SECONDARY_ENABLE_ENCLV_EXITING,
                capability->secondary_allowed1);
}

/* What a guest's mode asks of the processor, in the order in which it is reported. */
static const char *mode_lacks(enum guest_mode mode, uint32_t secondary)
{
    if (mode != GUEST_LONG && (secondary & SECONDARY_ENABLE_EPT) == 0)
        return name_of(VMX_CONTROL_SECONDARY, SECONDARY_ENABLE_EPT);
    if ((mode == GUEST_REAL || mode == GUEST_PROTECTED) &&
        (secondary & SECONDARY_UNRESTRICTED_GUEST) == 0)
        return name_of(VMX_CONTROL_SECONDARY, SECONDARY_UNRESTRICTED_GUEST);
    return NULL;
}

/*
 * EPT and VPID are of use only where what the processor remembers of them can be forgotten: the
 * next guest has other tables and the same VPID. Our EPT walks four levels. Without it the
 * hypervisor owns the page tables, and CR3 is what it says.
 */
static void adjust_memory_controls(const struct vmx_capability *capability,
                                   uint32_t controls[VMX_CONTROL_WORD_COUNT])
{
    if (!ept_is_usable(capability) || !capability->invept || !capability->invept_all_contexts)
        controls[VMX_CONTROL_SECONDARY] &= ~(uint32_t)SECONDARY_ENABLE_EPT;
    if (!capability->invvpid || !capability->invvpid_all_contexts)
        controls[VMX_CONTROL_SECONDARY] &= ~(uint32_t)SECONDARY_ENABLE_VPID;
    if ((controls[VMX_CONTROL_SECONDARY] & SECONDARY_ENABLE_EPT) != 0)
        return;
    controls[VMX_CONTROL_SECONDARY] &= ~(uint32_t)SECONDARY_UNRESTRICTED_GUEST;
    controls[VMX_CONTROL_PRIMARY] |= PRIMARY_CR3_LOAD_EXITING | PRIMARY_CR3_STORE_EXITING;
}

/* Its value must be kept over exits, or each exit would give the guest its whole time again. */
bool guest_controls_have_timer(const struct vmx_capability *capability)
{
    return (capability->pin_allowed1 & PIN_PREEMPTION_TIMER) != 0 &&
           (capability->exit_allowed1 & EXIT_SAVE_PREEMPTION_TIMER) != 0;
}

static void adjust_timer(const struct vmx_capability *capability,
                         uint32_t controls[VMX_CONTROL_WORD_COUNT])
{
    if (guest_controls_have_timer(capability)) {
        controls[VMX_CONTROL_PIN] |= PIN_PREEMPTION_TIMER;
        controls[VMX_CONTROL_EXIT] |= EXIT_SAVE_PREEMPTION_TIMER;
    }
}

const char *guest_controls_adjust(const struct guest *guest, const struct vmcs_config *config,
                                  const struct vmx_capability *capability,
                                  uint32_t controls[VMX_CONTROL_WORD_COUNT])
{
    const char *missing;

    controls[VMX_CONTROL_PIN] = config->pin_based_exec_ctrl;
    controls[VMX_CONTROL_PRIMARY] = config->cpu_based_exec_ctrl;
    controls[VMX_CONTROL_SECONDARY] = config->cpu_based_2nd_exec_ctrl;
    controls[VMX_CONTROL_EXIT] = config->vmexit_ctrl;
    controls[VMX_CONTROL_ENTRY] = config->vmentry_ctrl;
    adjust_memory_controls(capability, controls);
    adjust_timer(capability, controls);
    adjust_harmful(capability, controls);
    missing = mode_lacks(guest->mode, controls[VMX_CONTROL_SECONDARY]);
    if (missing == NULL && guest->needs_ept)
        missing = mode_lacks(GUEST_PAGED, controls[VMX_CONTROL_SECONDARY]);
    if (guest->mode != GUEST_LONG)
        controls[VMX_CONTROL_ENTRY] &= ~(uint32_t)ENTRY_IA32E_MODE_GUEST;
    for (unsigned i = 0; i < VMX_CONTROL_WORD_COUNT && missing == NULL; i++) {
        struct allowed allowed = allowed_of(capability, (enum vmx_control_word)i);
        uint32_t wanted = (controls[i] | guest->on[i]) & ~guest->off[i];
        uint32_t impossible = (wanted & ~allowed.one) | (~wanted & allowed.zero);

        if (impossible != 0)
            missing = name_of((enum vmx_control_word)i, impossible & -impossible);
        controls[i] = wanted;
    }
    return missing;
}
