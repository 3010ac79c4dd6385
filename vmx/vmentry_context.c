#include "vmx/vmentry_context.h"

#include "lib/x86.h"
#include "vmx/vmx_result.h"

/* SDM Vol. 2, "CPUID". */
#define CPUID_STRUCTURED      7
#define CPUID_7_EBX_SGX       (1u << 2)
#define CPUID_7_EBX_RTM       (1u << 11)
#define CPUID_7_EBX_PT        (1u << 25)
#define CPUID_7_ECX_CET_SS    (1u << 7)
#define CPUID_7_ECX_BUS_LOCK  (1u << 24)
#define CPUID_PERFORMANCE     0xa
#define CPUID_EXTENDED        0x80000001
#define CPUID_EXTENDED_EDX_NX (1u << 20)
#define EFER_SCE              1ull
#define IA32_RTIT_CTL         0x570u
#define RTIT_CTL_TRACE_EN     1ull

/* SDM Vol. 3, "IA32_DEBUGCTL MSR": bits 0, 1, 15:6; bit 2 where bus locks can be detected. */
#define DEBUGCTL_KNOWN    0xffc3ull
#define DEBUGCTL_BUS_LOCK (1ull << 2)

/* SDM Vol. 4, IA32_RTIT_CTL: bits 63:57 and 54:48 mean nothing on any processor. */
#define RTIT_CTL_RESERVED 0xfe7f000000000000ull

/* What every processor with IA-32e mode has, where CPUID does not say it. */
enum { LINEAR_WIDTH_LEAST = 48 };

#define PERF_METRICS (1ull << 48)

/* SDM Vol. 4, IA32_PERF_GLOBAL_CTRL: a bit for each counter. */
static uint64_t perf_counters(void)
{
    struct cpuid_registers r;
    unsigned general, fixed;

    if (cpuid(0, 0).eax < CPUID_PERFORMANCE)
        return 0;
    r = cpuid(CPUID_PERFORMANCE, 0);
    general = r.eax >> 8 & 0xff;
    fixed = (r.eax & 0xff) > 1 ? r.edx & 0x1f : 0;
    return ((1ull << general) - 1) | ((1ull << fixed) - 1) << 32 | PERF_METRICS;
}

void vmentry_context_read(const struct vmx_capability *capability, uint32_t revision_id,
                          struct vmentry_context *context)
{
    struct cpuid_registers structured = {0}, sizes = cpuid(CPUID_ADDRESS_SIZES, 0);
    bool nx = cpuid(CPUID_EXTENDED, 0).edx & CPUID_EXTENDED_EDX_NX;
    uint64_t trace = 0;

    if (cpuid(0, 0).eax >= CPUID_STRUCTURED)
        structured = cpuid(CPUID_STRUCTURED, 0);
    if (structured.ebx & CPUID_7_EBX_PT)
        (void)rdmsr_safe(IA32_RTIT_CTL, &trace);
    context->capability = capability;
    context->physical_address_width = sizes.eax & 0xff;
    context->linear_address_width = sizes.eax >> 8 & 0xff;
    if (context->linear_address_width == 0)
        context->linear_address_width = LINEAR_WIDTH_LEAST;
    context->ia32e_mode = true;
    context->rtm = structured.ebx & CPUID_7_EBX_RTM;
    context->sgx = structured.ebx & CPUID_7_EBX_SGX;
    context->bus_lock_debug = structured.ecx & CPUID_7_ECX_BUS_LOCK;
    context->cet_shadow_stacks = structured.ecx & CPUID_7_ECX_CET_SS;
    context->tracing = trace & RTIT_CTL_TRACE_EN;
    context->sti_blocks_nmi = true;
    context->efer_reserved = ~(EFER_SCE | EFER_LME | EFER_LMA | (nx ? EFER_NXE : 0));
    context->debugctl_reserved =
        ~(DEBUGCTL_KNOWN | (context->bus_lock_debug ? DEBUGCTL_BUS_LOCK : 0));
    context->perf_global_ctrl_reserved = ~perf_counters();
    context->rtit_ctl_reserved = RTIT_CTL_RESERVED;
    context->revision_id = revision_id;
    context->current_vmcs = UINT64_MAX;
    (void)vmptrst(&context->current_vmcs);
}
