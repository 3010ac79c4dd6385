/*
 * A room: which emulator or hypervisor is below, and where it departs from the manual
 * (vmx/quirks.def). On a processor no quirk is active: what works around one asks quirk() first.
 */
#pragma once

#include "lib/x86.h"

#define EMULATOR(id, ...) EMULATOR_BIT_##id,
enum {
#include "vmx/quirks.def"
    EMULATOR_COUNT
};
#undef EMULATOR

/* Bits of a set of emulators. */
#define EMULATOR(id, ...) id = 1 << EMULATOR_BIT_##id,
enum emulator {
#include "vmx/quirks.def"
};
#undef EMULATOR

#define QUIRK(id, ...) QUIRK_##id,
enum quirk {
    QUIRK_NONE, /* never active */
#include "vmx/quirks.def"
    QUIRK_COUNT
};
#undef QUIRK

/* The x87's extended format. */
struct __attribute__((packed)) x87_number {
    uint64_t significand;
    uint16_t sign_exponent;
};

/*
 * Leaves the x87 as FNINIT does. CR0.EM and CR0.TS must be 0. In a hosted build the test supplies
 * it, as all of lib/x86.h.
 */
#if __STDC_HOSTED__
struct x87_number x87_sine_of_pi(void);
#else
static inline struct x87_number x87_sine_of_pi(void)
{
    struct x87_number sine;

    asm volatile("fninit\n\t"
                 "fldpi\n\t"
                 "fsin\n\t"
                 "fstpt %0\n\t"
                 "fninit"
                 : "=m"(sine));
    return sine;
}
#endif

/* What tells them apart. */
struct emulator_traits {
    struct cpuid_registers features;   /* CPUID leaf 1 */
    struct cpuid_registers hypervisor; /* leaf 40000000H */
    struct x87_number sine_of_pi;      /* FSIN of FLDPI */
};

/* The set of emulators that have such traits; none: a processor, or a hypervisor not known. */
uint32_t emulators_of(const struct emulator_traits *traits);

/* The quirks of these emulators, as a set of 1 << QUIRK_…. */
uint32_t quirks_of(uint32_t emulators);

/* Of this machine; the boot CPU detects it before it starts others, until then both are empty. */
extern uint32_t emulators_here, quirks_here;

static inline void quirks_detect(void)
{
    struct emulator_traits traits = {cpuid(1, 0), cpuid(0x40000000, 0), x87_sine_of_pi()};

    emulators_here = emulators_of(&traits);
    quirks_here = quirks_of(emulators_here);
}

static inline bool quirk(enum quirk quirk)
{
    return (quirks_here >> quirk & 1) != 0;
}
