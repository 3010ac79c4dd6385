
#include "vm/cpuid_mask.h"
#include "vm/guests/guest_run.h"

#include "vm/guests/exits/guest_exits.h"

#define BIT(n)          (1u << (n))
#define BITS(high, low) ((UINT32_MAX >> (31 - (high))) & (UINT32_MAX << (low)))
#define ALL             UINT32_MAX

/* What is shown of some subleaves of a leaf; one that is shown as the processor has it. */
#define LEAF(number, from, to, ...)                                              \
    {                                                                            \
        .leaf = (number), .first = (from), .last = (to), .show = { __VA_ARGS__ } \
    }
#define WHOLE_LEAF(number) LEAF(number, 0, EVERY, ALL, ALL, ALL, ALL)

/* x87, SSE, AVX; AVX-512; PKRU; AMX. Not MPX (IA32_BNDCFGS), nor APX, whose registers no handler
 * knows. */
#define XCR0_GUEST 0x602e7u

enum { EVERY = CPUID_EVERY_SUBLEAF };

/*
 * A leaf that is not here is empty, and so hidden with its MSRs: 9 DCA, 0AH performance monitoring,
 * 0FH and 10H RDT, 12H SGX, 14H Processor Trace, 19H Key Locker, 1BH PCONFIG, 1CH last-branch
 * records, 20H HRESET, 23H more performance monitoring.
 */
