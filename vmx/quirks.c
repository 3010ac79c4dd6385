#include "vmx/quirks.h"

#include <stddef.h>

/*
 * "KVMKVMKVM" in EBX, ECX and EDX. Bochs takes the sine of its pi wrong in 2.7 and in 3.0, whose
 * cpu/fpu/fsincos.cc reduces arguments in the same way: -1.5 * 2^-63. FLDPI is within 2^-63 of pi,
 * so no processor can be as far off that has pi right to 64 bits.
 */
enum { KVM_EBX = 0x4b4d564b, KVM_ECX = 0x564b4d56, KVM_EDX = 0x4d };
#define BOCHS_SIGNIFICAND 0xc000000000000000ull
#define BOCHS_EXPONENT    0xbfc0u

uint32_t emulators_here, quirks_here;

uint32_t emulators_of(const struct emulator_traits *traits)
{
    const struct cpuid_registers *name = &traits->hypervisor;
    bool hypervisor = (traits->features.ecx & CPUID_1_ECX_HYPERVISOR) != 0;
    bool kvm = hypervisor && name->ebx == KVM_EBX && name->ecx == KVM_ECX && name->edx == KVM_EDX;
    bool bochs = traits->sine_of_pi.significand == BOCHS_SIGNIFICAND &&
                 traits->sine_of_pi.sign_exponent == BOCHS_EXPONENT;

    return (kvm ? IN_KVM : 0u) | (!bochs ? 0u : hypervisor ? ABOVE_BOCHS : IN_BOCHS);
}

uint32_t quirks_of(uint32_t emulators)
{
#define QUIRK(id, of, ...) [QUIRK_##id] = (of),
    static const uint8_t having[QUIRK_COUNT] = {
#include "vmx/quirks.def"
    };
#undef QUIRK
    uint32_t quirks = 0;

    for (unsigned i = 0; i < QUIRK_COUNT; i++)
        quirks |= (uint32_t)((having[i] & emulators) != 0) << i;
    return quirks;
}

const char *emulator_name(uint32_t emulators)
{
#define EMULATOR(id, name, ...) [EMULATOR_BIT_##id] = (name),
    static const char *const names[EMULATOR_COUNT] = {
#include "vmx/quirks.def"
    };
#undef EMULATOR

    return emulators != 0 ? names[__builtin_ctz(emulators)] : NULL;
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
