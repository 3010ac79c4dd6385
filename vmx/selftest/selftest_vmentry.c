#include "vmx/selftest/selftest_vmentry.h"

#include "lib/string.h"
#include "mm/page_alloc.h"
#include "vmx/selftest/selftest.h"
#include "vmx/selftest/vm_enter.h"

enum { PAGE_BYTES = 4096, PAT_TYPE_NONE = 2 };

/* SDM, "Basic VM-Exit Information"; "Basic Exit Reasons". */
enum { REASON_GUEST_STATE = 33, REASON_MSR_LOADING = 34 };

#define REASON_ENTRY_FAILED (1ull << 31)

/* What the trials work with; the context comes first, so that its readers find the rest. */
struct trial_ground {
    struct vmentry_context context;
    struct vmentry_ground ground;
    struct vmx_capability capability;
    struct vmx_cpu *cpu;
    struct vmcs_image image;
    struct vmentry_findings findings, rest;
};

static struct trial_ground trial_ground; /* too large for a stack; the boot CPU alone uses it */

/* Only the trial's own pages are read: what is at any other address is not known. */
static bool read_page(const struct vmentry_context *context, uint64_t address, void *to,
                      size_t bytes)
{
    const struct trial_ground *of = (const struct trial_ground *)context;

    for (unsigned i = 0; i < VMENTRY_PAGE_COUNT; i++) {
        if (address >= of->ground.page[i] && address - of->ground.page[i] <= PAGE_BYTES - bytes) {
            memcpy(to, phys_to_virt(address), bytes);
            return true;
        }
    }
    return false;
}

/* The one MSR value of the trial's page that WRMSR refuses: SDM Vol. 4, IA32_PAT. */
static bool write_faults(const struct vmentry_context *context, uint32_t msr, uint64_t value)
{
    (void)context;
    return msr == IA32_PAT && (uint8_t)value == PAT_TYPE_NONE;
}

static void refill_pages(void)
{
    for (enum vmentry_page page = 0; page < VMENTRY_PAGE_COUNT; page++)
        vmentry_page_fill(page, trial_ground.cpu->config.revision_id,
                          phys_to_virt(trial_ground.ground.page[page]));
}

/* An image's host RIP counts only where it is not the one that brings us back. */
static uint64_t host_rip(void)
{
    uint64_t rip = vmcs_image_get(&trial_ground.image, VMCS_HOST_RIP);

    return rip != vmcs_image_get(&trial_ground.ground.host, VMCS_HOST_RIP) ? rip : 0;
}

/* What the processor does with the image. An outcome that it cannot have is VMENTRY_CLASS_COUNT. */
static struct vmentry_outcome enter(void)
{
    struct vmentry_outcome outcome = {VMENTRY_CLASS_COUNT, 0};
    struct vmx_result result;
    uint64_t reason = 0, registers[16] = {0};

    if (!vmx_ok(vmclear(trial_ground.cpu->vmcs_region.address)) ||
        !vmx_ok(vmptrld(trial_ground.cpu->vmcs_region.address)) ||
        !vmx_ok(vmcs_image_write(&trial_ground.image)))
        return outcome;
    result = vm_enter(false, host_rip(), registers);
    if (result.outcome == VMX_FAIL_VALID) {
        if (result.number == 7 || result.number == 8)
            outcome.class = result.number == 7 ? VMENTRY_CONTROLS : VMENTRY_HOST;
        else
            outcome.qualification = result.number;
    } else if (vmx_ok(result)) {
        (void)vmread(VMCS_EXIT_REASON, &reason);
        outcome.class = VMENTRY_ENTERS;
        if (reason & REASON_ENTRY_FAILED) {
            (void)vmread(VMCS_EXIT_QUALIFICATION, &outcome.qualification);
            outcome.class = (reason & 0xffff) == REASON_MSR_LOADING   ? VMENTRY_MSR_LOAD
                            : (reason & 0xffff) == REASON_GUEST_STATE ? VMENTRY_GUEST
                                                                      : VMENTRY_CLASS_COUNT;
        }
    }
    return outcome;
}

