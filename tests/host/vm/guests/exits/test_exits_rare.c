/*
 * What real processors report at VM exits, and emulators hardly ever: an IRET that faulted after it
 * had unblocked NMIs, a machine check at VM entry, SGX; and whose memory a guest has reached for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/host/guest_machine.h"
#include "vm/registers/registers.h"
#include "vmx/quirks.h"
#include "vm/guests/guest_run.h"

static struct vcpu *vcpu;

static int in_long_mode(void **state)
{
    (void)state;
    vcpu = guest_machine_in(GUEST_LONG);
    return 0;
}

#define FAULT(vector) \
    (EVENT_INFORMATION_VALID | EVENT_HARDWARE_EXCEPTION << EVENT_TYPE_SHIFT | (vector))
#define ERROR_CODE EVENT_INFORMATION_ERROR_CODE

/* An exit of that exception, which came while `vectoring` was delivered; by IRET or not. */
static void fault(uint32_t event, uint32_t vectoring, bool by_iret)
{
    FIELD(GUEST_INTERRUPTIBILITY_STATE) = 0;
    guest_machine_exit(EXIT_REASON_EXCEPTION_OR_NMI, 0, 2);
    FIELD(VM_EXIT_INTERRUPTION_INFORMATION) = event | (by_iret ? 1u << 12 : 0);
    FIELD(IDT_VECTORING_INFORMATION) = vectoring;
    assert_int_equal(guest_machine_serve_now(), EXIT_INJECTED);
}

/*
 * SDM Vol. 3, "Handling Multiple NMIs": IRET ends blocking by NMI even if it faults, and NMIs are
 * unmasked before the exception's handler is invoked. "Updating Non-Register State": so has the VM
 * exit left the interruptibility state. "Resuming Guest Software after Handling an Exception" sets
 * bit 3, blocking by NMI, for an IRET that is executed again; "Reflecting Exceptions to Guest
 * Software" does not.
 */
static void nmis_come_to_the_handler_of_an_irets_fault(void **state)
{
    (void)state;
    fault(FAULT(X86_VECTOR_GP) | ERROR_CODE, 0, true);
    assert_int_equal(FIELD(GUEST_INTERRUPTIBILITY_STATE), 0);
    assert_true(guest_machine_injects_error(X86_VECTOR_GP, 0));
    vcpu_control_set(vcpu, VMX_CONTROL_PIN, PIN_NMI_EXITING | PIN_VIRTUAL_NMIS, false);
    fault(FAULT(X86_VECTOR_PF) | ERROR_CODE, 0, true);
    assert_int_equal(FIELD(GUEST_INTERRUPTIBILITY_STATE), 0);
}

static void touch(uint64_t address, uint64_t qualification, uint32_t vectoring)
{
    FIELD(GUEST_INTERRUPTIBILITY_STATE) = 0;
    guest_machine_exit(EXIT_REASON_EPT_VIOLATION, qualification, 2);
    FIELD(GUEST_PHYSICAL_ADDRESS) = address;
    FIELD(IDT_VECTORING_INFORMATION) = vectoring;
    assert_int_equal(guest_machine_serve_now(), EXIT_MAPPED);
    assert_true(ept_walk(&vcpu->vm->ept, address).mapped);
}

/*
 * Of an EPT violation the exit qualification has bit 12, "NMI unblocking due to IRET". SDM Vol. 3,
 * "Information about NMI Unblocking Due to IRET": undefined where the IDT-vectoring information is
 * valid, and where "NMI exiting" is on without "virtual NMIs". Otherwise the IRET, which is
 * executed again, finds NMIs blocked as before.
 */
static void nmis_are_blocked_again_where_iret_met_an_ept_violation(void **state)
{
    (void)state;
    guest_machine_demand(&guest_machine.own);
    touch(GUEST_TOUCH_BASE, 0x181, 0);
    assert_int_equal(FIELD(GUEST_INTERRUPTIBILITY_STATE), 0);
    touch(GUEST_TOUCH_BASE + 0x1000, 0x1181, 0);
    assert_int_equal(FIELD(GUEST_INTERRUPTIBILITY_STATE), BLOCKING_BY_NMI);
    touch(GUEST_TOUCH_BASE + 0x2000, 0x1181, FAULT(X86_VECTOR_UD));
    assert_int_equal(FIELD(GUEST_INTERRUPTIBILITY_STATE), 0);
    assert_true(guest_machine_injects(X86_VECTOR_UD));
    vcpu_control_set(vcpu, VMX_CONTROL_PIN, PIN_VIRTUAL_NMIS, false);
    touch(GUEST_TOUCH_BASE + 0x3000, 0x1181, 0);
    assert_int_equal(FIELD(GUEST_INTERRUPTIBILITY_STATE), 0);
    vcpu_control_set(vcpu, VMX_CONTROL_PIN, PIN_NMI_EXITING, false);
    touch(GUEST_TOUCH_BASE + 0x4000, 0x1181, 0);
    assert_int_equal(FIELD(GUEST_INTERRUPTIBILITY_STATE), BLOCKING_BY_NMI);
}

