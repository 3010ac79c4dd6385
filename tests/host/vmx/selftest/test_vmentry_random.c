/*
 * Which bits of a field a random image that can be entered may have otherwise: those that leave the
 * guest without memory, and the host as it was (vmx/selftest/vmentry_trial.h). A processor must
 * come back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/host/vmentry_ground.h"

static struct vmcs_image base;

static int reset(void **state)
{
    (void)state;
    ground_reset(GROUND_ALL);
    assert_true(vmentry_base_image(&ground, VMENTRY_BASE_LONG_EPT, &base));
    return 0;
}

static uint64_t harmless(unsigned field)
{
    return vmentry_harmless_bits(&base, (enum vmcs_field)field);
}

/* Pin: 0, 3, 5. Exit: 2, 15, 18, 20, 22. Entry: 2, 9; 14 and 15 where they are in use already. */
static void control_words(void **state)
{
    (void)state;
    assert_int_equal(harmless(VMCS_PIN_BASED_VM_EXECUTION_CONTROLS), 0x29);
    assert_int_equal(harmless(VMCS_PRIMARY_VM_EXIT_CONTROLS), 0x548004);
    vmcs_image_set(&base, VMCS_VM_ENTRY_CONTROLS, 0x11ff);
    assert_int_equal(harmless(VMCS_VM_ENTRY_CONTROLS), 0x204);
    vmcs_image_set(&base, VMCS_VM_ENTRY_CONTROLS, UINT32_MAX);
    assert_int_equal(harmless(VMCS_VM_ENTRY_CONTROLS), 0xc204);
    assert_int_equal(harmless(VMCS_PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS), UINT64_MAX);
    /* 21: PASID translation, 24: Intel PT in guest-physical memory */
    assert_int_equal(harmless(VMCS_SECONDARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS),
                     ~(1ull << 21 | 1ull << 24));
    assert_int_equal(harmless(VMCS_TERTIARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS), 0);
}

/* An address is never harmless, nor is a list of MSRs. */
static void other_controls(void **state)
{
    static const enum vmcs_field all[] = {
        VMCS_VM_ENTRY_INTERRUPTION_INFORMATION,
        VMCS_VM_ENTRY_EXCEPTION_ERROR_CODE,
        VMCS_VM_ENTRY_INSTRUCTION_LENGTH,
        VMCS_VIRTUAL_PROCESSOR_IDENTIFIER,
        VMCS_TPR_THRESHOLD,
        VMCS_TSC_OFFSET,
        VMCS_CR0_GUEST_HOST_MASK,
        VMCS_CR4_GUEST_HOST_MASK,
        VMCS_CR0_READ_SHADOW,
        VMCS_CR4_READ_SHADOW,
        VMCS_CR3_TARGET_COUNT,
    };
    static const enum vmcs_field none[] = {
        VMCS_ADDRESS_OF_IO_BITMAP_A,
        VMCS_ADDRESS_OF_MSR_BITMAPS,
        VMCS_VIRTUAL_APIC_ADDRESS,
        VMCS_EPT_POINTER,
        VMCS_PML_ADDRESS,
        VMCS_VM_EXIT_MSR_LOAD_COUNT,
        VMCS_VM_ENTRY_MSR_LOAD_COUNT,
        VMCS_EXCEPTION_BITMAP,
        VMCS_VM_EXIT_MSR_STORE_COUNT,
        VMCS_SECONDARY_VM_EXIT_CONTROLS,
        VMCS_EXECUTIVE_VMCS_POINTER,
    };

    (void)state;
    for (unsigned i = 0; i < sizeof all / sizeof *all; i++)
        assert_int_equal(harmless(all[i]), UINT64_MAX);
    for (unsigned i = 0; i < sizeof none / sizeof *none; i++)
        assert_int_equal(harmless(none[i]), 0);
}

