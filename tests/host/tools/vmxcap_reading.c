#include "tests/host/tools/vmxcap_reading.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct dump_list list;
struct dump_error error;
static const char *shown; /* the text that was read last */

int end(void **state)
{
    (void)state;
    dump_list_free(&list);
    return 0;
}

void read_bytes(const char *text, size_t length)
{
    char *copy = malloc(length > 0 ? length : 1);

    assert_non_null(copy);
    memcpy(copy, text, length);
    dump_list_free(&list);
    dump_text_read(copy, length, "name", &list, &error);
    free(copy);
}

void assert_read(const char *text, uint32_t formats, size_t sets)
{
    shown = text;
    read_bytes(text, strlen(text));
    if (error.line != 0)
        fail_msg("line %u: %s, in:\n%s", error.line, error.text, text);
    if (list.reading.formats != formats || list.count != sets)
        fail_msg("forms %#x, %zu sets, in:\n%s", list.reading.formats, list.count, text);
}

void assert_refused(const char *text, unsigned line, const char *words)
{
    read_bytes(text, strlen(text));
    if (error.line != line || strstr(error.text, words) == NULL)
        fail_msg("line %u: %s; wanted line %u: %s; in:\n%s", error.line, error.text, line, words,
                 text);
}

void assert_value(size_t set, uint32_t msr, uint64_t value)
{
    if (!dump_msr_has(&list.set[set].dump, msr) || dump_msr_get(&list.set[set].dump, msr) != value)
        fail_msg("set %zu has MSR %#x: %d, %#llx, in:\n%s", set, msr,
                 dump_msr_has(&list.set[set].dump, msr),
                 (unsigned long long)dump_msr_get(&list.set[set].dump, msr), shown);
}

void assert_passed(unsigned count, unsigned line, const char *expected)
{
    assert_int_equal(list.reading.not_understood, count);
    if (count == 0)
        return;
    assert_int_equal(list.reading.passed[0].line, line);
    assert_non_null(strstr(list.reading.passed[0].expected, expected));
}
