/*
 * What CPUID and the MSRs report a guest, on a processor that has every feature and every MSR: each
 * feature that has MSRs is there with all of them, or with none. The features are those of SDM Vol.
 * 2, "CPUID", and the MSRs those of Vol. 4, table "IA-32 Architectural MSRs", where that names the
 * feature as their condition.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "tests/host/guest_machine.h"
#include "vm/exit.h"

enum reg { EAX, EBX, ECX, EDX };

enum { RANGES = 4 };

struct feature {
    uint32_t leaf, subleaf;
    enum reg reg;
    uint32_t mask;
    const char *name;
    uint32_t msrs[RANGES][2]; /* first and last */
};

#define BIT(n) (1u << (n))
#define AT(leaf, subleaf, reg, bit, name, ...) \
    {                                          \
        leaf, subleaf, reg, BIT(bit), name,    \
        {                                      \
            __VA_ARGS__                        \
        }                                      \
    }
#define ANY(leaf, subleaf, reg, mask, name, ...) \
    {                                            \
        leaf, subleaf, reg, mask, name,          \
        {                                        \
            __VA_ARGS__                          \
        }                                        \
    }

static const struct feature features[] = {
    AT(1, 0, ECX, 2, "DTES64", {0x600, 0x600}),
    AT(1, 0, ECX, 4, "DS-CPL", {0x600, 0x600}),
    AT(1, 0, ECX, 5, "VMX", {0x3a, 0x3a}, {0x480, 0x493}),
    AT(1, 0, ECX, 6, "SMX", {0x3a, 0x3a}),
    AT(1, 0, ECX, 7, "EIST", {0x198, 0x199}),
    AT(1, 0, ECX, 8, "TM2", {0x19d, 0x19d}, {0x1a0, 0x1a0}),
    AT(1, 0, ECX, 10, "CNXT-ID", {0x1a0, 0x1a0}),
    AT(1, 0, ECX, 11, "SDBG", {0xc80, 0xc80}),
    AT(1, 0, ECX, 14, "xTPR update control", {0x1a0, 0x1a0}),
    AT(1, 0, ECX, 15, "PDCM", {0x345, 0x345}),
    AT(1, 0, ECX, 18, "DCA", {0x1f8, 0x1fa}),
    AT(1, 0, ECX, 21, "x2APIC", {0x802, 0x803}, {0x808, 0x808}, {0x80a, 0x80b}, {0x80d, 0x83f}),
    AT(1, 0, ECX, 24, "TSC deadline", {0x6e0, 0x6e0}),
    AT(1, 0, EDX, 4, "TSC", {0x10, 0x10}),
    AT(1, 0, EDX, 9, "APIC", {0x1b, 0x1b}),
    AT(1, 0, EDX, 11, "SEP", {0x174, 0x176}),
    AT(1, 0, EDX, 12, "MTRR", {0xfe, 0xfe}, {0x200, 0x20f}, {0x250, 0x26f}, {0x2ff, 0x2ff}),
    AT(1, 0, EDX, 14, "MCA", {0x179, 0x17b}, {0x280, 0x29f}, {0x400, 0x473}),
    AT(1, 0, EDX, 16, "PAT", {0x277, 0x277}),
    AT(1, 0, EDX, 18, "PSN", {0x119, 0x119}),
    AT(1, 0, EDX, 21, "DS", {0x600, 0x600}),
    AT(1, 0, EDX, 22, "ACPI", {0x19a, 0x19c}),
    AT(1, 0, EDX, 29, "TM", {0x1a0, 0x1a0}),
    AT(1, 0, EDX, 31, "PBE", {0x1a0, 0x1a0}),
    AT(6, 0, EAX, 0, "thermal sensor", {0x19c, 0x19c}),
    AT(6, 0, EAX, 1, "turbo", {0x1a0, 0x1a0}),
    AT(6, 0, EAX, 4, "PLN", {0x19b, 0x19c}),
    AT(6, 0, EAX, 5, "ECMD", {0x19a, 0x19a}),
    AT(6, 0, EAX, 6, "PTM", {0x1b1, 0x1b2}),
    ANY(6, 0, EAX, 0xfu << 8 | BIT(7), "HWP", {0x770, 0x774}, {0x777, 0x777}),
    AT(6, 0, EAX, 13, "HDC", {0xdb0, 0xdb2}),
    AT(6, 0, EAX, 16, "HWP PECI override", {0x775, 0x775}),
    AT(6, 0, EAX, 18, "fast IA32_HWP_REQUEST", {0x65f, 0x65f}),
    AT(6, 0, EAX, 19, "hardware feedback", {0x17d0, 0x17d1}, {0x1b1, 0x1b2}),
    AT(6, 0, EAX, 22, "HWP control", {0x776, 0x776}),
    AT(6, 0, EAX, 23, "thread director", {0x17d2, 0x17d2}, {0x17d4, 0x17d4}, {0x17da, 0x17da}),
    AT(6, 0, EAX, 24, "IA32_THERM_INTERRUPT[25]", {0x19b, 0x19b}),
    ANY(6, 0, EBX, 0xf, "thermal thresholds", {0x19b, 0x19c}),
    AT(6, 0, ECX, 0, "APERF and MPERF", {0xe7, 0xe8}),
    AT(6, 0, ECX, 3, "energy bias", {0x1b0, 0x1b0}),
    AT(7, 0, EBX, 1, "TSC_ADJUST", {0x3b, 0x3b}),
    AT(7, 0, EBX, 2, "SGX", {0x3a, 0x3a}, {0x500, 0x500}),
    AT(7, 0, EBX, 12, "RDT-M", {0xc8d, 0xc8e}),
    AT(7, 0, EBX, 14, "MPX", {0xd90, 0xd90}),
    AT(7, 0, EBX, 15, "RDT-A", {0xc81, 0xc82}, {0xc8f, 0xd8f}),
    AT(7, 0, EBX, 25, "Processor Trace", {0x560, 0x561}, {0x570, 0x572}, {0x580, 0x587}),
    AT(7, 0, ECX, 5, "WAITPKG", {0xe1, 0xe1}),
    AT(7, 0, ECX, 7, "CET_SS", {0x6a0, 0x6a0}, {0x6a2, 0x6a2}, {0x6a4, 0x6a8}),
    AT(7, 0, ECX, 13, "TME_EN", {0x981, 0x984}),
    AT(7, 0, ECX, 22, "RDPID", {0xc0000103, 0xc0000103}),
    AT(7, 0, ECX, 23, "Key Locker", {0x990, 0x991}, {0xd91, 0xd92}),
    AT(7, 0, ECX, 24, "bus-lock detection", {0x1d9, 0x1d9}),
    AT(7, 0, ECX, 29, "ENQCMD", {0xd93, 0xd93}),
    AT(7, 0, ECX, 30, "SGX_LC", {0x3a, 0x3a}, {0x8c, 0x8f}),
    AT(7, 0, ECX, 31, "PKS", {0x6e1, 0x6e1}),
    AT(7, 0, EDX, 1, "SGX keys", {0x3a, 0x3a}),
    AT(7, 0, EDX, 5, "UINTR", {0x985, 0x98a}),
    AT(7, 0, EDX, 9, "SRBDS_CTRL", {0x123, 0x123}),
    AT(7, 0, EDX, 13, "RTM_FORCE_ABORT", {0x10f, 0x10f}),
    AT(7, 0, EDX, 19, "last-branch records", {0x14ce, 0x14cf}, {0x1200, 0x121f}, {0x1500, 0x151f},
       {0x1600, 0x161f}),
    AT(7, 0, EDX, 20, "CET_IBT", {0x6a0, 0x6a0}, {0x6a2, 0x6a2}),
    AT(7, 0, EDX, 26, "IBRS and IBPB", {0x48, 0x49}),
    AT(7, 0, EDX, 27, "STIBP", {0x48, 0x48}),
    AT(7, 0, EDX, 28, "L1D_FLUSH", {0x10b, 0x10b}),
    AT(7, 0, EDX, 29, "ARCH_CAPABILITIES", {0x10a, 0x10a}),
    AT(7, 0, EDX, 30, "CORE_CAPABILITIES", {0xcf, 0xcf}),
    AT(7, 0, EDX, 31, "SSBD", {0x48, 0x48}),
    AT(7, 1, EAX, 8, "ArchPerfmonExt", {0x1900, 0x1903}, {0x1980, 0x1983}),
    AT(7, 1, EAX, 17, "FRED", {0x1cc, 0x1d4}),
    AT(7, 1, EAX, 22, "HRESET", {0x17da, 0x17da}),
    AT(7, 1, EAX, 27, "MSRLIST", {0x2f, 0x2f}),
    AT(7, 1, EBX, 0, "PPIN", {0x4e, 0x4f}),
    AT(7, 1, EBX, 1, "PBNDKB", {0x9f1, 0x9f1}),
    AT(7, 1, EBX, 3, "CPUIDMAXVAL_LIM_RMV", {0x1a0, 0x1a0}),
    AT(7, 1, EDX, 13, "UINTR timer", {0x1b00, 0x1b00}),
    AT(7, 1, EDX, 15, "USER_MSR", {0x1c, 0x1c}),
    AT(7, 1, EDX, 18, "CET_SSS", {0x6a0, 0x6a0}, {0x6a2, 0x6a2}, {0x6a4, 0x6a8}),
    ANY(7, 2, EDX, 0x1f, "bits of IA32_SPEC_CTRL", {0x48, 0x48}),
    AT(7, 2, EDX, 6, "UC_LOCK_DISABLE", {0x33, 0x33}),
    ANY(0xa, 0, EAX, 0xff, "performance monitoring", {0xc1, 0xc8}, {0x186, 0x18d}, {0x309, 0x30b},
        {0x38d, 0x390}),
    AT(0xd, 1, EAX, 3, "XSAVES", {0xda0, 0xda0}),
    AT(0xd, 1, EAX, 4, "XFD", {0x1c4, 0x1c5}),
    ANY(0xd, 1, ECX, UINT32_MAX, "components of IA32_XSS", {0xda0, 0xda0}),
    ANY(0xd, 18, ECX, BIT(2), "XFD of a component", {0x1c4, 0x1c5}),
    ANY(0xf, 0, EDX, UINT32_MAX, "L3 monitoring", {0xc8d, 0xc8e}),
    ANY(0x10, 0, EBX, UINT32_MAX, "allocation", {0xc8f, 0xd8f}),
    ANY(0x12, 0, EAX, UINT32_MAX, "SGX functions", {0x8c, 0x8f}, {0x500, 0x500}),
    ANY(0x14, 0, EBX, UINT32_MAX, "traces", {0x560, 0x561}, {0x570, 0x572}),
    ANY(0x19, 0, EBX, UINT32_MAX, "wrapping keys", {0x990, 0x991}, {0xd91, 0xd92}),
    ANY(0x1c, 0, EAX, UINT32_MAX, "depths of records", {0x14ce, 0x14cf}),
    ANY(0x20, 0, EBX, UINT32_MAX, "what HRESET resets", {0x17da, 0x17da}),
    ANY(0x23, 1, EAX, UINT32_MAX, "counters", {0x1900, 0x1903}),
    AT(0x80000001, 0, EDX, 11, "SYSCALL", {0xc0000080, 0xc0000084}),
    AT(0x80000001, 0, EDX, 20, "execute disable", {0xc0000080, 0xc0000080}),
    AT(0x80000001, 0, EDX, 27, "RDTSCP", {0xc0000103, 0xc0000103}),
    AT(0x80000001, 0, EDX, 29, "long mode", {0xc0000080, 0xc0000084}, {0xc0000100, 0xc0000102}),
};

