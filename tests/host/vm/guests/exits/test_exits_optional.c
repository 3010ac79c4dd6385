/*
 * Exits of what only some processors have, on the model CPU: user waits, MSRs that the instruction
 * names, APIC virtualization. Expectations are those of SDM Vol. 2, the instructions' pages, and
 * Vol. 3, "APIC Virtualization and Virtual Interrupts".
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/host/guest_machine.h"
#include "vm/registers/registers.h"

static struct vcpu *vcpu;

static int in_long_mode(void **state)
{
    (void)state;
    vcpu = guest_machine_in(GUEST_LONG);
    return 0;
}

/* UMWAIT and TPAUSE: the operand's register in bits 6:3 of the instruction information. */
static enum exit_done wait_with(uint32_t reason, unsigned reg, uint64_t value)
{
    vcpu_register_set(vcpu, reg, value);
    FIELD(VM_EXIT_INSTRUCTION_INFORMATION) = reg << 3;
    return guest_machine_serve(reason, 0, 4);
}

/* "CF = 0 … AF, PF, SF, ZF, OF are set to 0"; only bit 0 of 32 means anything. */
static void a_user_wait_is_over_at_once(void **state)
{
    static const uint32_t reasons[] = {EXIT_REASON_UMWAIT, EXIT_REASON_TPAUSE};
    const uint64_t arithmetic = 0x8d5;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        uint64_t rip = FIELD(GUEST_RIP);

        FIELD(GUEST_RFLAGS) |= arithmetic;
        assert_int_equal(wait_with(reasons[i], VCPU_RDI, 0xffffffff00000001), EXIT_EMULATED);
        assert_int_equal(FIELD(GUEST_RFLAGS) & arithmetic, 0);
        assert_int_equal(FIELD(GUEST_RIP), rip + 4);
        assert_int_equal(wait_with(reasons[i], VCPU_R15, 0), EXIT_EMULATED);
    }
}

/* "#GP(0) If src[31:1] != 0" */
static void a_user_wait_faults_for_reserved_bits(void **state)
{
    uint64_t rip = FIELD(GUEST_RIP);

    (void)state;
    assert_int_equal(wait_with(EXIT_REASON_UMWAIT, VCPU_RDI, 2), EXIT_INJECTED);
    assert_true(guest_machine_injects_error(X86_VECTOR_GP, 0));
    assert_int_equal(FIELD(GUEST_RIP), rip);
    assert_int_equal(wait_with(EXIT_REASON_TPAUSE, VCPU_R15, 0x80000001), EXIT_INJECTED);
}

/* RDMSR and WRMSRNS: the MSR in the exit qualification, the register in bits 6:3. */
static enum exit_done msr_by(uint32_t reason, uint32_t msr, unsigned reg)
{
    FIELD(VM_EXIT_INSTRUCTION_INFORMATION) = reg << 3;
    return guest_machine_serve(reason, msr, 9);
}

static void fill_registers(void)
{
    for (unsigned i = 0; i < VCPU_REGISTERS; i++)
        vcpu_register_set(vcpu, i, 0x1111111111111111 * (i & 7) + i);
}

static void assert_kept_but(unsigned reg)
{
    for (unsigned i = 0; i < VCPU_REGISTERS; i++) {
        if (i != reg)
            assert_int_equal(vcpu_register_get(vcpu, i), 0x1111111111111111 * (i & 7) + i);
    }
}

static void an_msr_is_read_into_any_register_and_no_other(void **state)
{
    (void)state;
    FIELD(GUEST_FS_BASE) = 0x123456789abc;
    for (unsigned reg = 0; reg < VCPU_REGISTERS; reg++) {
        fill_registers();
        assert_int_equal(msr_by(EXIT_REASON_RDMSR_IMMEDIATE, IA32_FS_BASE, reg), EXIT_EMULATED);
        assert_int_equal(vcpu_register_get(vcpu, reg), 0x123456789abc);
        assert_kept_but(reg);
    }
}

