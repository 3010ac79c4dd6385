/*
 * The rules of a VM entry about the TPR threshold, with each control that they depend on and
 * without it. SDM Vol. 3, "VM-Execution Control Fields" of the checks: with "use TPR shadow" and
 * without "virtual-interrupt delivery" bits 31:4 of the threshold must be 0; where "virtualize APIC
 * accesses" is 0 as well, bits 3:0 must not be greater than bits 7:4 of VTPR, at offset 80H of the
 * virtual-APIC page.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/host/vmentry_ground.h"
#include "vmx/capability/vmx_controls.h"

static struct vmcs_image image;
static struct vmentry_findings findings;

static void set(enum vmcs_field field, uint64_t value)
{
    vmcs_image_set(&image, field, value);
}

/* A guest whose VTPR is that, with EPT, lest APIC accesses miss it. */
static void threshold(uint8_t vtpr, uint32_t value, bool tpr_shadow, uint32_t secondary)
{
    uint64_t primary;

    ground_reset(GROUND_ALL);
    assert_true(vmentry_base_image(&ground, VMENTRY_BASE_LONG_EPT, &image));
    primary = vmcs_image_get(&image, VMCS_PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS);
    set(VMCS_PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS,
        tpr_shadow ? primary | PRIMARY_TPR_SHADOW : primary & ~(uint64_t)PRIMARY_TPR_SHADOW);
    set(VMCS_SECONDARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS,
        vmcs_image_get(&image, VMCS_SECONDARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS) | secondary);
    set(VMCS_VIRTUAL_APIC_ADDRESS, ground.page[VMENTRY_PAGE_SCRATCH]);
    set(VMCS_APIC_ACCESS_ADDRESS, ground.page[VMENTRY_PAGE_SCRATCH]);
    set(VMCS_TPR_THRESHOLD, value);
    ground_memory[VMENTRY_PAGE_SCRATCH][0x80] = vtpr;
    vmentry_check(&image, &ground_context, &findings);
}

static bool breaks(enum vmentry_rule rule)
{
    return vmentry_has(&findings, rule);
}

static void it_is_held_against_the_priority(void **state)
{
    (void)state;
    for (unsigned value = 0; value < 16; value++) {
        for (unsigned priority = 0; priority < 16; priority++) {
            threshold((uint8_t)(priority << 4 | 0xf), value, true, 0);
            assert_int_equal(breaks(VMENTRY_TPR_THRESHOLD_VTPR), value > priority);
            assert_false(breaks(VMENTRY_TPR_THRESHOLD_RESERVED));
            if (value <= priority)
                continue;
            for (uint32_t i = 0; i < findings.count; i++) {
                if (findings.item[i].rule != VMENTRY_TPR_THRESHOLD_VTPR)
                    continue;
                assert_int_equal(findings.item[i].field, VMCS_TPR_THRESHOLD);
                assert_int_equal(findings.item[i].seen, value);
                assert_int_equal(findings.item[i].wanted, priority);
            }
        }
    }
}

static void it_counts_where_the_shadow_is_used(void **state)
{
    (void)state;
    threshold(0, 0x1f, true, 0);
    assert_true(breaks(VMENTRY_TPR_THRESHOLD_VTPR));
    assert_true(breaks(VMENTRY_TPR_THRESHOLD_RESERVED));
    threshold(0, 0x1f, false, 0);
    assert_false(breaks(VMENTRY_TPR_THRESHOLD_VTPR));
    assert_false(breaks(VMENTRY_TPR_THRESHOLD_RESERVED));
    threshold(0, 0x1f, true, SECONDARY_VIRTUAL_INTERRUPT_DELIVERY);
    assert_false(breaks(VMENTRY_TPR_THRESHOLD_VTPR));
    assert_false(breaks(VMENTRY_TPR_THRESHOLD_RESERVED));
    threshold(0, 0x1f, true, SECONDARY_VIRTUALIZE_APIC_ACCESSES);
    assert_false(breaks(VMENTRY_TPR_THRESHOLD_VTPR));
    assert_true(breaks(VMENTRY_TPR_THRESHOLD_RESERVED));
    /* A neighbour of these controls makes no difference. */
    threshold(0, 0x1f, true, SECONDARY_ENABLE_RDTSCP | SECONDARY_VIRTUALIZE_X2APIC_MODE);
    assert_true(breaks(VMENTRY_TPR_THRESHOLD_VTPR));
    assert_true(breaks(VMENTRY_TPR_THRESHOLD_RESERVED));
}

/* Each bit of 31:4, and no bit of 3:0, is reserved. */
static void each_reserved_bit_counts(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit < 32; bit++) {
        threshold(0xf0, 1u << bit, true, 0);
        assert_int_equal(breaks(VMENTRY_TPR_THRESHOLD_RESERVED), bit >= 4);
    }
}

/* An address that another rule refuses is not read. */
static void a_bad_address_is_the_other_rules(void **state)
{
    const uint64_t bad[] = {1, 0x800, 1ull << GROUND_WIDTH};

    (void)state;
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        threshold(0, 5, true, 0);
        set(VMCS_VIRTUAL_APIC_ADDRESS, ground.page[VMENTRY_PAGE_SCRATCH] | bad[i]);
        vmentry_check(&image, &ground_context, &findings);
        assert_true(breaks(VMENTRY_VIRTUAL_APIC_ADDRESS));
        assert_false(breaks(VMENTRY_TPR_THRESHOLD_VTPR));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_held_against_the_priority),
        cmocka_unit_test(it_counts_where_the_shadow_is_used),
        cmocka_unit_test(each_reserved_bit_counts),
        cmocka_unit_test(a_bad_address_is_the_other_rules),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
