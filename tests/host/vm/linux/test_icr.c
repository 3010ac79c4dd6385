/*
 * Commands to other CPUs, by SDM Vol. 3, "Interrupt Command Register (ICR)".
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "vm/linux/icr.h"

static void commands(void **state)
{
    (void)state;
    assert_int_equal(icr_command(0x000040fd), ICR_INTERRUPTS); /* fixed */
    assert_int_equal(icr_command(0x00004400), ICR_INTERRUPTS); /* NMI */
    assert_int_equal(icr_command(0x0000c500), ICR_INITS);      /* as Linux sends it */
    assert_int_equal(icr_command(0x00004500), ICR_INITS);      /* edge */
    assert_int_equal(icr_command(0x00000500), ICR_INITS);      /* edge: the level does not count */
    assert_int_equal(icr_command(0x00008500), ICR_INIT_ENDS);
    assert_int_equal(icr_command(0x0000069a), ICR_STARTS);
    assert_int_equal(icr_command(0x300000000ull | 0x69a), ICR_STARTS);
}

static void destinations(void **state)
{
    (void)state;
    assert_true(icr_of_xapic(0x03ffffff, 0x4500) == 0x300004500ull);
    assert_true(icr_of_xapic(0xff000000, 0x4500) == 0xffffffff00004500ull);
    assert_true(icr_reaches(0x300004500, 0, 3));
    assert_false(icr_reaches(0x300004500, 0, 2));
    assert_true(icr_reaches(0xffffffff00004500, 0, 2));
    assert_false(icr_reaches(0x300004d00, 0, 3)); /* logical */
    assert_true(icr_reaches(0x44500, 5, 5));      /* shorthand: self */
    assert_false(icr_reaches(0x44500, 5, 0));
    assert_true(icr_reaches(0x84500, 5, 5)); /* all */
    assert_true(icr_reaches(0x84500, 5, 0));
    assert_false(icr_reaches(0xc4500, 5, 5)); /* all but self */
    assert_true(icr_reaches(0xc4500, 5, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands),
        cmocka_unit_test(destinations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
