#include "vm/guests/probe.h"
#include "vm/guests/test_guests.h"

#define FOUR       (1u << VCPU_RAX | 1u << VCPU_RBX | 1u << VCPU_RCX | 1u << VCPU_RDX)
#define CPUID_EXIT EXIT_REASON_CPUID, .done = EXIT_EMULATED, .changes = FOUR

static const struct probe cpuid_probes[] = {
    {"CPUID leaf 1", CPUID_EXIT},
    {"CPUID leaf 0", CPUID_EXIT},
    {"CPUID leaf 0x40000000", CPUID_EXIT},
    {"CPUID leaf 0x400000ff", CPUID_EXIT},
    {"CPUID leaf 4, subleaf 1", CPUID_EXIT},
};

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

PROBED_GUEST(0560, cpuid, "cpuid",
             "Asks CPUID: the processor's leaves without VMX, and the hypervisor's own.",
             PROBES_IN(cpuid_probes), .check_more = check_cpuid);

/* Only a guest that an interrupt could wake may halt: it goes on at once, as if by one. */
PROBED_GUEST(0570, hlt, "hlt", "Halts with interrupts on, twice, and goes on behind each.",
             PROBES({"HLT", EXIT_REASON_HLT, .done = EXIT_IGNORED},
                    {"HLT again", EXIT_REASON_HLT, .done = EXIT_IGNORED}));

PROBED_GUEST(0580, vmcall, "vmcall",
             "Calls the hypervisor for nothing; no register and no flag may change.",
             PROBES({"VMCALL", EXIT_REASON_VMCALL, .done = EXIT_EMULATED},
                    {"VMCALL again", EXIT_REASON_VMCALL, .done = EXIT_EMULATED}));

PROBED_GUEST(0590, invd, "invd",
             "Invalidates the caches, which a guest must never do: nothing happens.",
             PROBES({"INVD", EXIT_REASON_INVD, .done = EXIT_IGNORED}));

/* Never without an exit: writing back all caches takes tens of milliseconds, and stalls others. */
PROBED_GUEST(0600, wbinvd, "wbinvd",
             "Writes back the caches, which guests need not: nothing happens.",
             CONTROLS(ON(SECONDARY, WBINVD_EXITING)),
             PROBES({"WBINVD", EXIT_REASON_WBINVD, .done = EXIT_IGNORED},
                    {"WBNOINVD", EXIT_REASON_WBINVD, .done = EXIT_IGNORED}));

PROBED_GUEST(0610, rdpmc, "rdpmc", "Reads a performance counter, of which guests have none: #GP.",
             CONTROLS(ON(PRIMARY, RDPMC_EXITING)), PROBES({"RDPMC", EXIT_REASON_RDPMC, GETS_GP}));

/* SDM Vol. 2, "XSETBV": XCR0 must have bit 0; AVX (2) needs SSE (1), SSE needs nothing else. */
static const struct probe xsetbv_probes[] = {
    {"XSETBV of x87", EXIT_REASON_XSETBV, .done = EXIT_EMULATED},
    {"XSETBV of x87 and SSE", EXIT_REASON_XSETBV, .done = EXIT_EMULATED},
    {"XSETBV of SSE alone", EXIT_REASON_XSETBV, GETS_GP},
    {"XSETBV of nothing", EXIT_REASON_XSETBV, GETS_GP},
    {"XSETBV of XCR1", EXIT_REASON_XSETBV, GETS_GP},
    {"XGETBV", HOLDS(VCPU_RAX, 3)},
};

enum { CPUID_SMX = 1 << 6, CPUID_XSAVE = 1 << 26 }; /* SDM Vol. 2, "CPUID": leaf 1, ECX */

GUEST_LACKS(lacks_xsave, (cpuid(1, 0).ecx & CPUID_XSAVE) != 0, "XSAVE");

PROBED_GUEST(0620, xsetbv, "xsetbv", "Writes XCR0, good values and bad ones, which get #GP.",
             .lacks = lacks_xsave, PROBES_IN(xsetbv_probes));

GUEST_LACKS(lacks_smx,
            (cpuid(1, 0).ecx & CPUID_SMX) != 0 && (capability->cr4_fixed1 & CR4_SMXE) != 0, "SMX");

GUEST_SETUP(set_smxe,
            vmcs_write_natural(VMCS_GUEST_CR4, vmcs_read_natural(VMCS_GUEST_CR4) | CR4_SMXE));

/* It exits only if CR4.SMXE is 1; without, it is #UD before anything else. */
PROBED_GUEST(0630, getsec, "getsec", "Asks for SMX, which CPUID hides: #UD.", .lacks = lacks_smx,
             .setup = set_smxe, PROBES({"GETSEC", EXIT_REASON_GETSEC, GETS_UD}));
