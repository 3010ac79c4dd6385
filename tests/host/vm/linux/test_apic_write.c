/*
 * Writes to an APIC's registers: instructions as an assembler makes them (SDM Vol. 2, "MOV",
 * "XCHG", "ModR/M and SIB Bytes"), and commands by SDM Vol. 3, "Interrupt Command Register (ICR)".
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "vm/linux/apic_write.h"

static struct apic_write decoded;

#define DECODES(wide, ...)                                                                \
    ({                                                                                    \
        const uint8_t code_[] = {__VA_ARGS__};                                            \
        bool known_ = apic_write_decode(code_, sizeof(code_), (wide), &decoded);          \
                                                                                          \
        for (unsigned i_ = 0; known_ && i_ < sizeof(code_); i_++) { /* never of a part */ \
            struct apic_write part_;                                                      \
                                                                                          \
            assert_int_equal(apic_write_decode(code_, i_, (wide), &part_), false);        \
        }                                                                                 \
        known_ &&decoded.length == sizeof(code_);                                         \
    })

static void from_a_register(void **state)
{
    (void)state;
    /* mov %eax,0xffffffffff5fd300: Linux's native_apic_mem_write() */
    assert_true(DECODES(true, 0x89, 0x04, 0x25, 0x00, 0xd3, 0x5f, 0xff));
    assert_int_equal(decoded.source, 0);
    assert_false(decoded.has_value || decoded.exchanges);
    assert_true(DECODES(true, 0x89, 0xb7, 0x00, 0xd0, 0x5f, 0xff)); /* mov %esi,-0xa03000(%rdi) */
    assert_int_equal(decoded.source, 6);
    assert_true(DECODES(true, 0x44, 0x89, 0x0f)); /* mov %r9d,(%rdi) */
    assert_int_equal(decoded.source, 9);
    assert_true(DECODES(true, 0x41, 0x89, 0x55, 0x00)); /* mov %edx,0x0(%r13) */
    assert_int_equal(decoded.source, 2);
    assert_true(DECODES(true, 0x89, 0x3d, 1, 2, 3, 4));       /* mov %edi,0x4030201(%rip) */
    assert_true(DECODES(true, 0x89, 0x4c, 0x24, 0x08));       /* mov %ecx,0x8(%rsp) */
    assert_true(DECODES(true, 0x89, 0x84, 0x81, 1, 2, 3, 4)); /* mov %eax,0x4030201(%rcx,%rax,4) */
    assert_true(DECODES(true, 0x89, 0x04, 0x81));             /* mov %eax,(%rcx,%rax,4) */
    assert_true(DECODES(false, 0x3e, 0x89, 0x02));            /* mov %eax,%ds:(%edx) */
    assert_true(DECODES(false, 0x89, 0x0d, 0x00, 0x03, 0xe0, 0xfe)); /* mov %ecx,0xfee00300 */
    assert_int_equal(decoded.source, 1);
}

static void others(void **state)
{
    (void)state;
    assert_true(DECODES(true, 0x87, 0x04, 0x25, 0x00, 0xd3, 0x5f, 0xff)); /* xchg %eax,… */
    assert_true(decoded.exchanges);
    assert_true(DECODES(true, 0xc7, 0x07, 0x00, 0xc5, 0x04, 0x80)); /* movl $0x8004c500,(%rdi) */
    assert_true(decoded.has_value);
    assert_int_equal(decoded.value, 0x8004c500);
    assert_true(DECODES(true, 0xc7, 0x47, 0x10, 1, 0, 0, 0));  /* movl $1,0x10(%rdi) */
    assert_true(DECODES(false, 0xa3, 0x00, 0x03, 0xe0, 0xfe)); /* mov %eax,0xfee00300 */
    assert_int_equal(decoded.source, 0);
    assert_true(DECODES(true, 0xa3, 0, 3, 0xe0, 0xfe, 0, 0, 0, 0)); /* movabs %eax,0xfee00300 */
}

static void none(void **state)
{
    (void)state;
    assert_false(DECODES(true, 0x48, 0x89, 0x07));             /* mov %rax,(%rdi): 64 bits */
    assert_false(DECODES(true, 0x66, 0x89, 0x07));             /* mov %ax,(%rdi): 16 bits */
    assert_false(DECODES(true, 0x89, 0xc8));                   /* mov %ecx,%eax: no memory */
    assert_false(DECODES(true, 0xc7, 0x4f, 0x10, 1, 0, 0, 0)); /* not /0 */
    assert_false(DECODES(true, 0x01, 0x07));                   /* add %eax,(%rdi) */
    assert_false(DECODES(false, 0x44, 0x89, 0x0f));            /* inc %esp */
    assert_false(DECODES(true, 0x3e, 0x3e, 0x3e));
    assert_false(apic_write_decode(NULL, 0, true, &decoded));
}

/* Delivery mode in bits 10:8, level in 14, trigger mode in 15. */
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
        cmocka_unit_test(from_a_register), cmocka_unit_test(others),       cmocka_unit_test(none),
        cmocka_unit_test(commands),        cmocka_unit_test(destinations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
