/*
 * What CPUID says by a policy that a VM brings, on a processor that says all ones; and which leaves
 * need no look at the policy (vm/vm.h).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "lib/x86_registers.h"
#include "vm/cpuid_mask.h"
#include "vm/vm.h"

enum { CONTROL = 1 << 3, OSPKE = 1 << 4, OSXSAVE = 1 << 27 };

static const struct cpuid_registers all = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};

static struct cpuid_registers ask(const struct vm_policy *policy, uint32_t leaf, uint32_t subleaf,
                                  uint64_t cr4, uint32_t secondary)
{
    return vm_policy_cpuid(policy, leaf, subleaf, all, cr4, secondary);
}

/* SDM Vol. 2, "CPUID": OSXSAVE and OSPKE are as CR4 is, the latter in subleaf 0 of leaf 7 alone. */
static void what_the_guests_system_turned_on(void **state)
{
    static const struct vm_policy policy = {.owns_machine = true};

    (void)state;
    assert_int_equal(ask(&policy, 1, 0, 0, 0).ecx, ~(uint32_t)OSXSAVE);
    assert_int_equal(ask(&policy, 1, 0, CR4_OSXSAVE, 0).ecx, UINT32_MAX);
    assert_int_equal(ask(&policy, 7, 0, CR4_OSXSAVE, 0).ecx, ~(uint32_t)OSPKE);
    assert_int_equal(ask(&policy, 7, 0, CR4_PKE, 0).ecx, UINT32_MAX);
    assert_int_equal(ask(&policy, 7, 1, 0, 0).ecx, UINT32_MAX);
    assert_int_equal(ask(&policy, 2, 0, 0, 0).ecx, UINT32_MAX);
}

/* In the register that it names; of leaf 7 in subleaf 0, of others in all. */
static void a_feature_is_hidden_without_its_control(void **state)
{
    static const struct feature_rule features[] = {
        {7, CPUID_EBX, 1 << 10, CONTROL, 0, 0},      {7, CPUID_EDX, 1 << 2, 0, 0x48, 1},
        {0xd, CPUID_EAX, 1 << 3, CONTROL, 0xda0, 2}, {0x14, CPUID_ECX, 1, CONTROL, 0, 0},
        {0x15, CPUID_EDX, 1, CONTROL, 0, 0},
    };
    static const struct vm_policy policy = {.owns_machine = true,
                                            .features = features,
                                            .feature_count =
                                                sizeof(features) / sizeof(features[0])};

    (void)state;
    assert_int_equal(ask(&policy, 7, 0, CR4_PKE, 0).ebx, ~(1u << 10));
    assert_int_equal(ask(&policy, 7, 0, CR4_PKE, 0).edx, UINT32_MAX);
    assert_int_equal(ask(&policy, 7, 0, CR4_PKE, CONTROL).ebx, UINT32_MAX);
    assert_int_equal(ask(&policy, 7, 1, CR4_PKE, 0).ebx, UINT32_MAX);
    assert_int_equal(ask(&policy, 0xd, 1, 0, 0).eax, ~(1u << 3));
    assert_int_equal(ask(&policy, 0xd, 1, 0, 0).ebx, UINT32_MAX);
    assert_int_equal(ask(&policy, 0x14, 0, 0, 0).ecx, ~1u);
    assert_int_equal(ask(&policy, 0x15, 0, 0, 0).edx, ~1u);
    assert_true(vm_policy_passes_msr(&policy, 0x48, 0));
    assert_false(vm_policy_passes_msr(&policy, 0x47, 0));
    assert_false(vm_policy_passes_msr(&policy, 0x49, 0));
    assert_false(vm_policy_passes_msr(&policy, 0xda0, 0));
    assert_true(vm_policy_passes_msr(&policy, 0xda0, CONTROL));
    assert_true(vm_policy_passes_msr(&policy, 0xda1, CONTROL));
    assert_false(vm_policy_passes_msr(&policy, 0xda2, CONTROL));
}

/* A rule is about its subleaves, the last included; without one a leaf is shown by who owns the
 * machine. */
