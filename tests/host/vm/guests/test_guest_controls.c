/*
 * The controls that a guest runs with, from what it wishes and what the processor can do.
 * Expectations are the SDM's, or the contract's in vm/guests/guest.h.
 */
#include "tests/host/set_controls.h"
#include "tests/host/plain_guest.h"
#include "vm/guests/guest_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct vmx_capability capability;
static struct vmcs_config config;
static uint32_t controls[VMX_CONTROL_WORD_COUNT];

/* A processor that offers everything and forces nothing. */
static void offer_everything(void)
{
    memset(&capability, 0, sizeof(capability));
    capability.pin_allowed1 = capability.primary_allowed1 = capability.secondary_allowed1 =
        UINT32_MAX;
    capability.exit_allowed1 = capability.entry_allowed1 = UINT32_MAX;
    config = (struct vmcs_config){
        .controls[VMX_CONTROL_PIN] = PIN_NMI_EXITING,
        .controls[VMX_CONTROL_PRIMARY] = PRIMARY_HLT_EXITING | PRIMARY_SECONDARY_CONTROLS,
        .controls[VMX_CONTROL_SECONDARY] = SECONDARY_ENABLE_EPT | SECONDARY_UNRESTRICTED_GUEST,
        .controls[VMX_CONTROL_EXIT] = EXIT_HOST_ADDRESS_SPACE_SIZE,
        .controls[VMX_CONTROL_ENTRY] = ENTRY_IA32E_MODE_GUEST,
    };
}

static const char *settle(const struct guest *guest)
{
    return guest_controls_adjust(guest, &config, &capability, controls);
}

/*
 * What would reach beyond the guest: the host's priority, its sleep, its caches, its counters, its
 * enclaves.
 */
enum {
    HARM_PRIMARY = PRIMARY_CR8_LOAD_EXITING | PRIMARY_CR8_STORE_EXITING | PRIMARY_MWAIT_EXITING |
                   PRIMARY_MONITOR_EXITING | PRIMARY_RDPMC_EXITING,
    HARM_SECONDARY =
        SECONDARY_WBINVD_EXITING | SECONDARY_ENABLE_ENCLS_EXITING | SECONDARY_ENABLE_ENCLV_EXITING,
};

static void the_base_is_the_configuration_and_a_timer(void **state)
{
    (void)state;
    offer_everything();
    assert_null(settle(&plain));
    assert_int_equal(controls[VMX_CONTROL_PIN], PIN_NMI_EXITING | PIN_PREEMPTION_TIMER);
    assert_int_equal(controls[VMX_CONTROL_PRIMARY],
                     config.controls[VMX_CONTROL_PRIMARY] | HARM_PRIMARY);
    assert_int_equal(controls[VMX_CONTROL_SECONDARY],
                     config.controls[VMX_CONTROL_SECONDARY] | HARM_SECONDARY);
    assert_int_equal(controls[VMX_CONTROL_EXIT],
                     EXIT_HOST_ADDRESS_SPACE_SIZE | EXIT_SAVE_PREEMPTION_TIMER);
    assert_int_equal(controls[VMX_CONTROL_ENTRY], ENTRY_IA32E_MODE_GUEST);
}

/* A bit that must be 1 and is not: the guest has not asked for that, and VM entry names it. */
static void what_the_guest_has_not_asked_for_is_no_lack_of_its(void **state)
{
    (void)state;
    offer_everything();
    capability.pin_allowed0 = 1u << 20;
    assert_null(settle(&plain));
    assert_int_equal(controls[VMX_CONTROL_PIN] & 1u << 20, 0);
}

/* Without the exit control each exit would give the guest its whole time again. */
static void a_timer_that_is_not_saved_is_no_budget(void **state)
{
    (void)state;
    offer_everything();
    capability.exit_allowed1 &= ~(uint64_t)EXIT_SAVE_PREEMPTION_TIMER;
    assert_null(settle(&plain));
    assert_int_equal(controls[VMX_CONTROL_PIN], PIN_NMI_EXITING);
    assert_int_equal(controls[VMX_CONTROL_EXIT], EXIT_HOST_ADDRESS_SPACE_SIZE);
}

static void without_ept_cr3_is_the_hypervisors(void **state)
{
    (void)state;
    offer_everything();
    config.controls[VMX_CONTROL_SECONDARY] = 0;
    assert_null(settle(&plain));
    assert_int_equal(controls[VMX_CONTROL_PRIMARY], config.controls[VMX_CONTROL_PRIMARY] |
                                                        HARM_PRIMARY | PRIMARY_CR3_LOAD_EXITING |
                                                        PRIMARY_CR3_STORE_EXITING);
    assert_int_equal(controls[VMX_CONTROL_SECONDARY], HARM_SECONDARY);
}

