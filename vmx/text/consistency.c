#include "vmx/text/consistency.h"

/* What a register that is switched one way only is found by: unpaired_EXIT_LOAD_PAT … */
#define SIDE_PIN            ""
#define SIDE_PRIMARY        ""
#define SIDE_SECONDARY      ""
#define SIDE_TERTIARY       ""
#define SIDE_VM_FUNCTION    ""
#define SIDE_EXIT           "exit: "
#define SIDE_SECONDARY_EXIT "exit: "
#define SIDE_ENTRY          "entry: "
#define CONTROL(word, bit, id, want, name) \
    __attribute__((unused)) static const char unpaired_##word##_##id[] = SIDE_##word name;
#include "vmx/capability/vmx_controls.def"

/* Controls, and which one each of them needs. */
#define NEED(word, control, other_word, other, name)                                \
    {VMX_CONTROL_##word, VMX_CONTROL_##other_word, __builtin_ctz(word##_##control), \
     __builtin_ctz(other_word##_##other), (name)},
#define CONTROL_NEEDS(id, word, control, other_word, other) \
    NEED(word, control, other_word, other, NULL)
#define CONTROL_USES CONTROL_NEEDS
#define UNPAIRED(word, control, other_word, other) \
    NEED(word, control, other_word, other, unpaired_##word##_##control)
#define CONTROL_PAIR(entry, exit_word, exit) \
    UNPAIRED(ENTRY, entry, exit_word, exit) UNPAIRED(exit_word, exit, ENTRY, entry)
static const struct need {
    uint8_t word, needs_word, bit, needs_bit;
    const char *unpaired; /* of a register that is switched one way only, else NULL */
} needs[] = {
#include "vmx/entry/control_needs.def"
};

#define EPT_CAPABILITIES  0x0000000007ffffffull
#define VPID_CAPABILITIES 0x00000f0100000000ull

/* A control, and the capabilities that report more of it: neither is there without the other. */
#define OF(word, control, msr, mask, name) \
    VMX_CONTROL_##word, __builtin_ctz(word##_##control), IA32_VMX_##msr, (mask), (name)
#define WITHOUT_CONTROL(...) RULE_MSR_WITHOUT_CONTROL, OF(__VA_ARGS__)
#define WITHOUT_MSR(...)     RULE_CONTROL_WITHOUT_MSR, OF(__VA_ARGS__)
static const struct {
    enum rule rule;
    uint8_t word, bit;
    uint16_t msr;
    uint64_t mask;
    const char *name;
} capabilities[] = {
    {WITHOUT_CONTROL(SECONDARY, ENABLE_EPT, EPT_VPID_CAP, EPT_CAPABILITIES, "EPT")},
    {WITHOUT_CONTROL(SECONDARY, ENABLE_VPID, EPT_VPID_CAP, VPID_CAPABILITIES, "INVVPID")},
    {WITHOUT_CONTROL(SECONDARY, ENABLE_VM_FUNCTIONS, VMFUNC, VM_FUNCTION_EPTP_SWITCHING,
                     "EPTP switching")},
    {WITHOUT_MSR(SECONDARY, ENABLE_EPT, EPT_VPID_CAP,
                 VMX_MASK(ept_page_walk_4) | VMX_MASK(ept_page_walk_5), "enable EPT")},
    {WITHOUT_MSR(SECONDARY, ENABLE_VPID, EPT_VPID_CAP, VMX_MASK(invvpid), "enable VPID")},
    {WITHOUT_MSR(SECONDARY, ENABLE_PML, EPT_VPID_CAP, VMX_MASK(ept_accessed_dirty), "enable PML")},
    {WITHOUT_MSR(SECONDARY, ENABLE_VM_FUNCTIONS, VMFUNC, UINT64_MAX, "enable VM functions")},
    {WITHOUT_MSR(PRIMARY, TERTIARY_CONTROLS, PROCBASED_CTLS3, UINT64_MAX,
                 "activate tertiary controls")},
    {WITHOUT_MSR(EXIT, SECONDARY_CONTROLS, EXIT_CTLS2, UINT64_MAX, "activate secondary controls")},
    {WITHOUT_MSR(TERTIARY, ENABLE_HLAT, EPT_VPID_CAP, VMX_MASK(hlat_prefix_size_max),
                 "enable HLAT")},
    {WITHOUT_MSR(SECONDARY, UNRESTRICTED_GUEST, MISC, VMX_MASK(exit_stores_efer_lma),
                 "unrestricted guest")},
    {WITHOUT_MSR(SECONDARY, PT_GUEST_PHYSICAL, MISC, VMX_MASK(pt_in_vmx),
                 "Intel PT uses guest physical addresses")},
};

/* Bits of a capability MSR: the plain one, where there are two. */
struct bits {
    uint32_t msr;
    uint64_t mask;
};

/* The bit that allows a control to be 1: in words of 32 bits it stands in the high half. */
static struct bits allowing(unsigned word, unsigned bit)
{
    unsigned shift = word < VMX_CONTROL_WORD_COUNT ? 32 : 0;

    return (struct bits){vmx_control_words[word].msr, 1ull << bit << shift};
}

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

/*
 * Where a bit of `has` is 1, a bit of `wanted` must be 1 too; else the rule is broken. What there
 * is is reported by its value alone: a value that should not be there is worth reporting.
 */
static bool is_broken(const struct vmx_msrs *msrs, struct bits has, struct bits wanted)
{
    return vmx_msr_value(msrs, vmx_msr_true(msrs, has.msr)) & has.mask &&
           known_to_lack(msrs, vmx_msr_true(msrs, wanted.msr), wanted.mask);
}

static void report(enum rule rule, struct bits wanted, const char *name,
                   const struct vmx_msrs *msrs, struct findings *findings)
{
    finding_add(findings, FINDING_AT(rule, (int8_t)(63 - __builtin_clzll(wanted.mask)),
                                     (int8_t)__builtin_ctzll(wanted.mask),
                                     .msr = vmx_msr_true(msrs, wanted.msr), .seen = 0, .wanted = 1,
                                     .detail = name));
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
    for (size_t i = 0; i < sizeof(capabilities) / sizeof(capabilities[0]); i++) {
        struct bits control = allowing(capabilities[i].word, capabilities[i].bit);
        struct bits capability = {capabilities[i].msr, capabilities[i].mask};
        bool lacks_control = capabilities[i].rule == RULE_MSR_WITHOUT_CONTROL;
        struct bits wanted = lacks_control ? control : capability;

        if (is_broken(msrs, lacks_control ? capability : control, wanted))
            report(capabilities[i].rule, wanted, capabilities[i].name, msrs, findings);
    }
    for (const struct need *need = needs; need < needs + sizeof(needs) / sizeof(needs[0]); need++) {
        struct bits wanted = allowing(need->needs_word, need->needs_bit);

        if (!is_broken(msrs, allowing(need->word, need->bit), wanted))
            continue;
        if (need->unpaired != NULL)
            report(RULE_CONTROL_UNPAIRED, wanted, need->unpaired, msrs, findings);
        else
            report(RULE_CONTROL_NEEDS, wanted, vmx_control_name(need->word, 1u << need->bit), msrs,
                   findings);
    }
}

static const struct capability_check consistency = {consistency_check};
SET_MEMBER(capability_checks, 0, const struct capability_check, consistency);
