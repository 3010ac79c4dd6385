#include "vmx/capability/crosscheck.h"

#include <stdbool.h>
#include <stddef.h>

#include "vmx/capability/vmx_controls.h"

/* Bits of one capability MSR: a control's allowed 1-setting, or a capability. */
struct bits {
    uint32_t msr;
    uint64_t mask;
};

/* In the MSRs of 32-bit words the allowed 1-settings are the high half. */
#define PIN(id)                                          \
    {                                                    \
        IA32_VMX_PINBASED_CTLS, (uint64_t)PIN_##id << 32 \
    }
#define PRIMARY(id)                                           \
    {                                                         \
        IA32_VMX_PROCBASED_CTLS, (uint64_t)PRIMARY_##id << 32 \
    }
#define SECONDARY(id)                                            \
    {                                                            \
        IA32_VMX_PROCBASED_CTLS2, (uint64_t)SECONDARY_##id << 32 \
    }
#define TERTIARY(id)                            \
    {                                           \
        IA32_VMX_PROCBASED_CTLS3, TERTIARY_##id \
    }
#define EXIT(id)                                      \
    {                                                 \
        IA32_VMX_EXIT_CTLS, (uint64_t)EXIT_##id << 32 \
    }
#define SECONDARY_EXIT(id)                       \
    {                                            \
        IA32_VMX_EXIT_CTLS2, SECONDARY_EXIT_##id \
    }
#define ENTRY(id)                                       \
    {                                                   \
        IA32_VMX_ENTRY_CTLS, (uint64_t)ENTRY_##id << 32 \
    }
#define VM_FUNCTION(id)                   \
    {                                     \
        IA32_VMX_VMFUNC, VM_FUNCTION_##id \
    }
#define EPT_VPID(mask)                \
    {                                 \
        IA32_VMX_EPT_VPID_CAP, (mask) \
    }
#define MISC(mask)            \
    {                         \
        IA32_VMX_MISC, (mask) \
    }
#define ANYTHING (~0ull)

/* IA32_VMX_EPT_VPID_CAP and IA32_VMX_MISC, as vmx/capability/vmx_capability.def names their bits.
 */
#define EPT_CAPABILITIES   0x0000000007ffffffull
#define VPID_CAPABILITIES  0x00000f0100000000ull
#define HLAT_PREFIX_SIZE   0x003f000000000000ull
#define EPT_WALKS          (1ull << 6 | 1ull << 7)
#define EPT_ACCESSED_DIRTY (1ull << 21)
#define INVVPID            (1ull << 32)
#define STORES_EFER_LMA    (1ull << 5)
#define PT_IN_VMX          (1ull << 14)

