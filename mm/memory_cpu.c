/* What this CPU has for memory: memory types, execute disable. */
#include "mm/memory_type.h"
#include "mm/radix.h"

#include "lib/string.h"
#include "lib/x86.h"

#define CPUID_1_EDX_MTRR (1u << 12)
#define CPUID_1_EDX_PAT  (1u << 16)

/* SDM Vol. 3, "Paging": without leaf 80000008H, physical addresses have 36 bits; never more
 * than 52. */
enum { PHYSICAL_WIDTH_PAE = 36, PHYSICAL_WIDTH_MAX = 52 };

static const uint32_t fixed_msrs[MTRR_FIXED_COUNT] = {
    IA32_MTRR_FIX64K_00000,    IA32_MTRR_FIX16K_80000,    IA32_MTRR_FIX16K_A0000,
    IA32_MTRR_FIX4K_C0000,     IA32_MTRR_FIX4K_C0000 + 1, IA32_MTRR_FIX4K_C0000 + 2,
    IA32_MTRR_FIX4K_C0000 + 3, IA32_MTRR_FIX4K_C0000 + 4, IA32_MTRR_FIX4K_C0000 + 5,
    IA32_MTRR_FIX4K_C0000 + 6, IA32_MTRR_FIX4K_C0000 + 7,
};

/*
 * A register that CPUID promises and that faults all the same (under a hypervisor) reads as 0:
 * MTRRs that are disabled, so UC, so nothing is taken for write-back that is not known to be.
 */
static uint64_t read_or_zero(uint32_t msr)
{
    uint64_t value;

    return rdmsr_safe(msr, &value) == 0 ? value : 0;
}

static uint8_t physical_width(void)
{
    uint32_t width = PHYSICAL_WIDTH_PAE;

    if (cpuid(CPUID_EXTENDED, 0).eax >= CPUID_ADDRESS_SIZES)
        width = cpuid(CPUID_ADDRESS_SIZES, 0).eax & 0xff;
    if (width < PHYSICAL_WIDTH_PAE || width > PHYSICAL_WIDTH_MAX)
        width = PHYSICAL_WIDTH_PAE;
    return (uint8_t)width;
}

static void read_mtrrs(struct memory_types_state *state)
{
    state->mtrrcap = read_or_zero(IA32_MTRRCAP);
    state->def_type = read_or_zero(IA32_MTRR_DEF_TYPE);
    if ((state->mtrrcap & MTRRCAP_FIX) != 0) {
        for (unsigned i = 0; i < MTRR_FIXED_COUNT; i++)
            state->fixed[i] = read_or_zero(fixed_msrs[i]);
    }
    if ((state->mtrrcap & MTRRCAP_SMRR) != 0) {
        state->smrr_physbase = read_or_zero(IA32_SMRR_PHYSBASE);
        state->smrr_physmask = read_or_zero(IA32_SMRR_PHYSMASK);
    }
    for (uint32_t i = 0; i < memory_type_ranges(state); i++) {
        state->physbase[i] = read_or_zero(IA32_MTRR_PHYSBASE0 + 2 * i);
        state->physmask[i] = read_or_zero(IA32_MTRR_PHYSMASK0 + 2 * i);
    }
}

void memory_types_read(struct memory_types_state *state)
{
    uint32_t features = cpuid(1, 0).edx;

    memset(state, 0, sizeof(*state));
    state->mtrr = (features & CPUID_1_EDX_MTRR) != 0;
    state->pat_supported = (features & CPUID_1_EDX_PAT) != 0;
    state->physical_width = physical_width();
    if (state->mtrr)
        read_mtrrs(state);
    if (!state->pat_supported || rdmsr_safe(IA32_PAT, &state->pat) != 0)
        state->pat = PAT_RESET;
}

static bool cpuid_shows_it(void)
{
    return cpuid(CPUID_EXTENDED, 0).eax >= CPUID_EXTENDED_FEATURES &&
           (cpuid(CPUID_EXTENDED_FEATURES, 0).edx & CPUID_EXTENDED_EDX_NX) != 0;
}

/* Only where CPUID shows no XD, so that a processor without this MSR is not asked for it. */
static void allow_it(void)
{
    uint64_t value;

    if (rdmsr_safe(IA32_MISC_ENABLE, &value) == 0 && (value & MISC_ENABLE_XD_DISABLE) != 0)
        (void)wrmsr_safe(IA32_MISC_ENABLE, value & ~MISC_ENABLE_XD_DISABLE);
}

enum execute_disable execute_disable_enable(void)
{
    enum execute_disable result = EXECUTE_DISABLE_ON;

    if (!cpuid_shows_it()) {
        allow_it();
        if (!cpuid_shows_it())
            return EXECUTE_DISABLE_ABSENT;
        result = EXECUTE_DISABLE_TURNED_ON;
    }
    return wrmsr_safe(IA32_EFER, rdmsr(IA32_EFER) | EFER_NXE) == 0 ? result
                                                                   : EXECUTE_DISABLE_ABSENT;
}
