/*
 * The derivation on any values of the capability MSRs. The input says which MSRs are not there and
 * how the others differ from a real machine's, so that accepted machines are as near as refused
 * ones. Held against what must be true of every result: controls that must be 1 stay 1 and none
 * that must be 0 is set; accepted means that all required is there; a severer mode never accepts
 * what a milder one refuses; the verdict on several CPUs does not depend on their order; the
 * features, consistency checks and stages agree with the derivation.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/host/full_msrs.h"
#include "tests/host/real_msrs.h"
#include "vmx/text/consistency.h"
#include "vmx/text/capability_text.h"
#include "vmx/capability/vmx_msr.h"
#include "tools/capability/stage.h"
#include "vmx/capability/vmx_capability.h"
#include "vmx/capability/vmx_controls.h"
#include "tools/capability/vmx_feature.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
    if (!condition)
        abort();
}

static uint32_t first_word(const uint8_t *data, size_t size)
{
    uint32_t word = 0;

    memcpy(&word, data, size < sizeof(word) ? size : sizeof(word));
    return word;
}

/* The bits of the first word: which MSRs are absent (0 to 19), which machine differs (31). */
static struct vmx_msrs msrs_from(const uint8_t *data, size_t size)
{
    uint32_t absent = first_word(data, size);
    const struct vmx_msrs real = absent >> 31 ? full_msrs() : real_msrs(skylake);
    struct vmx_msrs msrs = {0};

    for (uint32_t i = 0; i < VMX_MSR_COUNT; i++) {
        uint64_t difference = 0;
        size_t at = sizeof(absent) + i * sizeof(difference), left = at < size ? size - at : 0;

        if (absent >> i & 1)
            continue;
        memcpy(&difference, data + (left ? at : 0),
               left < sizeof(difference) ? left : sizeof(difference));
        vmx_msr_set(&msrs, VMX_MSR_FIRST + i, real.value[i] ^ difference);
    }
    return msrs;
}

static void check_controls(const struct vmx_msrs *msrs, const struct vmcs_config *config,
                           bool accepted)
{
    const uint32_t *controls = config->controls;

    for (int word = 0; word < VMX_CONTROL_WORD_COUNT; word++) {
        uint64_t value = vmx_msr_capability(msrs, vmx_msr_true(msrs, vmx_control_words[word].msr));
        uint32_t must_be_1 = (uint32_t)value, may_be_1 = (uint32_t)(value >> 32);
        bool inactive = word == VMX_CONTROL_SECONDARY &&
                        !(controls[VMX_CONTROL_PRIMARY] & PRIMARY_SECONDARY_CONTROLS);

        must(inactive ? controls[word] == 0 : (controls[word] & must_be_1) == must_be_1);
        must(!(controls[word] & ~(may_be_1 | must_be_1)));
        for (uint32_t i = 0; accepted && i < vmx_control_count; i++) {
            const struct vmx_control *control = &vmx_control_table[i];

            if ((int)control->word != word)
                continue;
            must(control->want != CONTROL_REQUIRED || (controls[word] & control->mask));
            must(control->want != CONTROL_MUST_BE_ZERO || !(controls[word] & control->mask));
        }
    }
    if (accepted) {
        bool ept = controls[VMX_CONTROL_SECONDARY] & SECONDARY_ENABLE_EPT;

        must(ept || !(controls[VMX_CONTROL_SECONDARY] & SECONDARY_UNRESTRICTED_GUEST));
        must(!(controls[VMX_CONTROL_PIN] & PIN_VIRTUAL_NMIS) ||
             (controls[VMX_CONTROL_PIN] & PIN_NMI_EXITING));
    }
}

static bool check_mode(const struct vmx_msrs *msrs, enum vmx_check mode)
{
    struct vmcs_config config;
    struct findings findings = {.check = mode}, difference = {0};
    bool accepted;

    vmcs_config_derive(msrs, &config, &findings);
    accepted = !findings_refuse(&findings);
    check_controls(msrs, &config, accepted);
    must(!(config.revision_id >> 31));
    if (accepted)
        must(config.size >= 1 && config.size <= 4096 && config.order == 0);
    vmcs_config_compare(&config, &config, &difference);
    must(difference.count == 0);
    return accepted;
}

