#include "vm/guests/probe.h"
#include "vmx/entry/vmentry_state.h"

/* SDM Vol. 2, "CPUID": what says that there is such an instruction. */
enum {
    CPUID_7_EBX_SGX = 1 << 2,
    CPUID_7_ECX_WAITPKG = 1 << 5,
    CPUID_7_ECX_KEY_LOCKER = 1 << 23,
    CPUID_7_EDX_PCONFIG = 1 << 18,
    CPUID_7_1_ECX_MSR_IMMEDIATE = 1 << 5,
    CPUID_SGX_LEAF = 0x12,
    CPUID_SGX_SGX1 = 1 << 0,
    CPUID_SGX_ENCLV = 1 << 5,
    CPUID_XSAVE_LEAF = 0xd,
    CPUID_XSAVE_XSAVES = 1 << 3,
};

/* A leaf above the highest one gives anything. */
static struct cpuid_registers leaf(uint32_t number, uint32_t subleaf)
{
    return cpuid(0, 0).eax >= number ? cpuid(number, subleaf) : (struct cpuid_registers){0};
}

GUEST_SETUP(set_no_function, vmcs_write64(VMCS_VM_FUNCTION_CONTROLS, 0));

static bool has_sgx(void)
{
    return (leaf(7, 0).ebx & CPUID_7_EBX_SGX) != 0 &&
           (leaf(CPUID_SGX_LEAF, 0).eax & CPUID_SGX_SGX1) != 0;
}

GUEST_LACKS(lacks_sgx, has_sgx(), "SGX");

static const char *lacks_enclv(const struct vmx_capability *capability)
{
    return has_sgx() && (leaf(CPUID_SGX_LEAF, 0).eax & CPUID_SGX_ENCLV) == 0
               ? "ENCLV"
               : lacks_sgx(capability);
}

GUEST_LACKS(lacks_pconfig, (leaf(7, 0).edx & CPUID_7_EDX_PCONFIG) != 0, "PCONFIG");

GUEST_SETUP(set_pconfig, vmcs_write64(VMCS_PCONFIG_EXITING_BITMAP, UINT64_MAX));

/*
 * SDM Vol. 3, "Format of the VM-Exit Instruction-Information Field as Used for RDRAND, RDSEED,
 * TPAUSE, and UMWAIT": the register in 6:3. SDM Vol. 2, "UMWAIT", "TPAUSE": CF = 0, the wait ended
 * before the system's limit; the other status flags are 0.
 */
#define OPERAND(reg) \
    INFO(INFO_MASK_REG1, INFO_REG1(reg)), .information_quirk = QUIRK_NO_WAIT_INFORMATION
#define WAITED EMULATED, .flags_0 = PROBE_STATUS

GUEST_LACKS(lacks_user_wait, (leaf(7, 0).ecx & CPUID_7_ECX_WAITPKG) != 0, "UMWAIT and TPAUSE");

static const char *lacks_key_locker(const struct vmx_capability *capability)
{
    if ((capability->tertiary_allowed1 & TERTIARY_LOADIWKEY_EXITING) == 0)
        return "LOADIWKEY exiting";
    return (leaf(7, 0).ecx & CPUID_7_ECX_KEY_LOCKER) != 0 && (capability->cr4_fixed1 & CR4_KL) != 0
               ? NULL
               : "Key Locker";
}

GUEST_SETUP(set_key_locker, vmcs_write64(VMCS_TERTIARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS,
                                         TERTIARY_LOADIWKEY_EXITING);
            vmcs_write_natural(VMCS_GUEST_CR4,
                               vmcs_read_natural(VMCS_GUEST_CR4) | CR4_KL | CR4_OSFXSR));

GUEST_CHECK(check_msr_immediate, probe_after(vcpu, 0)->reg[VCPU_R8 + 1] == vcpu->msr_apic_base,
            "RDMSR with an immediate did not give the MSR");

GUEST_LACKS(lacks_msr_immediate,
            leaf(7, 0).eax >= 1 && (leaf(7, 1).ecx & CPUID_7_1_ECX_MSR_IMMEDIATE) != 0,
            "RDMSR and WRMSRNS with an immediate");

/* The exit needs a component that IA32_XSS has. The guest gets the MSR with all that the processor
 * knows by the VM-entry MSR-load area, and the hypervisor's own comes back by that of VM exits. */
#define IA32_XSS 0xda0u

enum { FOR_ENTRY, FOR_EXIT };

#define COMPONENTS_OF_CET (1ull << 11 | 1ull << 12)

static uint64_t known_components(void)
{
    struct cpuid_registers r = leaf(CPUID_XSAVE_LEAF, 1);
    uint64_t components = r.ecx | (uint64_t)r.edx << 32, own;
    bool taken;

    if ((r.eax & CPUID_XSAVE_XSAVES) == 0 || components != 0 || !quirk(QUIRK_XSS_NOT_IN_CPUID))
        return components;
    own = rdmsr(IA32_XSS);
    taken = wrmsr_safe(IA32_XSS, own | COMPONENTS_OF_CET) == 0;
    (void)wrmsr_safe(IA32_XSS, own);
    return taken ? COMPONENTS_OF_CET : 0;
}

GUEST_LACKS(lacks_components, known_components() != 0, "supervisor components of XSAVES");

static void set_xss(struct vcpu *vcpu)
{
    uint64_t page = page_cache_alloc(&vcpu->vm->pages);
    struct vmentry_msr_entry *entries;

    if (page == 0)
        return; /* then nothing exits, and the guest differs */
    entries = phys_to_virt(page);
    entries[FOR_ENTRY] = (struct vmentry_msr_entry){IA32_XSS, 0, known_components()};
    entries[FOR_EXIT] = (struct vmentry_msr_entry){IA32_XSS, 0, rdmsr(IA32_XSS)};
    vmcs_write64(VMCS_VM_ENTRY_MSR_LOAD_ADDRESS, page + FOR_ENTRY * sizeof(*entries));
    vmcs_write64(VMCS_VM_EXIT_MSR_LOAD_ADDRESS, page + FOR_EXIT * sizeof(*entries));
    vmcs_write32(VMCS_VM_ENTRY_MSR_LOAD_COUNT, 1);
    vmcs_write32(VMCS_VM_EXIT_MSR_LOAD_COUNT, 1);
    vmcs_write_natural(VMCS_GUEST_CR4, vmcs_read_natural(VMCS_GUEST_CR4) | CR4_OSXSAVE);
}

#include "vm/guests/instructions/optional.def"
