#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/backtrace/backtrace.h"

/* SDM Vol. 3, table "Protected-Mode Exceptions and Interrupts": the mnemonics, and column "Error
   Code". AMD's #VC and #SX push one too. */
static void names_and_error_codes(void **state)
{
    static const struct {
        uint64_t vector;
        const char *mnemonic;
        bool error_code;
    } table[] = {
        {0, "#DE", false},  {1, "#DB", false},  {2, "NMI", false},  {3, "#BP", false},
        {4, "#OF", false},  {5, "#BR", false},  {6, "#UD", false},  {7, "#NM", false},
        {8, "#DF", true},   {10, "#TS", true},  {11, "#NP", true},  {12, "#SS", true},
        {13, "#GP", true},  {14, "#PF", true},  {16, "#MF", false}, {17, "#AC", true},
        {18, "#MC", false}, {19, "#XM", false}, {20, "#VE", false}, {21, "#CP", true},
        {28, "#HV", false}, {29, "#VC", true},  {30, "#SX", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        const char *name = trap_name(table[i].vector);

        assert_int_equal(strncmp(name, table[i].mnemonic, 3), 0);
        assert_int_equal(trap_has_error_code(table[i].vector), table[i].error_code);
    }
    for (uint64_t vector = 0; vector < 256; vector++)
        assert_non_null(trap_name(vector));
    assert_string_equal(trap_name(32), "interrupt");
    assert_string_equal(trap_name(UINT64_MAX), "interrupt");
    assert_false(trap_has_error_code(32));
    assert_false(trap_has_error_code(UINT64_MAX));
}

static void explains(uint64_t vector, uint64_t error_code, const char *wanted)
{
    char text[200];
    struct text_buffer buffer;

    text_buffer_init(&buffer, text, sizeof(text));
    trap_explain_error(&buffer.sink, vector, error_code);
    assert_string_equal(text[0] == '\0' ? text : text + 2, wanted);
    assert_true(text[0] == '\0' || strncmp(text, ": ", 2) == 0);
}

static void page_faults(void **state)
{
    (void)state;
    explains(14, 0x0, "read, page is not present");
    explains(14, 0x2, "write, page is not present");
    explains(14, 0x3, "write, page is present: its rights forbid it");
    explains(14, 0x11, "instruction fetch, page is present: its rights forbid it");
    explains(14, 0x5, "read, by user-mode code, page is present: its rights forbid it");
    explains(14, 0x20, "read, page is not present, protection key");
    explains(14, 0x80, "read, page is not present, during HLAT paging");
    explains(14, 0x9,
             "read, page is present: its rights forbid it, "
             "a reserved bit is set in a paging structure");
    explains(14, 0x8061,
             "read, page is present: its rights forbid it, "
             "protection key, shadow-stack access, SGX access control");
}

/* Bit 0 EXT, bit 1 IDT, bit 2 TI, bits 15:3 the index. */
static void selectors(void **state)
{
    (void)state;
    explains(13, 0, "no selector involved");
    explains(13, 0x18, "GDT entry 3");
    explains(11, 0x1c, "LDT entry 3");
    explains(13, 0x72, "IDT entry 14");
    explains(10, 0xffff, "IDT entry 8191, while an event from outside the program was delivered");
}

static void others(void **state)
{
    (void)state;
    explains(21, 1, "NEAR-RET");
    explains(21, 3, "ENDBRANCH");
    explains(21, 0x8005, "SETSSBSY"); /* bit 15: in an enclave */
    explains(21, 0, "");
    explains(21, 6, "");
    explains(8, 0, "");
    explains(6, 7, "");
    explains(300, 7, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_error_codes),
        cmocka_unit_test(page_faults),
        cmocka_unit_test(selectors),
        cmocka_unit_test(others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
