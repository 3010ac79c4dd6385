/*
 * What a Linux guest sees and may do: all that the processor has, but what would show VMX, and what
 * state that VM exits do not save would carry over from the guest.
 */
#include "lib/string.h"
#include "vm/cpuid_mask.h"
#include "vm/exit.h"
#include "vm/linux/icr.h"
#include "vm/linux/linux.h"
#include "vm/registers/registers.h"

#define BIT(n) (1u << (n))
#define ALL    UINT32_MAX

enum { EVERY = CPUID_EVERY_SUBLEAF };

enum {
    IA32_BIOS_UPDT_TRIG = 0x79,
    IA32_SMM_MONITOR_CTL = 0x9b,
    IA32_FRED_RSP0 = 0x1cc, /* to IA32_FRED_CONFIG, 0x1d4 */
    IA32_FRED_STKLVLS = 0x1d0,
    IA32_FRED_CONFIG = 0x1d4,
    IA32_PEBS_ENABLE = 0x3f1,
    IA32_RTIT_OUTPUT_BASE = 0x560,
    IA32_RTIT_OUTPUT_MASK = 0x561,
    IA32_RTIT_CTL = 0x570,
    IA32_RTIT_STATUS = 0x571,
    IA32_DS_AREA = 0x600,
};

/*
 * Leaf 1: not VMX (ECX 5), SMX (6); nor the debug store (EDX 21, ECX 2 and 4), whose PEBS would
 * write to the guest's linear addresses while the hypervisor's page tables are in use. Leaf 7: not
 * SGX (EBX 2, ECX 30) with its keys (EDX 1), and not Processor Trace (EBX 25), which would trace
 * the hypervisor too; nor Key Locker (ECX 23), whose key no handler knows. Of its subleaf 1: not
 * FRED (EAX 17), which gives an event its data when it is delivered: one that comes again after a
 * VM exit, or that a handler injects, would have none; nor NMI sources (EAX 20), which are such
 * data.
 */
#define SHOWN_1_ECX   ~(BIT(2) | BIT(4) | BIT(5) | BIT(6) | BIT(31) /* hypervisor */)
#define SHOWN_1_EDX   ~BIT(21)
#define SHOWN_7_EBX   ~(BIT(2) | BIT(25))
#define SHOWN_7_ECX   ~(BIT(23) | BIT(30))
#define SHOWN_7_EDX   ~BIT(1)
#define SHOWN_7_1_EAX ~(BIT(17) | BIT(20))

/* The first rule of a leaf counts: those of a hypervisor that is shown stand before the others. */
enum { RULES_OF_SHOWN = 3 };

static const struct cpuid_rule cpuid_rules[] = {
    {CPUID_LEAF_FEATURES, 0, EVERY, {ALL, ALL, SHOWN_1_ECX, SHOWN_1_EDX}, {.ecx = BIT(31)}},
    {CPUID_LEAF_HYPERVISOR_FIRST, 0, EVERY, {0}, HYPERVISOR_LEAF(1)},
    {CPUID_LEAF_HYPERVISOR_FIRST + 1,
     0,
     EVERY,
     {0},
     {.eax = 1,
      .ebx = LINUX_TAKES_SCRIPT_STATUS | LINUX_TELLS_EXITS | LINUX_LEAVES | LINUX_TELLS_REPORT}},
    {CPUID_LEAF_FEATURES, 0, EVERY, {ALL, ALL, SHOWN_1_ECX, SHOWN_1_EDX}, {0}},
    {CPUID_LEAF_MORE_FEATURES, 0, 0, {ALL, SHOWN_7_EBX, SHOWN_7_ECX, SHOWN_7_EDX}, {0}},
    {CPUID_LEAF_MORE_FEATURES, 1, 1, {SHOWN_7_1_EAX, ALL, ALL, ALL}, {0}},
    {0x12, 0, EVERY, {0}, {0}},
    {0x14, 0, EVERY, {0}, {0}},
    {0x19, 0, EVERY, {0}, {0}},
};

