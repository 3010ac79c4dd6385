#include "lib/x86.h"
#include "vmx/entry/vmentry_rule.h"

/* SDM Vol. 2, "CPUID". */
#define CPUID_STRUCTURED       7
#define CPUID_7_EBX_SGX        (1u << 2)
#define CPUID_7_EBX_RTM        (1u << 11)
#define CPUID_7_EBX_PT         (1u << 25)
#define CPUID_7_ECX_TME        (1u << 13)
#define CPUID_7_ECX_BUS_LOCK   (1u << 24)
#define CPUID_PERFORMANCE      0xa
#define CPUID_1_ECX_PDCM       (1u << 15)
#define CPUID_7_1_EAX_LAM      (1u << 26)
#define IA32_RTIT_CTL          0x570u
#define RTIT_CTL_TRACE_EN      1ull
#define IA32_TME_ACTIVATE      0x982u
#define TME_ACTIVE             1ull
#define IA32_PERF_CAPABILITIES 0x345u
#define PERF_METRICS_OFFERED   (1ull << 15)

/* SDM Vol. 3, "IA32_DEBUGCTL MSR": bits 0, 1, 15:6; bit 2 where bus locks can be detected. */
#define DEBUGCTL_KNOWN    0xffc3ull
#define DEBUGCTL_BUS_LOCK (1ull << 2)

/* SDM Vol. 4, IA32_RTIT_CTL: bits 63:57 and 54:48 mean nothing on any processor. */
#define RTIT_CTL_RESERVED 0xfe7f000000000000ull

/* What every processor with IA-32e mode has, where CPUID does not say it. */
enum { LINEAR_WIDTH_LEAST = 48 };

#define PERF_METRICS (1ull << 48)

/* SDM Vol. 4, IA32_PERF_GLOBAL_CTRL: a bit for each counter, and one for the metrics. */
static uint64_t perf_counters(void)
{
    enum { WITH_FIXED = 2, WITH_FIXED_BITMAP = 5 };
    struct cpuid_registers r;
    uint64_t capabilities = 0, general, fixed;
    unsigned version;

    if (cpuid(0, 0).eax < CPUID_PERFORMANCE)
        return 0;
    r = cpuid(CPUID_PERFORMANCE, 0);
    version = r.eax & 0xff;
    general = (1ull << (r.eax >> 8 & 0x1f)) - 1;
    fixed = version >= WITH_FIXED ? (1ull << (r.edx & 0x1f)) - 1 : 0;
    if (version >= WITH_FIXED_BITMAP)
        fixed |= r.ecx;
    if (cpuid(1, 0).ecx & CPUID_1_ECX_PDCM)
        (void)rdmsr_safe(IA32_PERF_CAPABILITIES, &capabilities);
    return general | fixed << 32 | (capabilities & PERF_METRICS_OFFERED ? PERF_METRICS : 0);
}

/* SDM Vol. 4, IA32_SPEC_CTRL: what CPUID.07H offers each bit with, in EDX of which subleaf. */
static uint64_t spec_ctrl_bits(void)
{
    static const struct {
        uint8_t subleaf, edx;
        uint16_t bits;
    } offered[] = {
        {0, 26, 0x3},  /* IBRS; STIBP may then be written, too */
        {0, 27, 0x2},  /* STIBP */
        {0, 31, 0x4},  /* SSBD */
        {2, 0, 0x80},  /* PSFD */
        {2, 1, 0x18},  /* IPRED_DIS_U, IPRED_DIS_S */
        {2, 2, 0x60},  /* RRSBA_DIS_U, RRSBA_DIS_S */
        {2, 3, 0x100}, /* DDPD_U */
        {2, 4, 0x400}, /* BHI_DIS_S */
    };
    uint64_t bits = 0;

    if (cpuid(0, 0).eax < CPUID_STRUCTURED)
        return 0;
    for (unsigned i = 0; i < sizeof offered / sizeof *offered; i++) {
        if (offered[i].subleaf <= cpuid(CPUID_STRUCTURED, 0).eax &&
            cpuid(CPUID_STRUCTURED, offered[i].subleaf).edx >> offered[i].edx & 1)
            bits |= offered[i].bits;
    }
    return bits;
}

/*
 * SDM, "Checks on VMX Controls": where memory encryption is configured, the bits of physical
 * addresses that hold the key identifiers of trust domains are taken from the width.
 */
static unsigned key_bits(const struct cpuid_registers *structured)
{
    uint64_t activate = 0;

    if (structured->ecx & CPUID_7_ECX_TME)
        (void)rdmsr_safe(IA32_TME_ACTIVATE, &activate);
    return activate & TME_ACTIVE ? activate >> 36 & 0xf : 0;
}

void vmentry_context_read(const struct vmx_capability *capability, uint32_t revision_id,
                          struct vmentry_context *context)
{
    struct cpuid_registers structured = {0}, sizes = cpuid(CPUID_ADDRESS_SIZES, 0);
    bool nx = cpuid(CPUID_EXTENDED_FEATURES, 0).edx & CPUID_EXTENDED_EDX_NX;
    uint64_t trace = 0;

    if (cpuid(0, 0).eax >= CPUID_STRUCTURED)
        structured = cpuid(CPUID_STRUCTURED, 0);
    if (structured.ebx & CPUID_7_EBX_PT)
        (void)rdmsr_safe(IA32_RTIT_CTL, &trace);
    context->capability = capability;
    context->guest_address_width = sizes.eax & 0xff;
    context->physical_address_width = context->guest_address_width - key_bits(&structured);
    context->linear_address_width = sizes.eax >> 8 & 0xff;
    if (context->linear_address_width == 0)
        context->linear_address_width = LINEAR_WIDTH_LEAST;
    context->ia32e_mode = true;
    context->rtm = structured.ebx & CPUID_7_EBX_RTM;
    context->sgx = structured.ebx & CPUID_7_EBX_SGX;
    context->bus_lock_debug = structured.ecx & CPUID_7_ECX_BUS_LOCK;
    context->lam = structured.eax >= 1 && cpuid(CPUID_STRUCTURED, 1).eax & CPUID_7_1_EAX_LAM;
    context->tracing = trace & RTIT_CTL_TRACE_EN;
    context->sti_blocks_nmi = true;
    context->efer_reserved = ~(EFER_SCE | EFER_LME | EFER_LMA | (nx ? EFER_NXE : 0));
    context->debugctl_reserved =
        ~(DEBUGCTL_KNOWN | (context->bus_lock_debug ? DEBUGCTL_BUS_LOCK : 0));
    context->perf_global_ctrl_reserved = ~perf_counters();
    context->rtit_ctl_reserved = RTIT_CTL_RESERVED;
    context->spec_ctrl_reserved = ~spec_ctrl_bits();
    context->revision_id = revision_id;
    context->current_vmcs = UINT64_MAX;
    (void)vmptrst(&context->current_vmcs);
}
