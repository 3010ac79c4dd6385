#include "vmx/text/consistency.h"

/* Names, for the table of needs: name_PIN_NMI_EXITING, unpaired_EXIT_LOAD_PAT … */
#define UNUSED __attribute__((unused))
#define NAMES(prefix, word, id, name)                     \
    UNUSED static const char name_##word##_##id[] = name; \
    UNUSED static const char unpaired_##word##_##id[] = prefix name;
#define SIDE_PIN                           ""
#define SIDE_PRIMARY                       ""
#define SIDE_SECONDARY                     ""
#define SIDE_TERTIARY                      ""
#define SIDE_VM_FUNCTION                   ""
#define SIDE_EXIT                          "exit: "
#define SIDE_SECONDARY_EXIT                "exit: "
#define SIDE_ENTRY                         "entry: "
#define CONTROL(word, bit, id, want, name) NAMES(SIDE_##word, word, id, name)
#include "vmx/capability/vmx_controls.def"

#define UNPAIRED(word, control, other_word, other)                                \
    {RULE_CONTROL_UNPAIRED, VMX_BITS(word, control), VMX_BITS(other_word, other), \
     unpaired_##word##_##control},
#define CONTROL_NEEDS(id, word, control, needs_word, needs)                    \
    {RULE_CONTROL_NEEDS, VMX_BITS(word, control), VMX_BITS(needs_word, needs), \
     name_##word##_##control},
#define CONTROL_USES CONTROL_NEEDS
#define CONTROL_PAIR(entry, exit_word, exit) \
    UNPAIRED(ENTRY, entry, exit_word, exit) UNPAIRED(exit_word, exit, ENTRY, entry)
#define CAPABILITY(msr, mask)     \
    {                             \
        IA32_VMX_##msr, 0, (mask) \
    }
#define ANYTHING (~0ull)

#define EPT_CAPABILITIES  0x0000000007ffffffull
#define VPID_CAPABILITIES 0x00000f0100000000ull

/*
 * Where a bit of `has` is 1, a bit of `needs` must be 1 too; else the rule is broken. First
 * controls and the capabilities that report more of them, then controls that need each other.
 */
static const struct check {
    enum rule rule;
    struct vmx_bits has, needs;
    const char *name;
} checks[] = {
    {RULE_MSR_WITHOUT_CONTROL, CAPABILITY(EPT_VPID_CAP, EPT_CAPABILITIES),
     VMX_BITS(SECONDARY, ENABLE_EPT), "EPT"},
    {RULE_MSR_WITHOUT_CONTROL, CAPABILITY(EPT_VPID_CAP, VPID_CAPABILITIES),
     VMX_BITS(SECONDARY, ENABLE_VPID), "INVVPID"},
    {RULE_MSR_WITHOUT_CONTROL, VMX_BITS(VM_FUNCTION, EPTP_SWITCHING),
     VMX_BITS(SECONDARY, ENABLE_VM_FUNCTIONS), "EPTP switching"},
#define WITHOUT_MSR(word, control, msr, mask, name)                                      \
    {                                                                                    \
        RULE_CONTROL_WITHOUT_MSR, VMX_BITS(word, control), CAPABILITY(msr, mask), (name) \
    }
    WITHOUT_MSR(SECONDARY, ENABLE_EPT, EPT_VPID_CAP,
                VMX_MASK(ept_page_walk_4) | VMX_MASK(ept_page_walk_5), "enable EPT"),
    WITHOUT_MSR(SECONDARY, ENABLE_VPID, EPT_VPID_CAP, VMX_MASK(invvpid), "enable VPID"),
    WITHOUT_MSR(SECONDARY, ENABLE_PML, EPT_VPID_CAP, VMX_MASK(ept_accessed_dirty), "enable PML"),
    WITHOUT_MSR(SECONDARY, ENABLE_VM_FUNCTIONS, VMFUNC, ANYTHING, "enable VM functions"),
    WITHOUT_MSR(PRIMARY, TERTIARY_CONTROLS, PROCBASED_CTLS3, ANYTHING,
                "activate tertiary controls"),
    WITHOUT_MSR(EXIT, SECONDARY_CONTROLS, EXIT_CTLS2, ANYTHING, "activate secondary controls"),
    WITHOUT_MSR(TERTIARY, ENABLE_HLAT, EPT_VPID_CAP, VMX_MASK(hlat_prefix_size_max), "enable HLAT"),
    WITHOUT_MSR(SECONDARY, UNRESTRICTED_GUEST, MISC, VMX_MASK(exit_stores_efer_lma),
                "unrestricted guest"),
    WITHOUT_MSR(SECONDARY, PT_GUEST_PHYSICAL, MISC, VMX_MASK(pt_in_vmx),
                "Intel PT uses guest physical addresses"),
#undef WITHOUT_MSR
#include "vmx/entry/control_needs.def"
};

/*
 * Is it known that none of these bits is 1: the MSR has a value without them, or does not exist? An
 * MSR whose existence cannot be known, for want of another's value, is taken at its own value.
 */
static bool known_to_lack(const struct vmx_msrs *msrs, uint32_t msr, uint64_t mask)
{
    if (!vmx_msr_may_exist(msrs, msr))
        return true;
    return vmx_msr_is_present(msrs, msr) && !(vmx_msr_value(msrs, msr) & mask);
}

/* What there is is reported by its value alone: a value that should not be there is worth
 * reporting. */
static void check_need(const struct check *check, const struct vmx_msrs *msrs,
                       struct findings *findings)
{
    uint64_t has = check->has.mask << check->has.shift;
    uint64_t needs = check->needs.mask << check->needs.shift;
    uint32_t needs_msr = vmx_msr_true(msrs, check->needs.msr);

    if (!(vmx_msr_value(msrs, vmx_msr_true(msrs, check->has.msr)) & has) ||
        !known_to_lack(msrs, needs_msr, needs))
        return;
    finding_add(findings, FINDING_AT(check->rule, (int8_t)(63 - __builtin_clzll(needs)),
                                     (int8_t)__builtin_ctzll(needs), .msr = needs_msr, .seen = 0,
                                     .wanted = 1, .detail = check->name));
}

/* SDM: both MSRs of a word report the same 1-settings; the 0-settings differ by default1 alone. */
static void check_true(enum vmx_control_word word, const struct vmx_msrs *msrs,
                       struct findings *findings)
{
    uint32_t plain_msr = vmx_control_words[word].msr, true_msr = vmx_msr_true(msrs, plain_msr);
    uint64_t plain = vmx_msr_value(msrs, plain_msr), exact = vmx_msr_value(msrs, true_msr);
    uint32_t must_be_1 = (uint32_t)exact | vmx_control_words[word].default1;
    const char *name = vmx_control_words[word].name;

    if (true_msr == plain_msr || !vmx_msr_is_present(msrs, plain_msr))
        return;
    if (plain >> 32 != exact >> 32)
        finding_add(findings,
                    FINDING_AT(RULE_MSR_TRUE_ALLOWED_1, 63, 32, .msr = true_msr,
                               .seen = exact >> 32, .wanted = plain >> 32, .detail = name));
    if ((uint32_t)plain != must_be_1)
        finding_add(findings,
                    FINDING_AT(RULE_MSR_TRUE_DEFAULT1, 31, 0, .msr = plain_msr,
                               .seen = (uint32_t)plain, .wanted = must_be_1, .detail = name));
}

void consistency_check(const struct vmx_msrs *msrs, struct findings *findings)
{
    for (enum vmx_control_word word = 0; word < VMX_CONTROL_WORD_COUNT; word++)
        check_true(word, msrs, findings);
    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
        check_need(&checks[i], msrs, findings);
}

static const struct capability_check consistency = {consistency_check};
SET_MEMBER(capability_checks, 0, const struct capability_check, consistency);