/* What stays after the VM exit, and what would keep the guest alive without the timer. */
static void the_guests_state(void **state)
{
    static const enum vmcs_field none[] = {
        VMCS_LINK_POINTER,
        VMCS_VMX_PREEMPTION_TIMER_VALUE,
        VMCS_GUEST_IA32_BNDCFGS,
        VMCS_GUEST_IA32_PERF_GLOBAL_CTRL,
        VMCS_GUEST_IA32_RTIT_CTL,
        VMCS_GUEST_IA32_LBR_CTL,
        VMCS_GUEST_IA32_S_CET,
        VMCS_GUEST_SSP,
        VMCS_GUEST_IA32_INTERRUPT_SSP_TABLE_ADDR,
    };

    (void)state;
    for (unsigned i = 0; i < sizeof none / sizeof *none; i++)
        assert_int_equal(harmless(none[i]), 0);
    assert_int_equal(harmless(VMCS_GUEST_CR3), 0xfff);
    assert_int_equal(harmless(VMCS_GUEST_IA32_DEBUGCTL), 2);
    assert_int_equal(harmless(VMCS_GUEST_CS_ACCESS_RIGHTS), ~(1ull << 16));
    assert_int_equal(harmless(VMCS_GUEST_SS_ACCESS_RIGHTS), UINT64_MAX);
    assert_int_equal(harmless(VMCS_GUEST_RIP), UINT64_MAX);
    vmcs_image_set(&base, VMCS_PIN_BASED_VM_EXECUTION_CONTROLS, 0x16 | 1 << 6);
    assert_int_equal(harmless(VMCS_GUEST_ACTIVITY_STATE), 1);
    vmcs_image_set(&base, VMCS_PIN_BASED_VM_EXECUTION_CONTROLS, 0x16);
    assert_int_equal(harmless(VMCS_GUEST_ACTIVITY_STATE), 0);
}

static void the_hosts_state_stays(void **state)
{
    (void)state;
    for (unsigned i = 0; i < VMCS_FIELD_COUNT; i++) {
        if (vmcs_encoding_type(vmcs_field_table[i].field) == VMCS_TYPE_HOST)
            assert_int_equal(harmless(vmcs_field_table[i].field),
                             vmcs_field_table[i].field == VMCS_HOST_IA32_SYSENTER_CS ? UINT64_MAX
                                                                                     : 0);
        if (vmcs_encoding_type(vmcs_field_table[i].field) == VMCS_TYPE_READ_ONLY)
            assert_int_equal(harmless(vmcs_field_table[i].field), 0);
    }
}

/*
 * Of thousands of images: each round gives the same one again; what can be entered differs from its
 * base in harmless bits only; HOST_RSP, which the entry itself writes, is never changed; each kind
 * of outcome comes up.
 */
static void images_are_by_chance_and_harmless(void **state)
{
    static struct vmcs_image image, again;
    struct vmentry_findings findings, findings_again;
    unsigned made = 0, by_class[VMENTRY_CLASS_COUNT] = {0};

    for (uint32_t round = 0; round < 4000; round++) {
        reset(state);
        if (!vmentry_base_image(&ground, (enum vmentry_base)(round % VMENTRY_BASE_COUNT), &base) ||
            !vmentry_random_image(&ground, &base, round, &image, &findings))
            continue;
        assert_true(vmentry_random_image(&ground, &base, round, &again, &findings_again));
        assert_memory_equal(&image, &again, sizeof image);
        assert_int_equal(findings.count, findings_again.count);
        made++;
        by_class[vmentry_predict(&findings).class]++;
        for (unsigned i = 0; i < VMCS_FIELD_COUNT; i++) {
            uint64_t changed = base.value[i] ^ image.value[i];

            if (vmcs_field_table[i].field == VMCS_HOST_RSP)
                assert_int_equal(changed, 0);
            if (findings.count == 0)
                assert_int_equal(changed & ~vmentry_harmless_bits(&base, vmcs_field_table[i].field),
                                 0);
        }
    }
    assert_true(made > 2000);
    for (unsigned class = 0; class < VMENTRY_CLASS_COUNT; class ++) {
        if (class != VMENTRY_MSR_LOAD)
            assert_true(by_class[class] > 100);
    }
}

