/*
 * Why an entry failed, found from the VMCS of a model CPU: whatever way the processor reported it.
 * Numbers of errors, exit reasons and qualifications are the SDM's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "lib/host/apic.h"
#include "mm/page_alloc.h"
#include "tests/host/model_cpu.h"
#include "vm/guests/guest_run.h"
#include "vmx/exit_reason.h"
#include "vmx/vmcs_image.h"
#include "vmx/entry/vmentry_rule.h"
#include "vmx/selftest/vmentry_trial.h"
#include "vmx/vmx_result.h"

/* None of these comes: there is no exit. */
enum vm_entry vcpu_enter(struct vcpu *vcpu)
{
    fail_msg("%p is entered", (void *)vcpu);
    return VM_ENTRY_ENDED;
}

void apic_eoi(uint8_t vector)
{
    fail_msg("interrupt %u", vector);
}

void int_nmi(void)
{
    fail();
}

void int_machine_check(void)
{
    fail();
}

static struct guest_vm machine;
static struct vcpu *const vcpu = &machine.vcpu;
static struct vmx_cpu cpu;
static struct guest_run run;

/* A VMCS that is current and can be entered with, and a guest with some memory. */
static int reset(void **state)
{
    static struct vmcs_image image;
    struct vmentry_context context = {0};
    struct vmentry_ground ground = {.context = &context};
    struct vmx_msrs msrs;
    uint32_t revision;

    (void)state;
    model_cpu_reset();
    msrs = model_cpu.msrs;
    memset(&machine, 0, sizeof machine);
    vcpu->vm = &machine.vm;
    memset(&run, 0, sizeof run);
    machine.run = &run;
    vmx_capability_derive(&msrs, &vcpu->capability);
    revision = (uint32_t)vmx_msr_value(&msrs, IA32_VMX_BASIC) & 0x7fffffff;
    cpu.config.revision_id = revision;
    vcpu->cpu = &cpu;
    vcpu->vmcs.address = pages_alloc(0);
    machine.vm.memory = pages_alloc(6); /* GUEST_MEMORY_BYTES */
    assert_int_not_equal(machine.vm.memory, 0);
    for (enum vmentry_page page = 0; page < VMENTRY_PAGE_COUNT; page++)
        ground.page[page] = machine.vm.memory;
    memcpy(phys_to_virt(vcpu->vmcs.address), &revision, sizeof revision);
    model_cpu.vmx_operation = true;
    assert_true(vmx_ok(vmclear(vcpu->vmcs.address)));
    assert_true(vmx_ok(vmptrld(vcpu->vmcs.address)));
    vmentry_context_read(&vcpu->capability, revision, &context);
    for (unsigned i = 0; i < VMCS_FIELD_COUNT; i++) {
        if (vmcs_encoding_type(vmcs_field_table[i].field) == VMCS_TYPE_HOST)
            vmcs_image_set(&ground.host, vmcs_field_table[i].field, 0);
    }
    vmcs_image_set(&ground.host, VMCS_HOST_CR0, 0x80000031);
    vmcs_image_set(&ground.host, VMCS_HOST_CR4, 0x2020);
    vmcs_image_set(&ground.host, VMCS_HOST_CS_SELECTOR, 8);
    vmcs_image_set(&ground.host, VMCS_HOST_TR_SELECTOR, 24);
    vmcs_image_set(&ground.host, VMCS_HOST_IA32_EFER, 0x500);
    vmcs_image_set(&ground.host, VMCS_HOST_IA32_PAT, 0x0007040600070406);
    assert_true(vmentry_base_image(&ground, VMENTRY_BASE_LONG, &image));
    assert_true(vmx_ok(vmcs_image_write(&image)));
    return 0;
}

static void set(enum vmcs_field field, uint64_t value)
{
    assert_true(vmx_ok(vmwrite(field, value)));
}