static void an_msr_is_written_from_any_register(void **state)
{
    (void)state;
    for (unsigned reg = 0; reg < VCPU_REGISTERS; reg++) {
        fill_registers();
        vcpu_register_set(vcpu, reg, 0x765432100000 + reg);
        assert_int_equal(msr_by(EXIT_REASON_WRMSRNS_IMMEDIATE, IA32_FS_BASE, reg), EXIT_EMULATED);
        assert_int_equal(FIELD(GUEST_FS_BASE), 0x765432100000 + reg);
        assert_int_equal(vcpu_register_get(vcpu, reg), 0x765432100000 + reg);
        assert_kept_but(reg);
    }
}

static void an_msr_that_is_not_there_faults(void **state)
{
    enum { NO_MSR = 0x12345678 };
    uint64_t rip = FIELD(GUEST_RIP);

    (void)state;
    fill_registers();
    assert_int_equal(msr_by(EXIT_REASON_RDMSR_IMMEDIATE, NO_MSR, VCPU_RBX), EXIT_INJECTED);
    assert_true(guest_machine_injects_error(X86_VECTOR_GP, 0));
    assert_int_equal(msr_by(EXIT_REASON_WRMSRNS_IMMEDIATE, NO_MSR, VCPU_RBX), EXIT_INJECTED);
    assert_kept_but(VCPU_REGISTERS);
    assert_int_equal(FIELD(GUEST_RIP), rip);
}

/* VM entry wants a threshold that is not above the virtual TPR: the machine checks that. */
static void a_threshold_does_not_stay_above_the_task_priority(void **state)
{
    uint64_t rip = FIELD(GUEST_RIP);

    (void)state;
    FIELD(TPR_THRESHOLD) = 5;
    assert_int_equal(guest_machine_serve(EXIT_REASON_TPR_BELOW_THRESHOLD, 0, 0), EXIT_STEPPED);
    assert_int_equal(FIELD(TPR_THRESHOLD), 0);
    assert_int_equal(FIELD(GUEST_RIP), rip);
}

/* The guest tries again without the control, and gets again what was being delivered. */
static void an_apic_page_becomes_memory(void **state)
{
    const uint32_t interrupt = 1u << 31 | 4 << 8 | 0x40;
    uint64_t rip = FIELD(GUEST_RIP);

    (void)state;
    vcpu_control_set(vcpu, VMX_CONTROL_SECONDARY, SECONDARY_VIRTUALIZE_APIC_ACCESSES, true);
    guest_machine_exit(EXIT_REASON_APIC_ACCESS, 0x37f8, 2);
    FIELD(IDT_VECTORING_INFORMATION) = interrupt;
    assert_int_equal(guest_machine_serve_now(), EXIT_MAPPED);
    assert_int_equal(FIELD(SECONDARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS) &
                         SECONDARY_VIRTUALIZE_APIC_ACCESSES,
                     0);
    assert_int_equal(guest_machine_injected(), interrupt);
    assert_int_equal(FIELD(VM_ENTRY_INSTRUCTION_LENGTH), 2);
    assert_int_equal(FIELD(GUEST_RIP), rip);
}

/* No control keeps SEAMCALL and TDCALL from a guest; the others it turned on itself. */
static void what_guests_do_not_have_is_undefined(void **state)
{
    static const uint32_t reasons[] = {
        EXIT_REASON_SEAMCALL, EXIT_REASON_TDCALL,  EXIT_REASON_PCONFIG, EXIT_REASON_LOADIWKEY,
        EXIT_REASON_XSAVES,   EXIT_REASON_XRSTORS, EXIT_REASON_VMFUNC,
    };

    (void)state;
    for (unsigned i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        uint64_t rip = FIELD(GUEST_RIP);

        assert_int_equal(guest_machine_serve(reasons[i], 0, 4), EXIT_INJECTED);
        assert_true(guest_machine_injects(X86_VECTOR_UD));
        assert_int_equal(FIELD(GUEST_RIP), rip);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, in_long_mode)
    const struct CMUnitTest tests[] = {
        TEST(a_user_wait_is_over_at_once),
        TEST(a_user_wait_faults_for_reserved_bits),
        TEST(an_msr_is_read_into_any_register_and_no_other),
        TEST(an_msr_is_written_from_any_register),
        TEST(an_msr_that_is_not_there_faults),
        TEST(a_threshold_does_not_stay_above_the_task_priority),
        TEST(an_apic_page_becomes_memory),
        TEST(what_guests_do_not_have_is_undefined),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
