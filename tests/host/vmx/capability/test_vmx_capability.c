/* vmx_capability: values decoded by hand from real machines' MSRs, by the SDM's bit positions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/host/full_msrs.h"
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

/* SDM Vol. 3, appendix "VMX Capability Reporting Facility": bits high:low of which MSR. */
#define CONTROLS(name, msr)             \
    FIELD(name##_allowed0, msr, 31, 0), \
    {                                   \
#name "_allowed1", msr, 63, 32  \
    }
#define FIELD(name, msr, high, low) \
    {                               \
#name, msr, high, low       \
    }
static const struct {
    const char *name;
    uint32_t msr;
    unsigned high, low;
} manual[] = {
    FIELD(dual_monitor_treatment, 0x480, 49, 49),
    FIELD(ins_outs_information, 0x480, 54, 54),
    FIELD(true_controls, 0x480, 55, 55),
    FIELD(any_event_error_code, 0x480, 56, 56),
    FIELD(basic_bit_57, 0x480, 57, 57),
    FIELD(nested_exception, 0x480, 58, 58),
    CONTROLS(pin, 0x48d),
    CONTROLS(primary, 0x48e),
    CONTROLS(secondary, 0x48b),
    FIELD(tertiary_allowed1, 0x492, 63, 0),
    CONTROLS(exit, 0x48f),
    FIELD(secondary_exit_allowed1, 0x493, 63, 0),
    CONTROLS(entry, 0x490),
    FIELD(preemption_timer_shift, 0x485, 4, 0),
    FIELD(exit_stores_efer_lma, 0x485, 5, 5),
    FIELD(activity_hlt, 0x485, 6, 6),
    FIELD(activity_shutdown, 0x485, 7, 7),
    FIELD(activity_wait_for_sipi, 0x485, 8, 8),
    FIELD(pt_in_vmx, 0x485, 14, 14),
    FIELD(rdmsr_smbase_in_smm, 0x485, 15, 15),
    FIELD(cr3_targets, 0x485, 24, 16),
    FIELD(msr_list_limit, 0x485, 27, 25),
    FIELD(smm_monitor_blocks_smi, 0x485, 28, 28),
    FIELD(vmwrite_any_field, 0x485, 29, 29),
    FIELD(zero_length_injection, 0x485, 30, 30),
    FIELD(mseg_revision_id, 0x485, 63, 32),
    FIELD(cr0_fixed0, 0x486, 63, 0),
    FIELD(cr0_fixed1, 0x487, 63, 0),
    FIELD(cr4_fixed0, 0x488, 63, 0),
    FIELD(cr4_fixed1, 0x489, 63, 0),
    FIELD(vmcs_enum_max_index, 0x48a, 9, 1),
    FIELD(ept_execute_only, 0x48c, 0, 0),
    FIELD(ept_page_walk_4, 0x48c, 6, 6),
    FIELD(ept_page_walk_5, 0x48c, 7, 7),
    FIELD(ept_uncacheable, 0x48c, 8, 8),
    FIELD(ept_write_back, 0x48c, 14, 14),
    FIELD(ept_2m_pages, 0x48c, 16, 16),
    FIELD(ept_1g_pages, 0x48c, 17, 17),
    FIELD(invept, 0x48c, 20, 20),
    FIELD(ept_accessed_dirty, 0x48c, 21, 21),
    FIELD(ept_advanced_exit_information, 0x48c, 22, 22),
    FIELD(ept_supervisor_shadow_stack, 0x48c, 23, 23),
    FIELD(invept_single_context, 0x48c, 25, 25),
    FIELD(invept_all_contexts, 0x48c, 26, 26),
    FIELD(hlat_prefix_size_max, 0x48c, 53, 48),
    FIELD(invvpid, 0x48c, 32, 32),
    FIELD(invvpid_individual_address, 0x48c, 40, 40),
    FIELD(invvpid_single_context, 0x48c, 41, 41),
    FIELD(invvpid_all_contexts, 0x48c, 42, 42),
    FIELD(invvpid_single_retaining_globals, 0x48c, 43, 43),
    FIELD(vm_functions, 0x491, 63, 0),
};

/* Each bit of each MSR, inverted in one that has all MSRs, changes the fields that have it. */
static void each_field_has_its_bits(void **state)
{
    const struct vmx_msrs full = full_msrs();
    struct vmx_capability before, after;

    (void)state;
    assert_int_equal(vmx_capability_field_count, sizeof(manual) / sizeof(manual[0]));
    vmx_capability_derive(&full, &before);
    for (uint32_t i = 0; i < vmx_capability_field_count; i++) {
        const struct field *field = &vmx_capability_fields[i];
        unsigned bits = manual[i].high - manual[i].low;

        assert_string_equal(field->name, manual[i].name);
        assert_true(field_value(field, &before) ==
                    (vmx_msr_value(&full, manual[i].msr) >> manual[i].low & ~0ull >> (63 - bits)));
        for (unsigned bit = 0; bit < 64; bit++) {
            struct vmx_msrs msrs = full;
            bool inside = bit >= manual[i].low && bit <= manual[i].high;

            if (manual[i].msr == 0x480 && bit == 55)
                continue; /* without which there are no TRUE MSRs */
            vmx_msr_set(&msrs, manual[i].msr, vmx_msr_value(&msrs, manual[i].msr) ^ 1ull << bit);
            vmx_capability_derive(&msrs, &after);
            if (!vmx_msr_may_exist(&msrs, manual[i].msr))
                continue;
            assert_true((field_value(field, &before) ^ field_value(field, &after)) ==
                        (inside ? 1ull << (bit - manual[i].low) : 0));
        }
    }
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
        cmocka_unit_test(each_field_has_its_bits),
        cmocka_unit_test(fixed_bits_keep_all_64),
        cmocka_unit_test(what_does_not_exist_says_nothing),
        cmocka_unit_test(the_fields_describe_the_struct),
        cmocka_unit_test(a_field_is_read_through_the_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
