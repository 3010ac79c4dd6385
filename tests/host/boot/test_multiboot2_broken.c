/* The parser of the Multiboot2 information on blobs that are cut, malformed or damaged at random.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "boot/boot.h"
#include "tests/host/multiboot2_blob.h"

static void test_header(void **state)
{
    uint64_t room[4] = {0};

    (void)state;
    good_blob();
    assert_int_equal(
        result_of(boot_info_read(MULTIBOOT2_BOOT_MAGIC, (uint8_t *)room + 4, 16, 0, &info)),
        MULTIBOOT_MISALIGNED);
    for (size_t most = 0; most < blob.length; most++)
        assert_int_equal(parse_most(most), MULTIBOOT_TOO_LARGE);
    for (uint32_t total = 0; total < 16; total++) {
        put32(0, total);
        assert_int_equal(parse(), MULTIBOOT_TOO_SMALL);
    }
    /* 8 bytes are enough to see the size. */
    put32(0, 8);
    assert_int_equal(parse_most(8), MULTIBOOT_TOO_SMALL);
    /* 16 bytes have room for one tag, the end. */
    memset(blob.bytes, 0, 16);
    put32(0, 16);
    put32(12, 8);
    assert_int_equal(parse_most(16), MULTIBOOT_NO_MEMORY);
    put32(0, UINT32_MAX);
    assert_int_equal(parse(), MULTIBOOT_TOO_LARGE);
}

/* Cut anywhere, with a total size that agrees: the end tag is missing or a tag reaches past. */
static void test_every_truncation(void **state)
{
    uint32_t whole;

    (void)state;
    good_blob();
    whole = blob.length;
    for (uint32_t length = 16; length < whole; length++) {
        enum multiboot_result result;

        put32(0, length);
        result = parse_most(length);
        assert_true(result == MULTIBOOT_END_MISSING || result == MULTIBOOT_TAG_PAST_END);
    }
}

static void test_tag_sizes(void **state)
{
    /* Type, and the bytes that its fixed fields take, tag header included. */
    static const struct {
        uint32_t type, least;
    } tags[] = {{3, 16},  {4, 16},  {6, 16},  {8, 32},  {11, 12}, {12, 16},
                {14, 28}, {15, 44}, {17, 16}, {19, 12}, {20, 16}};
    const uint8_t nothing[64] = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
        for (uint32_t size = 8; size < tags[i].least; size++) {
            begin_blob();
            if (tags[i].type != 6)
                some_memory();
            tag(tags[i].type, nothing, size - 8);
            end_blob();
            assert_int_equal(parse(), MULTIBOOT_TAG_SHORT);
        }
    }
    /* Exactly that many are enough, whatever else may be wrong with a tag of zeros. */
    for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
        begin_blob();
        if (tags[i].type != 6)
            some_memory();
        tag(tags[i].type, nothing, tags[i].least - 8);
        end_blob();
        assert_int_not_equal(parse(), MULTIBOOT_TAG_SHORT);
    }
    for (uint32_t size = 0; size < 8; size++) {
        begin_blob();
        put32(string_tag(1, "word") + 4, size);
        end_blob();
        assert_int_equal(parse(), MULTIBOOT_TAG_ENDLESS);
    }
    for (uint32_t size = UINT32_MAX - 16; size != 0; size++) {
        begin_blob();
        put32(string_tag(1, "word") + 4, size);
        end_blob();
        assert_int_equal(parse(), MULTIBOOT_TAG_PAST_END);
    }
}

static void test_tag_twice(void **state)
{
    (void)state;
    begin_blob();
    some_memory();
    string_tag(1, "one");
    string_tag(1, "two");
    end_blob();
    assert_int_equal(parse(), MULTIBOOT_TAG_TWICE);
    assert_string_equal(info.command_line, "one");
    begin_blob();
    some_memory();
    some_memory();
    end_blob();
    assert_int_equal(parse(), MULTIBOOT_TAG_TWICE);
    /* Unknown tags, and those that we do not read, may repeat: "Network information" does. */
    begin_blob();
    some_memory();
    string_tag(16, "dhcp");
    string_tag(16, "dhcp");
    end_blob();
    assert_int_equal(parse(), MULTIBOOT_OK);
}

/* What holds whatever the bytes were. */
static void check_sane(void)
{
    assert_true(info.memory_count <= BOOT_MEMORY_MAX);
    assert_true(info.module_count <= BOOT_MODULES_MAX);
    assert_non_null(memchr(info.command_line, 0, sizeof(info.command_line)));
    assert_non_null(memchr(info.loader, 0, sizeof(info.loader)));
    for (uint32_t i = 0; i < info.memory_count; i++) {
        assert_true(info.memory[i].end > info.memory[i].base);
    }
    for (uint32_t i = 0; i < info.module_count; i++)
        assert_true(info.modules[i].end >= info.modules[i].start);
}

static void test_random_damage(void **state)
{
    static struct blob whole;
    uint64_t random = 0x9e3779b97f4a7c15; /* xorshift64, fixed seed */
    unsigned results[MULTIBOOT_RESULT_COUNT] = {0};

    (void)state;
    good_blob();
    whole = blob;
    for (int round = 0; round < 30000; round++) {
        enum multiboot_result result;

        blob = whole;
        for (int flips = round % 8; flips >= 0; flips--) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            blob.bytes[random % whole.length] ^= (uint8_t)(1u << (random >> 32) % 8);
        }
        result = parse();
        check_sane();
        results[result]++;
    }
    /* The damage reached the depths, not only the header. */
    assert_true(results[MULTIBOOT_OK] > 0);
    assert_true(results[MULTIBOOT_TAG_PAST_END] > 0);
    assert_true(results[MULTIBOOT_STRING_OPEN] > 0);
    assert_true(results[MULTIBOOT_MEMORY_ENTRY] > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_header),        cmocka_unit_test(test_every_truncation),
        cmocka_unit_test(test_tag_sizes),     cmocka_unit_test(test_tag_twice),
        cmocka_unit_test(test_random_damage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