/* Whether EPT and VPIDs can be used is decided once, with the configuration; forced VPIDs stay. */
static void what_the_configuration_has_of_memory_controls_stays(void **state)
{
    const uint32_t memory =
        SECONDARY_ENABLE_EPT | SECONDARY_ENABLE_VPID | SECONDARY_UNRESTRICTED_GUEST;

    (void)state;
    offer_everything();
    config.controls[VMX_CONTROL_SECONDARY] = memory;
    capability.invvpid = false;
    assert_null(settle(&plain));
    assert_int_equal(controls[VMX_CONTROL_SECONDARY] & memory, memory);
}

static void each_mode_says_what_it_lacks(void **state)
{
    static const struct {
        enum guest_mode mode;
        const char *without_ept, *without_unrestricted;
    } cases[] = {
        {GUEST_REAL, "enable EPT", "unrestricted guest"},
        {GUEST_PROTECTED, "enable EPT", "unrestricted guest"},
        {GUEST_PAGED, "enable EPT", NULL},
        {GUEST_PAE, "enable EPT", NULL},
        {GUEST_LONG, NULL, NULL},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct guest guest = {.mode = cases[i].mode};
        const char *missing;

        offer_everything();
        assert_null(settle(&guest));
        assert_int_equal((controls[VMX_CONTROL_ENTRY] & ENTRY_IA32E_MODE_GUEST) != 0,
                         cases[i].mode == GUEST_LONG);
        config.controls[VMX_CONTROL_SECONDARY] = SECONDARY_ENABLE_EPT;
        missing = settle(&guest);
        assert_int_equal(missing != NULL, cases[i].without_unrestricted != NULL);
        if (missing != NULL)
            assert_string_equal(missing, cases[i].without_unrestricted);
        config.controls[VMX_CONTROL_SECONDARY] = 0;
        missing = settle(&guest);
        assert_int_equal(missing != NULL, cases[i].without_ept != NULL);
        if (missing != NULL)
            assert_string_equal(missing, cases[i].without_ept);
    }
}

static void a_guests_own_wishes_are_met_or_named(void **state)
{
    struct guest guest = plain;

    (void)state;
    SET_CONTROLS(guest, ON(PRIMARY, MONITOR_TRAP_FLAG), OFF(PRIMARY, HLT_EXITING));
    offer_everything();
    assert_null(settle(&guest));
    assert_int_equal(controls[VMX_CONTROL_PRIMARY],
                     PRIMARY_SECONDARY_CONTROLS | PRIMARY_MONITOR_TRAP_FLAG | HARM_PRIMARY);
    capability.primary_allowed1 &= ~(uint64_t)PRIMARY_MONITOR_TRAP_FLAG;
    assert_string_equal(settle(&guest), "monitor trap flag");
    offer_everything();
    capability.primary_allowed0 = PRIMARY_HLT_EXITING;
    assert_string_equal(settle(&guest), "HLT exiting");
    guest = plain;
    guest.needs_ept = true;
    config.controls[VMX_CONTROL_SECONDARY] = 0;
    assert_string_equal(settle(&guest), "enable EPT");
}

static void what_cannot_exit_does_not(void **state)
{
    (void)state;
    offer_everything();
    capability.primary_allowed1 &= ~(uint64_t)HARM_PRIMARY;
    capability.secondary_allowed1 &= ~(uint64_t)HARM_SECONDARY;
    assert_null(settle(&plain));
    assert_int_equal(controls[VMX_CONTROL_PRIMARY], config.controls[VMX_CONTROL_PRIMARY]);
    assert_int_equal(controls[VMX_CONTROL_SECONDARY], config.controls[VMX_CONTROL_SECONDARY]);
    offer_everything();
    config.controls[VMX_CONTROL_PRIMARY] &= ~(uint32_t)PRIMARY_SECONDARY_CONTROLS;
    config.controls[VMX_CONTROL_SECONDARY] = 0;
    assert_null(settle(&plain));
    assert_int_equal(controls[VMX_CONTROL_SECONDARY], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_base_is_the_configuration_and_a_timer),
        cmocka_unit_test(what_the_guest_has_not_asked_for_is_no_lack_of_its),
        cmocka_unit_test(a_timer_that_is_not_saved_is_no_budget),
        cmocka_unit_test(without_ept_cr3_is_the_hypervisors),
        cmocka_unit_test(what_cannot_exit_does_not),
        cmocka_unit_test(what_the_configuration_has_of_memory_controls_stays),
        cmocka_unit_test(each_mode_says_what_it_lacks),
        cmocka_unit_test(a_guests_own_wishes_are_met_or_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