/* "Page-Modification Logging": the access is made again, as after an EPT violation. */
static void nmis_are_blocked_again_where_iret_filled_the_log(void **state)
{
    (void)state;
    model_cpu.all_fields = true;
    for (unsigned undefined = 0; undefined < 2; undefined++) {
        FIELD(GUEST_INTERRUPTIBILITY_STATE) = 0;
        guest_machine_exit(EXIT_REASON_PML_FULL, 0x1000, 2);
        FIELD(IDT_VECTORING_INFORMATION) = undefined ? FAULT(X86_VECTOR_UD) : 0;
        assert_int_equal(guest_machine_serve_now(), EXIT_STEPPED);
        assert_int_equal(FIELD(GUEST_INTERRUPTIBILITY_STATE), undefined ? 0 : BLOCKING_BY_NMI);
    }
}

/* Without a page left the guest ends, and its memory is as it was. */
static void a_touch_that_no_page_is_left_for_ends_the_guest(void **state)
{
    (void)state;
    guest_machine_demand(&guest_machine.own);
    vcpu->vm->pages.count = 0;
    model_pages_limit(model_pages_used());
    guest_machine_exit(EXIT_REASON_EPT_VIOLATION, 0x181, 2);
    FIELD(GUEST_PHYSICAL_ADDRESS) = GUEST_TOUCH_BASE + 0x1000;
    assert_int_equal(guest_machine_serve_now(), EXIT_ENDED);
    assert_int_equal(vcpu->end, GUEST_END_MEMORY);
    assert_int_equal(vcpu->end_number, EXIT_REASON_EPT_VIOLATION);
    assert_int_equal(vcpu->end_value, GUEST_TOUCH_BASE + 0x1000);
    assert_false(ept_walk(&vcpu->vm->ept, GUEST_TOUCH_BASE + 0x1000).mapped);
}

/* Outside of system-management mode bit 2, blocking by SMI, cannot be true; with it no VM entry
 * succeeds. The other kinds of blocking stay; and all where the machine does not have that quirk:
 * then the entry must fail, and say so. */
static void blocking_by_smi_is_forgotten(void **state)
{
    (void)state;
    quirks_here = 1u << QUIRK_SMI_BLOCKED_AFTER_SIPI;
    vcpu_watch(vcpu);
    assert_int_equal(guest_machine_serve(EXIT_REASON_CPUID, 0, 2), EXIT_EMULATED);
    assert_false(vcpu->says_smi_blocked);
    guest_machine_exit(EXIT_REASON_CPUID, 0, 2);
    FIELD(GUEST_INTERRUPTIBILITY_STATE) = 1 << 2 | 1 << 3;
    assert_int_equal(guest_machine_serve_now(), EXIT_EMULATED);
    assert_int_equal(FIELD(GUEST_INTERRUPTIBILITY_STATE), 1 << 3);
    assert_true(vcpu->says_smi_blocked);

    quirks_here = 0;
    vcpu->says_smi_blocked = false;
    guest_machine_exit(EXIT_REASON_CPUID, 0, 2);
    FIELD(GUEST_INTERRUPTIBILITY_STATE) = 1 << 2 | 1 << 3;
    assert_int_equal(vm_exit(vcpu), EXIT_EMULATED);
    assert_int_equal(FIELD(GUEST_INTERRUPTIBILITY_STATE), 1 << 2 | 1 << 3);
    assert_false(vcpu->says_smi_blocked);
}

/* The record of an exit with these fields, each with bit 12. */
static const struct exit_record *record(uint32_t reason, uint32_t event, uint32_t vectoring)
{
    guest_vm_of(vcpu)->record_count = 0;
    guest_machine_exit(reason, 0x1181, 2);
    FIELD(VM_EXIT_INTERRUPTION_INFORMATION) = event | 1u << 12;
    FIELD(IDT_VECTORING_INFORMATION) = vectoring | 1u << 12;
    (void)guest_machine_serve_now();
    assert_int_equal(guest_vm_of(vcpu)->record_count, 1);
    return &guest_vm_of(vcpu)->record[0];
}

