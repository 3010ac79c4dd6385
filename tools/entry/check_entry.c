#include "tools/entry/check_entry.h"

#include <string.h>

#include "lib/x86_registers.h"
#include "vmx/capability/vmx_capability.h"

/*
 * What capability MSRs do not tell about a CPU is taken as what allows most, so that a rule that
 * breaks breaks there, whatever CPUID says: addresses of 52 bits, every bit of an MSR that some
 * processor has.
 */
enum { PHYSICAL_WIDTH_MOST = 52, LINEAR_WIDTH_4_LEVEL = 48, LINEAR_WIDTH_5_LEVEL = 57 };

#define REVISION_ID 0x7fffffffu /* of IA32_VMX_BASIC, bits 30:0 */

#define DEBUGCTL_RESERVED    (~0xffc7ull)
#define PERF_GLOBAL_RESERVED (~0x1ffff0003ffffull)
#define RTIT_CTL_RESERVED    0xfe7f000000000000ull
#define SPEC_CTRL_RESERVED   (~0x5ffull)

const char *verdict_name(enum verdict verdict)
{
    static const char *const names[] = {"enters", "refused", "depends"};

    return names[verdict];
}

/*
 * A host in IA-32e mode has EFER.LMA; where a dump does not show it, or the field is of no use
 * because no VM exit loads it, the exit control counts.
 */
static bool host_is_64(const struct vmcs_image *image)
{
    uint64_t exit = vmcs_image_get(image, VMCS_PRIMARY_VM_EXIT_CONTROLS);

    if (vmcs_image_has(image, VMCS_HOST_IA32_EFER) &&
        (exit & EXIT_LOAD_EFER || !vmcs_image_has(image, VMCS_PRIMARY_VM_EXIT_CONTROLS)))
        return vmcs_image_get(image, VMCS_HOST_IA32_EFER) & EFER_LMA;
    return exit & EXIT_HOST_ADDRESS_SPACE_SIZE;
}

static struct vmentry_context context_of(const struct vmcs_image *image,
                                         const struct vmx_capability *capability,
                                         const struct vmx_dump *dump)
{
    return (struct vmentry_context){
        .capability = capability,
        .physical_address_width = PHYSICAL_WIDTH_MOST,
        .guest_address_width = PHYSICAL_WIDTH_MOST,
        .linear_address_width =
            capability->cr4_fixed1 & CR4_LA57 ? LINEAR_WIDTH_5_LEVEL : LINEAR_WIDTH_4_LEVEL,
        .ia32e_mode = host_is_64(image),
        .rtm = true,
        .sgx = capability->secondary_allowed1 & SECONDARY_ENABLE_ENCLS_EXITING,
        .bus_lock_debug = true,
        .lam = capability->cr4_fixed1 & CR4_LAM_SUP,
        .efer_reserved = ~(EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE),
        .debugctl_reserved = DEBUGCTL_RESERVED,
        .perf_global_ctrl_reserved = PERF_GLOBAL_RESERVED,
        .rtit_ctl_reserved = RTIT_CTL_RESERVED,
        .spec_ctrl_reserved = SPEC_CTRL_RESERVED,
        .revision_id = (uint32_t)vmx_msr_value(&dump->msrs, IA32_VMX_BASIC) & REVISION_ID,
        .current_vmcs = UINT64_MAX,
    };
}

/* What an MSR may hold whose value is not known: nothing, all, and controls that may be both. */
static const uint64_t guesses[] = {MSR_GUESS, 0, ~0ull};
enum { GUESSES = sizeof(guesses) / sizeof(guesses[0]) };

struct vmentry_context check_entry_context(const struct vmcs_image *image,
                                           const struct entry_cpu *cpu, uint64_t guess,
                                           struct vmx_capability *capability)
{
    struct vmx_dump dump = *cpu->dump;

    for (uint32_t i = 0; i < VMX_MSR_COUNT; i++) {
        if (cpu->lacking >> i & 1)
            vmx_msr_set(&dump.msrs, VMX_MSR_FIRST + i, guess);
    }
    vmx_capability_derive(&dump.msrs, capability);
    return context_of(image, capability, &dump);
}

void check_entry_on(const struct vmcs_image *image, const struct entry_cpu *cpu, uint64_t guess,
                    struct vmentry_findings *findings)
{
    struct vmx_capability capability;
    struct vmentry_context context = check_entry_context(image, cpu, guess, &capability);

    vmentry_check(image, &context, findings);
}

/*
 * How many bits of the control words, and of the control registers with which the host runs, this
 * CPU would not take as they are.
 */