/* Without their control these instructions are #UD. */
static const struct feature_rule features[] = {
    {CPUID_LEAF_MORE_FEATURES, CPUID_EBX, BIT(10) /* INVPCID */, SECONDARY_ENABLE_INVPCID, 0, 0},
    {CPUID_LEAF_MORE_FEATURES, CPUID_ECX, BIT(5) /* WAITPKG */, SECONDARY_USER_WAIT_AND_PAUSE, 0,
     0},
    {CPUID_LEAF_MORE_FEATURES, CPUID_ECX, BIT(22) /* RDPID */, SECONDARY_ENABLE_RDTSCP, 0, 0},
    {CPUID_LEAF_MORE_FEATURES, CPUID_EDX, BIT(18) /* PCONFIG */, SECONDARY_ENABLE_PCONFIG, 0, 0},
    {CPUID_LEAF_EXTENDED, CPUID_EDX, BIT(27) /* RDTSCP */, SECONDARY_ENABLE_RDTSCP, 0, 0},
};

/* As where the firmware has locked VMX off. */
static enum exit_done read_locked(struct vcpu *vcpu, const struct msr_rule *rule)
{
    (void)rule;
    return rdmsr_gives(vcpu, FEATURE_CONTROL_LOCK);
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

/*
 * Without XD a host state with IA32_EFER.NXE could not be loaded: SDM Vol. 4, "IA32_MISC_ENABLE",
 * bit 34. A guest that wants it sees that it does not take.
 */
static enum exit_done write_misc_enable(struct vcpu *vcpu, const struct msr_rule *rule,
                                        uint64_t value)
{
    if (wrmsr_safe(rule->msr, value & ~MISC_ENABLE_XD_DISABLE) != 0)
        return exit_protection(vcpu);
    return skip_emulated_instruction(EXIT_EMULATED);
}

static enum exit_done write_script_status(struct vcpu *vcpu, const struct msr_rule *rule,
                                          uint64_t value)
{
    (void)rule;
    linux_of(vcpu)->script_status = (uint8_t)value;
    linux_of(vcpu)->has_script_status = true;
    return skip_emulated_instruction(EXIT_EMULATED);
}

static enum exit_done read_exits(struct vcpu *vcpu, const struct msr_rule *rule)
{
    uint64_t reason = ((struct linux_vcpu *)vcpu)->reason_told;

    (void)rule;
    return rdmsr_gives(vcpu, reason << 32 | vcpu->exit_count[reason]);
}

static enum exit_done choose_exits(struct vcpu *vcpu, const struct msr_rule *rule, uint64_t value)
{
    (void)rule;
    ((struct linux_vcpu *)vcpu)->reason_told = (uint8_t)value;
    return skip_emulated_instruction(EXIT_EMULATED);
}

static enum exit_done read_report(struct vcpu *vcpu, const struct msr_rule *rule)
{
    uint64_t offset = ((struct linux_vcpu *)vcpu)->report_told;
    uint32_t text = 0;

