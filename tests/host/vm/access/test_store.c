/*
 * Instructions that write to memory, as an assembler makes them: SDM Vol. 2, "MOV", "XCHG", "ModR/M
 * and SIB Bytes".
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "vm/access/guest_access.h"

static struct store decoded;

#define DECODES(wide, ...)                                                                \
    ({                                                                                    \
        const uint8_t code_[] = {__VA_ARGS__};                                            \
        bool known_ = store_decode(code_, sizeof(code_), (wide), &decoded);               \
                                                                                          \
        for (unsigned i_ = 0; known_ && i_ < sizeof(code_); i_++) { /* never of a part */ \
            struct store part_;                                                           \
                                                                                          \
            assert_int_equal(store_decode(code_, i_, (wide), &part_), false);             \
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

/* As Linux writes where a CPU that it starts is to begin. */
static void of_16_bits(void **state)
{
    (void)state;
    assert_true(DECODES(true, 0x66, 0x89, 0x07)); /* mov %ax,(%rdi) */
    assert_int_equal(decoded.bytes, 2);
    assert_true(DECODES(true, 0x66, 0x44, 0x89, 0x0f)); /* mov %r9w,(%rdi) */
    assert_int_equal(decoded.source, 9);
    assert_true(DECODES(true, 0x66, 0xc7, 0x07, 0x34, 0x12)); /* movw $0x1234,(%rdi) */
    assert_int_equal(decoded.value, 0x1234);
    assert_true(DECODES(false, 0x3e, 0x66, 0xa3, 0x67, 0x04, 0, 0)); /* mov %ax,%ds:0x467 */
    assert_true(DECODES(true, 0x89, 0x07));
    assert_int_equal(decoded.bytes, 4);
}

static void none(void **state)
{
    (void)state;
    assert_false(DECODES(true, 0x48, 0x89, 0x07));             /* mov %rax,(%rdi): 64 bits */
    assert_false(DECODES(true, 0x66, 0x48, 0x89, 0x07));       /* the same */
    assert_false(DECODES(true, 0x89, 0xc8));                   /* mov %ecx,%eax: no memory */
    assert_false(DECODES(true, 0xc7, 0x4f, 0x10, 1, 0, 0, 0)); /* not /0 */
    assert_false(DECODES(true, 0x01, 0x07));                   /* add %eax,(%rdi) */
    assert_false(DECODES(false, 0x44, 0x89, 0x0f));            /* inc %esp */
    assert_false(DECODES(true, 0x3e, 0x3e, 0x3e));
    assert_false(store_decode(NULL, 0, true, &decoded));
}

/*
 * Each byte before mov %eax,(%rdi): SDM Vol. 2, "Instruction Prefixes": LOCK and the overrides of
 * segments change nothing that counts here, REX without W neither, and 66H the size. Any other is
 * another address or instruction, of which these are not the last two bytes.
 */
static void one_prefix(void **state)
{
    static const uint8_t known[] = {0xf0, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66};

    (void)state;
    for (unsigned byte = 0; byte < 256; byte++) {
        bool prefix = memchr(known, (int)byte, sizeof(known)) != NULL;
        bool rex = byte >= 0x40 && byte < 0x48;

        assert_int_equal(DECODES(false, (uint8_t)byte, 0x89, 0x07), prefix);
        assert_int_equal(DECODES(true, (uint8_t)byte, 0x89, 0x07), prefix || rex);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(from_a_register), cmocka_unit_test(others),
        cmocka_unit_test(of_16_bits),      cmocka_unit_test(none),
        cmocka_unit_test(one_prefix),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
