#include "vm/guest_policy.h"

#include "vmx/capability/vmx_controls.h"

#define BIT(n)          (1u << (n))
#define BITS(high, low) ((UINT32_MAX >> (31 - (high))) & (UINT32_MAX << (low)))
#define ALL             UINT32_MAX

enum { EVERY_SUBLEAF = 255 };

/* The bits that are shown as the processor has them. */
struct shown {
    uint32_t leaf;
    uint8_t first, last; /* subleaves */
    uint32_t eax, ebx, ecx, edx;
};

/*
 * A leaf that is not here is empty, and so hidden with its MSRs: 9 DCA, 0AH performance monitoring,
 * 0FH and 10H RDT, 12H SGX, 14H Processor Trace, 19H Key Locker, 1BH PCONFIG, 1CH last-branch
 * records, 20H HRESET, 23H more performance monitoring.
 */
static const struct shown shown[] = {
    {0, 0, EVERY_SUBLEAF, ALL, ALL, ALL, ALL},
    /*
     * ECX without 2 DTES64, 4 DS-CPL, 5 VMX, 6 SMX, 7 EIST, 8 TM2, 10 CNXT-ID, 11 SDBG, 14 xTPR, 15
     * PDCM, 18 DCA, 21 x2APIC, 24 TSC-deadline; EDX without 12 MTRR, 14 MCA, 18 PSN, 21 DS, 22
     * ACPI, 29 TM, 31 PBE.
     */
    {CPUID_LEAF_FEATURES, 0, EVERY_SUBLEAF, ALL, ALL,
     BITS(1, 0) | BIT(3) | BIT(9) | BITS(13, 12) | BIT(17) | BITS(20, 19) | BITS(23, 22) |
         BITS(30, 25),
     BITS(9, 0) | BIT(11) | BIT(13) | BITS(17, 15) | BIT(19) | BITS(28, 23)},
    {2, 0, EVERY_SUBLEAF, ALL, ALL, ALL, ALL}, /* caches */
    {4, 0, EVERY_SUBLEAF, ALL, ALL, ALL, ALL},
    {5, 0, EVERY_SUBLEAF, ALL, ALL, ALL, ALL}, /* MONITOR and MWAIT */
    /* Of thermal and power management, all by MSRs, the APIC timer that always runs. */
    {CPUID_LEAF_POWER, 0, EVERY_SUBLEAF, BIT(2), 0, 0, 0},
    /*
     * EBX without 1 TSC_ADJUST, 2 SGX, 12 and 15 RDT, 14 MPX, 22 PCOMMIT, 25 PT; ECX without 5
     * WAITPKG (IA32_UMWAIT_CONTROL), 7 and EDX 20 CET, 13 TME, 21:17 MAWAU of MPX, 23 Key Locker,
     * 24 bus-lock detection (IA32_DEBUGCTL), 29 ENQCMD, 30 SGX_LC, 31 PKS; EDX without 1 SGX keys,
     * 5 UINTR, 9 SRBDS_CTRL, 13 TSX_FORCE_ABORT, 18 PCONFIG, 19 last-branch records, 31:26
     * IA32_SPEC_CTRL, _PRED_CMD, _FLUSH_CMD, _ARCH_CAPABILITIES, _CORE_CAPABILITIES.
     */
    {CPUID_LEAF_MORE_FEATURES, 0, 0, ALL,
     BIT(0) | BITS(11, 3) | BIT(13) | BITS(21, 16) | BITS(24, 23) | BITS(31, 26),
     BITS(4, 0) | BIT(6) | BITS(12, 8) | BIT(14) | BIT(16) | BIT(22) | BIT(25) | BITS(28, 27),
     BITS(4, 2) | BIT(8) | BITS(11, 10) | BITS(16, 14) | BITS(25, 22)},
    /*
     * EAX without 6 LASS, 8 performance monitoring, 17 FRED, 18 LKGS, 20 NMI sources, 22 HRESET, 26
     * LAM, 27 MSR lists, 30 INVD; EBX is PPIN, TSE, IA32_MISC_ENABLE; ECX is but 5, RDMSR and
     * WRMSRNS with immediates; EDX without 13 and 17 UINTR, 15 USER_MSR, 18 CET, 21 APX, 24 SLSM.
     */
    {CPUID_LEAF_MORE_FEATURES, 1, 1,
     BITS(5, 0) | BIT(7) | BITS(12, 10) | BIT(19) | BIT(21) | BIT(23) | BIT(31), 0, BIT(5),
     BITS(5, 4) | BIT(8) | BIT(10) | BIT(14) | BIT(19)},
    /* What needs no care; the others are bits of IA32_SPEC_CTRL and the like. */
    {CPUID_LEAF_MORE_FEATURES, 2, 2, 0, 0, 0, BIT(5) | BIT(7)},
    {0x0b, 0, EVERY_SUBLEAF, ALL, ALL, ALL, ALL}, /* topology */
    /* 1: XSAVEOPT, XSAVEC, XGETBV of 1; not XSAVES and its components (IA32_XSS), nor XFD. 2 and
     * on: the components of XCR0_GUEST. The sizes are the processor's: enough for more, too. */
    {CPUID_LEAF_XSAVE, 0, 0, XCR0_GUEST, ALL, ALL, 0},
    {CPUID_LEAF_XSAVE, 1, 1, BITS(2, 0), ALL, 0, 0},
    {CPUID_LEAF_XSAVE, 2, 2, ALL, ALL, BIT(1), 0},
    {CPUID_LEAF_XSAVE, 5, 7, ALL, ALL, BIT(1), 0},
    {CPUID_LEAF_XSAVE, 9, 9, ALL, ALL, BIT(1), 0},
    {CPUID_LEAF_XSAVE, 17, 18, ALL, ALL, BIT(1), 0},
    {0x15, 0, EVERY_SUBLEAF, ALL, ALL, ALL, ALL}, /* clocks */
    {0x16, 0, EVERY_SUBLEAF, ALL, ALL, ALL, ALL},
    {0x18, 0, EVERY_SUBLEAF, ALL, ALL, ALL, ALL}, /* translation caches */
    {0x1a, 0, EVERY_SUBLEAF, ALL, ALL, ALL, ALL}, /* hybrid */
    {0x1d, 0, EVERY_SUBLEAF, ALL, ALL, ALL, ALL}, /* AMX */
    {0x1e, 0, EVERY_SUBLEAF, ALL, ALL, ALL, ALL},
    {0x1f, 0, EVERY_SUBLEAF, ALL, ALL, ALL, ALL}, /* topology */
    {0x24, 0, EVERY_SUBLEAF, ALL, ALL, ALL, ALL}, /* AVX10 */
    {0x80000000, 0, EVERY_SUBLEAF, ALL, ALL, ALL, ALL},
    /* LAHF, LZCNT, PREFETCHW; SYSCALL, execute disable, pages of 1 GiB, RDTSCP, long mode. */
    {CPUID_LEAF_EXTENDED, 0, EVERY_SUBLEAF, ALL, ALL, BIT(0) | BIT(5) | BIT(8),
     BIT(11) | BIT(20) | BITS(27, 26) | BIT(29)},
    {0x80000002, 0, EVERY_SUBLEAF, ALL, ALL, ALL, ALL}, /* name */
    {0x80000003, 0, EVERY_SUBLEAF, ALL, ALL, ALL, ALL},
    {0x80000004, 0, EVERY_SUBLEAF, ALL, ALL, ALL, ALL},
    {0x80000006, 0, EVERY_SUBLEAF, ALL, ALL, ALL, ALL},        /* a cache */
    {0x80000007, 0, EVERY_SUBLEAF, 0, 0, 0, BIT(8)},           /* invariant TSC */
    {0x80000008, 0, EVERY_SUBLEAF, BITS(15, 0), BIT(9), 0, 0}, /* address widths, WBNOINVD */
};