/* Two CPUs, as the kernel checks them: each for itself, and the second against the first. */
static bool accept_both(const struct vmx_msrs *first, const struct vmx_msrs *second)
{
    const struct vmx_msrs *const msrs[] = {first, second};
    struct vmcs_config config[2];
    struct findings findings = {0};

    for (uint32_t cpu = 0; cpu < 2; cpu++)
        vmcs_config_derive(msrs[cpu], &config[cpu], &findings);
    vmcs_config_compare(&config[0], &config[1], &findings);
    return !findings_refuse(&findings);
}

/* Each state says of the control just what the two halves of its MSR say. */
static void check_features(const struct vmx_dump *dump)
{
    for (uint32_t i = 0; i < vmx_feature_count; i++) {
        const struct vmx_feature *feature = &vmx_feature_table[i];
        struct vmx_feature_value value = vmx_feature_evaluate(feature, dump);
        bool known = value.state != FEATURE_ABSENT && value.state != FEATURE_UNKNOWN;
        uint64_t raw = vmx_msr_value(&dump->msrs, value.msr);

        must(value.state < FEATURE_STATE_COUNT);
        must(known || (value.value == 0 && !vmx_feature_offered(value)));
        if (feature->kind == FEATURE_CONTROL && known)
            must(vmx_feature_offered(value) == (value.state != FEATURE_NEITHER && value.value));
        if (feature->kind == FEATURE_CONTROL && known)
            must(value.value == (raw >> feature->low & 1));
    }
}

static void check_stages(const struct vmx_dump *dump, bool accepted)
{
    const struct vmx_msrs *msrs = &dump->msrs;
    struct stage_report report;
    struct findings contradictions = {.check = VMX_CHECK_STRICT};
    bool locked_off = dump->has_feature_control && (dump->feature_control & 5) == 1;

    stage_check(dump, VMX_CHECK_KVM, &report);
    must(report.findings.lost > 0 || (report.verdict == STAGE_OK) == (accepted && !locked_off));
    must(report.stage[STAGE_CAPS].verdict == STAGE_OK);
    for (int stage = STAGE_VMXON; stage < STAGE_COUNT; stage++) {
        const struct stage_result *result = &report.stage[stage];

        must((result->verdict == STAGE_OK) == (stage <= (int)report.reached));
        must(result->verdict != STAGE_OK || (result->missing | result->unknown) == 0);
        must(!(result[-1].missing & ~result->missing) && !(result[-1].unknown & ~result->unknown));
        must(result->verdict != STAGE_OK || report.verdict == STAGE_OK);
    }
    if (report.reached >= STAGE_GUEST_EPT)
        must(report.config.controls[VMX_CONTROL_SECONDARY] & SECONDARY_ENABLE_EPT);
    if (report.reached >= STAGE_UNRESTRICTED_GUEST)
        must(report.config.controls[VMX_CONTROL_SECONDARY] & SECONDARY_UNRESTRICTED_GUEST);
    consistency_check(msrs, &contradictions);
    must(contradictions.lost > 0 || !findings_refuse(&contradictions));
}

static void count_columns(struct sink *sink, const char *text, size_t length)
{
    static size_t column;

    (void)sink;
    for (size_t i = 0; i < length; i++) {
        must(text[i] == '\n' || (text[i] >= ' ' && text[i] <= '~'));
        column = text[i] == '\n' ? 0 : column + 1;
        must(column <= 78);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vmx_msrs msrs = msrs_from(data, size), same, shorter = msrs_from(data, size / 2);
    const struct vmx_dump dump = {.msrs = msrs,
                                  .has_feature_control = first_word(data, size) >> 30 & 1,
                                  .feature_control = first_word(data, size) >> 24};
    struct vmx_capability capability;
    struct findings findings = {0};
    const struct override_list nothing = {0};
    struct sink sink = {count_columns};
    bool kvm = check_mode(&msrs, VMX_CHECK_KVM);
    bool virtual = check_mode(&msrs, VMX_CHECK_VIRTUAL);
    bool strict = check_mode(&msrs, VMX_CHECK_STRICT);

    must(kvm || !virtual);
    must(virtual || !strict);
    vmx_capability_derive(&msrs, &capability);
    must(!vmx_msr_exists(&msrs, IA32_VMX_EPT_VPID_CAP) ? !capability.invvpid : true);
    basic_render(&sink, vmx_msr_value(&msrs, IA32_VMX_BASIC), NULL, NULL);
    override_apply(&nothing, &msrs, &same, &findings);
    must(findings.count == 0 && same.present == msrs.present);
    must(accept_both(&msrs, &shorter) == accept_both(&shorter, &msrs));
    check_features(&dump);
    check_stages(&dump, kvm);
    return 0;
}
