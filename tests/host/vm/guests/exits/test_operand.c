/*
 * Memory operands against the manual's rules, one sentence a line: SDM Vol. 3, "Limit Checking",
 * "Type Checking"; Vol. 1, "Canonical Addressing"; and descriptors of system segments.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "lib/x86.h"
#include "tests/host/random.h"
#include "vm/guests/exits/guest_exits.h"

/* Access rights: data of 32 bits, writable; the same read-only; code, readable or not; and big. */
enum {
    DATA = 0xc093,
    READ_ONLY = 0xc091,
    CODE = 0xc09b,
    EXECUTE_ONLY = 0xc099,
    UNUSABLE = 0x10000
};
enum { EXPAND_DOWN_16 = 0x97, EXPAND_DOWN_32 = 0xc097 };

static struct operand flat(uint64_t offset, unsigned bytes)
{
    return (struct operand){.mode = OPERAND_PROTECTED,
                            .segment = OPERAND_DS,
                            .segment_limit = UINT32_MAX,
                            .segment_rights = DATA,
                            .offset = offset,
                            .bytes = bytes,
                            .linear_address_width = 48};
}

static void assert_located(struct operand operand, uint64_t wanted)
{
    uint64_t linear;

    assert_int_equal(operand_locate(&operand, &linear), 0);
    assert_int_equal(linear, wanted);
}

/* "#SS(0) if … the SS segment; #GP(0) if … the CS, DS, ES, FS, or GS segment". */
static void assert_faults(struct operand operand)
{
    uint64_t linear;

    for (unsigned segment = OPERAND_ES; segment <= OPERAND_GS; segment++) {
        operand.segment = segment;
        if (operand.mode == OPERAND_64_BIT && segment >= OPERAND_FS)
            continue;
        assert_int_equal(operand_locate(&operand, &linear),
                         segment == OPERAND_SS ? X86_VECTOR_SS : X86_VECTOR_GP);
    }
}

static void offsets_are_cut_to_the_address_size(void **state)
{
    (void)state;
    assert_int_equal(operand_cut(0x123456789abcdef0, OPERAND_ADDRESS_16), 0xdef0);
    assert_int_equal(operand_cut(0x123456789abcdef0, OPERAND_ADDRESS_32), 0x9abcdef0);
    assert_int_equal(operand_cut(0x123456789abcdef0, OPERAND_ADDRESS_64), 0x123456789abcdef0);
}

static void all_bytes_must_be_within_the_limit(void **state)
{
    struct operand operand;

    (void)state;
    for (unsigned bytes = 1; bytes <= 16; bytes++) {
        for (uint32_t limit = 0; limit < 40; limit++) {
            for (uint64_t offset = 0; offset < 48; offset++) {
                operand = flat(offset, bytes);
                operand.segment_limit = limit;
                operand.segment_base = 0x1000;
                if (offset + bytes <= limit + 1)
                    assert_located(operand, 0x1000 + offset);
                else
                    assert_faults(operand);
                operand.mode = OPERAND_REAL;
                if (offset + bytes > limit + 1)
                    assert_faults(operand);
            }
        }
    }
    assert_faults(flat(0xffffffff, 2));
    assert_located(flat(0xfffffffe, 2), 0xfffffffe);
}

/* "From limit + 1 to FFFFFFFFH or FFFFH, by the B flag." */
static void an_expand_down_segment_is_what_its_limit_leaves(void **state)
{
    struct operand operand;

    (void)state;
    for (uint64_t offset = 0xf0; offset < 0x110; offset++) {
        operand = flat(offset, 4);
        operand.segment_limit = 0xff;
        operand.segment_rights = EXPAND_DOWN_16;
        if (offset >= 0x100)
            assert_located(operand, offset);
        else
            assert_faults(operand);
    }
    operand.offset = 0xfffd;
    assert_faults(operand);
    operand.offset = 0xfffc;
    assert_located(operand, 0xfffc);
    operand.segment_rights = EXPAND_DOWN_32;
    operand.offset = 0xfffd;
    assert_located(operand, 0xfffd);
    operand.offset = 0xfffffffd;
    assert_faults(operand);
}

/* "No procedure may write to read-only data, or to code, or read execute-only code"; "a null
 * selector" is a segment that is not usable. */
static void types_allow_reading_or_writing(void **state)
{
    static const struct {
        uint32_t rights;
        bool read, write;
    } cases[] = {{DATA, true, true},
                 {READ_ONLY, true, false},
                 {CODE, true, false},
                 {EXECUTE_ONLY, false, false},
                 {UNUSABLE | DATA, false, false}};

    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct operand operand = flat(0x500, 2);

        operand.segment_rights = cases[i].rights;
        cases[i].read ? assert_located(operand, 0x500) : assert_faults(operand);
        operand.write = true;
        cases[i].write ? assert_located(operand, 0x500) : assert_faults(operand);
    }
}