enum { EAX, EBX, ECX, EDX };

/* In the place of a control: whatever the controls are. */
#define ALWAYS 0

/* What comes with a control, without which its instructions are #UD; and the MSRs of what is shown
 * that are the processor's. */
static const struct {
    uint32_t leaf, reg, mask, control;
    uint32_t msr, msrs; /* the first, and how many */
} given[] = {
    {CPUID_LEAF_MORE_FEATURES, EBX, BIT(10) /* INVPCID */, SECONDARY_ENABLE_INVPCID, 0, 0},
    {CPUID_LEAF_MORE_FEATURES, ECX, BIT(22) /* RDPID */, SECONDARY_ENABLE_RDTSCP, IA32_TSC_AUX, 1},
    {CPUID_LEAF_EXTENDED, EDX, BIT(27) /* RDTSCP */, SECONDARY_ENABLE_RDTSCP, IA32_TSC_AUX, 1},
    {CPUID_LEAF_EXTENDED, EDX, BIT(11) /* SYSCALL */, ALWAYS, IA32_STAR, 4},
    {CPUID_LEAF_EXTENDED, EDX, BIT(29) /* long mode */, ALWAYS, IA32_KERNEL_GS_BASE, 1},
};

enum { GIVEN = sizeof(given) / sizeof(given[0]) };