static void ends(enum guest_end end, uint32_t number, uint64_t value)
{
    memset(&run.entry, 0, sizeof run.entry);
    assert_int_equal(vcpu_end(vcpu, end, number, value), EXIT_ENDED);
}

static void error_7_and_8_have_their_rule(void **state)
{
    (void)state;
    set(VMCS_PIN_BASED_VM_EXECUTION_CONTROLS, 0x12);
    ends(GUEST_END_ENTRY_ERROR, 7, 0);
    assert_true(run.entry.checked);
    assert_int_equal(run.entry.class, VMENTRY_CONTROLS);
    assert_int_equal(run.entry.broken, 1);
    assert_int_equal(run.entry.item[0].rule, VMENTRY_PIN_MUST_BE_1);
    assert_int_equal(run.entry.item[0].seen, 0x12);
    assert_int_equal(run.entry.item[0].wanted, 0x16);
    assert_string_equal(vcpu->broken, "pin-must-be-1");
    assert_true(entry_failure_is(vcpu, VMENTRY_PIN_MUST_BE_1));
    assert_false(entry_failure_is(vcpu, VMENTRY_PIN_MUST_BE_0));
    assert_false(entry_is_sound(vcpu));

    /* A processor may look at the host first: its word counts, and both are named. */
    set(VMCS_HOST_TR_SELECTOR, 0);
    ends(GUEST_END_ENTRY_ERROR, 8, 0);
    assert_int_equal(run.entry.class, VMENTRY_HOST);
    assert_int_equal(run.entry.broken, 2);
    assert_non_null(strstr(vcpu->broken, "pin-must-be-1, host-selector-null"));
    assert_false(entry_failure_is(vcpu, VMENTRY_HOST_SELECTOR_NULL));
    ends(GUEST_END_ENTRY_ERROR, 7, 0);
    assert_false(entry_failure_is(vcpu, VMENTRY_PIN_MUST_BE_1)); /* not that alone */
}

static void an_exit_says_which_it_was(void **state)
{
    (void)state;
    set(VMCS_GUEST_RFLAGS, 0);
    ends(GUEST_END_ENTRY_FAILED, EXIT_REASON_ENTRY_FAILURE_GUEST_STATE, 0);
    assert_int_equal(run.entry.class, VMENTRY_GUEST);
    assert_int_equal(run.entry.item[0].rule, VMENTRY_GUEST_RFLAGS_BIT_1);
    assert_true(entry_failure_is(vcpu, VMENTRY_GUEST_RFLAGS_BIT_1));
    /* The same rule, and the processor said something else: then it was not that. */
    ends(GUEST_END_ENTRY_ERROR, 7, 0);
    assert_false(entry_failure_is(vcpu, VMENTRY_GUEST_RFLAGS_BIT_1));
}

static void an_entry_that_is_not_made_is_predicted(void **state)
{
    (void)state;
    assert_true(entry_is_sound(vcpu));
    set(VMCS_GUEST_RFLAGS, 0);
    set(VMCS_HOST_TR_SELECTOR, 0);
    assert_false(entry_is_sound(vcpu));
    ends(GUEST_END_RULES, 0, 0);
    assert_int_equal(run.entry.class, VMENTRY_HOST);
    assert_int_equal(run.entry.broken, 2);
}