/* Is it what this machine is known for? Then the departures that explain it are counted. */
static bool departs(struct vmentry_outcome seen, struct selftest_vmentry *selftest)
{
    enum vmentry_departure departure;
    struct vmentry_outcome without_nmi = {seen.class, VMENTRY_QUALIFICATION_NMI};

    trial_ground.rest = (struct vmentry_findings){0};
    for (uint32_t i = 0; i < trial_ground.findings.count; i++) {
        if (!vmentry_departs(&trial_ground.image, &trial_ground.findings.item[i], &departure))
            trial_ground.rest.item[trial_ground.rest.count++] = trial_ground.findings.item[i];
    }
    if (vmentry_allows(&trial_ground.rest, seen)) {
        for (uint32_t i = 0; i < trial_ground.findings.count; i++) {
            if (vmentry_departs(&trial_ground.image, &trial_ground.findings.item[i], &departure))
                selftest->departed[departure]++;
        }
        return true;
    }
    if (vmentry_has(&trial_ground.findings, VMENTRY_BLOCKING_NMI_STI) && seen.qualification == 0 &&
        vmentry_allows(&trial_ground.findings, without_nmi)) {
        selftest->departed[DEPARTURE_NMI_QUALIFICATION]++;
        return true;
    }
    if (seen.class != VMENTRY_GUEST || vmentry_predict(&trial_ground.rest).class <= VMENTRY_HOST ||
        !vmentry_departs_stricter(&trial_ground.image, &departure))
        return false;
    selftest->departed[departure]++;
    return true;
}

static void print_difference(struct selftest_vmentry *selftest, bool random, uint32_t number,
                             struct vmentry_outcome seen)
{
    const struct vmentry_finding *first = &trial_ground.findings.item[0];
    bool broken = trial_ground.findings.count != 0;

    if (selftest->reported == SELFTEST_VMENTRY_DIFFERENCES_MAX)
        return;
    selftest->difference[selftest->reported++] = (struct selftest_vmentry_difference){
        .random = random,
        .number = number,
        .rule = broken ? first->rule : VMENTRY_RULE_COUNT,
        .field = broken ? first->field : VMCS_EXIT_REASON,
        .value = broken ? first->seen : 0,
        .predicted = vmentry_predict(&trial_ground.findings),
        .seen = seen,
    };
}

/* Enters with the image, of which the findings are made, and checks what the processor did. */
static bool matches(struct selftest_vmentry *selftest, bool random, uint32_t number,
                    struct vmentry_outcome *seen, bool *departed)
{
    bool agrees;

    *seen = enter();
    agrees = seen->class != VMENTRY_CLASS_COUNT && vmentry_allows(&trial_ground.findings, *seen);
    *departed = !agrees && seen->class != VMENTRY_CLASS_COUNT && departs(*seen, selftest);
    if (!agrees && !*departed) {
        selftest->differences++;
        print_difference(selftest, random, number, *seen);
    }
    return agrees;
}

/* Would the machine end itself? Then that is counted, and the image not tried. */
static bool is_fatal(struct selftest_vmentry *selftest)
{
    enum vmentry_departure departure;

    if (!vmentry_departs_fatally(&trial_ground.image, &trial_ground.findings, &departure))
        return false;
    selftest->departed[departure]++;
    return true;
}

/* Does the image break what the trial says, and nothing else? */
static bool breaks_as_meant(const struct vmentry_trial *trial)
{
    for (uint32_t i = 0; i < trial_ground.findings.count; i++) {
        if (!vmentry_trial_breaks(trial, trial_ground.findings.item[i].rule))
            return false;
    }
    return vmentry_has(&trial_ground.findings, trial->rule);
}

/* True where this processor's controls and capabilities let the trial break its rule. */
static bool prepare_trial(const struct vmentry_trial *trial)
{
    if (!vmentry_trial_keep(&trial_ground.ground, trial, &trial_ground.image))
        return false;
    vmentry_check(&trial_ground.image, &trial_ground.context, &trial_ground.findings);
    if (trial_ground.findings.count != 0)
        return false;
    vmentry_trial_break(&trial_ground.ground, trial, &trial_ground.image);
    vmentry_check(&trial_ground.image, &trial_ground.context, &trial_ground.findings);
    return breaks_as_meant(trial);
}

