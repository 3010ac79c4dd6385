#include "vm/guests/probe.h"

#define FOUR       (1u << VCPU_RAX | 1u << VCPU_RBX | 1u << VCPU_RCX | 1u << VCPU_RDX)
#define CPUID_EXIT EXIT_REASON_CPUID, EMULATED, .changes = FOUR

static bool gives(const struct vcpu *vcpu, uint32_t index, struct cpuid_registers r)
{
    const uint64_t *reg = probe_after(vcpu, index)->reg;

    return reg[VCPU_RAX] == r.eax && reg[VCPU_RBX] == r.ebx && reg[VCPU_RCX] == r.ecx &&
           reg[VCPU_RDX] == r.edx;
}

/*
 * SDM Vol. 2, "CPUID": leaf 1: the guest has neither VMX (ECX, bit 5) nor SMX (6), has not set
 * CR4.OSXSAVE (27), and sees that there is a hypervisor (31). Nor has it the MSRs of DTES64 and
 * DS-CPL (2, 4), EIST (7), TM2 (8), CNXT-ID (10), SDBG (11), xTPR (14), PDCM (15), DCA (18), x2APIC
 * (21), the TSC deadline (24), and, in EDX, of MTRR (12), MCA (14), PSN (18), DS (21), ACPI (22),
 * TM (29) and PBE (31). Leaf 4 says other things of each subleaf.
 */
static const char *check_cpuid(const struct vcpu *vcpu)
{
    const uint32_t hidden = 0x0924cdf4, hidden_edx = 0xa0645000;
    struct cpuid_registers first = cpuid(1, 0);

    first.ecx = (first.ecx & ~hidden) | 1u << 31;
    first.edx &= ~hidden_edx;
    if (!gives(vcpu, 0, first))
        return "CPUID leaf 1 is not the processor's with VMX, SMX and what has MSRs hidden";
    if (!gives(vcpu, 1, cpuid(0, 0)))
        return "CPUID leaf 0 is not the processor's";
    if (!gives(vcpu, 2, (struct cpuid_registers)HYPERVISOR_LEAF(0)))
        return "CPUID leaf 0x40000000 does not say RootmodeVMX";
    if (!gives(vcpu, 3, (struct cpuid_registers){0}))
        return "CPUID leaf 0x400000ff is not empty";
    if (!gives(vcpu, 4, cpuid(4, 1)))
        return "CPUID leaf 4, subleaf 1 is not the processor's";
    return NULL;
}

enum { CPUID_SMX = 1 << 6, CPUID_XSAVE = 1 << 26 }; /* SDM Vol. 2, "CPUID": leaf 1, ECX */

GUEST_LACKS(lacks_xsave, (cpuid(1, 0).ecx & CPUID_XSAVE) != 0, "XSAVE");

GUEST_LACKS(lacks_smx,
            (cpuid(1, 0).ecx & CPUID_SMX) != 0 && (capability->cr4_fixed1 & CR4_SMXE) != 0, "SMX");

GUEST_SETUP(set_smxe,
            vmcs_write_natural(VMCS_GUEST_CR4, vmcs_read_natural(VMCS_GUEST_CR4) | CR4_SMXE));

#include "vm/guests/instructions/instructions.def"
