#include "lib/host/nmi_cause.h"

#include "lib/x86.h"

#define CPUID_1_EDX_MCA (1u << 14)
#define MCG_CAP_COUNT   0xffu

enum { BANKS_MOST = 32 }; /* after them lie the capability MSRs of VMX */

uint32_t machine_check_banks(void)
{
    uint64_t capability = 0;
    uint32_t count;

    if ((cpuid(1, 0).edx & CPUID_1_EDX_MCA) == 0 || rdmsr_safe(IA32_MCG_CAP, &capability) != 0)
        return 0;
    count = (uint32_t)(capability & MCG_CAP_COUNT);
    return count < BANKS_MOST ? count : BANKS_MOST;
}

struct machine_check machine_check_find(uint32_t from)
{
    struct machine_check error = {.bank = from};
    uint32_t count = machine_check_banks();

    while (error.bank < count && !error.found) {
        error.found =
            rdmsr_safe(IA32_MC0_STATUS + error.bank * MSRS_OF_A_BANK, &error.status) == 0 &&
            (error.status & MC_STATUS_VALID) != 0;
        error.bank += !error.found;
    }
    return error;
}