static const struct cpuid_rule cpuid_rules[] = {
    WHOLE_LEAF(0),
    /*
     * ECX without 2 DTES64, 4 DS-CPL, 5 VMX, 6 SMX, 7 EIST, 8 TM2, 10 CNXT-ID, 11 SDBG, 14 xTPR, 15
     * PDCM, 18 DCA, 21 x2APIC, 24 TSC-deadline; EDX without 12 MTRR, 14 MCA, 18 PSN, 21 DS, 22
     * ACPI, 29 TM, 31 PBE.
     */
    {CPUID_LEAF_FEATURES,
     0,
     EVERY,
     {ALL, ALL,
      BITS(1, 0) | BIT(3) | BIT(9) | BITS(13, 12) | BIT(17) | BITS(20, 19) | BITS(23, 22) |
          BITS(30, 25),
      BITS(9, 0) | BIT(11) | BIT(13) | BITS(17, 15) | BIT(19) | BITS(28, 23)},
     {.ecx = CPUID_1_ECX_HYPERVISOR}},
    WHOLE_LEAF(2), /* caches */
    WHOLE_LEAF(4),
    WHOLE_LEAF(5), /* MONITOR and MWAIT */
    /* Of thermal and power management, all by MSRs, the APIC timer that always runs. */
    LEAF(CPUID_LEAF_POWER, 0, EVERY, BIT(2), 0, 0, 0),
    /*
     * EBX without 1 TSC_ADJUST, 2 SGX, 12 and 15 RDT, 14 MPX, 22 PCOMMIT, 25 PT; ECX without 5
     * WAITPKG (IA32_UMWAIT_CONTROL), 7 and EDX 20 CET, 13 TME, 21:17 MAWAU of MPX, 23 Key Locker,
     * 24 bus-lock detection (IA32_DEBUGCTL), 29 ENQCMD, 30 SGX_LC, 31 PKS; EDX without 1 SGX keys,
     * 5 UINTR, 9 SRBDS_CTRL, 13 TSX_FORCE_ABORT, 18 PCONFIG, 19 last-branch records, 31:26
     * IA32_SPEC_CTRL, _PRED_CMD, _FLUSH_CMD, _ARCH_CAPABILITIES, _CORE_CAPABILITIES.
     */
    LEAF(CPUID_LEAF_MORE_FEATURES, 0, 0, ALL,
         BIT(0) | BITS(11, 3) | BIT(13) | BITS(21, 16) | BITS(24, 23) | BITS(31, 26),
         BITS(4, 0) | BIT(6) | BITS(12, 8) | BIT(14) | BIT(16) | BIT(22) | BIT(25) | BITS(28, 27),
         BITS(4, 2) | BIT(8) | BITS(11, 10) | BITS(16, 14) | BITS(25, 22)),
    /*
     * EAX without 6 LASS, 8 performance monitoring, 17 FRED, 18 LKGS, 20 NMI sources, 22 HRESET, 26
     * LAM, 27 MSR lists, 30 INVD; EBX is PPIN, TSE, IA32_MISC_ENABLE; ECX is but 5, RDMSR and
     * WRMSRNS with immediates; EDX without 13 and 17 UINTR, 15 USER_MSR, 18 CET, 21 APX, 24 SLSM.
     */
    LEAF(CPUID_LEAF_MORE_FEATURES, 1, 1,
         BITS(5, 0) | BIT(7) | BITS(12, 10) | BIT(19) | BIT(21) | BIT(23) | BIT(31), 0, BIT(5),
         BITS(5, 4) | BIT(8) | BIT(10) | BIT(14) | BIT(19)),
    /* What needs no care; the others are bits of IA32_SPEC_CTRL and the like. */
    LEAF(CPUID_LEAF_MORE_FEATURES, 2, 2, 0, 0, 0, BIT(5) | BIT(7)),
    WHOLE_LEAF(0x0b), /* topology */
    /* 1: XSAVEOPT, XSAVEC, XGETBV of 1; not XSAVES and its components (IA32_XSS), nor XFD. 2 and
     * on: the components of XCR0_GUEST. The sizes are the processor's: enough for more, too. */
    LEAF(CPUID_LEAF_XSAVE, 0, 0, XCR0_GUEST, ALL, ALL, 0),
    LEAF(CPUID_LEAF_XSAVE, 1, 1, BITS(2, 0), ALL, 0, 0),
    LEAF(CPUID_LEAF_XSAVE, 2, 2, ALL, ALL, BIT(1), 0),
    LEAF(CPUID_LEAF_XSAVE, 5, 7, ALL, ALL, BIT(1), 0),
    LEAF(CPUID_LEAF_XSAVE, 9, 9, ALL, ALL, BIT(1), 0),
    LEAF(CPUID_LEAF_XSAVE, 17, 18, ALL, ALL, BIT(1), 0),
    WHOLE_LEAF(0x15), /* clocks */
    WHOLE_LEAF(0x16),
    WHOLE_LEAF(0x18), /* translation caches */
    WHOLE_LEAF(0x1a), /* hybrid */
    WHOLE_LEAF(0x1d), /* AMX */
    WHOLE_LEAF(0x1e),
    WHOLE_LEAF(0x1f), /* topology */
    WHOLE_LEAF(0x24), /* AVX10 */
    WHOLE_LEAF(0x80000000),
    /* LAHF, LZCNT, PREFETCHW; SYSCALL, execute disable, pages of 1 GiB, RDTSCP, long mode. */
    LEAF(CPUID_LEAF_EXTENDED, 0, EVERY, ALL, ALL, BIT(0) | BIT(5) | BIT(8),
         BIT(11) | BIT(20) | BITS(27, 26) | BIT(29)),
    WHOLE_LEAF(0x80000002), /* name */
    WHOLE_LEAF(0x80000003),
    WHOLE_LEAF(0x80000004),
    WHOLE_LEAF(0x80000006),                                /* a cache */
    LEAF(0x80000007, 0, EVERY, 0, 0, 0, BIT(8)),           /* invariant TSC */
    LEAF(0x80000008, 0, EVERY, BITS(15, 0), BIT(9), 0, 0), /* address widths, WBNOINVD */
    {CPUID_LEAF_HYPERVISOR_FIRST, 0, EVERY, {0}, HYPERVISOR_LEAF(0)},
};

static const struct feature_rule features[] = {
    {CPUID_LEAF_MORE_FEATURES, CPUID_EBX, BIT(10) /* INVPCID */, SECONDARY_ENABLE_INVPCID, 0, 0},
    {CPUID_LEAF_MORE_FEATURES, CPUID_ECX, BIT(22) /* RDPID */, SECONDARY_ENABLE_RDTSCP,
     IA32_TSC_AUX, 1},
    {CPUID_LEAF_EXTENDED, CPUID_EDX, BIT(27) /* RDTSCP */, SECONDARY_ENABLE_RDTSCP, IA32_TSC_AUX,
     1},
    {CPUID_LEAF_EXTENDED, CPUID_EDX, BIT(11) /* SYSCALL */, 0, IA32_STAR, 4},
    {CPUID_LEAF_EXTENDED, CPUID_EDX, BIT(29) /* long mode */, 0, IA32_KERNEL_GS_BASE, 1},
};

