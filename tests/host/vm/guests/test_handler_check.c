/*
 * Mistakes around a guest, made on the model CPU, are named: host state that a VM exit would load
 * and this CPU does not have, and handlers that do what they should not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "mm/page_alloc.h"
#include "tests/host/guest_machine.h"
#include "vm/guests/guest_run.h"

static struct vcpu *vcpu;
static const char *const mistake = guest_machine.own.mistake;

static int start(void **state)
{
    (void)state;
    vcpu = guest_machine_in(GUEST_LONG);
    return 0;
}

/* SDM Vol. 3, "Loading Host State": all of these are loaded, and a VM entry checks little of them.
 */
static void each_host_field_is_compared_with_the_cpu(void **state)
{
    static const struct {
        enum vmcs_field field;
        uint64_t bit; /* that a VM entry has nothing against: CR0.AM, CR4.OSXSAVE … */
        const char *name;
    } rows[] = {
        {VMCS_HOST_CR0, 1 << 18, "Host CR0"},
        {VMCS_HOST_CR3, 1 << 18, "Host CR3"},
        {VMCS_HOST_CR4, 1 << 18, "Host CR4"},
        {VMCS_HOST_FS_BASE, 1 << 18, "Host FS base"},
        {VMCS_HOST_GS_BASE, 1 << 18, "Host GS base"},
        {VMCS_HOST_TR_BASE, 1 << 18, "Host TR base"},
        {VMCS_HOST_GDTR_BASE, 1 << 18, "Host GDTR base"},
        {VMCS_HOST_IDTR_BASE, 1 << 18, "Host IDTR base"},
        {VMCS_HOST_TR_SELECTOR, 1 << 3, "Host TR selector"},
    };

    (void)state;
    assert_true(host_state_is_sound(vcpu));
    assert_string_equal(mistake, "");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t *field = model_field(rows[i].field);

        *field ^= rows[i].bit;
        assert_false(host_state_is_sound(vcpu));
        assert_non_null(strstr(mistake, rows[i].name));
        assert_null(strstr(mistake, ";"));
        *field ^= rows[i].bit;
    }
}

/* "Loading Host State": without the control the MSR stays as the guest had it. */
static void an_msr_counts_where_it_is_loaded(void **state)
{
    (void)state;
    FIELD(HOST_IA32_PAT) ^= 1;
    FIELD(PRIMARY_VM_EXIT_CONTROLS) |= EXIT_LOAD_PAT;
    assert_false(host_state_is_sound(vcpu));
    FIELD(PRIMARY_VM_EXIT_CONTROLS) &= ~(uint64_t)EXIT_LOAD_PAT;
    assert_true(host_state_is_sound(vcpu));
}

/* VMfailValid 8: the host's state is as it was. */
static void an_entry_that_is_refused_comes_back(void **state)
{
    (void)state;
    FIELD(HOST_DS_SELECTOR) |= 3;
    FIELD(HOST_CR3) ^= 0x1000;
    assert_true(host_state_is_sound(vcpu));
    assert_string_equal(mistake, "");
}

/* "VMCS Region": bits 30:0 are the revision identifier, bit 31 says that it is a shadow VMCS. */
static void the_region_begins_with_the_revision_id(void **state)
{
    uint32_t *word = phys_to_virt(vcpu->vmcs.address);

    (void)state;
    *word |= 1u << 31;
    assert_false(host_state_is_sound(vcpu));
    assert_non_null(strstr(mistake, "the VMCS begins with 0x80000"));
    *word &= ~(1u << 31);
}

/* "Initializing a VMCS": the one that VMPTRLD made current is written and entered. */
static void the_current_vmcs_is_the_guests(void **state)
{
    uint64_t address = vcpu->vmcs.address;

    (void)state;
    vcpu->vmcs.address = 0x3000;
    assert_false(host_state_is_sound(vcpu));
    assert_non_null(strstr(mistake, ", the guest's 0x3000"));
    vcpu->vmcs.address = address;
}

/* "Extended-Page-Table Pointer (EPTP)": bits 11:0 say how it is walked. */
static void the_ept_pointer_leads_to_the_tables(void **state)
{
    (void)state;
    FIELD(EPT_POINTER) ^= 1 << 6;
    assert_true(host_state_is_sound(vcpu));
    FIELD(EPT_POINTER) += 4096;
    assert_false(host_state_is_sound(vcpu));
    assert_non_null(strstr(mistake, "leads elsewhere than to the tables at 0x"));
}

static void exit_is_served(uint32_t reason, uint64_t rip, uint64_t rip_after, unsigned written)
{
    struct exit_record exit = {.reason = reason, .rip = rip, .done = EXIT_EMULATED};
    uint64_t before[VCPU_REGISTERS];

    memcpy(before, vcpu->reg, sizeof(before));
    FIELD(GUEST_RIP) = rip_after;
    vcpu->reg[written]++;
    handler_check(&guest_machine.own, &exit, before);
}

