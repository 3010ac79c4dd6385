/*
 * Rules that lack a field, and are the same whatever it holds: what is not known is given values,
 * as an MSR without a value is, and the engine asked. Which fields and bits a rule looks at stands
 * nowhere but in the rule.
 */
#include <string.h>

#include "tools/entry/check_entry.h"

/* On the first CPU, and on the others, which differ from it in little. */
enum { TRIALS_FIRST = 1024, TRIALS_OTHER = 64 };

enum { WRONG_MAX = 8 };

/* What a rule came to in all trials: the bits of known fields that were wrong in each. */
struct tried_rule {
    bool wanted, kept, broken;
    unsigned wrong_count;
    struct vmentry_finding wrong[WRONG_MAX];
};

/* Marsaglia's xorshift64: the same values for the same dump, in the browser, too. */
static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

#define PICK(seed, values) (values)[next_random(seed) % (sizeof(values) / sizeof((values)[0]))]

/* Access rights and events have forms that no random number hits. */
static uint64_t value_of_form(enum vmcs_field field, uint64_t *seed)
{
    static const uint32_t rights[] = {RIGHTS_CODE_64,  RIGHTS_CODE_32, RIGHTS_DATA_32,
                                      RIGHTS_DATA_16,  RIGHTS_LDT,     RIGHTS_TSS_BUSY,
                                      RIGHTS_UNUSABLE, 0xf3,           RIGHTS_CODE_16};
    static const uint8_t vectors[] = {0, 1, 2, 3, 8, 10, 13, 14, 17, 18, 21, 32, 255};
    uint64_t random = next_random(seed);

    if (field >= VMCS_GUEST_ES_ACCESS_RIGHTS && field <= VMCS_GUEST_TR_ACCESS_RIGHTS)
        return PICK(seed, rights) ^ (random & 1 ? 1u << (random >> 1) % 18 : 0);
    if (field == VMCS_VM_ENTRY_INTERRUPTION_INFORMATION)
        return 1u << 31 | (random & 0xf00) | PICK(seed, vectors);
    if (field == VMCS_GUEST_ACTIVITY_STATE)
        return random & 3;
    return random;
}

/*
 * Nothing, all, one bit, all but one, few, many; the last page below 2^52, for areas whose end
 * counts.
 */
static uint64_t value_in_trial(enum vmcs_field field, unsigned trial, uint64_t *seed)
{
    uint64_t random = next_random(seed), bit = 1ull << (next_random(seed) & 63);

    if (trial < 2)
        return trial == 0 ? 0 : ~0ull;
    switch (random >> 32 & 15) {
    case 0:
    case 1:
        return 0;
    case 2:
        return ~0ull;
    case 3:
        return bit;
    case 4:
        return ~bit;
    case 5:
        return random & 0xff;
    case 6:
        return random & next_random(seed);
    case 7:
        return random | next_random(seed);
    case 8:
        return 0xffffffffff000;
    default:
        return value_of_form(field, seed);
    }
}

/* By row: to look each field up by its encoding takes longer than all rules. */
static void fill(const struct vmcs_image *image, unsigned trial, struct vmcs_image *filled)
{
    static const uint64_t mask[] = {[VMCS_WIDTH_16] = UINT16_MAX,
                                    [VMCS_WIDTH_64] = UINT64_MAX,
                                    [VMCS_WIDTH_32] = UINT32_MAX,
                                    [VMCS_WIDTH_NATURAL] = UINT64_MAX};
    uint64_t seed = 0x9e3779b97f4a7c15ull * (trial + 1);

    *filled = *image;
    for (uint32_t row = 0; row < VMCS_FIELD_COUNT; row++) {
        enum vmcs_field field = vmcs_field_table[row].field;

        if (image->present[row])
            continue;
        filled->value[row] = value_in_trial(field, trial, &seed) & mask[vmcs_encoding_width(field)];
        filled->present[row] = true;
    }
}

/* Keeps of the wrong bits those that are wrong in this trial, too; of no field that is unknown. */
static void keep_common(const struct vmcs_image *image, const struct vmentry_findings *findings,
                        struct tried_rule *tried)
{
    if (!tried->broken) {
        for (uint32_t i = 0; i < findings->count && i < WRONG_MAX; i++) {
            if (vmcs_image_has(image, findings->item[i].field))
                tried->wrong[tried->wrong_count++] = findings->item[i];
        }
    }
    for (unsigned i = 0; i < tried->wrong_count; i++) {
        uint64_t bits = 0;

        for (uint32_t j = 0; j < findings->count; j++) {
            if (findings->item[j].field == tried->wrong[i].field)
                bits |= findings->item[j].seen ^ findings->item[j].wanted;
        }
        tried->wrong[i].wanted =
            tried->wrong[i].seen ^ ((tried->wrong[i].seen ^ tried->wrong[i].wanted) & bits);
    }
}

