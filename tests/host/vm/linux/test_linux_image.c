/*
 * What of a bzImage is believed. The header is laid out by hand after "The Linux/x86 Boot
 * Protocol": offset, size and meaning of each field.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "vm/linux/linux_image.h"

enum { SETUP_BYTES = 2 * 512, KERNEL_BYTES = 4096, SIZE = SETUP_BYTES + KERNEL_BYTES };

static uint8_t file[SIZE + 100];
static struct linux_image image;

static void put(uint32_t offset, uint64_t value, size_t width)
{
    memcpy(file + offset, &value, width);
}

/* One setup sector beside the boot sector; a kernel of 4096 bytes. */
static int make(void **state)
{
    (void)state;
    memset(file, 0, sizeof(file));
    put(0x1f1, 1, 1);                 /* setup_sects */
    put(0x1f4, KERNEL_BYTES / 16, 4); /* syssize */
    put(0x1fe, 0xaa55, 2);            /* boot_flag */
    put(0x200, 0x66eb, 2);            /* jump to 0x268 */
    put(0x202, 0x53726448, 4);        /* "HdrS" */
    put(0x206, 0x20f, 2);             /* version */
    put(0x20e, 0x300 - 0x200, 2);     /* kernel_version */
    put(0x211, 1, 1);                 /* loadflags: LOADED_HIGH */
    put(0x22c, 0x7fffffff, 4);        /* initrd_addr_max */
    put(0x230, 0x200000, 4);          /* kernel_alignment */
    put(0x234, 1, 1);                 /* relocatable_kernel */
    put(0x236, 0x3f, 2);              /* xloadflags: XLF_KERNEL_64 and others */
    put(0x238, 2047, 4);              /* cmdline_size */
    put(0x258, 0x1000000, 8);         /* pref_address */
    put(0x260, 0x3378000, 4);         /* init_size */
    strcpy((char *)file + 0x300, "6.1.0-56-cloud-amd64 (someone) #1");
    return 0;
}

static void sound(void **state)
{
    (void)state;
    assert_int_equal(linux_image_check(file, SIZE, &image), LINUX_IMAGE_OK);
    assert_int_equal(image.kernel, SETUP_BYTES);
    assert_int_equal(image.kernel_bytes, KERNEL_BYTES);
    assert_int_equal(image.header_end, 0x268);
    assert_int_equal(image.init_size, 0x3378000);
    assert_int_equal(image.alignment, 0x200000);
    assert_int_equal(image.initrd_last, 0x7fffffff);
    assert_int_equal(image.command_line_most, 2047);
    assert_int_equal(image.preferred, 0x1000000);
    assert_int_equal(image.protocol, 0x20f);
    assert_true(image.relocatable);
    assert_string_equal(image.version, "6.1.0-56-cloud-amd64");
    /* A signature may follow. */
    assert_int_equal(linux_image_check(file, SIZE + 100, &image), LINUX_IMAGE_OK);
}

/* kernel_version has two bytes, 0 where there is no text; pref_address has eight. */
static void fields_have_their_widths(void **state)
{
    (void)state;
    put(0x20e, 0, 2);
    put(0x210, 0xff, 1); /* type_of_loader, right behind it */
    put(0x258, 0x8877665544332211, 8);
    assert_int_equal(linux_image_check(file, SIZE, &image), LINUX_IMAGE_OK);
    assert_string_equal(image.version, "");
    assert_true(image.preferred == 0x8877665544332211);
}

/* "for backwards compatibility, if the setup_sects field contains 0, the real value is 4" */
static void no_sectors_are_four(void **state)
{
    (void)state;
    put(0x1f1, 0, 1);
    put(0x1f4, 0x800 / 16, 4);
    assert_int_equal(linux_image_check(file, SIZE, &image), LINUX_IMAGE_OK);
    assert_int_equal(image.kernel, 5 * 512);
}

struct broken {
    uint32_t offset;
    uint64_t value;
    size_t width;
    enum linux_image_result result;
    uint64_t seen, wanted;
};

static void what_is_wrong_is_told(void **state)
{
    static const struct broken rows[] = {
        {0x202, 0x53726449, 4, LINUX_IMAGE_NO_MAGIC, 0x53726449, 0x53726448},
        {0x1fe, 0x55aa, 2, LINUX_IMAGE_NO_BOOT_FLAG, 0x55aa, 0xaa55},
        {0x206, 0x20b, 2, LINUX_IMAGE_OLD, 0x20b, 0x20c},
        {0x201, 0x61, 1, LINUX_IMAGE_HEADER_CUT, 0x263, 0x264},
        {0x211, 0x80, 1, LINUX_IMAGE_NOT_HIGH, 0x80, 1},
        {0x236, 0x3e, 2, LINUX_IMAGE_NOT_64, 0x3e, 1},
        {0x1f1, 9, 1, LINUX_IMAGE_CUT, 0, KERNEL_BYTES - 15},
        {0x1f1, 10, 1, LINUX_IMAGE_SETUP_CUT, SIZE, 11 * 512},
        {0x1f4, KERNEL_BYTES / 16 + 1, 4, LINUX_IMAGE_CUT, KERNEL_BYTES, KERNEL_BYTES + 1},
        {0x1f4, 0xffffffff, 4, LINUX_IMAGE_CUT, KERNEL_BYTES, 0xfffffffe1},
        {0x1f4, 0x200 / 16, 4, LINUX_IMAGE_NO_ENTRY, 0x200, 0x201},
        {0x230, 0x180000, 4, LINUX_IMAGE_ALIGNMENT, 0x180000, 4096},
        {0x230, 0, 4, LINUX_IMAGE_ALIGNMENT, 0, 4096},
        {0x230, 2048, 4, LINUX_IMAGE_ALIGNMENT, 2048, 4096},
        {0x260, KERNEL_BYTES - 1, 4, LINUX_IMAGE_INIT_SIZE, KERNEL_BYTES - 1, KERNEL_BYTES},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        make(state);
        put(rows[i].offset, rows[i].value, rows[i].width);
        assert_int_equal(linux_image_check(file, SIZE, &image), rows[i].result);
        assert_int_equal(image.seen, rows[i].seen);
        assert_int_equal(image.wanted, rows[i].wanted);
    }
}

