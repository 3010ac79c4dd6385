/* Lab 1: vmcs_config from IA32_VMX_BASIC. docs/labs/1.md is its page. */
#include "tests/labs/lab.h"

#include <string.h>

#include "tools/capability/corpus.h"
#include "vmx/capability/vmx_controls.h"

/* A Skylake's, with a region of 1024 bytes. */
#define GOOD 0x00da040000000004ull

struct outcome {
    struct vmcs_config config;
    struct findings findings;
};

static struct outcome derive(uint64_t basic, enum vmx_check check)
{
    struct outcome outcome = {.findings.check = check};
    struct vmx_msrs msrs = corpus_find("ilx-406e3-skylake-cpuid")->dump.msrs;

    vmx_msr_set(&msrs, IA32_VMX_BASIC, basic);
    memset(&outcome.config, 0xff, sizeof(outcome.config));
    vmcs_config_derive(&msrs, &outcome.config, &outcome.findings);
    return outcome;
}

static uint64_t with_size(uint64_t size)
{
    return (GOOD & ~(0x1fffull << 32)) | size << 32;
}

static const struct finding *find(const struct findings *findings, enum rule rule)
{
    for (uint32_t i = 0; i < findings->count; i++) {
        if (findings->item[i].rule == rule)
            return &findings->item[i];
    }
    return NULL;
}

/* That these bits, with this value, are found to break the rule, as severe as it is. */
static void want_found(uint64_t basic, enum rule rule, enum severity severity)
{
    const struct outcome outcome = derive(basic, VMX_CHECK_KVM);
    const struct finding *finding = find(&outcome.findings, rule);

    want(finding != NULL, "IA32_VMX_BASIC 0x%016llx: no finding %s; it breaks that rule",
         ull(basic), rule_table[rule].name);
    want(finding->severity == severity, "IA32_VMX_BASIC 0x%016llx: %s is a %s, not a %s",
         ull(basic), rule_table[rule].name, severity_name(severity),
         severity_name(finding->severity));
}

static void want_not_found(uint64_t basic, enum rule rule, const char *why)
{
    const struct outcome outcome = derive(basic, VMX_CHECK_KVM);

    want(find(&outcome.findings, rule) == NULL,
         "IA32_VMX_BASIC 0x%016llx: finding %s, but it does not break that rule: %s", ull(basic),
         rule_table[rule].name, why);
}

static void size(void **state)
{
    static const unsigned sizes[] = {1024, 1, 2048, 4095, 4096, 8191};

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        const int seen = derive(with_size(sizes[i]), VMX_CHECK_KVM).config.size;

        want(seen != (int)(sizes[i] & 0xfff) || seen == (int)sizes[i],
             "size is %d for %u: the field is 13 bits wide, 44:32, so that 4096 has room in it",
             seen, sizes[i]);
        want(seen == (int)sizes[i], "size is %d; bits 44:32 are %u", seen, sizes[i]);
    }
}

static void order(void **state)
{
    static const struct {
        unsigned size;
        int order;
    } orders[] = {{1024, 0}, {4095, 0}, {4096, 0}, {4097, 1}, {8191, 1}, {0, 52}};

    (void)state;
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        const int seen = derive(with_size(orders[i].size), VMX_CHECK_KVM).config.order;

        want(seen == orders[i].order,
             "order is %d for a size of %u, but must be %d: 2^order pages of 4096 bytes are the "
             "fewest that hold the region (get_order())",
             seen, orders[i].size, orders[i].order);
    }
}

static void basic_cap(void **state)
{
    (void)state;
    for (int bit = 32; bit < 64; bit++) {
        const uint64_t basic = GOOD ^ 1ull << bit;
        const uint32_t seen = derive(basic, VMX_CHECK_KVM).config.basic_cap;
        const uint32_t wanted = (uint32_t)(basic >> 32) & ~0x1fffu;

        want(seen == wanted || seen != (uint32_t)(basic >> 32),
             "basic_cap is 0x%x: the size, its bits 12:0, does not belong there", seen);
        want(seen == wanted, "basic_cap is 0x%x for IA32_VMX_BASIC 0x%016llx, but must be 0x%x",
             seen, ull(basic), wanted);
    }
}

static void revision_id(void **state)
{
    (void)state;
    for (int bit = 0; bit < 32; bit++) {
        const uint64_t basic = GOOD ^ 1ull << bit;
        const uint32_t seen = derive(basic, VMX_CHECK_KVM).config.revision_id;
        const uint32_t wanted = (uint32_t)basic & 0x7fffffff;

        want(seen == wanted || seen != (uint32_t)basic,
             "revision_id is 0x%x: bit 31 does not belong to it; in a VMCS region that bit says "
             "\"shadow VMCS\"",
             seen);
        want(seen == wanted, "revision_id is 0x%x; bits 30:0 are 0x%x", seen, wanted);
    }
}