/* Where any bit of `has` is 1, a bit of `needs` must be 1 too. */
static const struct check {
    enum rule rule;
    struct bits has, needs;
    const char *detail; /* what there is */
} checks[] = {
    {RULE_MSR_WITHOUT_CONTROL, EPT_VPID(EPT_CAPABILITIES), SECONDARY(ENABLE_EPT), "EPT"},
    {RULE_MSR_WITHOUT_CONTROL, EPT_VPID(VPID_CAPABILITIES), SECONDARY(ENABLE_VPID), "INVVPID"},
    {RULE_MSR_WITHOUT_CONTROL, VM_FUNCTION(EPTP_SWITCHING), SECONDARY(ENABLE_VM_FUNCTIONS),
     "EPTP switching"},

    {RULE_CONTROL_WITHOUT_MSR, SECONDARY(ENABLE_EPT), EPT_VPID(EPT_WALKS), "enable EPT"},
    {RULE_CONTROL_WITHOUT_MSR, SECONDARY(ENABLE_VPID), EPT_VPID(INVVPID), "enable VPID"},
    {RULE_CONTROL_WITHOUT_MSR, SECONDARY(ENABLE_PML), EPT_VPID(EPT_ACCESSED_DIRTY), "enable PML"},
    {RULE_CONTROL_WITHOUT_MSR,
     SECONDARY(ENABLE_VM_FUNCTIONS),
     {IA32_VMX_VMFUNC, ANYTHING},
     "enable VM functions"},
    {RULE_CONTROL_WITHOUT_MSR,
     PRIMARY(TERTIARY_CONTROLS),
     {IA32_VMX_PROCBASED_CTLS3, ANYTHING},
     "activate tertiary controls"},
    {RULE_CONTROL_WITHOUT_MSR,
     EXIT(SECONDARY_CONTROLS),
     {IA32_VMX_EXIT_CTLS2, ANYTHING},
     "activate secondary controls"},
    {RULE_CONTROL_WITHOUT_MSR, TERTIARY(ENABLE_HLAT), EPT_VPID(HLAT_PREFIX_SIZE), "enable HLAT"},
    {RULE_CONTROL_WITHOUT_MSR, SECONDARY(UNRESTRICTED_GUEST), MISC(STORES_EFER_LMA),
     "unrestricted guest"},
    {RULE_CONTROL_WITHOUT_MSR, SECONDARY(PT_GUEST_PHYSICAL), MISC(PT_IN_VMX),
     "Intel PT uses guest physical addresses"},

    {RULE_CONTROL_NEEDS, PIN(VIRTUAL_NMIS), PIN(NMI_EXITING), "virtual NMIs"},
    {RULE_CONTROL_NEEDS, PRIMARY(NMI_WINDOW_EXITING), PIN(VIRTUAL_NMIS), "NMI-window exiting"},
    {RULE_CONTROL_NEEDS, EXIT(SAVE_PREEMPTION_TIMER), PIN(PREEMPTION_TIMER),
     "save VMX-preemption timer value"},
    {RULE_CONTROL_NEEDS, PIN(POSTED_INTERRUPTS), SECONDARY(VIRTUAL_INTERRUPT_DELIVERY),
     "process posted interrupts"},
    {RULE_CONTROL_NEEDS, PIN(POSTED_INTERRUPTS), EXIT(ACKNOWLEDGE_INTERRUPT),
     "process posted interrupts"},
    {RULE_CONTROL_NEEDS, SECONDARY(VIRTUALIZE_X2APIC_MODE), PRIMARY(TPR_SHADOW),
     "virtualize x2APIC mode"},
    {RULE_CONTROL_NEEDS, SECONDARY(APIC_REGISTER_VIRTUALIZATION), PRIMARY(TPR_SHADOW),
     "APIC-register virtualization"},
    {RULE_CONTROL_NEEDS, SECONDARY(VIRTUAL_INTERRUPT_DELIVERY), PRIMARY(TPR_SHADOW),
     "virtual-interrupt delivery"},
    {RULE_CONTROL_NEEDS, SECONDARY(VIRTUAL_INTERRUPT_DELIVERY), PIN(EXTERNAL_INTERRUPT_EXITING),
     "virtual-interrupt delivery"},
    {RULE_CONTROL_NEEDS, TERTIARY(IPI_VIRTUALIZATION), PRIMARY(TPR_SHADOW), "IPI virtualization"},
    {RULE_CONTROL_NEEDS, TERTIARY(VIRTUAL_TIMER), SECONDARY(VIRTUAL_INTERRUPT_DELIVERY),
     "APIC-timer virtualization"},
    {RULE_CONTROL_NEEDS, SECONDARY(TSC_SCALING), PRIMARY(TSC_OFFSETTING), "use TSC scaling"},
    {RULE_CONTROL_NEEDS, SECONDARY(UNRESTRICTED_GUEST), SECONDARY(ENABLE_EPT),
     "unrestricted guest"},
    {RULE_CONTROL_NEEDS, SECONDARY(ENABLE_PML), SECONDARY(ENABLE_EPT), "enable PML"},
    {RULE_CONTROL_NEEDS, SECONDARY(EPT_VIOLATION_VE), SECONDARY(ENABLE_EPT), "EPT-violation #VE"},
    {RULE_CONTROL_NEEDS, SECONDARY(MODE_BASED_EPT_EXECUTE), SECONDARY(ENABLE_EPT),
     "mode-based execute control for EPT"},
    {RULE_CONTROL_NEEDS, SECONDARY(SUB_PAGE_WRITE_PERMISSIONS), SECONDARY(ENABLE_EPT),
     "sub-page write permissions for EPT"},
    {RULE_CONTROL_NEEDS, SECONDARY(PT_GUEST_PHYSICAL), SECONDARY(ENABLE_EPT),
     "Intel PT uses guest physical addresses"},
    {RULE_CONTROL_NEEDS, SECONDARY(PT_GUEST_PHYSICAL), ENTRY(LOAD_RTIT_CTL),
     "Intel PT uses guest physical addresses"},
    {RULE_CONTROL_NEEDS, SECONDARY(PT_GUEST_PHYSICAL), EXIT(CLEAR_RTIT_CTL),
     "Intel PT uses guest physical addresses"},
    {RULE_CONTROL_NEEDS, VM_FUNCTION(EPTP_SWITCHING), SECONDARY(ENABLE_EPT), "EPTP switching"},
    {RULE_CONTROL_NEEDS, TERTIARY(ENABLE_HLAT), SECONDARY(ENABLE_EPT), "enable HLAT"},
    {RULE_CONTROL_NEEDS, TERTIARY(EPT_PAGING_WRITE), SECONDARY(ENABLE_EPT),
     "EPT paging-write control"},
    {RULE_CONTROL_NEEDS, TERTIARY(GUEST_PAGING_VERIFICATION), SECONDARY(ENABLE_EPT),
     "guest-paging verification"},
    {RULE_CONTROL_NEEDS, TERTIARY(PEBS_GUEST_PHYSICAL), SECONDARY(ENABLE_EPT),
     "PEBS uses guest physical addresses"},

#define PAIR(entry, entry_name, exit, exit_name)                \
    {RULE_CONTROL_UNPAIRED, entry, exit, "entry: " entry_name}, \
    {                                                           \
        RULE_CONTROL_UNPAIRED, exit, entry, "exit: " exit_name  \
    }
    PAIR(ENTRY(LOAD_DEBUG_CONTROLS), "load debug controls", EXIT(SAVE_DEBUG_CONTROLS),
         "save debug controls"),
    PAIR(ENTRY(LOAD_PERF_GLOBAL_CTRL), "load IA32_PERF_GLOBAL_CTRL", EXIT(LOAD_PERF_GLOBAL_CTRL),
         "load IA32_PERF_GLOBAL_CTRL"),
    PAIR(ENTRY(LOAD_PAT), "load IA32_PAT", EXIT(LOAD_PAT), "load IA32_PAT"),
    PAIR(ENTRY(LOAD_EFER), "load IA32_EFER", EXIT(LOAD_EFER), "load IA32_EFER"),
    PAIR(ENTRY(LOAD_BNDCFGS), "load IA32_BNDCFGS", EXIT(CLEAR_BNDCFGS), "clear IA32_BNDCFGS"),
    PAIR(ENTRY(CONCEAL_VMX_FROM_PT), "conceal VMX from PT", EXIT(CONCEAL_VMX_FROM_PT),
         "conceal VMX from PT"),
    PAIR(ENTRY(LOAD_RTIT_CTL), "load IA32_RTIT_CTL", EXIT(CLEAR_RTIT_CTL), "clear IA32_RTIT_CTL"),
    PAIR(ENTRY(LOAD_UINV), "load UINV", EXIT(CLEAR_UINV), "clear UINV"),
    PAIR(ENTRY(LOAD_CET_STATE), "load CET state", EXIT(LOAD_CET_STATE), "load CET state"),
    PAIR(ENTRY(LOAD_GUEST_LBR_CTL), "load guest IA32_LBR_CTL", EXIT(CLEAR_LBR_CTL),
         "clear IA32_LBR_CTL"),
    PAIR(ENTRY(LOAD_PKRS), "load PKRS", EXIT(LOAD_PKRS), "load PKRS"),
    PAIR(ENTRY(LOAD_FRED), "load FRED", SECONDARY_EXIT(LOAD_FRED), "load FRED"),
    PAIR(ENTRY(LOAD_SPEC_CTRL), "load IA32_SPEC_CTRL", SECONDARY_EXIT(LOAD_SPEC_CTRL),
         "load IA32_SPEC_CTRL"),
#undef PAIR
};