enum { FEATURES = sizeof(features) / sizeof(features[0]) };

static struct vcpu *vcpu;

static int with_every_feature(void **state)
{
    (void)state;
    vcpu = guest_machine_in(GUEST_LONG);
    model_cpu.every_feature = true;
    return 0;
}

static struct cpuid_registers ask(uint32_t leaf, uint32_t subleaf)
{
    vcpu->exits_left = 10;
    FIELD(GUEST_RIP) = GUEST_CODE;
    vcpu->reg[VCPU_RAX] = leaf;
    vcpu->reg[VCPU_RCX] = subleaf;
    assert_int_equal(guest_machine_serve(EXIT_REASON_CPUID, 0, 2), EXIT_EMULATED);
    return (struct cpuid_registers){(uint32_t)vcpu->reg[VCPU_RAX], (uint32_t)vcpu->reg[VCPU_RBX],
                                    (uint32_t)vcpu->reg[VCPU_RCX], (uint32_t)vcpu->reg[VCPU_RDX]};
}

static uint32_t ask_register(uint32_t leaf, uint32_t subleaf, enum reg reg)
{
    struct cpuid_registers r = ask(leaf, subleaf);

    return reg == EAX ? r.eax : reg == EBX ? r.ebx : reg == ECX ? r.ecx : r.edx;
}