/* Nobody knows which values WRMSR refuses; the processor, which stopped at the entry, did. */
static void an_msr_that_cannot_be_written_is_reported_by_the_processor(void **state)
{
    static const uint32_t area[] = {0x174, 0, 0, 0, 0x277, 0, 2, 0};

    (void)state;
    memcpy(phys_to_virt(machine.vm.memory + 0x7000), area, sizeof area);
    set(VMCS_VM_ENTRY_MSR_LOAD_ADDRESS, machine.vm.memory + 0x7000);
    set(VMCS_VM_ENTRY_MSR_LOAD_COUNT, 2);
    assert_true(entry_is_sound(vcpu));
    ends(GUEST_END_ENTRY_FAILED, EXIT_REASON_ENTRY_FAILURE_MSR_LOADING, 2);
    assert_int_equal(run.entry.class, VMENTRY_MSR_LOAD);
    assert_int_equal(run.entry.broken, 1);
    assert_int_equal(run.entry.item[0].rule, VMENTRY_MSR_WRITE_FAULT);
    assert_int_equal(run.entry.item[0].entry, 2);
    assert_int_equal(run.entry.item[0].seen, 0x277);
    assert_true(entry_failure_is(vcpu, VMENTRY_MSR_WRITE_FAULT));
    /* Where the entry breaks a rule that can be checked, that one it was. */
    set(VMCS_VM_ENTRY_MSR_LOAD_COUNT, 1);
    memcpy(phys_to_virt(machine.vm.memory + 0x7000), &(uint32_t){0xc0000100}, 4);
    ends(GUEST_END_ENTRY_FAILED, EXIT_REASON_ENTRY_FAILURE_MSR_LOADING, 1);
    assert_int_equal(run.entry.broken, 1);
    assert_int_equal(run.entry.item[0].rule, VMENTRY_MSR_FS_GS_BASE);
}

/*
 * SDM, "VM-Entry Failures During or After Loading Guest State": of reason 33 the qualification is
 * no entry of a list, but a cause: 2, 3 or 4. Nor is it one of an entry that was not made.
 */
static void only_the_failed_loading_of_an_msr_names_an_msr(void **state)
{
    (void)state;
    set(VMCS_VM_ENTRY_MSR_LOAD_ADDRESS, machine.vm.memory + 0x7000);
    set(VMCS_VM_ENTRY_MSR_LOAD_COUNT, 4);
    for (unsigned i = 0; i < 4; i++)
        memcpy(phys_to_virt(machine.vm.memory + 0x7000 + i * 16), &(uint32_t){0x174}, 4);
    assert_true(entry_is_sound(vcpu));
    for (unsigned cause = 0; cause <= 4; cause++) {
        ends(GUEST_END_ENTRY_FAILED, EXIT_REASON_ENTRY_FAILURE_GUEST_STATE, cause);
        assert_int_equal(run.entry.broken, 0);
    }
    ends(GUEST_END_ENTRY_ERROR, 7, 2);
    assert_int_equal(run.entry.broken, 0);
    ends(GUEST_END_RULES, EXIT_REASON_ENTRY_FAILURE_MSR_LOADING, 2);
    assert_int_equal(run.entry.broken, 0);
    /* Entries count from 1. One of 2^32 is none, nor one whose address wraps round to the first. */
    ends(GUEST_END_ENTRY_FAILED, EXIT_REASON_ENTRY_FAILURE_MSR_LOADING, 0);
    assert_int_equal(run.entry.broken, 0);
    ends(GUEST_END_ENTRY_FAILED, EXIT_REASON_ENTRY_FAILURE_MSR_LOADING, 1ull << 32 | 1);
    assert_int_equal(run.entry.broken, 0);
    ends(GUEST_END_ENTRY_FAILED, EXIT_REASON_ENTRY_FAILURE_MSR_LOADING, 1ull << 60 | 1);
    assert_int_equal(run.entry.broken, 0);
    ends(GUEST_END_ENTRY_FAILED, EXIT_REASON_ENTRY_FAILURE_MSR_LOADING, 1);
    assert_int_equal(run.entry.broken, 1);
    assert_int_equal(run.entry.item[0].entry, 1);
}

/* 0x10 is in no memory of the model's. What is not read is reported, by rule. */
static void what_is_not_ram_is_not_looked_at(void **state)
{
    (void)state;
    set(VMCS_VM_ENTRY_MSR_LOAD_ADDRESS, 0x10);
    set(VMCS_VM_ENTRY_MSR_LOAD_COUNT, 1);
    ends(GUEST_END_ENTRY_FAILED, EXIT_REASON_ENTRY_FAILURE_MSR_LOADING, 1);
    assert_int_equal(run.entry.broken, 0);
    assert_true(run.entry.unread > 0);
    assert_true(run.entry.unchecked[VMENTRY_MSR_RESERVED / 32] >> VMENTRY_MSR_RESERVED % 32 & 1);
    assert_string_equal(vcpu->broken, "");
}