/*
 * Is it known that none of these bits is 1: the MSR has a value without them, or does not exist? An
 * MSR whose existence cannot be told, for want of another's value, is taken at its own value.
 */
static bool known_to_lack(const struct vmx_msrs *msrs, uint32_t msr, uint64_t mask)
{
    if (!vmx_msr_may_exist(msrs, msr))
        return true;
    return vmx_msr_is_present(msrs, msr) && !(vmx_msr_value(msrs, msr) & mask);
}

/* What there is is told by its value alone: a value that should not be there is worth telling. */
static void check_bits(const struct check *check, const struct vmx_msrs *msrs, enum vmx_check mode,
                       uint32_t cpu, struct findings *findings)
{
    uint32_t has_msr = vmx_msr_true(msrs, check->has.msr);
    uint32_t needs_msr = vmx_msr_true(msrs, check->needs.msr);

    if (!(vmx_msr_value(msrs, has_msr) & check->has.mask) ||
        !known_to_lack(msrs, needs_msr, check->needs.mask))
        return;
    finding_add(findings, mode,
                (struct finding){.rule = check->rule,
                                 .cpu = cpu,
                                 .msr = needs_msr,
                                 .high = (int8_t)(63 - __builtin_clzll(check->needs.mask)),
                                 .low = (int8_t)__builtin_ctzll(check->needs.mask),
                                 .seen = 0,
                                 .wanted = 1,
                                 .detail = check->detail});
}