static bool has_msr(uint32_t reason, uint32_t msr)
{
    enum exit_done done;

    vcpu->exits_left = 10;
    FIELD(GUEST_RIP) = GUEST_CODE;
    vcpu->reg[VCPU_RCX] = msr;
    vcpu->reg[VCPU_RAX] = vcpu->reg[VCPU_RDX] = 0;
    guest_machine_exit(reason, 0, 2);
    done = vm_exit(vcpu);
    assert_true(done == EXIT_EMULATED ||
                (done == EXIT_INJECTED && guest_machine_injects_error(X86_VECTOR_GP, 0)));
    return done == EXIT_EMULATED;
}

static bool lists(const struct feature *feature, uint32_t msr)
{
    for (unsigned i = 0; i < RANGES && feature->msrs[i][0] != 0; i++) {
        if (msr >= feature->msrs[i][0] && msr <= feature->msrs[i][1])
            return true;
    }
    return false;
}

/* Of the MSRs that real processors have room for, those that a feature shown here has, and no
 * other. IA32_TIME_STAMP_COUNTER and IA32_APIC_BASE are read only. */
static void assert_both_or_neither(void)
{
    bool shown[FEATURES];

    for (unsigned i = 0; i < FEATURES; i++) {
        const struct feature *feature = &features[i];
        uint32_t seen = ask_register(feature->leaf, feature->subleaf, feature->reg) & feature->mask;

        assert_true(seen == 0 || seen == feature->mask);
        shown[i] = seen != 0;
    }
    for (uint32_t n = 0; n < 0x4000; n++) {
        uint32_t msr = n < 0x2000 ? n : 0xc0000000 + n - 0x2000;
        const char *by = NULL;

        for (unsigned i = 0; i < FEATURES && by == NULL; i++)
            by = shown[i] && lists(&features[i], msr) ? features[i].name : NULL;
        if (has_msr(EXIT_REASON_RDMSR, msr) != (by != NULL))
            fail_msg("MSR %#x, shown by %s", msr, by == NULL ? "nothing" : by);
        if (by == NULL)
            assert_false(has_msr(EXIT_REASON_WRMSR, msr));
    }
}

