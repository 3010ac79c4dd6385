/* What `guest=list` reports: names as vm/guests/exits/exits.def has them, taken whole. */
#include "kernel/report/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "kernel/guests/guest_results.h"
static char reported[1000];
static struct guest guest = {.purpose = "Does something."};
SET_MEMBER(guests, 1, const struct guest, guest);

static void list(const char *name)
{
    struct text_buffer text;

    guest.name = name;
    text_buffer_init(&text, reported, sizeof(reported));
    guest_list_print(&text.sink);
}

static void a_guest_is_reported_with_the_exits_that_it_provokes(void **state)
{
    (void)state;
    list("hello");
    assert_string_equal(reported, "  hello\n"
                                  "       Does something.\n"
                                  "       VM exits: CPUID, VMCALL\n");
    list("mwait"); /* the first of two, and not "monitor" */
    assert_string_equal(reported, "  mwait\n"
                                  "       Does something.\n"
                                  "       VM exits: MWAIT\n");
    list("step"); /* the last of two: not "step-pending", which begins so, nor "step-trap" */
    assert_string_equal(reported, "  step\n"
                                  "       Does something.\n"
                                  "       VM exits: monitor trap flag\n");
    list("seam"); /* only on some processors */
    assert_string_equal(reported, "  seam\n"
                                  "       Does something.\n"
                                  "       VM exits: SEAMCALL, TDCALL\n");
}

static void many_exits_take_several_lines(void **state)
{
    (void)state;
    list("vmx");
    assert_string_equal(reported,
                        "  vmx\n"
                        "       Does something.\n"
                        "       VM exits: VMCLEAR, VMLAUNCH, VMPTRLD, VMPTRST, VMREAD, VMRESUME,\n"
                        "       VMWRITE, VMXOFF, VMXON\n");
}

/* The parts of names, and names with parts of others after them, are no names. */
static void what_no_exit_is_named_for_has_none(void **state)
{
    static const char *const names[] = {"long-mode", "hell", "ello", "hello2", "can", ""};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char wanted[64];

        list(names[i]);
        format_text(wanted, sizeof(wanted), "  %s\n       Does something.\n", names[i]);
        assert_string_equal(reported, wanted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_guest_is_reported_with_the_exits_that_it_provokes),
        cmocka_unit_test(many_exits_take_several_lines),
        cmocka_unit_test(what_no_exit_is_named_for_has_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
