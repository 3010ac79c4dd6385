#include "vm/cpuid_told.h"

#include "vmx/vmx_controls.h"

/* SDM Vol. 2, "CPUID": leaf 1, ECX; leaf 7, ECX. */
enum { VMX = 1 << 5, SMX = 1 << 6, OSXSAVE = 1 << 27 };
enum { OSPKE = 1 << 4 };

/* Leaf 7, subleaf 0: EBX, ECX, EDX; subleaf 1: EAX. */
enum { SGX = 1 << 2, PROCESSOR_TRACE = 1 << 25 };
enum { CET_SS = 1 << 7, KEY_LOCKER = 1 << 23, ENQCMD = 1 << 29, SGX_LC = 1 << 30 };
#define PKS (1u << 31)
enum { UINTR = 1 << 5, ARCH_LBR = 1 << 19, CET_IBT = 1 << 20 };
enum { LASS = 1 << 6, FRED = 1 << 17, LKGS = 1 << 18, LAM = 1 << 26, MSR_LIST = 1 << 27 };

enum { XFD = 1 << 4 }; /* leaf 0xd, subleaf 1, EAX: IA32_XFD and IA32_XFD_ERR */

/* IA32_SPEC_CTRL, _PRED_CMD, _FLUSH_CMD, _ARCH_CAPABILITIES, _CORE_CAPABILITIES: 31:26. */
#define SPECULATION_MSRS (0x3fu << 26)

/* The signature is "RootmodeVMX ". */
#define SIGNATURE_EBX 0x746f6f52u
#define SIGNATURE_ECX 0x65646f6du
#define SIGNATURE_EDX 0x20584d56u

enum { EAX, EBX, ECX, EDX };

/* In the place of a control: no guest here has it. */
#define NEVER 0

/*
 * Instructions that are #UD in a guest where their control is off; and what no guest here can turn
 * on or use, for its bit of CR4 is not the guest's (vm/guest_state.h) or its MSRs are not there.
 */
static const struct {
    uint32_t leaf, subleaf, reg, mask, control;
} forbidden[] = {
    {CPUID_LEAF_MORE_FEATURES, 0, EBX, 1u << 10, SECONDARY_ENABLE_INVPCID},
    {CPUID_LEAF_MORE_FEATURES, 0, ECX, 1u << 5, SECONDARY_USER_WAIT_AND_PAUSE},
    {CPUID_LEAF_MORE_FEATURES, 0, EDX, 1u << 18, SECONDARY_ENABLE_PCONFIG},
    {CPUID_LEAF_MORE_FEATURES, 0, EBX, SGX | PROCESSOR_TRACE, NEVER},
    {CPUID_LEAF_MORE_FEATURES, 0, ECX, CET_SS | KEY_LOCKER | ENQCMD | SGX_LC | PKS, NEVER},
    {CPUID_LEAF_MORE_FEATURES, 0, EDX, UINTR | ARCH_LBR | CET_IBT | SPECULATION_MSRS, NEVER},
    {CPUID_LEAF_MORE_FEATURES, 1, EAX, LASS | FRED | LKGS | LAM | MSR_LIST, NEVER},
    {CPUID_LEAF_XSAVE, 1, EAX, 1u << 3, SECONDARY_ENABLE_XSAVES},
    {CPUID_LEAF_XSAVE, 1, EAX, XFD, NEVER},
    {CPUID_LEAF_EXTENDED, 0, EDX, 1u << 27, SECONDARY_ENABLE_RDTSCP},
};

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

static void forbid(uint32_t leaf, uint32_t subleaf, uint32_t secondary, struct cpuid_registers *r)
{
    for (uint32_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++) {
        bool here = forbidden[i].leaf == leaf &&
                    (forbidden[i].subleaf == subleaf || leaf == CPUID_LEAF_EXTENDED);

        if (here && (secondary & forbidden[i].control) == 0)
            *part(r, forbidden[i].reg) &= ~forbidden[i].mask;
    }
}

struct cpuid_registers cpuid_told(uint32_t leaf, uint32_t subleaf, struct cpuid_registers processor,
                                  uint64_t cr4, uint32_t secondary)
{
    struct cpuid_registers r = processor;

    if (leaf >= CPUID_LEAF_HYPERVISOR_FIRST && leaf <= CPUID_LEAF_HYPERVISOR_LAST)
        return hypervisor(leaf);
    if (leaf == CPUID_LEAF_FEATURES) {
        r.ecx = (r.ecx & ~(uint32_t)(VMX | SMX)) | CPUID_1_ECX_HYPERVISOR;
        r.ecx = with(r.ecx, OSXSAVE, (cr4 & CR4_OSXSAVE) != 0);
    }
    if (leaf == CPUID_LEAF_MORE_FEATURES && subleaf == 0)
        r.ecx = with(r.ecx, OSPKE, (cr4 & CR4_PKE) != 0);
    forbid(leaf, subleaf, secondary, &r);
    return r;
}