/*
 * What guests expect of an exit is compared bit by bit, so that what is undefined must not be
 * written down. "Resuming Guest Software after Handling an Exception": bit 12 of the IDT-vectoring
 * information always; of the others in the cases above; without the valid bit, all of it.
 */
static void what_is_undefined_is_not_written_down(void **state)
{
    const uint32_t gp = FAULT(X86_VECTOR_GP) | ERROR_CODE, df = FAULT(X86_VECTOR_DF) | ERROR_CODE;
    const struct exit_record *exit;

    (void)state;
    vcpu_watch(vcpu);
    guest_machine_demand(&guest_machine.own);
    exit = record(EXIT_REASON_EXCEPTION_OR_NMI, gp, 0);
    assert_int_equal(exit->interruption, gp | 1u << 12);
    assert_int_equal(exit->vectoring, 0);
    exit = record(EXIT_REASON_EXCEPTION_OR_NMI, gp, FAULT(X86_VECTOR_DE));
    assert_int_equal(exit->interruption, gp);
    assert_int_equal(exit->vectoring, FAULT(X86_VECTOR_DE));
    exit = record(EXIT_REASON_EXCEPTION_OR_NMI, df, 0);
    assert_int_equal(exit->interruption, df);
    FIELD(GUEST_PHYSICAL_ADDRESS) = GUEST_TOUCH_BASE;
    exit = record(EXIT_REASON_EPT_VIOLATION, X86_VECTOR_DF, 0);
    assert_int_equal(exit->interruption, 0);
    assert_int_equal(exit->qualification, 0x1181);
    FIELD(GUEST_PHYSICAL_ADDRESS) = GUEST_TOUCH_BASE + 0x1000;
    exit = record(EXIT_REASON_EPT_VIOLATION, 0, FAULT(X86_VECTOR_DE));
    assert_int_equal(exit->qualification, 0x181);
    vcpu_control_set(vcpu, VMX_CONTROL_PIN, PIN_VIRTUAL_NMIS, false);
    exit = record(EXIT_REASON_EXCEPTION_OR_NMI, gp, 0);
    assert_int_equal(exit->interruption, gp);
    FIELD(GUEST_PHYSICAL_ADDRESS) = GUEST_TOUCH_BASE + 0x2000;
    exit = record(EXIT_REASON_EPT_VIOLATION, 0, 0);
    assert_int_equal(exit->qualification, 0x181);
}

/* Exit reason 41 with bit 31. SDM Vol. 3, "Machine-Check Events During VM Entry". */
static void a_machine_check_at_vm_entry_is_the_hosts(void **state)
{
    (void)state;
    assert_int_equal(guest_machine_serve(0x80000029, 0, 0), EXIT_ENDED);
    assert_int_equal(vcpu->end, GUEST_END_ENTRY_FAILED);
    assert_int_equal(guest_machine.host_exceptions, 1);
    assert_int_equal(guest_machine.host_vector, X86_VECTOR_MC);
    assert_int_equal(guest_machine_serve(0x80000021, 0, 0), EXIT_ENDED);
    assert_int_equal(guest_machine.host_exceptions, 1);
}

/* SDM Vol. 3, "RDMSR" of changes to instruction behaviour: the offset is added, as for RDTSC. */
static void the_clock_is_the_same_by_rdmsr(void **state)
{
    uint64_t before;

    (void)state;
    vcpu_control_set(vcpu, VMX_CONTROL_PRIMARY, PRIMARY_TSC_OFFSETTING, true);
    FIELD(TSC_OFFSET) = 1ull << 40;
    vcpu->reg[VCPU_RCX] = IA32_TIME_STAMP_COUNTER;
    before = rdtsc();
    assert_int_equal(guest_machine_serve(EXIT_REASON_RDMSR, 0, 2), EXIT_EMULATED);
    assert_true((vcpu->reg[VCPU_RDX] << 32 | vcpu->reg[VCPU_RAX]) - before >= 1ull << 40);
}

static void enclaves_are_not_for_guests(void **state)
{
    static const uint32_t reasons[] = {EXIT_REASON_ENCLS, EXIT_REASON_ENCLV};

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(guest_machine_serve(reasons[i], 0, 3), EXIT_INJECTED);
        assert_true(guest_machine_injects(X86_VECTOR_UD));
    }
}

/* vm/guests/guest.h, sees_machine: a machine whose second MiB is the hypervisor's, and nothing
 * else. */

#define OWN_BASE 0x100000ull
#define OWN_END  0x200000ull

static const char *owned(uint64_t physical)
{
    return physical >= OWN_BASE && physical < OWN_END ? "its all" : NULL;
}