/* Without unrestricted guest there is no guest in real mode to begin with. */
static void a_base_that_cannot_be_is_not_offered(void **state)
{
    (void)state;
    ground_capability.secondary_allowed1 &= ~(uint64_t)(1u << 7);
    assert_false(vmentry_base_image(&ground, VMENTRY_BASE_REAL, &base));
    assert_true(vmentry_base_image(&ground, VMENTRY_BASE_LONG, &base));
}

static uint64_t of_base(enum vmcs_field field)
{
    return vmcs_image_get(&base, field);
}

/*
 * The mode of each by what makes it: SDM Vol. 3, "Paging-Mode Enabling" (CR0.PG 31, CR4.PAE 5,
 * entry control 9 "IA-32e mode guest"), "Virtual-8086 Mode" (RFLAGS.VM 17), "Real-Address Mode"
 * (CR0.PE 0); secondary controls 1 and 7: EPT, unrestricted guest; type and D or L of CS.
 */
static void each_base_is_what_it_is_called(void **state)
{
    static const struct {
        const char *name;
        bool paging, pae, ia32e, v8086, ept, unrestricted;
        uint32_t code;
    } rows[VMENTRY_BASE_COUNT] = {
        [VMENTRY_BASE_LONG] = {"64-bit", true, true, true, false, false, false, 0xa09b},
        [VMENTRY_BASE_LONG_EPT] = {"64-bit, EPT", true, true, true, false, true, false, 0xa09b},
        [VMENTRY_BASE_PAE] = {"PAE", true, true, false, false, false, false, 0xc09b},
        [VMENTRY_BASE_PAE_EPT] = {"PAE, EPT", true, true, false, false, true, false, 0xc09b},
        [VMENTRY_BASE_PROTECTED] = {"32-bit", true, false, false, false, false, false, 0xc09b},
        [VMENTRY_BASE_V8086] = {"virtual-8086", true, false, false, true, false, false, 0xf3},
        [VMENTRY_BASE_REAL] = {"real mode", false, false, false, false, true, true, 0x9b},
        [VMENTRY_BASE_LONG_FREE] = {"64-bit, unrestricted", true, true, true, false, true, true,
                                    0xa09b},
    };

    (void)state;
    for (enum vmentry_base i = 0; i < VMENTRY_BASE_COUNT; i++) {
        uint64_t secondary;

        assert_true(vmentry_base_image(&ground, i, &base));
        secondary = of_base(VMCS_SECONDARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS);
        assert_string_equal(vmentry_base_name(i), rows[i].name);
        assert_int_equal(of_base(VMCS_GUEST_CR0) >> 31 & 1, rows[i].paging);
        assert_int_equal(of_base(VMCS_GUEST_CR0) & 1, rows[i].paging); /* and of PE */
        assert_int_equal(of_base(VMCS_GUEST_CR4) >> 5 & 1, rows[i].pae);
        assert_int_equal(of_base(VMCS_VM_ENTRY_CONTROLS) >> 9 & 1, rows[i].ia32e);
        assert_int_equal(of_base(VMCS_GUEST_IA32_EFER) & 0x500, rows[i].ia32e ? 0x500 : 0);
        assert_int_equal(of_base(VMCS_GUEST_RFLAGS) >> 17 & 1, rows[i].v8086);
        assert_int_equal(secondary >> 1 & 1, rows[i].ept);
        assert_int_equal(secondary >> 7 & 1, rows[i].unrestricted);
        assert_int_equal(of_base(VMCS_GUEST_CS_ACCESS_RIGHTS), rows[i].code);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, reset)
    const struct CMUnitTest tests[] = {
        TEST(each_base_is_what_it_is_called),
        TEST(control_words),
        TEST(other_controls),
        TEST(the_guests_state),
        TEST(the_hosts_state_stays),
        TEST(images_are_by_chance_and_harmless),
        TEST(a_base_that_cannot_be_is_not_offered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
