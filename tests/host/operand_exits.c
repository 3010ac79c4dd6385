#include "tests/host/operand_exits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

struct vcpu *vcpu;

int in_long_mode(void **state)
{
    (void)state;
    vcpu = guest_machine_in(GUEST_LONG);
    return 0;
}

void in_protected_mode(void)
{
    vcpu = guest_machine_in(GUEST_PROTECTED);
}

enum exit_done serve(uint32_t reason, uint64_t qualification, uint32_t information)
{
    FIELD(GUEST_RIP) = GUEST_CODE;
    FIELD(VM_EXIT_INSTRUCTION_INFORMATION) = information;
    return guest_machine_serve(reason, qualification, LENGTH);
}

void assert_done(uint32_t reason, uint64_t qualification, uint32_t information)
{
    assert_int_equal(serve(reason, qualification, information), EXIT_EMULATED);
    assert_int_equal(FIELD(GUEST_RIP), GUEST_CODE + LENGTH);
}

void assert_faults(uint32_t reason, uint64_t qualification, uint32_t information, uint8_t vector,
                   uint32_t error)
{
    assert_int_equal(serve(reason, qualification, information), EXIT_INJECTED);
    assert_true(guest_machine_injects_error(vector, error));
    assert_int_equal(FIELD(GUEST_RIP), GUEST_CODE);
}

void assert_ends(uint32_t reason, uint64_t qualification, uint32_t information, uint64_t at)
{
    assert_int_equal(serve(reason, qualification, information), EXIT_ENDED);
    assert_int_equal(vcpu->end, GUEST_END_MEMORY);
    assert_int_equal(vcpu->end_number, reason);
    assert_int_equal(vcpu->end_value, at);
}