/* "Base plus offset", in 32 bits. */
static void linear_addresses_wrap_at_4_gib(void **state)
{
    struct operand operand = flat(0x2000, 4);

    (void)state;
    operand.segment_base = 0xfffff000;
    assert_located(operand, 0x1000);
}

/* In 64-bit mode: no limits, no types, and no bases but those of FS and GS. */
static void in_64_bit_mode_addresses_must_be_canonical(void **state)
{
    struct operand operand = flat(0x7ffffffffff8, 8);

    (void)state;
    operand.mode = OPERAND_64_BIT;
    operand.segment_base = 0x1000;
    operand.segment_rights = UNUSABLE;
    operand.segment_limit = 0;
    assert_located(operand, 0x7ffffffffff8);
    operand.bytes = 9; /* the last one is beyond */
    assert_faults(operand);
    operand.offset = 0x800000000000;
    assert_faults(operand);
    operand.offset = 0xffff7fffffffffff;
    assert_faults(operand);
    operand.offset = 0xffff800000000000;
    assert_located(operand, 0xffff800000000000);
    operand.linear_address_width = 57;
    operand.offset = 0x800000000000;
    assert_located(operand, 0x800000000000);
    operand.segment = OPERAND_GS;
    operand.offset = 0x100;
    assert_located(operand, 0x1100);
    operand.segment_base = 1ull << 62;
    assert_int_equal(operand_locate(&operand, &(uint64_t){0}), X86_VECTOR_GP);
}

static void canonical_addresses_repeat_their_highest_bit(void **state)
{
    uint64_t seed = 7;

    (void)state;
    for (unsigned round = 0; round < 100000; round++) {
        uint64_t address = random_next(&seed) >> random_below(&seed, 64);
        uint64_t above = address >> 47;

        if (random_below(&seed, 2))
            address = ~address, above = address >> 47;
        assert_int_equal(is_canonical(address, 48), above == 0 || above == 0x1ffff);
    }
}

/* The figures "Segment Descriptor" and "TSS Descriptor in 64-bit Mode", bit by bit. */
static void descriptors_are_read_bit_by_bit(void **state)
{
    uint64_t seed = 11;

    (void)state;
    for (unsigned round = 0; round < 10000; round++) {
        uint64_t low = random_next(&seed), high = random_next(&seed), base = 0;
        struct vmcs_segment segment;
        uint32_t limit = 0, rights = 0;

        assert_false(system_segment_of(low, high, 0, &segment)); /* of no type */
        for (unsigned i = 0; i < 24; i++)
            base |= (low >> (16 + i) & 1) << i;
        for (unsigned i = 0; i < 8; i++)
            base |= (low >> (56 + i) & 1) << (24 + i);
        for (unsigned i = 0; i < 32; i++)
            base |= (high >> i & 1) << (32 + i);
        for (unsigned i = 0; i < 16; i++)
            limit |= (uint32_t)(low >> i & 1) << i;
        for (unsigned i = 0; i < 4; i++)
            limit |= (uint32_t)(low >> (48 + i) & 1) << (16 + i);
        for (unsigned i = 0; i < 16; i++) /* bits 11:8 are the limit's */
            rights |= i >= 8 && i < 12 ? 0 : (uint32_t)(low >> (40 + i) & 1) << i;
        assert_int_equal(segment.base, base);
        assert_int_equal(segment.limit, low >> 55 & 1 ? limit * 4096ull + 4095 : limit);
        assert_int_equal(segment.rights, rights);
        for (unsigned type = 0; type < 16; type++)
            assert_int_equal(system_segment_of(low, high, (uint16_t)(1u << type), &segment),
                             (low >> 40 & 0x1f) == type && (high >> 40 & 0x1f) == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offsets_are_cut_to_the_address_size),
        cmocka_unit_test(all_bytes_must_be_within_the_limit),
        cmocka_unit_test(an_expand_down_segment_is_what_its_limit_leaves),
        cmocka_unit_test(types_allow_reading_or_writing),
        cmocka_unit_test(linear_addresses_wrap_at_4_gib),
        cmocka_unit_test(in_64_bit_mode_addresses_must_be_canonical),
        cmocka_unit_test(canonical_addresses_repeat_their_highest_bit),
        cmocka_unit_test(descriptors_are_read_bit_by_bit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
