#include "tools/entry/check_entry.h"

static void set_bit(uint32_t *bits, uint32_t index)
{
    bits[index / 32] |= 1u << index % 32;
}

static void fill(struct vmcs_image *whole, uint64_t value)
{
    for (uint32_t row = 0; row < VMCS_FIELD_COUNT; row++) {
        if (!whole->present[row])
            vmcs_image_set(whole, vmcs_field_table[row].field, value);
    }
}

/*
 * Derives by trying: a rule needs a field that is unknown where it cannot be checked without it
 * though all others are there, and it looks at a field where it cannot be checked once that one is
 * taken away. What cannot be checked though every field is there needs memory. The fields that are
 * not there are tried as 0 and as all ones: of many rules one of both asks no more of the others.
 */
static void find_needs(const struct vmcs_image *image, const struct entry_cpu *cpu, uint64_t value,
                       struct entry_check *check)
{
    static struct vmentry_findings findings, without;
    struct vmcs_image whole = *image;

    fill(&whole, value);
    check_entry_on(&whole, cpu, MSR_GUESS, &findings);
    for (enum vmentry_rule rule = 0; rule < VMENTRY_RULE_COUNT; rule++) {
        if (!vmentry_is_unchecked(&findings, rule))
            check->rule[rule].needs_memory = false;
    }
    for (uint32_t row = 0; row < VMCS_FIELD_COUNT; row++) {
        if (image->present[row])
            continue;
        whole.present[row] = false;
        check_entry_on(&whole, cpu, MSR_GUESS, &without);
        whole.present[row] = true;
        for (enum vmentry_rule rule = 0; rule < VMENTRY_RULE_COUNT; rule++) {
            if (vmentry_is_unchecked(&without, rule) && !vmentry_is_unchecked(&findings, rule))
                set_bit(check->rule[rule].needs, row);
        }
    }
}

/* Of a rule that is broken whatever an unknown field holds, too: that one is taken as 0. */
static void find_looks(const struct vmcs_image *image, const struct entry_cpu *cpu,
                       struct entry_check *check)
{
    static struct vmentry_findings findings;
    struct vmcs_image less = *image;

    fill(&less, 0);
    for (uint32_t row = 0; row < VMCS_FIELD_COUNT; row++) {
        if (!image->present[row])
            continue;
        less.present[row] = false;
        check_entry_on(&less, cpu, MSR_GUESS, &findings);
        less.present[row] = true;
        for (enum vmentry_rule rule = 0; rule < VMENTRY_RULE_COUNT; rule++) {
            if (vmentry_is_unchecked(&findings, rule))
                set_bit(check->rule[rule].looks, row);
        }
    }
}

void check_entry_needs(const struct vmcs_image *image, struct entry_check *check)
{
    for (enum vmentry_rule rule = 0; rule < VMENTRY_RULE_COUNT; rule++)
        check->rule[rule].needs_memory = check->rule[rule].state == RULE_UNKNOWN;
    find_needs(image, check->first, 0, check);
    find_needs(image, check->first, ~0ull, check);
    find_looks(image, check->first, check);
}

bool checked_rule_lacks(const struct checked_rule *checked, uint32_t what)
{
    if (checked->state != RULE_UNKNOWN)
        return false;
    if (what == LACKS_MEMORY)
        return checked->needs_memory;
    if (what == LACKS_MSRS)
        return checked->needs_msrs;
    return checked->needs[what / 32] >> what % 32 & 1;
}
