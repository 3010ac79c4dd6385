/*
 * The parts of the EPT pointer, by what the processor has: SDM Vol. 3, "VM-Execution Control
 * Fields" of the checks; table "Format of Extended-Page-Table Pointer"; "VMX Capability Reporting
 * Facility", IA32_VMX_EPT_VPID_CAP.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/host/vmentry_ground.h"
#include "vmx/capability/vmx_controls.h"

static struct vmcs_image image;
static struct vmentry_findings findings;

/* A processor with what the bits of `has` say. */
static void on_processor(unsigned has)
{
    ground_reset(GROUND_ALL);
    assert_true(vmentry_base_image(&ground, VMENTRY_BASE_LONG_EPT, &image));
    ground_capability.ept_uncacheable = has & 1;
    ground_capability.ept_write_back = has & 2;
    ground_capability.ept_page_walk_4 = has & 4;
    ground_capability.ept_page_walk_5 = has & 8;
    ground_capability.ept_accessed_dirty = has & 16;
    ground_capability.ept_supervisor_shadow_stack = has & 32;
}

static const struct vmentry_finding *broken(enum vmentry_rule rule)
{
    for (uint32_t i = 0; i < findings.count; i++) {
        if (findings.item[i].rule == rule)
            return &findings.item[i];
    }
    return NULL;
}

/* A value that would do is reported where the processor has any, and differs in those bits alone.
 */
static void part_is(enum vmentry_rule rule, uint64_t eptp, uint64_t part, bool good)
{
    const struct vmentry_finding *finding = broken(rule);

    assert_int_equal(finding == NULL, good);
    if (finding == NULL)
        return;
    assert_int_equal(finding->field, VMCS_EPT_POINTER);
    assert_int_equal(finding->seen, eptp);
    assert_int_not_equal(finding->wanted, eptp);
    assert_int_equal((finding->wanted ^ eptp) & ~part, 0);
}

/* 2:0 is 0 (UC) or 6 (WB); 5:3 one less than the levels of tables, 4 or 5; 6 and 7 where they are.
 */
static void each_part_is_what_the_processor_has(void **state)
{
    (void)state;
    for (unsigned has = 0; has < 64; has++) {
        on_processor(has);
        for (uint64_t low = 0; low < 256; low++) {
            uint64_t eptp = 0x5000 | low, type = low & 7, walk = low >> 3 & 7;

            vmcs_image_set(&image, VMCS_EPT_POINTER, eptp);
            vmentry_check(&image, &ground_context, &findings);
            part_is(VMENTRY_EPTP_MEMORY_TYPE, eptp, 7,
                    (type == 0 && has & 1) || (type == 6 && has & 2));
            part_is(VMENTRY_EPTP_WALK_LENGTH, eptp, 7 << 3,
                    (walk == 3 && has & 4) || (walk == 4 && has & 8));
            part_is(VMENTRY_EPTP_ACCESSED_DIRTY, eptp, 1 << 6, !(low & 0x40) || has & 16);
            part_is(VMENTRY_EPTP_SHADOW_STACK, eptp, 1 << 7, !(low & 0x80) || has & 32);
        }
    }
}

static void a_type_that_would_do_is_reported(void **state)
{
    (void)state;
    for (unsigned has = 1; has < 4; has++) {
        on_processor(has | 4);
        vmcs_image_set(&image, VMCS_EPT_POINTER, 0x5000 | 3 << 3 | 4);
        vmentry_check(&image, &ground_context, &findings);
        assert_int_equal(broken(VMENTRY_EPTP_MEMORY_TYPE)->wanted & 7, has & 2 ? 6 : 0);
    }
}

static void without_ept_nothing_counts(void **state)
{
    (void)state;
    on_processor(0);
    vmcs_image_set(&image, VMCS_EPT_POINTER, 0x50ff);
    vmcs_image_set(&image, VMCS_SECONDARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS, 0);
    vmentry_check(&image, &ground_context, &findings);
    for (enum vmentry_rule rule = VMENTRY_EPTP_MEMORY_TYPE; rule <= VMENTRY_EPTP_ADDRESS; rule++)
        assert_null(broken(rule));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_part_is_what_the_processor_has),
        cmocka_unit_test(a_type_that_would_do_is_reported),
        cmocka_unit_test(without_ept_nothing_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
