#include "vmx/quirks.h"

uint32_t emulators_here, quirks_here;

static bool has_hypervisor(const struct emulator_traits *traits)
{
    return (traits->features.ecx & CPUID_1_ECX_HYPERVISOR) != 0;
}

static bool hypervisor_is(const struct emulator_traits *traits, uint32_t ebx, uint32_t ecx,
                          uint32_t edx)
{
    const struct cpuid_registers *name = &traits->hypervisor;

    return has_hypervisor(traits) && name->ebx == ebx && name->ecx == ecx && name->edx == edx;
}

static bool sine_is(const struct emulator_traits *traits, uint64_t significand, uint16_t exponent)
{
    return traits->sine_of_pi.significand == significand &&
           traits->sine_of_pi.sign_exponent == exponent;
}

uint32_t emulators_of(const struct emulator_traits *traits)
{
    uint32_t emulators = 0;

#define EMULATOR(id, name, known, ...) emulators |= (known) ? id : 0;
#include "vmx/quirks.def"
#undef EMULATOR
    return emulators;
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