static void a_feature_and_its_msrs_are_both_there_or_neither(void **state)
{
    (void)state;
    assert_both_or_neither();
}

/* "RDTSCP causes #UD if the 'enable RDTSCP' VM-execution control is 0"; so does RDPID. */
static void so_they_are_without_rdtscp(void **state)
{
    (void)state;
    assert_true(has_msr(EXIT_REASON_RDMSR, IA32_TSC_AUX));
    vcpu->controls[VMX_CONTROL_SECONDARY] &= ~(uint32_t)SECONDARY_ENABLE_RDTSCP;
    assert_false(has_msr(EXIT_REASON_RDMSR, IA32_TSC_AUX));
    assert_both_or_neither();
    vcpu->controls[VMX_CONTROL_SECONDARY] = 0;
    assert_both_or_neither();
    vcpu->controls[VMX_CONTROL_SECONDARY] = UINT32_MAX & ~SECONDARY_VIRTUALIZE_APIC_ACCESSES;
    assert_both_or_neither();
}

/* What is shown, bit by bit, and nothing else: a bit that is new does not come by itself. */
static void a_guest_is_shown_what_is_known(void **state)
{
    static const struct {
        uint32_t leaf, subleaf;
        enum reg reg;
        uint8_t bits[32]; /* one more, 0: none */
    } known[] = {
        /* SSE3, PCLMULQDQ, MONITOR, SSSE3, FMA, CMPXCHG16B, PCID, SSE4.1 and .2, MOVBE, POPCNT,
         * AES, XSAVE, AVX, F16C, RDRAND, and the hypervisor's */
        {1, 0, ECX, {1, 2, 4, 10, 13, 14, 18, 20, 21, 23, 24, 26, 27, 29, 30, 31, 32}},
        /* FPU to APIC, SEP, PGE, CMOV, PAT, PSE-36, CLFLUSH, MMX, FXSR, SSE, SSE2, SS, HTT */
        {1, 0, EDX, {1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 12,
                     14, 16, 17, 18, 20, 24, 25, 26, 27, 28, 29}},
        {6, 0, EAX, {3}}, /* ARAT */
        {6, 0, EBX, {0}},
        {6, 0, ECX, {0}},
        {6, 0, EDX, {0}},
        /* FSGSBASE, BMI1, HLE, AVX2, FDP, SMEP, BMI2, ERMS, INVPCID, RTM, FCS/FDS, AVX512F, DQ,
         * RDSEED, ADX, SMAP, IFMA, CLFLUSHOPT, CLWB, PF, ER, CD, SHA, BW, VL */
        {7, 0, EBX, {1,  4,  5,  6,  7,  8,  9,  10, 11, 12, 14, 17, 18,
                     19, 20, 21, 22, 24, 25, 27, 28, 29, 30, 31, 32}},
        /* PREFETCHWT1, VBMI, UMIP, PKU, VBMI2, GFNI, VAES, VPCLMULQDQ, VNNI, BITALG, VPOPCNTDQ,
         * LA57, RDPID, CLDEMOTE, MOVDIRI, MOVDIR64B */
        {7, 0, ECX, {1, 2, 3, 4, 7, 9, 10, 11, 12, 13, 15, 17, 23, 26, 28, 29}},
        /* 4VNNIW, 4FMAPS, FSRM, VP2INTERSECT, MD_CLEAR, RTM_ALWAYS_ABORT, SERIALIZE, hybrid,
         * TSXLDTRK, AMX-BF16, AVX512-FP16, AMX-TILE, AMX-INT8 */
        {7, 0, EDX, {3, 4, 5, 9, 11, 12, 15, 16, 17, 23, 24, 25, 26}},
        /* SHA512, SM3, SM4, RAO-INT, AVX-VNNI, AVX512-BF16, CMPCCXADD, fast REP (3), WRMSRNS,
         * AMX-FP16, AVX-IFMA, MOVRS */
        {7, 1, EAX, {1, 2, 3, 4, 5, 6, 8, 11, 12, 13, 20, 22, 24, 32}},
        {7, 1, EBX, {0}},
        {7, 1, ECX, {6}},                   /* MSR_IMM */
        {7, 1, EDX, {5, 6, 9, 11, 15, 20}}, /* AVX-VNNI-INT8, AVX-NE-CONVERT, AMX-COMPLEX,
                                               AVX-VNNI-INT16, PREFETCHI, AVX10 */
        {7, 2, EAX, {0}},
        {7, 2, EBX, {0}},
        {7, 2, ECX, {0}},
        {7, 2, EDX, {6, 8}}, /* MCDT_NO, MONITOR_MITG_NO */
        /* x87, SSE, AVX, three of AVX-512, PKRU, two of AMX */
        {0xd, 0, EAX, {1, 2, 3, 6, 7, 8, 10, 18, 19}},
        {0xd, 0, EDX, {0}},
        {0xd, 1, EAX, {1, 2, 3}}, /* XSAVEOPT, XSAVEC, XGETBV with ECX = 1 */
        {0xd, 1, ECX, {0}},
        {0xd, 1, EDX, {0}},
        {0xd, 2, ECX, {2}},                         /* aligned to 64 */
        {0x80000001, 0, ECX, {1, 6, 9}},            /* LAHF, LZCNT, PREFETCHW */
        {0x80000001, 0, EDX, {12, 21, 27, 28, 30}}, /* SYSCALL, NX, 1 GiB, RDTSCP, long mode */
        {0x80000007, 0, EDX, {9}},                  /* invariant TSC */
        {0x80000007, 0, EAX, {0}},
        {0x80000007, 0, EBX, {0}},
        {0x80000007, 0, ECX, {0}},
        {0x80000008, 0, ECX, {0}},
        {0x80000008, 0, EDX, {0}},
        {0x80000008, 0, EBX, {10}}, /* WBNOINVD */
    };

    (void)state;
    vcpu->controls[VMX_CONTROL_SECONDARY] |= SECONDARY_ENABLE_INVPCID | SECONDARY_ENABLE_RDTSCP;
    for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        uint32_t wanted = 0;

        for (unsigned j = 0; j < 32 && known[i].bits[j] != 0; j++)
            wanted |= BIT(known[i].bits[j] - 1);
        assert_int_equal(ask_register(known[i].leaf, known[i].subleaf, known[i].reg), wanted);
    }
    assert_int_equal(ask(0x80000008, 0).eax, 0x3027); /* 48 and 39 bits */
}