/* Of what the guest's operating system turns on, and of the hypervisor. */
enum { OSXSAVE = 1 << 27, OSPKE = 1 << 4 };

/* The signature is "RootmodeVMX ". */
#define SIGNATURE_EBX 0x746f6f52u
#define SIGNATURE_ECX 0x65646f6du
#define SIGNATURE_EDX 0x20584d56u

static bool is_given(uint32_t index, uint32_t secondary)
{
    return given[index].control == ALWAYS || (secondary & given[index].control) != 0;
}

static uint32_t *part(struct cpuid_registers *r, uint32_t reg)
{
    return reg == EAX ? &r->eax : reg == EBX ? &r->ebx : reg == ECX ? &r->ecx : &r->edx;
}

/* A bit that says what the operating system has turned on: the guest's, not the host's. */
static uint32_t with(uint32_t value, uint32_t mask, bool on)
{
    return on ? value | mask : value & ~mask;
}

static struct cpuid_registers hypervisor(uint32_t leaf)
{
    if (leaf != CPUID_LEAF_HYPERVISOR_FIRST)
        return (struct cpuid_registers){0};
    return (struct cpuid_registers){CPUID_LEAF_HYPERVISOR_FIRST, SIGNATURE_EBX, SIGNATURE_ECX,
                                    SIGNATURE_EDX};
}

static struct cpuid_registers shown_of(uint32_t leaf, uint32_t subleaf, struct cpuid_registers r)
{
    for (uint32_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
        const struct shown *row = &shown[i];

        if (row->leaf == leaf && subleaf >= row->first &&
            (subleaf <= row->last || row->last == EVERY_SUBLEAF))
            return (struct cpuid_registers){r.eax & row->eax, r.ebx & row->ebx, r.ecx & row->ecx,
                                            r.edx & row->edx};
    }
    return (struct cpuid_registers){0};
}

static void hide_what_is_not_given(uint32_t leaf, uint32_t secondary, struct cpuid_registers *r)
{
    for (uint32_t i = 0; i < GIVEN; i++) {
        if (given[i].leaf == leaf && !is_given(i, secondary))
            *part(r, given[i].reg) &= ~given[i].mask;
    }
}

struct cpuid_registers guest_policy_cpuid(uint32_t leaf, uint32_t subleaf,
                                          struct cpuid_registers processor, uint64_t cr4,
                                          uint32_t secondary)
{
    struct cpuid_registers r = shown_of(leaf, subleaf, processor);
    bool first = leaf != CPUID_LEAF_MORE_FEATURES || subleaf == 0;

    if (leaf >= CPUID_LEAF_HYPERVISOR_FIRST && leaf <= CPUID_LEAF_HYPERVISOR_LAST)
        return hypervisor(leaf);
    if (first)
        hide_what_is_not_given(leaf, secondary, &r);
    if (leaf == CPUID_LEAF_FEATURES)
        r.ecx = with(r.ecx, OSXSAVE, (cr4 & CR4_OSXSAVE) != 0) | CPUID_1_ECX_HYPERVISOR;
    if (leaf == CPUID_LEAF_MORE_FEATURES && first)
        r.ecx = with(r.ecx, OSPKE, (cr4 & CR4_PKE) != 0);
    return r;
}

bool guest_policy_passes_msr(uint32_t msr, uint32_t secondary)
{
    for (uint32_t i = 0; i < GIVEN; i++) {
        if (msr - given[i].msr < given[i].msrs && is_given(i, secondary))
            return true;
    }
    return false;
}