static void sizes_refused(void **state)
{
    (void)state;
    want_found(with_size(0), RULE_BASIC_SIZE_ZERO, SEVERITY_REFUSAL);
    want_found(with_size(4097), RULE_BASIC_SIZE_OVER_PAGE, SEVERITY_REFUSAL);
    want_found(with_size(8191), RULE_BASIC_SIZE_OVER_PAGE, SEVERITY_REFUSAL);
    want_not_found(with_size(4096), RULE_BASIC_SIZE_OVER_PAGE,
                   "4096 bytes are allowed, and half of all processors say so");
    want_not_found(with_size(1), RULE_BASIC_SIZE_ZERO, "its size is 1");
}

static void memory_type(void **state)
{
    (void)state;
    for (uint64_t type = 0; type < 16; type++) {
        const uint64_t basic = (GOOD & ~(15ull << 50)) | type << 50;

        if (type == 6)
            want_not_found(basic, RULE_BASIC_MEMORY_TYPE, "bits 53:50 are 6, write-back");
        else
            want_found(basic, RULE_BASIC_MEMORY_TYPE, SEVERITY_REFUSAL);
    }
}

static void addresses_of_32_bits(void **state)
{
    (void)state;
    want_found(GOOD | 1ull << 48, RULE_BASIC_32_BIT_ADDRESSES, SEVERITY_REFUSAL);
    want_not_found(GOOD | 1ull << 47, RULE_BASIC_32_BIT_ADDRESSES, "that is bit 48, not bit 47");
    want_not_found(GOOD | 1ull << 49, RULE_BASIC_32_BIT_ADDRESSES,
                   "that is bit 48; bit 49 is the dual-monitor treatment of SMIs");
}

static void what_kvm_leaves(void **state)
{
    (void)state;
    want_found(GOOD | 1ull << 31, RULE_BASIC_REVISION_BIT_31, SEVERITY_WARNING);
    for (int bit = 45; bit <= 47; bit++)
        want_found(GOOD | 1ull << bit, RULE_BASIC_RESERVED_47_45, SEVERITY_WARNING);
    want_found(GOOD | 1ull << 57, RULE_BASIC_BIT_57, SEVERITY_WARNING);
    for (int bit = 59; bit <= 63; bit++)
        want_found(GOOD | 1ull << bit, RULE_BASIC_RESERVED_63_59, SEVERITY_WARNING);
    for (int bit = 54; bit <= 58; bit += bit == 56 ? 2 : 1) {
        want_not_found(GOOD ^ 1ull << bit, RULE_BASIC_BIT_57,
                       "bits 54, 55, 56 and 58 are features");
        want_not_found(GOOD ^ 1ull << bit, RULE_BASIC_RESERVED_63_59,
                       "bits 54, 55, 56 and 58 are features");
    }
}

/* All that is wrong is reported, with the bits and their values. */
static void every_finding(void **state)
{
    const struct outcome outcome = derive(~0ull, VMX_CHECK_KVM);
    const struct finding *finding;
    int count = 0;

    (void)state;
    for (uint32_t i = 0; i < outcome.findings.count; i++) {
        want(outcome.findings.item[i].rule > RULE_BASIC_RESERVED_63_59 ||
                 outcome.findings.item[i].msr == IA32_VMX_BASIC,
             "%s does not say of which MSR it is: .msr",
             rule_table[outcome.findings.item[i].rule].name);
        count += outcome.findings.item[i].msr == IA32_VMX_BASIC;
    }
    want(count == 7,
         "IA32_VMX_BASIC of all ones: %d findings about it, but 7 rules are broken: all are "
         "reported, "
         "not only the first",
         count);
    finding = find(&outcome.findings, RULE_BASIC_MEMORY_TYPE);
    want(finding != NULL, "of 7 findings none is %s", rule_table[RULE_BASIC_MEMORY_TYPE].name);
    want(finding->high == 53 && finding->low == 50, "%s names bits %d:%d, not 53:50",
         rule_table[finding->rule].name, finding->high, finding->low);
    want(finding->seen == 15 && finding->wanted == 6,
         "%s: seen 0x%llx, wanted 0x%llx; but the field, shifted down to bit 0, is 0xf, and must "
         "be 6",
         rule_table[finding->rule].name, ull(finding->seen), ull(finding->wanted));
}