static bool is_empty(struct cpuid_registers r)
{
    return (r.eax | r.ebx | r.ecx | r.edx) == 0;
}

static bool is_full(struct cpuid_registers r)
{
    return (r.eax & r.ebx & r.ecx & r.edx) == UINT32_MAX;
}

/* Of the leaves that have no feature bits those are the processor's that describe caches, topology,
 * clocks, AMX and names. A processor answers what is above its last leaf as that: it is hidden. */
static void leaves_are_there_or_empty(void **state)
{
    static const uint32_t whole[] = {
        0,    2,    4,    5,    0xb,        0x15,       0x16,       0x18,       0x1a,
        0x1d, 0x1e, 0x1f, 0x24, 0x80000000, 0x80000002, 0x80000003, 0x80000004, 0x80000006};
    static const uint32_t hidden[] = {
        3,    8,    9,          0xa,        0xc,        0xe,        0xf,        0x10,      0x11,
        0x12, 0x14, 0x17,       0x19,       0x1b,       0x1c,       0x20,       0x21,      0x22,
        0x23, 0x25, 0x3fffffff, 0x40000100, 0x7fffffff, 0x80000009, 0xc0000000, UINT32_MAX};

    (void)state;
    for (unsigned i = 0; i < sizeof(whole) / sizeof(whole[0]); i++) {
        assert_true(is_full(ask(whole[i], 0)));
        assert_true(is_full(ask(whole[i], 300))); /* a subleaf, or ignored */
    }
    for (unsigned i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
        assert_true(is_empty(ask(hidden[i], 0)));
    assert_true(is_full(ask(4, UINT32_MAX)));
    assert_int_equal(ask_register(1, 7, EDX), ask_register(1, 0, EDX)); /* without subleaves */
    assert_true(is_empty(ask(7, 3)));
    assert_true(is_empty(ask(7, UINT32_MAX)));
}

/* A leaf that an exit answers without the policy is one of which the policy changes nothing. */
static void a_leaf_is_kept_only_if_the_policy_keeps_it(void **state)
{
    static const uint32_t first[] = {0, 0x40000000, 0x80000000, 0xc0000000};
    const struct cpuid_registers all = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};
    const uint32_t mask = vcpu->cpuid_mask;
    unsigned kept = 0;

    (void)state;
    for (unsigned i = 0; i < sizeof(first) / sizeof(first[0]); i++) {
        for (uint32_t leaf = first[i]; leaf < first[i] + 0x1000; leaf++) {
            if ((leaf & mask) != 0)
                continue;
            kept++;
            assert_true(is_full(vm_policy_cpuid(&guest_policy, leaf, 0, all, 0, 0)));
            assert_true(is_full(vm_policy_cpuid(&guest_policy, leaf, 300, all, 0, 0)));
        }
    }
    assert_true(kept > 0);
}

