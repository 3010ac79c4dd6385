#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/console/console.h"

static void cleans(void **state)
{
    char text[] = "a\033[2J\r\n\tb\x7f\x01\xc3\xa4";

    (void)state;
    console_clean(text, text, strlen(text));
    assert_string_equal(text, "a?[2J?\n\tb??\xc3\xa4");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cleans),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