/* The first known field of which a bit was wrong in all trials. */
static const struct vmentry_finding *always_wrong(const struct tried_rule *tried)
{
    for (unsigned i = 0; i < tried->wrong_count; i++) {
        if (tried->wrong[i].seen != tried->wrong[i].wanted)
            return &tried->wrong[i];
    }
    return NULL;
}

static bool is_decided(const struct tried_rule *tried)
{
    return tried->kept != tried->broken && (tried->kept || always_wrong(tried) != NULL);
}

static void try_rule(const struct vmcs_image *image, const struct vmcs_image *filled,
                     const struct vmentry_context *context, enum vmentry_rule rule,
                     struct tried_rule *tried)
{
    static struct vmentry_findings findings;

    findings.count = findings.lost = findings.unread = 0;
    findings.unchecked[rule / 32] = 0;
    vmentry_check_rule(filled, context, rule, &findings);
    if (findings.count > 0) {
        keep_common(image, &findings, tried);
        tried->broken = true;
    } else {
        tried->kept = true;
    }
    /* of what stands in memory nothing is known */
    tried->wanted = is_decided(tried) && !vmentry_is_unchecked(&findings, rule);
}

static bool any_wanted(const struct tried_rule tried[VMENTRY_RULE_COUNT])
{
    for (enum vmentry_rule rule = 0; rule < VMENTRY_RULE_COUNT; rule++) {
        if (tried[rule].wanted)
            return true;
    }
    return false;
}

static void try_on(const struct vmcs_image *image, const struct entry_cpu *cpu, unsigned trials,
                   struct tried_rule tried[VMENTRY_RULE_COUNT])
{
    static const uint64_t guesses[] = {MSR_GUESS, 0, ~0ull};
    struct vmcs_image filled;
    struct vmx_capability capability;

    for (unsigned trial = 0; trial < trials && any_wanted(tried); trial++) {
        struct vmentry_context context;

        fill(image, trial, &filled);
        context = check_entry_context(&filled, cpu, guesses[trial % 3], &capability);
        for (enum vmentry_rule rule = 0; rule < VMENTRY_RULE_COUNT; rule++) {
            if (tried[rule].wanted)
                try_rule(image, &filled, &context, rule, &tried[rule]);
        }
    }
}

/* In the order of the rules, as the engine has its findings. */
static void insert(struct vmentry_findings *findings, struct vmentry_finding finding)
{
    uint32_t at = findings->count;

    if (findings->count == VMENTRY_FINDINGS_MAX) {
        findings->lost++;
        return;
    }
    for (; at > 0 && findings->item[at - 1].rule > finding.rule; at--)
        findings->item[at] = findings->item[at - 1];
    findings->item[at] = finding;
    findings->count++;
}

void check_entry_unknown(const struct vmcs_image *image, struct entry_check *check)
{
    static struct tried_rule tried[VMENTRY_RULE_COUNT];
    bool open[VMENTRY_RULE_COUNT];

    for (enum vmentry_rule rule = 0; rule < VMENTRY_RULE_COUNT; rule++)
        open[rule] = check->rule[rule].state == RULE_UNKNOWN && !check->rule[rule].needs_msrs;
    for (unsigned i = 0; i < check->cpus; i++) {
        memset(tried, 0, sizeof(tried));
        for (enum vmentry_rule rule = 0; rule < VMENTRY_RULE_COUNT; rule++)
            tried[rule].wanted = open[rule];
        try_on(image, check->cpu[i], i == 0 ? TRIALS_FIRST : TRIALS_OTHER, tried);
        for (enum vmentry_rule rule = 0; rule < VMENTRY_RULE_COUNT; rule++) {
            struct checked_rule *checked = &check->rule[rule];

            open[rule] = tried[rule].wanted;
            if (!open[rule] || !tried[rule].broken)
                continue;
            if (checked->breaks++ == 0)
                checked->example = check->cpu[i]->id;
            if (i == 0)
                insert(&check->findings, *always_wrong(&tried[rule]));
        }
    }
    for (enum vmentry_rule rule = 0; rule < VMENTRY_RULE_COUNT; rule++) {
        struct checked_rule *checked = &check->rule[rule];

        if (open[rule])
            checked->state = RULE_KEPT;
        else if (checked->state == RULE_UNKNOWN)
            checked->breaks = 0;
    }
    check_entry_conclude(check);
}
