/*
 * What a Linux guest sees and may do: all that the processor has, but what would show VMX, and what
 * state that VM exits do not save would carry over from the guest.
 */
#include "vm/exit.h"
#include "vm/linux/apic_write.h"
#include "vm/linux/linux.h"

#define BIT(n) (1u << (n))
#define ALL    UINT32_MAX

enum { EVERY = CPUID_EVERY_SUBLEAF };

enum {
    IA32_BIOS_UPDT_TRIG = 0x79,
    IA32_SMM_MONITOR_CTL = 0x9b,
    IA32_RTIT_OUTPUT_BASE = 0x560,
    IA32_RTIT_OUTPUT_MASK = 0x561,
    IA32_RTIT_CTL = 0x570,
    IA32_RTIT_STATUS = 0x571,
};

/*
 * Leaf 1: not VMX (ECX 5), SMX (6). Leaf 7: not SGX (EBX 2, ECX 30) with its keys (EDX 1), and not
 * Processor Trace (EBX 25), which would trace the hypervisor too; nor Key Locker (ECX 23), whose
 * key no handler knows. `hypervisor`: bit 31 of ECX of leaf 1.
 */
#define CPUID_RULES(hypervisor)                                                       \
    {CPUID_LEAF_FEATURES,                                                             \
     0,                                                                               \
     EVERY,                                                                           \
     {ALL, ALL, ALL & ~(BIT(5) | BIT(6) | BIT(31)), ALL},                             \
     {.ecx = (hypervisor)}},                                                          \
        {CPUID_LEAF_MORE_FEATURES,                                                    \
         0,                                                                           \
         0,                                                                           \
         {ALL, ALL & ~(BIT(2) | BIT(25)), ALL & ~(BIT(23) | BIT(30)), ALL & ~BIT(1)}, \
         {0}},                                                                        \
        {0x12, 0, EVERY, {0}, {0}}, {0x14, 0, EVERY, {0}, {0}},                       \
    {                                                                                 \
        0x19, 0, EVERY, {0},                                                          \
        {                                                                             \
            0                                                                         \
        }                                                                             \
    }

static const struct cpuid_rule cpuid_shown[] = {
    CPUID_RULES(CPUID_1_ECX_HYPERVISOR),
    {CPUID_LEAF_HYPERVISOR_FIRST, 0, EVERY, {0}, HYPERVISOR_LEAF},
};
static const struct cpuid_rule cpuid_hidden[] = {CPUID_RULES(0)};

/* Without their control these instructions are #UD. */
static const struct feature_rule features[] = {
    {CPUID_LEAF_MORE_FEATURES, CPUID_EBX, BIT(10) /* INVPCID */, SECONDARY_ENABLE_INVPCID, 0, 0},
    {CPUID_LEAF_MORE_FEATURES, CPUID_ECX, BIT(5) /* WAITPKG */, SECONDARY_USER_WAIT_AND_PAUSE, 0,
     0},
    {CPUID_LEAF_MORE_FEATURES, CPUID_ECX, BIT(22) /* RDPID */, SECONDARY_ENABLE_RDTSCP, 0, 0},
    {CPUID_LEAF_MORE_FEATURES, CPUID_EDX, BIT(18) /* PCONFIG */, SECONDARY_ENABLE_PCONFIG, 0, 0},
    {CPUID_LEAF_EXTENDED, CPUID_EDX, BIT(27) /* RDTSCP */, SECONDARY_ENABLE_RDTSCP, 0, 0},
};

static enum exit_done gives(struct vcpu *vcpu, uint64_t value)
{
    vcpu->reg[VCPU_RAX] = (uint32_t)value;
    vcpu->reg[VCPU_RDX] = value >> 32;
    return skip_emulated_instruction(EXIT_EMULATED);
}

static enum exit_done read_fault(struct vcpu *vcpu, const struct msr_rule *rule)
{
    (void)rule;
    return exit_protection(vcpu);
}

/* As where the firmware has locked VMX off. */
static enum exit_done read_locked(struct vcpu *vcpu, const struct msr_rule *rule)
{
    (void)rule;
    return gives(vcpu, FEATURE_CONTROL_LOCK);
}

static enum exit_done read_own(struct vcpu *vcpu, const struct msr_rule *rule)
{
    uint64_t value;

    return rdmsr_safe(rule->msr, &value) == 0 ? gives(vcpu, value) : exit_protection(vcpu);
}

