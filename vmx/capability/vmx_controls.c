#include "vmx/capability/vmx_controls.h"

#include <stdbool.h>
#include <stddef.h>

#define VMX_CONTROL(word, bit, id, control_name, wish, ...) \
    {VMX_CONTROL_##word, 1u << (bit), (control_name), CONTROL_##wish},
const struct vmx_control vmx_control_table[] = {
#include "vmx/capability/vmx_controls.def"
};
#undef VMX_CONTROL

const uint32_t vmx_control_count = sizeof(vmx_control_table) / sizeof(vmx_control_table[0]);

/* The default1 classes: SDM, appendix A.2 and following, each word's section names its bits. */
const struct vmx_control_word_text vmx_control_words[VMX_CONTROL_WORD_COUNT] = {
    [VMX_CONTROL_PIN] = {"pin-based VM-execution controls", IA32_VMX_PINBASED_CTLS, 0x00000016},
    [VMX_CONTROL_PRIMARY] = {"primary processor-based VM-execution controls",
                             IA32_VMX_PROCBASED_CTLS, 0x0401e172},
    [VMX_CONTROL_SECONDARY] = {"secondary processor-based VM-execution controls",
                               IA32_VMX_PROCBASED_CTLS2, 0},
    [VMX_CONTROL_EXIT] = {"VM-exit controls", IA32_VMX_EXIT_CTLS, 0x00036dff},
    [VMX_CONTROL_ENTRY] = {"VM-entry controls", IA32_VMX_ENTRY_CTLS, 0x000011ff},
};

/* What a control needs of the EPT and VPID capabilities before it is of use. */
#define CAP_PAGE_WALK_4      (1ull << 6)
#define CAP_WRITE_BACK       (1ull << 14)
#define CAP_INVEPT           (1ull << 20)
#define CAP_INVEPT_ALL       (1ull << 26)
#define CAP_INVVPID          (1ull << 32)
#define CAP_INVVPID_ALL      (1ull << 42)
#define CAP_NEEDED_FOR_EPT   (CAP_PAGE_WALK_4 | CAP_WRITE_BACK | CAP_INVEPT | CAP_INVEPT_ALL)
#define CAP_NEEDED_FOR_VPIDS (CAP_INVVPID | CAP_INVVPID_ALL)

/*
 * Who needs whom: another control, or bits of IA32_VMX_EPT_VPID_CAP. In an order in which one pass
 * is enough: what a row needs is settled by the rows before it.
 */
static const struct dependency {
    enum vmx_control_word word;
    uint32_t mask;
    enum vmx_control_word needs_word;
    uint32_t needs_mask;
    uint64_t needs_capability;
    bool fatal; /* forced to 1 without what it needs, it leaves no VM entry that could succeed */
} dependencies[] = {
    {.word = VMX_CONTROL_PIN,
     .mask = PIN_VIRTUAL_NMIS,
     .needs_word = VMX_CONTROL_PIN,
     .needs_mask = PIN_NMI_EXITING,
     .fatal = true},
    {.word = VMX_CONTROL_SECONDARY,
     .mask = SECONDARY_ENABLE_EPT,
     .needs_capability = CAP_NEEDED_FOR_EPT,
     .fatal = true},
    {.word = VMX_CONTROL_SECONDARY,
     .mask = SECONDARY_ENABLE_VPID,
     .needs_capability = CAP_NEEDED_FOR_VPIDS},
    {.word = VMX_CONTROL_SECONDARY,
     .mask = SECONDARY_UNRESTRICTED_GUEST,
     .needs_word = VMX_CONTROL_SECONDARY,
     .needs_mask = SECONDARY_ENABLE_EPT,
     .fatal = true},
    /* A register that is switched on the way in must be switched on the way out, and vice versa. */
    {.word = VMX_CONTROL_EXIT,
     .mask = EXIT_LOAD_PAT,
     .needs_word = VMX_CONTROL_ENTRY,
     .needs_mask = ENTRY_LOAD_PAT},
    {.word = VMX_CONTROL_ENTRY,
     .mask = ENTRY_LOAD_PAT,
     .needs_word = VMX_CONTROL_EXIT,
     .needs_mask = EXIT_LOAD_PAT},
    {.word = VMX_CONTROL_EXIT,
     .mask = EXIT_LOAD_EFER,
     .needs_word = VMX_CONTROL_ENTRY,
     .needs_mask = ENTRY_LOAD_EFER},
    {.word = VMX_CONTROL_ENTRY,
     .mask = ENTRY_LOAD_EFER,
     .needs_word = VMX_CONTROL_EXIT,
     .needs_mask = EXIT_LOAD_EFER},
};

/* The bit of a capability MSR's high half that allows a control to be 1. */
static int8_t allowed1_bit(uint32_t mask)
{
    return (int8_t)(32 + __builtin_ctz(mask));
}

static const char *control_name(enum vmx_control_word word, uint32_t mask)
{
    for (uint32_t i = 0; i < vmx_control_count; i++) {
        if (vmx_control_table[i].word == word && vmx_control_table[i].mask == mask)
            return vmx_control_table[i].name;
    }
    return NULL;
}

/* What is wrong, or worth telling, about one named control whose settings are known. */
static bool control_breaks_rule(const struct vmx_control *control, uint32_t must_be_1,
                                uint32_t may_be_1, enum rule *rule)
{
    switch (control->want) {
    case CONTROL_REQUIRED:
        *rule = RULE_CONTROL_MISSING;
        return !(may_be_1 & control->mask);
    case CONTROL_MUST_BE_ZERO:
        *rule = RULE_CONTROL_MUST_BE_ZERO;
        return must_be_1 & control->mask;
    case CONTROL_UNWANTED:
        *rule = RULE_CONTROL_FORCED;
        return must_be_1 & control->mask;
    case CONTROL_WANTED:
        break;
    }
    return false;
}

uint32_t vmx_control_settle(enum vmx_control_word word, uint64_t plain, uint64_t true_value,
                            uint32_t msr, enum vmx_check mode, uint32_t cpu,
                            struct findings *findings)
{
    uint32_t must_be_1 = (uint32_t)true_value, may_be_1 = (uint32_t)(true_value >> 32);
    uint32_t value = must_be_1, named = 0, unknown;
    struct finding finding = {.cpu = cpu, .msr = msr};
    enum rule rule;

    for (uint32_t i = 0; i < vmx_control_count; i++) {
        const struct vmx_control *control = &vmx_control_table[i];
        bool asked = control->want == CONTROL_REQUIRED || control->want == CONTROL_WANTED;

        if (control->word != word)
            continue;
        named |= control->mask;
        if (asked)
            value |= may_be_1 & control->mask;
        if (control_breaks_rule(control, must_be_1, may_be_1, &rule)) {
            finding.rule = rule;
            finding.detail = control->name;
            /* Missing: its allowed 1-setting is 0. Forced: its allowed 0-setting is 1. */
            finding.high = (int8_t)(allowed1_bit(control->mask) - (asked ? 0 : 32));
            finding.low = finding.high;
            finding.seen = !asked;
            finding.wanted = asked;
            finding_add(findings, mode, finding);
        }
    }
    /* Nobody may turn off a default1 control of which he does not know what it does. */
    value |= (uint32_t)plain & vmx_control_words[word].default1 & ~named & may_be_1;

    finding.detail = vmx_control_words[word].name;
    finding.high = 31;
    finding.low = 0;
    finding.wanted = 0;
    unknown = must_be_1 & ~named & ~vmx_control_words[word].default1;
    if (unknown) {
        finding.rule = RULE_CONTROL_UNKNOWN_FORCED;
        finding.seen = unknown;
        finding_add(findings, mode, finding);
    }
    if (must_be_1 & ~may_be_1) {
        finding.rule = RULE_CONTROL_CONTRADICTION;
        finding.seen = must_be_1 & ~may_be_1;
        finding_add(findings, mode, finding);
    }
    return value;
}

/* Turns off what cannot be used. A control that must be 1 stays: then it is fatal, or harmless. */
static void settle_dependencies(const struct vmx_msrs *msrs, enum vmx_check mode, uint32_t cpu,
                                uint32_t controls[VMX_CONTROL_WORD_COUNT],
                                struct findings *findings)
{
    uint64_t capability = vmx_msr_capability(msrs, IA32_VMX_EPT_VPID_CAP);

    for (size_t i = 0; i < sizeof(dependencies) / sizeof(dependencies[0]); i++) {
        const struct dependency *row = &dependencies[i];
        bool by_capability = row->needs_capability != 0;
        uint64_t wanted = by_capability ? row->needs_capability : row->needs_mask;
        uint64_t seen = wanted & (by_capability ? capability : controls[row->needs_word]);
        uint32_t msr = vmx_msr_true(msrs, vmx_control_words[row->word].msr);
        uint32_t needs_msr = vmx_msr_true(msrs, vmx_control_words[row->needs_word].msr);
        bool forced = vmx_msr_capability(msrs, msr) & row->mask;

        if (!(controls[row->word] & row->mask) || seen == wanted || (forced && !row->fatal))
            continue;
        if (!forced)
            controls[row->word] &= ~row->mask;
        finding_add(findings, mode,
                    (struct finding){.rule = forced ? RULE_CONTROL_UNMET : RULE_CONTROL_DROPPED,
                                     .cpu = cpu,
                                     .msr = by_capability ? IA32_VMX_EPT_VPID_CAP : needs_msr,
                                     .high = -1,
                                     .low = -1,
                                     .seen = seen,
                                     .wanted = wanted,
                                     .detail = control_name(row->word, row->mask)});
    }
}

void vmx_controls_derive(const struct vmx_msrs *msrs, enum vmx_check mode, uint32_t cpu,
                         uint32_t controls[VMX_CONTROL_WORD_COUNT], struct findings *findings)
{
    for (enum vmx_control_word word = 0; word < VMX_CONTROL_WORD_COUNT; word++) {
        uint32_t plain = vmx_control_words[word].msr;
        uint32_t msr = vmx_msr_true(msrs, plain);
        uint64_t value = vmx_msr_capability(msrs, msr);
        bool known = vmx_msr_exists(msrs, msr) && vmx_msr_is_present(msrs, msr);
        bool both = vmx_msr_is_present(msrs, plain);

        controls[word] = 0;
        if (known)
            controls[word] = vmx_control_settle(word, both ? vmx_msr_value(msrs, plain) : value,
                                                value, msr, mode, cpu, findings);
    }
    /* Without the control that activates them, the secondary controls are as if they were 0. */
    if (!(controls[VMX_CONTROL_PRIMARY] & PRIMARY_SECONDARY_CONTROLS))
        controls[VMX_CONTROL_SECONDARY] = 0;
    settle_dependencies(msrs, mode, cpu, controls, findings);
}