static void a_handler_moves_on(void **state)
{
    (void)state;
    exit_is_served(EXIT_REASON_CPUID, 0x8000, 0x8002, VCPU_RBX);
    assert_string_equal(mistake, "");
    exit_is_served(EXIT_REASON_CPUID, 0x8002, 0x8002, VCPU_RBX);
    assert_string_equal(mistake, "the handler of CPUID says that the instruction is done, and RIP "
                                 "is 0x8002 still");
}

/* SDM Vol. 2: RDMSR writes EAX and EDX, WRMSR nothing. */
static void a_handler_leaves_other_registers_alone(void **state)
{
    (void)state;
    exit_is_served(EXIT_REASON_RDMSR, 0x8000, 0x8002, VCPU_RDX);
    exit_is_served(EXIT_REASON_VMCALL, 0x8000, 0x8003, VCPU_R15);
    assert_string_equal(mistake, "");
    vcpu->reg[VCPU_RDX] = 6;
    exit_is_served(EXIT_REASON_WRMSR, 0x8000, 0x8002, VCPU_RDX);
    assert_string_equal(mistake, "the handler of WRMSR changed RDX, which was 0x6 and is 0x7");
    exit_is_served(EXIT_REASON_RDMSR, 0x8000, 0x8002, VCPU_RSI); /* the first one counts */
    assert_null(strstr(mistake, "RSI"));
}

/* "VM-Instruction Error Numbers": 12, VMREAD or VMWRITE of a component that is not there. */
static void a_vmwrite_that_fails_is_named(void **state)
{
    (void)state;
    FIELD(VM_INSTRUCTION_ERROR) = guest_machine.own.instruction_error = 12; /* before */
    exit_is_served(EXIT_REASON_CPUID, 0x8000, 0x8002, VCPU_RBX);
    assert_string_equal(mistake, "");
    guest_machine.own.instruction_error = 0;
    exit_is_served(EXIT_REASON_CPUID, 0x8002, 0x8004, VCPU_RBX);
    assert_string_equal(mistake, "a VMX instruction failed in the handler of CPUID");
    assert_int_equal(guest_machine.own.failed_instruction, 12);
}

/* Of REP OUTS each element exits, and the guest comes back to the same instruction. */
static void a_repeated_instruction_stands_still(void **state)
{
    struct exit_record exit = {.reason = EXIT_REASON_IO_INSTRUCTION,
                               .qualification = 1 << 4 | 1 << 5, /* string, REP */
                               .rip = 0x8000,
                               .done = EXIT_EMULATED};

    (void)state;
    FIELD(GUEST_RIP) = 0x8000;
    handler_check(&guest_machine.own, &exit, vcpu->reg);
    assert_string_equal(mistake, "");
    exit.qualification = 1 << 4;
    handler_check(&guest_machine.own, &exit, vcpu->reg);
    assert_string_not_equal(mistake, "");
}

static void exits_without_progress_are_counted(void **state)
{
    struct exit_record exit = {.reason = EXIT_REASON_HLT, .rip = 0x8000, .done = EXIT_STEPPED};

    (void)state;
    for (unsigned i = 0; i < 5; i++)
        handler_check(&guest_machine.own, &exit, vcpu->reg);
    assert_int_equal(guest_machine.own.without_progress, 4);
    exit.rcx = 1; /* a loop that counts */
    handler_check(&guest_machine.own, &exit, vcpu->reg);
    assert_int_equal(guest_machine.own.without_progress, 0);
}

/* SDM, "VM-Execution Controls" (capability reporting): bits 15 and 16 are of the default1 class. */
static void a_default1_control_that_may_be_0_is_named(void **state)
{
    (void)state;
    check_controls(vcpu);
    assert_string_equal(mistake, "");
    vcpu->controls[VMX_CONTROL_PRIMARY] |= PRIMARY_CR3_LOAD_EXITING;
    vcpu->capability.primary_allowed0 |= PRIMARY_CR3_LOAD_EXITING;
    check_controls(vcpu);
    assert_string_equal(mistake, "");
    vcpu->capability.primary_allowed0 &= ~(uint64_t)PRIMARY_CR3_LOAD_EXITING;
    check_controls(vcpu);
    assert_string_equal(mistake,
                        "CR3-load exiting is 1, IA32_VMX_TRUE_PROCBASED_CTLS lets it be 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(each_host_field_is_compared_with_the_cpu, start),
        cmocka_unit_test_setup(an_msr_counts_where_it_is_loaded, start),
        cmocka_unit_test_setup(an_entry_that_is_refused_comes_back, start),
        cmocka_unit_test_setup(the_region_begins_with_the_revision_id, start),
        cmocka_unit_test_setup(the_current_vmcs_is_the_guests, start),
        cmocka_unit_test_setup(the_ept_pointer_leads_to_the_tables, start),
        cmocka_unit_test_setup(a_handler_moves_on, start),
        cmocka_unit_test_setup(a_handler_leaves_other_registers_alone, start),
        cmocka_unit_test_setup(a_vmwrite_that_fails_is_named, start),
        cmocka_unit_test_setup(a_repeated_instruction_stands_still, start),
        cmocka_unit_test_setup(exits_without_progress_are_counted, start),
        cmocka_unit_test_setup(a_default1_control_that_may_be_0_is_named, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