/* A link pointer into RAM that is not the guest's: what the processor read there is read, too. */
static void memory_of_others_is_looked_at(void **state)
{
    uint64_t page = pages_alloc(0);

    (void)state;
    assert_true(page < machine.vm.memory || page >= machine.vm.memory + GUEST_MEMORY_BYTES);
    memcpy(phys_to_virt(page), &(uint32_t){0x1234567}, 4);
    set(VMCS_LINK_POINTER, page);
    ends(GUEST_END_ENTRY_FAILED, EXIT_REASON_ENTRY_FAILURE_GUEST_STATE, 4);
    assert_int_equal(run.entry.broken, 1);
    assert_int_equal(run.entry.item[0].rule, VMENTRY_LINK_POINTER_REVISION);
    assert_int_equal(run.entry.item[0].seen, 0x1234567);
    assert_int_equal(run.entry.item[0].wanted, cpu.config.revision_id);
    assert_int_equal(run.entry.unread, 0);
}

static void other_ends_are_not_checked(void **state)
{
    (void)state;
    set(VMCS_GUEST_RFLAGS, 0);
    ends(GUEST_END_CALL, 0, 0);
    ends(GUEST_END_ENTRY_ERROR, 5, 0);
    ends(GUEST_END_ENTRY_FAILED, EXIT_REASON_ENTRY_FAILURE_MACHINE_CHECK, 0);
    assert_false(run.entry.checked);
    assert_string_equal(vcpu->broken, "");
    assert_false(entry_failure_is(vcpu, VMENTRY_GUEST_RFLAGS_BIT_1));
}

static void many_broken_rules_are_counted_and_some_kept(void **state)
{
    (void)state;
    for (unsigned i = 0; i < VMCS_FIELD_COUNT; i++) {
        if (vmcs_encoding_type(vmcs_field_table[i].field) == VMCS_TYPE_GUEST)
            (void)vmwrite(vmcs_field_table[i].field, 0x5555555555555555);
    }
    ends(GUEST_END_ENTRY_FAILED, EXIT_REASON_ENTRY_FAILURE_GUEST_STATE, 0);
    assert_true(run.entry.broken > ENTRY_FINDINGS_KEPT);
    assert_int_equal(strlen(vcpu->broken), sizeof vcpu->broken - 1); /* cut, and still terminated */
}

/* Two segments that break the same rule are one name. */
static void a_rule_is_named_once(void **state)
{
    (void)state;
    set(VMCS_HOST_DS_SELECTOR, 3);
    set(VMCS_HOST_ES_SELECTOR, 3);
    ends(GUEST_END_ENTRY_ERROR, 8, 0);
    assert_int_equal(run.entry.broken, 2);
    assert_string_equal(vcpu->broken, "host-selector-rpl-ti");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(error_7_and_8_have_their_rule, reset),
        cmocka_unit_test_setup(an_exit_says_which_it_was, reset),
        cmocka_unit_test_setup(an_entry_that_is_not_made_is_predicted, reset),
        cmocka_unit_test_setup(an_msr_that_cannot_be_written_is_reported_by_the_processor, reset),
        cmocka_unit_test_setup(only_the_failed_loading_of_an_msr_names_an_msr, reset),
        cmocka_unit_test_setup(what_is_not_ram_is_not_looked_at, reset),
        cmocka_unit_test_setup(memory_of_others_is_looked_at, reset),
        cmocka_unit_test_setup(other_ends_are_not_checked, reset),
        cmocka_unit_test_setup(many_broken_rules_are_counted_and_some_kept, reset),
        cmocka_unit_test_setup(a_rule_is_named_once, reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
