#include "mm/execute_disable.h"

#include <stdbool.h>

#include "lib/x86.h"

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