/* SDM: both MSRs of a word tell the same 1-settings; the 0-settings differ by default1 alone. */
static void check_true(enum vmx_control_word word, const struct vmx_msrs *msrs, enum vmx_check mode,
                       uint32_t cpu, struct findings *findings)
{
    uint32_t plain_msr = vmx_control_words[word].msr, true_msr = vmx_msr_true(msrs, plain_msr);
    uint64_t plain = vmx_msr_value(msrs, plain_msr), exact = vmx_msr_value(msrs, true_msr);
    uint32_t must_be_1 = (uint32_t)exact | vmx_control_words[word].default1;
    struct finding finding = {.cpu = cpu, .msr = true_msr, .detail = vmx_control_words[word].name};

    if (true_msr == plain_msr || !vmx_msr_is_present(msrs, plain_msr))
        return;
    if (plain >> 32 != exact >> 32) {
        finding.rule = RULE_MSR_TRUE_ALLOWED_1;
        finding.high = 63;
        finding.low = 32;
        finding.seen = exact >> 32;
        finding.wanted = plain >> 32;
        finding_add(findings, mode, finding);
    }
    if ((uint32_t)plain != must_be_1) {
        finding.rule = RULE_MSR_TRUE_DEFAULT1;
        finding.msr = plain_msr;
        finding.high = 31;
        finding.low = 0;
        finding.seen = (uint32_t)plain;
        finding.wanted = must_be_1;
        finding_add(findings, mode, finding);
    }
}

void crosscheck(const struct vmx_msrs *msrs, enum vmx_check mode, uint32_t cpu,
                struct findings *findings)
{
    for (enum vmx_control_word word = 0; word < VMX_CONTROL_WORD_COUNT; word++)
        check_true(word, msrs, mode, cpu, findings);
    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
        check_bits(&checks[i], msrs, mode, cpu, findings);
}