static unsigned wrong_controls(const struct vmentry_findings *findings)
{
    static const enum vmentry_rule rules[] = {
        VMENTRY_PIN_MUST_BE_1,      VMENTRY_PIN_MUST_BE_0,       VMENTRY_PRIMARY_MUST_BE_1,
        VMENTRY_PRIMARY_MUST_BE_0,  VMENTRY_SECONDARY_MUST_BE_1, VMENTRY_SECONDARY_MUST_BE_0,
        VMENTRY_TERTIARY_MUST_BE_0, VMENTRY_EXIT_MUST_BE_1,      VMENTRY_EXIT_MUST_BE_0,
        VMENTRY_ENTRY_MUST_BE_1,    VMENTRY_ENTRY_MUST_BE_0,     VMENTRY_SECONDARY_EXIT_MUST_BE_0,
    };
    unsigned count = 0;

    for (uint32_t i = 0; i < findings->count; i++) {
        const struct vmentry_finding *finding = &findings->item[i];

        for (unsigned rule = 0; rule < sizeof(rules) / sizeof(rules[0]); rule++) {
            if (finding->rule == rules[rule])
                count += (unsigned)__builtin_popcountll(finding->seen ^ finding->wanted);
        }
    }
    return count;
}

/* Sorts out the CPUs that count: how many bits are wrong on the best of them. */
static unsigned least_wrong(const struct vmcs_image *image, const struct entry_cpu *cpus,
                            unsigned count, unsigned wrong[ENTRY_CPUS_MAX])
{
    static struct vmentry_findings findings;
    unsigned least = UINT32_MAX;

    for (unsigned i = 0; i < count; i++) {
        wrong[i] = UINT32_MAX;
        for (unsigned guess = 0; guess < (cpus[i].lacking != 0 ? GUESSES : 1); guess++) {
            check_entry_on(image, &cpus[i], guesses[guess], &findings);
            if (wrong_controls(&findings) < wrong[i])
                wrong[i] = wrong_controls(&findings);
        }
        if (wrong[i] < least)
            least = wrong[i];
    }
    return least;
}

/* A rule that breaks whatever the MSRs hold that are not known breaks on this CPU. */
static void count_breaks(const struct vmcs_image *image, const struct entry_cpu *cpu,
                         struct entry_check *check)
{
    static struct vmentry_findings findings;
    unsigned broken[VMENTRY_RULE_COUNT] = {0}, tried = cpu->lacking != 0 ? GUESSES : 1;

    for (unsigned i = 0; i < tried; i++) {
        check_entry_on(image, cpu, guesses[i], &findings);
        if (check->cpus == 0 && i == 0)
            check->findings = findings;
        for (enum vmentry_rule rule = 0; rule < VMENTRY_RULE_COUNT; rule++) {
            broken[rule] += vmentry_has(&findings, rule);
            if (vmentry_is_unchecked(&findings, rule))
                check->rule[rule].state = RULE_UNKNOWN;
        }
    }
    for (enum vmentry_rule rule = 0; rule < VMENTRY_RULE_COUNT; rule++) {
        struct checked_rule *checked = &check->rule[rule];

        if (broken[rule] == tried && checked->breaks++ == 0)
            checked->example = cpu->id;
        checked->needs_msrs |= broken[rule] > 0 && broken[rule] < tried;
    }
    check->cpu[check->cpus++] = cpu;
}

/* Of the findings on one CPU those of rules that break on all of them. */
static void keep_broken(struct vmentry_findings *findings, const struct entry_check *check)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < findings->count; i++) {
        if (check->rule[findings->item[i].rule].state == RULE_BROKEN)
            findings->item[kept++] = findings->item[i];
    }
    findings->count = kept;
}

void check_entry_conclude(struct entry_check *check)
{
    check->verdict = VERDICT_ENTERS;
    for (enum vmentry_rule rule = 0; rule < VMENTRY_RULE_COUNT; rule++) {
        struct checked_rule *checked = &check->rule[rule];

        if (checked->breaks == check->cpus)
            checked->state = RULE_BROKEN;
        else if (checked->breaks > 0)
            checked->state = RULE_DEPENDS;
        else if (checked->needs_msrs && check->cpus == 1)
            checked->state = RULE_UNKNOWN;
        if (checked->state == RULE_BROKEN)
            check->verdict = VERDICT_REFUSED;
        else if (checked->state != RULE_KEPT && check->verdict == VERDICT_ENTERS)
            check->verdict = VERDICT_DEPENDS;
    }
    keep_broken(&check->findings, check);
    check->outcome = vmentry_predict(&check->findings);
}

void check_entry(const struct vmcs_image *image, const struct entry_cpu *cpus, unsigned count,
                 struct entry_check *check)
{
    static unsigned wrong[ENTRY_CPUS_MAX];
    unsigned least = least_wrong(image, cpus, count, wrong);

    memset(check, 0, sizeof(*check));
    for (unsigned i = 0; i < count; i++) {
        if (wrong[i] != least)
            continue;
        if (check->cpus == 0)
            check->first = &cpus[i];
        count_breaks(image, &cpus[i], check);
    }
    check_entry_conclude(check);
}