/*
 * A microcode update is read from a linear address of the guest's, and changes what the hypervisor
 * runs on: it is as if the update had no effect.
 */
static enum exit_done write_ignored(struct vcpu *vcpu, const struct msr_rule *rule, uint64_t value)
{
    (void)vcpu;
    (void)rule;
    (void)value;
    return skip_emulated_instruction(EXIT_IGNORED);
}

static enum exit_done write_script_status(struct vcpu *vcpu, const struct msr_rule *rule,
                                          uint64_t value)
{
    (void)rule;
    linux_of(vcpu)->script_status = (uint8_t)value;
    linux_of(vcpu)->has_script_status = true;
    return skip_emulated_instruction(EXIT_EMULATED);
}

#define HIDDEN(msr)                         \
    {                                       \
        msr, read_fault, msr_write_fault, 0 \
    }

static const struct msr_rule msrs[] = {
    {IA32_FEATURE_CONTROL, read_locked, msr_write_fault, 0},
    {IA32_BIOS_UPDT_TRIG, read_own, write_ignored, 0},
    {MSR_LINUX_SCRIPT_STATUS, read_fault, write_script_status, 0},
    {MSR_X2APIC_ICR, read_own, linux_write_x2apic_icr, 0},
    HIDDEN(IA32_SMM_MONITOR_CTL),
    HIDDEN(IA32_RTIT_OUTPUT_BASE),
    HIDDEN(IA32_RTIT_OUTPUT_MASK),
    HIDDEN(IA32_RTIT_CTL),
    HIDDEN(IA32_RTIT_STATUS),
    HIDDEN(0x480),
    HIDDEN(0x481),
    HIDDEN(0x482),
    HIDDEN(0x483),
    HIDDEN(0x484),
    HIDDEN(0x485),
    HIDDEN(0x486),
    HIDDEN(0x487),
    HIDDEN(0x488),
    HIDDEN(0x489),
    HIDDEN(0x48a),
    HIDDEN(0x48b),
    HIDDEN(0x48c),
    HIDDEN(0x48d),
    HIDDEN(0x48e),
    HIDDEN(0x48f),
    HIDDEN(0x490),
    HIDDEN(0x491),
    HIDDEN(0x492),
    HIDDEN(0x493),
};

/* The keyboard controller's command port; those of the firmware's tables come to it at run time. */
static const struct port_rule ports[] = {{0x64, 0x64}};

static const struct exit_rule exits[] = {
    {EXIT_REASON_EXCEPTION_OR_NMI, linux_exit_exception},
    {EXIT_REASON_TRIPLE_FAULT, linux_exit_triple_fault},
    {EXIT_REASON_INIT, linux_exit_init},
    {EXIT_REASON_SIPI, linux_exit_sipi},
    {EXIT_REASON_NMI_WINDOW, linux_exit_nmi_window},
    {EXIT_REASON_INVD, linux_exit_invd},
    {EXIT_REASON_VMCALL, exit_undefined},
    {EXIT_REASON_IO_INSTRUCTION, linux_exit_io},
    {EXIT_REASON_EPT_VIOLATION, linux_exit_ept_violation},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/*
 * CR0: only what VMX fixes, NE, is not the guest's; CD and NW no VM entry or exit touches. CR4:
 * VMXE and SMXE do not exist. XCR0: the processor itself checks it.
 */
#define POLICY(rules)                                                                              \
    {                                                                                              \
        .owns_machine = true, .cpuid = (rules), .cpuid_count = COUNT(rules), .features = features, \
        .feature_count = COUNT(features), .msrs = msrs, .msr_count = COUNT(msrs), .ports = ports,  \
        .port_count = COUNT(ports), .exits = exits, .exit_count = COUNT(exits),                    \
        .cr4_guest = ~(CR4_VMXE | CR4_SMXE), .xcr0 = UINT64_MAX,                                   \
        .controls[VMX_CONTROL_PRIMARY] = PRIMARY_IO_BITMAPS,                                       \
        .controls[VMX_CONTROL_SECONDARY] =                                                         \
            SECONDARY_USER_WAIT_AND_PAUSE | SECONDARY_ENABLE_PCONFIG,                              \
    }

const struct vm_policy linux_policy_shown = POLICY(cpuid_shown);
const struct vm_policy linux_policy_hidden = POLICY(cpuid_hidden);