static bool next_non_ram(uint64_t *next, uint64_t *base, uint64_t *end)
{
    *base = *next >= OWN_BASE && *next < OWN_END ? OWN_END : *next;
    *end = *base < OWN_BASE ? OWN_BASE : 1ull << 40;
    *next = *end;
    return *base < *end;
}

static enum memory_type non_ram_type(uint64_t physical)
{
    return physical < OWN_BASE ? MEMORY_TYPE_WP : MEMORY_TYPE_UC;
}

static void show_machine(uint64_t apic_base)
{
    guest_machine_reset(GUEST_LONG);
    guest_machine.guest.sees_machine = true;
    guest_machine.memory_owned = owned;
    guest_machine.memory_next_non_ram = next_non_ram;
    guest_machine.memory_non_ram_type = non_ram_type;
    guest_machine.own.vcpu.msr_apic_base = apic_base;
    vcpu = guest_machine_start();
}

static void assert_shown(uint64_t address, enum memory_type type)
{
    struct ept_walk walk = ept_walk(&vcpu->vm->ept, address);

    assert_true(walk.mapped);
    assert_int_equal(walk.physical, walk.guest_physical);
    assert_int_equal(walk.permissions, EPT_READ);
    assert_int_equal(walk.type, type);
}

static void a_guest_sees_the_machine_but_for_the_hypervisor(void **state)
{
    static const uint64_t hidden[] = {OWN_BASE, OWN_END - 1, 0xfee00000, 0xfee00fff,
                                      GUEST_MACHINE_END};

    (void)state;
    show_machine(0xfee00900); /* enabled, of the boot CPU */
    assert_shown(GUEST_MEMORY_BYTES, MEMORY_TYPE_WP);
    assert_shown(OWN_BASE - 1, MEMORY_TYPE_WP);
    assert_shown(OWN_END, MEMORY_TYPE_UC);
    assert_shown(0xfedfffff, MEMORY_TYPE_UC);
    assert_shown(0xfee01000, MEMORY_TYPE_UC);
    assert_shown(GUEST_MACHINE_END - 1, MEMORY_TYPE_UC);
    for (unsigned i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
        assert_false(ept_walk(&vcpu->vm->ept, hidden[i]).mapped);
    assert_int_equal(ept_walk(&vcpu->vm->ept, GUEST_MEMORY_BYTES - 1).permissions, EPT_ALL);
}

static const char *owner_at_end(uint64_t address)
{
    guest_machine_exit(EXIT_REASON_EPT_VIOLATION, 0x181, 2);
    FIELD(GUEST_PHYSICAL_ADDRESS) = address;
    vcpu_watch(vcpu);
    guest_vm_of(vcpu)->record_count = 0;
    assert_int_equal(guest_machine_serve_now(), EXIT_ENDED);
    assert_int_equal(vcpu->end, GUEST_END_MEMORY);
    assert_int_equal(vcpu->end_value, address);
    assert_ptr_equal(guest_vm_of(vcpu)->record[0].owner, guest_memory_owner(vcpu, vcpu->end_value));
    return guest_vm_of(vcpu)->record[0].owner;
}

static void whose_memory_it_was_is_reported(void **state)
{
    (void)state;
    show_machine(0xfee00900);
    assert_string_equal(owner_at_end(OWN_BASE + 8), "its all");
    assert_string_equal(owner_at_end(0xfee00020), "its local APIC");
    assert_null(owner_at_end(GUEST_MACHINE_END));
}

/* Elsewhere guest-physical addresses are no addresses of the machine's. */
static void to_other_guests_it_is_not(void **state)
{
    (void)state;
    guest_machine.memory_owned = owned;
    assert_null(owner_at_end(OWN_BASE + 8));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, in_long_mode)
    const struct CMUnitTest tests[] = {
        TEST(nmis_come_to_the_handler_of_an_irets_fault),
        TEST(nmis_are_blocked_again_where_iret_met_an_ept_violation),
        TEST(nmis_are_blocked_again_where_iret_filled_the_log),
        TEST(a_touch_that_no_page_is_left_for_ends_the_guest),
        TEST(blocking_by_smi_is_forgotten),
        TEST(what_is_undefined_is_not_written_down),
        TEST(a_machine_check_at_vm_entry_is_the_hosts),
        TEST(the_clock_is_the_same_by_rdmsr),
        TEST(enclaves_are_not_for_guests),
        TEST(a_guest_sees_the_machine_but_for_the_hypervisor),
        TEST(whose_memory_it_was_is_reported),
        TEST(to_other_guests_it_is_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
