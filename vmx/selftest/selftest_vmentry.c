#include "vmx/selftest/selftest_vmentry.h"

#include "lib/string.h"
#include "mm/page_alloc.h"
#include "vmx/entry/vmentry_state.h"
#include "vmx/selftest/selftest.h"

enum { PAGE_BYTES = 4096, PAGES_ORDER = 3 };

_Static_assert(VMENTRY_PAGE_COUNT <= 1 << PAGES_ORDER, "a page for each purpose");

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

/* Only the trials' own pages are read: what is at any other address is not known. */
static bool read_page(const struct vmentry_context *context, uint64_t address, void *to,
                      size_t bytes)
{
    const struct trial_ground *of = (const struct trial_ground *)context;
    uint64_t begin = of->ground.page[0];

    if (address < begin || address - begin > VMENTRY_PAGE_COUNT * PAGE_BYTES - bytes)
        return false;
    memcpy(to, phys_to_virt(address), bytes);
    return true;
}

/* Of the MSR values of the trials' page WRMSR refuses that of IA32_PAT alone. */
static bool write_faults(const struct vmentry_context *context, uint32_t msr, uint64_t value)
{
    (void)context;
    return msr == IA32_PAT && vmentry_pat(value) != value;
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
        if (reason & EXIT_REASON_ENTRY_FAILURE) {
            (void)vmread(VMCS_EXIT_QUALIFICATION, &outcome.qualification);
            reason &= EXIT_REASON_BASIC;
            outcome.class = reason == EXIT_REASON_ENTRY_FAILURE_MSR_LOADING   ? VMENTRY_MSR_LOAD
                            : reason == EXIT_REASON_ENTRY_FAILURE_GUEST_STATE ? VMENTRY_GUEST
                                                                              : VMENTRY_CLASS_COUNT;
        }
    }
    return outcome;
}

static enum vmentry_departure departure(enum vmentry_departure_kind kind, uint32_t finding)
{
    return vmentry_departs(kind, &trial_ground.image, &trial_ground.findings.item[finding]);
}

/* Is it what this machine is known for? Then the departures that explain it are counted. */
static bool departs(struct vmentry_outcome seen, uint32_t departed[VMENTRY_DEPARTURE_COUNT])
{
    const struct vmentry_findings *all = &trial_ground.findings;
    struct vmentry_findings *rest = &trial_ground.rest;
    struct vmentry_outcome without_nmi = {seen.class, VMENTRY_QUALIFICATION_NMI};
    enum vmentry_departure stricter =
        vmentry_departs(DEPARTURE_STRICTER, &trial_ground.image, NULL);

    *rest = (struct vmentry_findings){0};
    for (uint32_t i = 0; i < all->count; i++) {
        if (departure(DEPARTURE_LAXER, i) == VMENTRY_DEPARTURE_COUNT)
            rest->item[rest->count++] = all->item[i];
    }
    if (vmentry_allows(rest, seen)) {
        for (uint32_t i = 0; i < all->count; i++) {
            if (departure(DEPARTURE_LAXER, i) != VMENTRY_DEPARTURE_COUNT)
                departed[departure(DEPARTURE_LAXER, i)]++;
        }
        return true;
    }
    if (vmentry_has(all, VMENTRY_BLOCKING_NMI_STI) && seen.qualification == 0 &&
        vmentry_allows(all, without_nmi))
        stricter = DEPARTURE_NMI_QUALIFICATION;
    else if (seen.class != VMENTRY_GUEST || vmentry_predict(rest).class <= VMENTRY_HOST ||
             stricter == VMENTRY_DEPARTURE_COUNT)
        return false;
    departed[stricter]++;
    return true;
}