static void a_rule_shows_and_sets_bits(void **state)
{
    static const struct cpuid_rule rules[] = {
        {4, 1, 2, {1, 2, 4, 8}, {0x10, 0x20, 0x40, 0x80}},
        {5, 3, CPUID_EVERY_SUBLEAF, {0xf, 0, 0, 0}, {0, 0, 0, 0}},
    };
    struct vm_policy policy = {.cpuid = rules, .cpuid_count = 2, .owns_machine = true};
    struct cpuid_registers r = ask(&policy, 4, 1, 0, 0);

    (void)state;
    assert_int_equal(r.eax, 0x11);
    assert_int_equal(r.ebx, 0x22);
    assert_int_equal(r.ecx, 0x44);
    assert_int_equal(r.edx, 0x88);
    assert_int_equal(ask(&policy, 4, 2, 0, 0).eax, 0x11);
    assert_int_equal(ask(&policy, 4, 0, 0, 0).eax, UINT32_MAX);
    assert_int_equal(ask(&policy, 4, 3, 0, 0).eax, UINT32_MAX);
    assert_int_equal(ask(&policy, 5, 2, 0, 0).eax, UINT32_MAX);
    assert_int_equal(ask(&policy, 5, 300, 0, 0).eax, 0xf);
    assert_int_equal(ask(&policy, 0x3fffffff, 0, 0, 0).eax, UINT32_MAX);
    assert_int_equal(ask(&policy, 0x40000000, 0, 0, 0).eax, 0);
    assert_int_equal(ask(&policy, 0x400000ff, 0, 0, 0).eax, 0);
    assert_int_equal(ask(&policy, 0x40000100, 0, 0, 0).eax, UINT32_MAX);
    policy.owns_machine = false;
    assert_int_equal(ask(&policy, 4, 1, 0, 0).eax, 0x11);
    assert_int_equal(ask(&policy, 4, 0, 0, 0).eax, 0);
}

/* A leaf without a bit of the mask is the processor's own: of 2, 4, 8, 10H and 80000000H together,
 * where the owner changes nothing else than leaves 1 and 7. What one of these leaves loses, its bit
 * loses. */
static void leaves_that_are_whole(void **state)
{
    static const uint32_t bits[] = {1u << 31, 1u << 4, 1u << 3, 1u << 2, 1u << 1};
    static const uint32_t whole = 0x8000001e;
    struct cpuid_rule rules[] = {{0, 0, CPUID_EVERY_SUBLEAF, {0xf, 0, 0, 0}, {0, 0, 0, 0}}};
    struct vm_policy policy = {.cpuid = rules, .cpuid_count = 0, .owns_machine = true};

    (void)state;
    assert_int_equal(vm_policy_cpuid_mask(&policy), ~whole);
    policy.cpuid_count = 1;
    assert_int_equal(vm_policy_cpuid_mask(&policy), UINT32_MAX); /* leaf 0 has none of the bits */
    for (unsigned i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
        rules[0].leaf = bits[i];
        assert_int_equal(vm_policy_cpuid_mask(&policy), ~(whole & ~bits[i]));
        rules[0].first = 1; /* of some subleaves */
        assert_int_equal(vm_policy_cpuid_mask(&policy), ~(whole & ~bits[i]));
        rules[0].first = 0;
    }
    rules[0] =
        (struct cpuid_rule){4, 0, CPUID_EVERY_SUBLEAF, all, {0, 0, 0, 0}}; /* changes nothing */
    assert_int_equal(vm_policy_cpuid_mask(&policy), ~whole);
    rules[0].set.edx = 1; /* sets a bit */
    assert_int_equal(vm_policy_cpuid_mask(&policy), ~(whole & ~4u));
    rules[0].set.edx = 0;
    rules[0].show.ebx = ~1u;
    assert_int_equal(vm_policy_cpuid_mask(&policy), ~(whole & ~4u));
    policy.owns_machine = false;
    assert_int_equal(vm_policy_cpuid_mask(&policy), UINT32_MAX);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_guests_system_turned_on),
        cmocka_unit_test(a_feature_is_hidden_without_its_control),
        cmocka_unit_test(a_rule_shows_and_sets_bits),
        cmocka_unit_test(leaves_that_are_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
