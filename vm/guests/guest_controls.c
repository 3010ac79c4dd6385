#include "vm/guests/guest_run.h"

#include "vm/guests/test_guests.h"

/* What a guest's mode asks of the processor, in the order in which it is reported. */
static const char *mode_lacks(const struct guest *guest, uint32_t secondary)
{
    const enum guest_mode mode = guest->mode;

    if ((mode != GUEST_LONG || guest->needs_ept) && (secondary & SECONDARY_ENABLE_EPT) == 0)
        return vmx_control_name(VMX_CONTROL_SECONDARY, SECONDARY_ENABLE_EPT);
    if ((mode == GUEST_REAL || mode == GUEST_PROTECTED) &&
        (secondary & SECONDARY_UNRESTRICTED_GUEST) == 0)
        return vmx_control_name(VMX_CONTROL_SECONDARY, SECONDARY_UNRESTRICTED_GUEST);
    return NULL;
}

uint32_t guest_control_mask(const struct guest *guest, unsigned word, bool on)
{
    uint32_t mask = 0;

    for (unsigned i = 0; i < guest->control_count; i++) {
        if (guest->controls[i].word == word && guest->controls[i].on == on)
            mask |= 1u << guest->controls[i].bit;
    }
    return mask;
}

const char *guest_controls_adjust(const struct guest *guest, const struct vmcs_config *config,
                                  const struct vmx_capability *capability,
                                  uint32_t controls[VMX_CONTROL_WORD_COUNT])
{
    const uint64_t allowed[VMX_CONTROL_WORD_COUNT][2] = {
        /* bits that must be 1, and bits that may be 1 */
        [VMX_CONTROL_PIN] = {capability->pin_allowed0, capability->pin_allowed1},
        [VMX_CONTROL_PRIMARY] = {capability->primary_allowed0, capability->primary_allowed1},
        [VMX_CONTROL_SECONDARY] = {capability->secondary_allowed0, capability->secondary_allowed1},
        [VMX_CONTROL_EXIT] = {capability->exit_allowed0, capability->exit_allowed1},
        [VMX_CONTROL_ENTRY] = {capability->entry_allowed0, capability->entry_allowed1},
    };
    const char *missing;

    vcpu_controls_adjust(guest_policy.controls, config, capability, controls);
    missing = mode_lacks(guest, controls[VMX_CONTROL_SECONDARY]);
    if (guest->mode != GUEST_LONG)
        controls[VMX_CONTROL_ENTRY] &= ~(uint32_t)ENTRY_IA32E_MODE_GUEST;
    for (unsigned i = 0; i < VMX_CONTROL_WORD_COUNT && missing == NULL; i++) {
        uint32_t on = guest_control_mask(guest, i, true), off = guest_control_mask(guest, i, false);
        uint32_t impossible = (on & ~(uint32_t)allowed[i][1]) | (off & (uint32_t)allowed[i][0]);

        if (impossible != 0)
            missing = vmx_control_name((enum vmx_control_word)i, impossible & -impossible);
        controls[i] = (controls[i] | on) & ~off;
    }
    return missing;
}

const char *quirk_lacks(enum quirk quirk_asked)
{
#define QUIRK_LACKS(id, text) [QUIRK_##id] = (text),
    static const char *const texts[QUIRK_COUNT] = {
#include "vmx/quirks.def"
    };
#undef QUIRK_LACKS

    return quirk(quirk_asked) ? texts[quirk_asked] : NULL;
}
