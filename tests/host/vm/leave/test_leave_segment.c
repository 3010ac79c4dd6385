/*
 * Descriptors from which segment registers are loaded anew: SDM Vol. 3, "Segment Descriptors",
 * "System Segments and Gates in 64-bit mode", "Format of Access Rights".
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "vm/leave/leave.h"

static uint64_t table[LEAVE_DESCRIPTORS];

static unsigned written(void)
{
    unsigned count = 0;

    for (unsigned i = 0; i < LEAVE_DESCRIPTORS; i++)
        count += table[i] != 0;
    return count;
}

static void put(uint16_t selector, uint64_t base, uint32_t limit, uint32_t rights)
{
    const struct vmcs_segment segment = {selector, base, limit, rights};

    memset(table, 0, sizeof(table));
    assert_true(leave_has_segment(segment));
    leave_segment(table, segment);
    assert_int_equal(leave_selector(segment), selector);
}

static void data_segments(void **state)
{
    (void)state;
    /* What Linux's __USER_DS is: flat, writable, accessed, DPL 3, in units of 4 KiB. */
    put(0x2b, 0, UINT32_MAX, 0xc0f3);
    assert_true(table[5] == 0x00cff3000000ffff);
    assert_int_equal(written(), 1);
    /* Base and limit are scattered over the descriptor; this limit is in bytes. */
    put(0x10, 0x12345678, 0xabcde, 0x4093);
    assert_true(table[2] == 0x124a93345678bcde);
    /* AVL stays what it was. */
    put(0x08, 0, UINT32_MAX, 0xd093);
    assert_true(table[1] == 0x00df93000000ffff);
}

static void system_segments(void **state)
{
    (void)state;
    /* A busy TSS of 64 bits, as VMCSs have it; LTR wants one that is available. */
    put(0x40, 0xfffffe0000003000, 0x4087, 0x8b);
    assert_true(table[8] == 0x0000890030004087);
    assert_true(table[9] == 0xfffffe00);
    assert_int_equal(written(), 2);
    put(0x50, 0xffff880000010000, 0xffff, RIGHTS_LDT);
    assert_true(table[10] == 0x000082010000ffff);
    assert_true(table[11] == 0xffff8800);
}

static void nothing_to_load(void **state)
{
    const struct vmcs_segment null = {3, 0, 0, RIGHTS_DATA_32};

    (void)state;
    put(0, 0, 0, RIGHTS_UNUSABLE);
    assert_int_equal(written(), 0);
    memset(table, 0, sizeof(table));
    leave_segment(table, null);
    assert_int_equal(written(), 0);
    assert_int_equal(leave_selector(null), 3);
    /* Whatever an unusable one's selector was, the null selector makes it unusable again. */
    assert_int_equal(leave_selector((struct vmcs_segment){0x53, 0, 0, RIGHTS_UNUSABLE}), 3);
    assert_true(leave_has_segment((struct vmcs_segment){0x57, 0, 0, RIGHTS_UNUSABLE}));
}

static void elsewhere(void **state)
{
    (void)state;
    assert_false(leave_has_segment((struct vmcs_segment){0x0f, 0, 0xffff, RIGHTS_DATA_32}));
    assert_true(leave_has_segment((struct vmcs_segment){0xff8, 0, 0xffff, RIGHTS_DATA_32}));
    assert_false(leave_has_segment((struct vmcs_segment){0x1000, 0, 0xffff, RIGHTS_DATA_32}));
    /* The second half of a system descriptor would lie beyond. */
    assert_false(leave_has_segment((struct vmcs_segment){0xff8, 0, 0x67, RIGHTS_TSS_BUSY}));
    assert_true(leave_has_segment((struct vmcs_segment){0xff0, 0, 0x67, RIGHTS_TSS_BUSY}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_segments),
        cmocka_unit_test(system_segments),
        cmocka_unit_test(nothing_to_load),
        cmocka_unit_test(elsewhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