static void run_trials(struct selftest_vmentry *selftest)
{
    static bool tried[VMENTRY_RULE_COUNT];
    struct vmentry_trial trial = {0};

    memset(tried, 0, sizeof(tried));
    while (selftest->count < SELFTEST_VMENTRY_ROWS_MAX && vmentry_trial_next(&trial)) {
        struct selftest_vmentry_row *row = &selftest->row[selftest->count];

        if (!prepare_trial(&trial) || is_fatal(selftest)) {
            selftest->not_possible++;
            continue;
        }
        row->trial = (uint16_t)trial.number;
        row->rule = trial.rule;
        row->base = trial.base;
        row->predicted = vmentry_predict(&trial_ground.findings);
        row->agrees = matches(selftest, false, trial.number, &row->seen, &row->departs);
        selftest->agreements += row->agrees;
        selftest->rules += !tried[row->rule];
        tried[row->rule] = true;
        selftest->count++;
    }
}

static void run_random(struct selftest_vmentry *selftest)
{
    static struct vmcs_image bases[VMENTRY_BASE_COUNT];
    bool offered[VMENTRY_BASE_COUNT];

    for (unsigned base = 0; base < VMENTRY_BASE_COUNT; base++)
        offered[base] =
            vmentry_base_image(&trial_ground.ground, (enum vmentry_base)base, &bases[base]);
    for (uint32_t round = 0; selftest->random_count < SELFTEST_VMENTRY_ROUNDS; round++) {
        unsigned base = round % VMENTRY_BASE_COUNT;
        struct vmentry_outcome seen;
        bool departed;

        if (round == 4 * SELFTEST_VMENTRY_ROUNDS)
            return;
        if (!offered[base] ||
            !vmentry_random_image(&trial_ground.ground, &bases[base], round, &trial_ground.image,
                                  &trial_ground.findings) ||
            is_fatal(selftest))
            continue;
        selftest_fields_drop(&trial_ground.image);
        selftest->random_count++;
        selftest->random_agreements += matches(selftest, true, round, &seen, &departed);
        if (seen.class < VMENTRY_CLASS_COUNT)
            selftest->random_by_class[seen.class]++;
    }
}

static void add(enum rule rule, uint64_t seen, const char *detail)
{
    finding_add(&trial_ground.cpu->findings, FINDING(rule, .seen = seen, .detail = detail));
}

static void give_pages_back(void)
{
    for (enum vmentry_page page = 0; page < VMENTRY_PAGE_COUNT; page++) {
        if (trial_ground.ground.page[page])
            pages_free(trial_ground.ground.page[page], 0);
    }
}

static bool take_pages(void)
{
    for (enum vmentry_page page = 0; page < VMENTRY_PAGE_COUNT; page++) {
        trial_ground.ground.page[page] = pages_alloc(0);
        if (!trial_ground.ground.page[page])
            return false;
    }
    return true;
}

void selftest_vmentry_run(struct vmx_cpu *cpu, struct selftest_vmentry *selftest)
{
    memset(selftest, 0, sizeof(*selftest));
    trial_ground = (struct trial_ground){.cpu = cpu};
    vmx_capability_derive(&cpu->msrs, &trial_ground.capability);
    vmentry_context_read(&trial_ground.capability, cpu->config.revision_id, &trial_ground.context);
    trial_ground.context.read = read_page;
    trial_ground.context.msr_write_faults = write_faults;
    trial_ground.ground.context = &trial_ground.context;
    vmcs_image_set_host(&trial_ground.ground.host);
    vmcs_image_set(&trial_ground.ground.host, VMCS_HOST_RIP, (uint64_t)(uintptr_t)x86_vm_enter);
    if (take_pages()) {
        refill_pages();
        run_trials(selftest);
        run_random(selftest);
        selftest_restore(cpu);
        selftest->done = true;
        if (selftest->differences > 0) {
            static struct vmentry_rule_text first;

            first = vmentry_rule_text(selftest->difference[0].rule % VMENTRY_RULE_COUNT);
            add(RULE_SELFTEST_ENTRY_DIFFERENCE, selftest->differences, first.name);
        }
    } else {
        add(RULE_REGION_NO_MEMORY, 0, "pages of the self-test of VM entries");
    }
    give_pages_back();
}