/* SDM Vol. 1, "XSAVE-Supported Features and State-Component Bitmaps": a component that is reported
 * can be turned on and has a subleaf; the others have none, and XSETBV of them is #GP. */
static void components_are_reported_where_they_can_be_turned_on(void **state)
{
    uint32_t reported = ask(0xd, 0).eax;

    (void)state;
    model_cpu.xcr0_supported = UINT64_MAX;
    for (unsigned n = 3; n < 64; n++) {
        uint64_t value = 1ull << n | 7;
        bool on = n < 32 && (reported & BIT(n)) != 0;

        vcpu->exits_left = 10;
        vcpu->reg[VCPU_RCX] = 0;
        vcpu->reg[VCPU_RAX] = (uint32_t)value;
        vcpu->reg[VCPU_RDX] = value >> 32;
        FIELD(GUEST_RIP) = GUEST_CODE;
        assert_int_equal(guest_machine_serve(EXIT_REASON_XSETBV, 0, 3),
                         on ? EXIT_EMULATED : EXIT_INJECTED);
        assert_int_equal(is_empty(ask(0xd, n)), !on);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, with_every_feature)
    const struct CMUnitTest tests[] = {
        TEST(a_feature_and_its_msrs_are_both_there_or_neither),
        TEST(so_they_are_without_rdtscp),
        TEST(a_guest_is_shown_what_is_known),
        TEST(leaves_are_there_or_empty),
        TEST(a_leaf_is_kept_only_if_the_policy_keeps_it),
        TEST(components_are_reported_where_they_can_be_turned_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