/* The size has two rules, and each wants something else of it. */
static void want_size(uint64_t size, enum rule rule, uint64_t wanted)
{
    const struct outcome outcome = derive((GOOD & ~(0x1fffull << 32)) | size << 32, VMX_CHECK_KVM);
    const struct finding *finding = find(&outcome.findings, rule);

    want(finding && finding->high == 44 && finding->low == 32 && finding->seen == size &&
             finding->wanted == wanted,
         "a size of %llu: %s with bits 44:32, %llu seen and %llu wanted is expected", ull(size),
         rule_table[rule].name, ull(size), ull(wanted));
}

static void sizes_wanted(void **state)
{
    (void)state;
    want_size(0, RULE_BASIC_SIZE_ZERO, 1);
    want_size(4097, RULE_BASIC_SIZE_OVER_PAGE, 4096);
}

static void is_as_recorded(const struct corpus_row *row)
{
    const uint64_t basic = vmx_msr_value(&row->dump.msrs, IA32_VMX_BASIC);
    const uint32_t high = (uint32_t)(basic >> 32), bytes = high & 0x1fff;
    struct findings findings = {.check = VMX_CHECK_KVM};
    struct vmcs_config config;

    vmcs_config_derive(&row->dump.msrs, &config, &findings);
    want(config.size == (int)bytes && config.basic_cap == high - bytes &&
             config.revision_id == (uint32_t)basic % 0x80000000u,
         "%s (IA32_VMX_BASIC 0x%016llx): size %d, basic_cap 0x%x, revision_id 0x%x", row->id,
         ull(basic), config.size, config.basic_cap, config.revision_id);
    want(!find(&findings, RULE_BASIC_SIZE_ZERO) && !find(&findings, RULE_BASIC_MEMORY_TYPE),
         "%s (IA32_VMX_BASIC 0x%016llx) is refused, but it works", row->id, ull(basic));
    want((find(&findings, RULE_BASIC_32_BIT_ADDRESSES) != NULL) ==
             (strcmp(row->id, "vboxdb-core-duo-t2600") == 0),
         "%s (IA32_VMX_BASIC 0x%016llx): the Core Duo has no Intel 64, and it alone takes "
         "addresses of "
         "32 bits",
         row->id, ull(basic));
}

static void real_machines(void **state)
{
    (void)state;
    for (size_t i = 0; i < corpus_count; i++) {
        if (vmx_msr_is_present(&corpus[i].dump.msrs, IA32_VMX_BASIC))
            is_as_recorded(&corpus[i]);
    }
}

static void compare(void **state)
{
    const struct vmcs_config boot = {1, 2, 3, 4, {5, 6, 7, 8, 9}};
    struct findings findings = {.cpu = 3};

    (void)state;
    vmcs_config_compare(&boot, &boot, &findings);
    want(findings.count == 0, "%u findings about two CPUs that are alike", findings.count);
    for (uint32_t i = 0; i < vmcs_config_field_count; i++) {
        const struct field *field = &vmcs_config_fields[i];
        struct vmcs_config other = boot;

        ((unsigned char *)&other)[field->offset] += 16;
        findings.count = 0;
        vmcs_config_compare(&boot, &other, &findings);
        want(findings.count == 1 && findings.item[0].rule == RULE_COMPARE_MISMATCH,
             "two CPUs that differ in %s: %u findings, not one %s", field->name, findings.count,
             rule_table[RULE_COMPARE_MISMATCH].name);
        want(findings.item[0].detail && strcmp(findings.item[0].detail, field->name) == 0,
             "the finding about %s names %s in .detail", field->name,
             findings.item[0].detail ? findings.item[0].detail : "nothing");
        want(findings.item[0].seen == i + 17 && findings.item[0].wanted == i + 1,
             "%s: seen %llu, wanted %llu; but what this CPU says is seen, and what the boot CPU "
             "says is wanted",
             field->name, ull(findings.item[0].seen), ull(findings.item[0].wanted));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(size),
        cmocka_unit_test(order),
        cmocka_unit_test(basic_cap),
        cmocka_unit_test(revision_id),
        cmocka_unit_test(sizes_refused),
        cmocka_unit_test(memory_type),
        cmocka_unit_test(addresses_of_32_bits),
        cmocka_unit_test(what_kvm_leaves),
        cmocka_unit_test(every_finding),
        cmocka_unit_test(sizes_wanted),
        cmocka_unit_test(real_machines),
        cmocka_unit_test(compare),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
