/* vmx_capability: values decoded by hand from real machines' MSRs, by the SDM's bit positions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/host/real_msrs.h"
#include "vmx/capability/vmx_capability.h"

static void skylake_has_nearly_all(void **state)
{
    const struct vmx_msrs msrs = real_msrs(skylake);
    struct vmx_capability capability;

    (void)state;
    memset(&capability, 0xff, sizeof(capability));
    vmx_capability_derive(&msrs, &capability);
    /* BASIC 0x00da0400'00000004: bits 49, 54 and 55 */
    assert_true(capability.dual_monitor_treatment);
    assert_true(capability.ins_outs_information);
    assert_true(capability.true_controls);
    assert_false(capability.any_event_error_code);
    assert_false(capability.basic_bit_57);
    assert_false(capability.nested_exception);
    /* The TRUE MSRs' halves. */
    assert_int_equal(capability.primary_allowed0, 0x04006172);
    assert_int_equal(capability.primary_allowed1, 0xfff9fffe);
    assert_int_equal(capability.exit_allowed0, 0x36dfb);
    assert_int_equal(capability.exit_allowed1, 0x01ffffff);
    assert_int_equal(capability.secondary_allowed1, 0x001fbcff);
    /* MISC 0x7004c1e7 */
    assert_int_equal(capability.preemption_timer_shift, 7);
    assert_true(capability.exit_stores_efer_lma);
    assert_true(capability.activity_hlt);
    assert_true(capability.activity_shutdown);
    assert_true(capability.activity_wait_for_sipi);
    assert_true(capability.pt_in_vmx);
    assert_true(capability.rdmsr_smbase_in_smm);
    assert_int_equal(capability.cr3_targets, 4);
    assert_int_equal(capability.msr_list_limit, 0);
    assert_true(capability.smm_monitor_blocks_smi);
    assert_true(capability.vmwrite_any_field);
    assert_true(capability.zero_length_injection);
    assert_int_equal(capability.mseg_revision_id, 0);
    /* VMCS_ENUM 0x2e: index 23 in bits 9:1 */
    assert_int_equal(capability.vmcs_enum_max_index, 23);
    /* EPT_VPID_CAP 0xf01'06334141 */
    assert_true(capability.ept_execute_only);
    assert_true(capability.ept_page_walk_4);
    assert_false(capability.ept_page_walk_5);
    assert_true(capability.ept_uncacheable);
    assert_true(capability.ept_write_back);
    assert_true(capability.ept_2m_pages);
    assert_true(capability.ept_1g_pages);
    assert_true(capability.invept);
    assert_true(capability.ept_accessed_dirty);
    assert_false(capability.ept_advanced_exit_information);
    assert_false(capability.ept_supervisor_shadow_stack);
    assert_true(capability.invept_single_context);
    assert_true(capability.invept_all_contexts);
    assert_true(capability.invvpid);
    assert_true(capability.invvpid_individual_address);
    assert_true(capability.invvpid_single_context);
    assert_true(capability.invvpid_all_contexts);
    assert_true(capability.invvpid_single_retaining_globals);
    assert_int_equal(capability.hlat_prefix_size_max, 0);
}

static void fixed_bits_keep_all_64(void **state)
{
    struct vmx_msrs msrs = real_msrs(skylake);
    struct vmx_capability capability;

    (void)state;
    vmx_msr_set(&msrs, 0x489, 0x11bf76fff); /* Wildcat Lake: CR4 has bit 32 */
    vmx_capability_derive(&msrs, &capability);
    assert_true(capability.cr4_fixed1 == 0x11bf76fff);
    assert_int_equal(capability.cr0_fixed0, 0x80000021);
    assert_int_equal(capability.cr0_fixed1, 0xffffffff);
    assert_int_equal(capability.cr4_fixed0, 0x2000);
}

static void what_does_not_exist_says_nothing(void **state)
{
    struct vmx_msrs msrs = real_msrs(conroe);
    struct vmx_capability capability;

    (void)state;
    /* Values in places that the other MSRs say do not exist. */
    vmx_msr_set(&msrs, 0x48c, ~0ull);
    vmx_msr_set(&msrs, 0x492, ~0ull);
    vmx_msr_set(&msrs, 0x48e, ~0ull);
    vmx_capability_derive(&msrs, &capability);
    assert_false(capability.ept_page_walk_4);
    assert_false(capability.invvpid);
    assert_int_equal(capability.tertiary_allowed1, 0);
    assert_int_equal(capability.primary_allowed0, 0x0401e172);
    assert_int_equal(capability.primary_allowed1, 0x77b9fffe);
    assert_int_equal(capability.secondary_allowed1, 0);
    assert_false(capability.true_controls);
}

/* The table that others loop over describes the struct: places, widths, kinds. */
static void the_fields_describe_the_struct(void **state)
{
    uint32_t end = 0;

    (void)state;
    for (uint32_t i = 0; i < vmx_capability_field_count; i++) {
        const struct field *field = &vmx_capability_fields[i];

        assert_true(field->offset >= end);
        end = field->offset + field->width;
        assert_int_equal(field->width, field->kind == FIELD_BOOL     ? 1
                                       : field->kind == FIELD_NUMBER ? 4
                                                                     : 8);
    }
    assert_true(end <= sizeof(struct vmx_capability));
}

static void a_field_is_read_through_the_table(void **state)
{
    const struct vmx_msrs msrs = real_msrs(skylake);
    struct vmx_capability capability;
    int found = 0;

    (void)state;
    vmx_capability_derive(&msrs, &capability);
    for (uint32_t i = 0; i < vmx_capability_field_count; i++) {
        const struct field *field = &vmx_capability_fields[i];

        if (!strcmp(field->name, "cr3_targets")) {
            assert_int_equal(field_value(field, &capability), 4);
            found++;
        }
        if (!strcmp(field->name, "primary_allowed1")) {
            assert_int_equal(field_value(field, &capability), 0xfff9fffe);
            found++;
        }
        if (!strcmp(field->name, "true_controls")) {
            assert_int_equal(field_value(field, &capability), 1);
            found++;
        }
    }
    assert_int_equal(found, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(skylake_has_nearly_all),
        cmocka_unit_test(fixed_bits_keep_all_64),
        cmocka_unit_test(what_does_not_exist_says_nothing),
        cmocka_unit_test(the_fields_describe_the_struct),
        cmocka_unit_test(a_field_is_read_through_the_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
