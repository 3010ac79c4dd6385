#include "vm/registers/registers.h"

#define XCR0_X87   1ull /* after a reset, and never 0 */
#define XCR0_BASIC 7ull /* x87, SSE, AVX */

/*
 * SDM Vol. 1, "Processor Tracking of XSAVE-Managed State" and "Operation of XRSTOR": a header of
 * zeroes says that every component is in its initial configuration. MXCSR alone is always loaded;
 * FXRSTOR, which knows no header, takes all of the legacy area.
 */
static struct __attribute__((aligned(64))) {
    uint16_t fcw, fsw;
    uint8_t ftw, reserved[19];
    uint32_t mxcsr, mxcsr_mask;
    uint8_t registers[480];
    uint8_t header[64];
} initial; /* all zeroes in the image */

_Static_assert(sizeof(initial) == 576, "the legacy area and the XSAVE header");

/* What VM entries and exits leave as the guest had it. */
static const uint32_t guests_own_msrs[HOST_REGISTERS_MSRS] = {
    IA32_STAR, IA32_LSTAR, IA32_CSTAR, IA32_FMASK, IA32_KERNEL_GS_BASE, IA32_TSC_AUX,
};

static bool has_xsave(void)
{
    return (cpuid(1, 0).ecx & CPUID_1_ECX_XSAVE) != 0;
}

/* XRSTOR reaches what XCR0 names, so all of it is named for once. */
static void reset_extended_state(void)
{
    struct cpuid_registers all;

    initial.fcw = 0x37f;
    initial.mxcsr = 0x1f80;
    if (!has_xsave()) {
        fxrstor(&initial);
        return;
    }
    all = cpuid(CPUID_LEAF_XSAVE, 0); /* EDX:EAX: what XCR0 may hold */
    if (xsetbv_safe(0, (uint64_t)all.edx << 32 | all.eax) != 0)
        (void)xsetbv_safe(0, all.eax & XCR0_BASIC);
    xrstor(&initial);
    (void)xsetbv_safe(0, XCR0_X87);
}

static void reset_debug_registers(void)
{
    for (unsigned i = 0; i < 4; i++)
        write_dr(i, 0);
    write_dr(6, DR6_INITIAL);
}

void host_registers_keep(struct host_registers *host)
{
    for (unsigned i = 0; i < HOST_REGISTERS_MSRS; i++) {
        (void)rdmsr_safe(guests_own_msrs[i], &host->msr[i]);
        (void)wrmsr_safe(guests_own_msrs[i], 0);
    }
    host->cr4 = read_cr4();
    (void)write_cr4_safe(host->cr4 | CR4_OSFXSR | (has_xsave() ? CR4_OSXSAVE : 0));
    if (has_xsave())
        host->xcr0 = xgetbv(0);
    reset_extended_state();
    reset_debug_registers();
    write_cr2(0);
}

void host_registers_restore(const struct host_registers *host)
{
    for (unsigned i = 0; i < HOST_REGISTERS_MSRS; i++)
        (void)wrmsr_safe(guests_own_msrs[i], host->msr[i]);
    reset_extended_state();
    reset_debug_registers();
    if (has_xsave())
        (void)xsetbv_safe(0, host->xcr0);
    (void)write_cr4_safe(host->cr4);
}