    (void)rule;
    if (linux_of(vcpu)->report != NULL && offset <= 2 * LINUX_REPORT_BYTES - sizeof(text))
        memcpy(&text, linux_of(vcpu)->report + offset, sizeof(text));
    return rdmsr_gives(vcpu, offset << 32 | text);
}

static enum exit_done choose_report(struct vcpu *vcpu, const struct msr_rule *rule, uint64_t value)
{
    (void)rule;
    ((struct linux_vcpu *)vcpu)->report_told = (uint32_t)value;
    return skip_emulated_instruction(EXIT_EMULATED);
}

#define HIDDEN(msr)                             \
    {                                           \
        msr, msr_read_fault, msr_write_fault, 0 \
    }
#define HIDDEN_4(msr) HIDDEN(msr), HIDDEN((msr) + 1), HIDDEN((msr) + 2), HIDDEN((msr) + 3)

/* Reads without a function do not exit. */
static const struct msr_rule msrs[] = {
    {IA32_FEATURE_CONTROL, read_locked, msr_write_fault, 0},
    {IA32_BIOS_UPDT_TRIG, NULL, write_ignored, 0},
    {IA32_MISC_ENABLE, NULL, write_misc_enable, 0},
    {IA32_MTRR_DEF_TYPE, NULL, linux_write_mtrr_type, 0},
    {MSR_LINUX_SCRIPT_STATUS, msr_read_fault, write_script_status, 0},
    {MSR_LINUX_EXITS, read_exits, choose_exits, 0},
    {MSR_LINUX_REPORT, read_report, choose_report, 0},
    {MSR_LINUX_LEAVES, msr_read_fault, linux_write_leave, 0},
    {MSR_X2APIC_ICR, NULL, linux_write_x2apic_icr, 0},
    HIDDEN(IA32_SMM_MONITOR_CTL),
    HIDDEN(IA32_PEBS_ENABLE),
    HIDDEN(IA32_DS_AREA),
    HIDDEN(IA32_RTIT_OUTPUT_BASE),
    HIDDEN(IA32_RTIT_OUTPUT_MASK),
    HIDDEN(IA32_RTIT_CTL),
    HIDDEN(IA32_RTIT_STATUS),
    HIDDEN_4(IA32_FRED_RSP0),
    HIDDEN_4(IA32_FRED_STKLVLS),
    HIDDEN(IA32_FRED_CONFIG),
    HIDDEN_4(0x480), /* to 0x493: VMX's */
    HIDDEN_4(0x484),
    HIDDEN_4(0x488),
    HIDDEN_4(0x48c),
    HIDDEN_4(0x490),
};

/* Ports are those that the firmware's tables name: linux_create(). */
static const struct exit_rule exits[] = {
    {EXIT_REASON_EXCEPTION_OR_NMI, linux_exit_exception},
    {EXIT_REASON_TRIPLE_FAULT, linux_exit_triple_fault},
    {EXIT_REASON_INIT, linux_exit_init},
    {EXIT_REASON_SIPI, linux_exit_sipi},
    {EXIT_REASON_NMI_WINDOW, linux_exit_nmi_window},
    {EXIT_REASON_INVD, linux_exit_invd},
    {EXIT_REASON_VMCALL, exit_undefined},
    {EXIT_REASON_CONTROL_REGISTER_ACCESS, exit_control_register},
    {EXIT_REASON_IO_INSTRUCTION, linux_exit_io},
    {EXIT_REASON_EPT_VIOLATION, linux_exit_ept_violation},
    {EXIT_REASON_XSETBV, exit_xsetbv},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/*
 * CR0: only what VMX fixes, NE, is not the guest's; CD and NW no VM entry or exit touches. CR4:
 * VMXE, SMXE and FRED do not exist. XCR0: the processor itself checks it.
 */
#define POLICY(from)                                                                              \
    {                                                                                             \
        .owns_machine = true, .cpuid_mask = vm_policy_cpuid_mask, .cpuid = cpuid_rules + (from),  \
        .cpuid_count = COUNT(cpuid_rules) - (from), .features = features,                         \
        .feature_count = COUNT(features), .msrs = msrs, .msr_count = COUNT(msrs), .exits = exits, \
        .exit_count = COUNT(exits), .cr4_guest = ~(CR4_VMXE | CR4_SMXE | CR4_FRED),               \
        .xcr0 = UINT64_MAX, .controls[VMX_CONTROL_PRIMARY] = PRIMARY_IO_BITMAPS,                  \
        .controls[VMX_CONTROL_SECONDARY] =                                                        \
            SECONDARY_USER_WAIT_AND_PAUSE | SECONDARY_ENABLE_PCONFIG,                             \
    }

const struct vm_policy linux_policy_shown = POLICY(0);
const struct vm_policy linux_policy_hidden = POLICY(RULES_OF_SHOWN);