/* Enters with the image, of which the findings are made, and checks what the processor did. */
static void try_image(struct selftest_vmentry *selftest, struct selftest_vmentry_row *row)
{
    const struct vmentry_finding *first = &trial_ground.findings.item[0];
    bool broken = trial_ground.findings.count != 0;
    struct selftest_vmentry_row *difference;

    row->predicted = vmentry_predict(&trial_ground.findings);
    row->seen = enter();
    row->agrees = vmentry_allows(&trial_ground.findings, row->seen);
    row->departs = !row->agrees && departs(row->seen, selftest->departed);
    if (row->agrees || row->departs)
        return;
    selftest->differences++;
    if (selftest->reported == SELFTEST_VMENTRY_DIFFERENCES_MAX)
        return;
    difference = &selftest->difference[selftest->reported++];
    *difference = *row;
    difference->rule = broken ? first->rule : VMENTRY_RULE_COUNT;
    difference->field = broken ? first->field : VMCS_EXIT_REASON;
    difference->value = broken ? first->seen : 0;
}

/* Would the machine end itself? Then that is counted, and the image not tried. */
static bool is_fatal(struct selftest_vmentry *selftest)
{
    for (uint32_t i = 0; i < trial_ground.findings.count; i++) {
        enum vmentry_departure fatal = departure(DEPARTURE_FATAL, i);

        if (fatal == VMENTRY_DEPARTURE_COUNT)
            continue;
        selftest->departed[fatal]++;
        return true;
    }
    return false;
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
        *row = (struct selftest_vmentry_row){
            .number = trial.number, .rule = trial.rule, .base = trial.base};
        try_image(selftest, row);
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
        struct selftest_vmentry_row row = {.random = true, .number = round};

        if (round == 4 * SELFTEST_VMENTRY_ROUNDS)
            return;
        if (!offered[base] ||
            !vmentry_random_image(&trial_ground.ground, &bases[base], round, &trial_ground.image,
                                  &trial_ground.findings) ||
            is_fatal(selftest))
            continue;
        selftest_fields_drop(&trial_ground.image);
        selftest->random_count++;
        try_image(selftest, &row);
        selftest->random_agreements += row.agrees;
        if (row.seen.class < VMENTRY_CLASS_COUNT)
            selftest->random_by_class[row.seen.class]++;
    }
}

static void add(enum rule rule, uint64_t seen, const char *detail)
{
    finding_add(&trial_ground.cpu->findings, FINDING(rule, .seen = seen, .detail = detail));
}

void selftest_vmentry_run(struct vmx_cpu *cpu, struct selftest_vmentry *selftest)
{
    static struct vmentry_rule_text first; /* a finding points to its name */
    uint64_t pages;

    memset(selftest, 0, sizeof(*selftest));
    trial_ground = (struct trial_ground){.cpu = cpu};
    vmx_capability_derive(&cpu->msrs, &trial_ground.capability);
    vmentry_context_read(&trial_ground.capability, cpu->config.revision_id, &trial_ground.context);
    trial_ground.context.read = read_page;
    trial_ground.context.msr_write_faults = write_faults;
    trial_ground.ground.context = &trial_ground.context;
    vmcs_image_set_host(&trial_ground.ground.host);
    vmcs_image_set(&trial_ground.ground.host, VMCS_HOST_RIP, (uint64_t)(uintptr_t)x86_vm_enter);
    pages = pages_alloc(PAGES_ORDER);
    if (pages == 0) {
        add(RULE_REGION_NO_MEMORY, 0, "pages of the self-test of VM entries");
        return;
    }
    for (enum vmentry_page page = 0; page < VMENTRY_PAGE_COUNT; page++) {
        trial_ground.ground.page[page] = pages + PAGE_BYTES * page;
        vmentry_page_fill(page, cpu->config.revision_id,
                          phys_to_virt(trial_ground.ground.page[page]));
    }
    run_trials(selftest);
    run_random(selftest);
    selftest_restore(cpu);
    selftest->done = true;
    if (selftest->differences > 0) {
        first = vmentry_rule_text(selftest->difference[0].rule % VMENTRY_RULE_COUNT);
        add(RULE_SELFTEST_ENTRY_DIFFERENCE, selftest->differences, first.name);
    }
    pages_free(pages, PAGES_ORDER);
}