/* "The size of the protected-mode code in units of 16-byte paragraphs": Debian's memtest86+ 6.10
 * has 142,776 bytes and says 8,924. */
static void the_last_paragraph_need_not_be_full(void **state)
{
    (void)state;
    assert_int_equal(linux_image_check(file, SIZE - 15, &image), LINUX_IMAGE_OK);
    assert_int_equal(image.kernel_bytes, KERNEL_BYTES - 15);
    assert_int_equal(linux_image_check(file, SIZE - 16, &image), LINUX_IMAGE_CUT);
    assert_int_equal(image.seen, KERNEL_BYTES - 16);
    assert_int_equal(image.wanted, KERNEL_BYTES - 15);
}

static void short_ones(void **state)
{
    (void)state;
    for (size_t size = 0; size < 0x264; size++) {
        assert_int_equal(linux_image_check(file, size, &image), LINUX_IMAGE_SHORT);
        assert_int_equal(image.seen, size);
    }
    /* The header's own length counts, too. */
    put(0x201, 0xff, 1);
    assert_int_equal(linux_image_check(file, 0x300, &image), LINUX_IMAGE_SHORT);
    assert_int_equal(image.wanted, 0x301);
}

/* gzip (RFC 1952), xz (its format's 2.1.1.1), Zstandard (RFC 8878). */
static void compressed_ones(void **state)
{
    /* gzip (RFC 1952), bzip2, xz, LZ4's two (magic numbers), Zstandard (RFC 8878), LZMA: so many
     * bytes of each. */
    static const struct {
        uint8_t bytes[4];
        unsigned count;
    } magics[] = {{{0x1f, 0x8b}, 2},          {{'B', 'Z', 'h'}, 3},
                  {{0xfd, '7', 'z', 'X'}, 4}, {{4, 0x22, 0x4d, 0x18}, 4},
                  {{2, 0x21, 0x4c, 0x18}, 4}, {{0x28, 0xb5, 0x2f, 0xfd}, 4},
                  {{0x5d, 0, 0}, 3}};

    (void)state;
    put(0x202, 0, 4);
    for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
        for (unsigned bit = 0; bit < 8 * magics[i].count; bit++) {
            memset(file, 0x55, 4);
            memcpy(file, magics[i].bytes, magics[i].count);
            assert_int_equal(linux_image_check(file, SIZE, &image), LINUX_IMAGE_COMPRESSED);
            file[bit / 8] ^= 1 << bit % 8;
            assert_int_not_equal(linux_image_check(file, SIZE, &image), LINUX_IMAGE_COMPRESSED);
        }
    }
}

static void no_version(void **state)
{
    (void)state;
    put(0x20e, 0xffff, 2);
    assert_int_equal(linux_image_check(file, SIZE, &image), LINUX_IMAGE_OK);
    assert_string_equal(image.version, "");
    put(0x20e, 0, 2);
    assert_int_equal(linux_image_check(file, SIZE, &image), LINUX_IMAGE_OK);
    assert_string_equal(image.version, "");
    make(state);
    memset(file + 0x300, 'v', 200); /* what does not fit is cut */
    assert_int_equal(linux_image_check(file, SIZE, &image), LINUX_IMAGE_OK);
    assert_int_equal(strlen(image.version), LINUX_VERSION_SIZE - 1);
    strcpy((char *)file + 0x300, "5.0\033[2J"); /* nothing for a terminal to obey */
    assert_int_equal(linux_image_check(file, SIZE, &image), LINUX_IMAGE_OK);
    assert_string_equal(image.version, "5.0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(sound, make),
        cmocka_unit_test_setup(fields_have_their_widths, make),
        cmocka_unit_test_setup(no_sectors_are_four, make),
        cmocka_unit_test(what_is_wrong_is_told),
        cmocka_unit_test_setup(the_last_paragraph_need_not_be_full, make),
        cmocka_unit_test_setup(short_ones, make),
        cmocka_unit_test_setup(compressed_ones, make),
        cmocka_unit_test_setup(no_version, make),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