/* What VM entries and exits switch, or the hypervisor keeps for the guest. */
static const struct msr_rule msrs[] = {
    {IA32_TIME_STAMP_COUNTER, msr_read_tsc, msr_write_fault, 0},
    {IA32_APIC_BASE, msr_read_apic_base, msr_write_fault, 0},
    {IA32_SYSENTER_CS, msr_read_field, msr_write_field, VMCS_GUEST_IA32_SYSENTER_CS},
    {IA32_SYSENTER_ESP, msr_read_field, msr_write_address, VMCS_GUEST_IA32_SYSENTER_ESP},
    {IA32_SYSENTER_EIP, msr_read_field, msr_write_address, VMCS_GUEST_IA32_SYSENTER_EIP},
    {IA32_PAT, msr_read_pat, msr_write_pat, 0},
    {IA32_EFER, msr_read_efer, msr_write_efer, 0},
    {IA32_FS_BASE, msr_read_field, msr_write_address, VMCS_GUEST_FS_BASE},
    {IA32_GS_BASE, msr_read_field, msr_write_address, VMCS_GUEST_GS_BASE},
};

/* What exits here that does not for another VM, and what is to be shown of it. */
#define EXIT(reason, handler, ...) {EXIT_REASON_##reason, handler},
static const struct exit_rule exits[] = {
#include "vm/guests/exits/exits.def"
};
#undef EXIT

const struct vm_policy guest_policy = {
    .cpuid_mask = vm_policy_cpuid_mask,
    .cpuid = cpuid_rules,
    .cpuid_count = COUNT_OF(cpuid_rules),
    .features = features,
    .feature_count = COUNT_OF(features),
    .msrs = msrs,
    .msr_count = COUNT_OF(msrs),
    .exits = exits,
    .exit_count = COUNT_OF(exits),

    /* VM entries and exits leave CR0.CD and CR0.NW alone, and without CR4.MCE a machine check would
     * shut the processor down (SDM Vol. 3, "Loading Guest State"). */
    .cr0_host = CR0_CD | CR0_NW,
    .cr4_host = CR4_MCE,
    /*
     * 0 to 12, FSGSBASE, PCIDE, OSXSAVE, SMEP, SMAP, PKE. What they change ends with the guest. The
     * others bring state that no VM exit here saves or loads (the MSRs of CET, FRED, user
     * interrupts and the supervisor's protection keys), state that would stay (Key Locker's key),
     * or VMX and SMX, which a guest is shown not to have. Nor is a bit a guest's that nobody has
     * thought of yet.
     */
    .cr4_guest = 0x1fffull | 7ull << 16 | 7ull << 20,
    .xcr0 = XCR0_GUEST,

    /* Delivering a #DB or #AC can raise the next one without end, inside one instruction: no timer
     * and no interrupt would stop that. A machine check is the host's. */
    .exceptions = 1u << X86_VECTOR_DB | 1u << X86_VECTOR_AC | 1u << X86_VECTOR_MC,

    /*
     * What would reach beyond the guest, were it let through: the priority that CR8 sets is that of
     * the host's own local APIC, MWAIT puts the CPU to sleep, RDPMC reads what others do, and ENCLS
     * and ENCLV (SGX) have functions that concern all of the machine.
     */
    .controls = {[VMX_CONTROL_PRIMARY] = PRIMARY_CR8_LOAD_EXITING | PRIMARY_CR8_STORE_EXITING |
                                         PRIMARY_MWAIT_EXITING | PRIMARY_MONITOR_EXITING |
                                         PRIMARY_RDPMC_EXITING,
                 [VMX_CONTROL_SECONDARY] = SECONDARY_WBINVD_EXITING |
                                           SECONDARY_ENABLE_ENCLS_EXITING |
                                           SECONDARY_ENABLE_ENCLV_EXITING},
};
