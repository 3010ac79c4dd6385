/*
 * Formats of frame buffers that firmware has: five, six, eight and ten bits for a colour.
 */
#include "kernel/screen/screen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct boot_framebuffer format(uint8_t bpp, uint8_t red, uint8_t red_size, uint8_t green,
                                      uint8_t green_size, uint8_t blue, uint8_t blue_size)
{
    return (struct boot_framebuffer){.type = BOOT_FRAMEBUFFER_RGB,
                                     .bpp = bpp,
                                     .red_position = red,
                                     .red_size = red_size,
                                     .green_position = green,
                                     .green_size = green_size,
                                     .blue_position = blue,
                                     .blue_size = blue_size};
}

static void assert_pixel(struct boot_framebuffer buffer, uint32_t bytes, struct rgb colour,
                         uint32_t wanted)
{
    assert_int_equal(pixel_bytes(&buffer), bytes);
    assert_int_equal(pixel_of(&buffer, colour), wanted);
}

static void colours_of_up_to_eight_bits_are_cut(void **state)
{
    (void)state;
    assert_pixel(format(32, 16, 8, 8, 8, 0, 8), 4, (struct rgb){0x12, 0x34, 0x56}, 0x123456);
    assert_pixel(format(24, 0, 8, 8, 8, 16, 8), 3, (struct rgb){0x12, 0x34, 0x56}, 0x563412);
    /* 0x88 is 0b10001000: its first five bits are 0b10001, six of 0x84 are 0b100001 */
    assert_pixel(format(16, 11, 5, 5, 6, 0, 5), 2, (struct rgb){0x88, 0x84, 0xff}, 0x8c3f);
    assert_pixel(format(15, 10, 5, 5, 5, 0, 5), 2, (struct rgb){0xff, 0, 0x08}, 0x7c01);
    assert_pixel(format(16, 2, 1, 1, 1, 0, 1), 2, (struct rgb){0x80, 0x7f, 0xff}, 5);
}

/* 0x81 in ten bits is 0b1000000110: the first bits again, so that 0xff is 0x3ff. */
static void colours_of_ten_bits_are_stretched(void **state)
{
    (void)state;
    assert_pixel(format(32, 20, 10, 10, 10, 0, 10), 4, (struct rgb){0xff, 0, 0xff}, 0x3ff003ff);
    assert_pixel(format(32, 0, 10, 10, 10, 20, 10), 4, (struct rgb){0x81, 0x81, 0},
                 0x206 | 0x206 << 10);
    /* GRUB counts bits up to the highest of a mask, so two that nobody names are left out */
    assert_pixel(format(30, 20, 10, 10, 10, 0, 10), 4, (struct rgb){0, 0xff, 0}, 0x3ff << 10);
    assert_pixel(format(32, 0, 16, 16, 8, 24, 8), 4, (struct rgb){0xa5, 0, 0}, 0xa5a5);
}

static void other_formats_are_not_drawn(void **state)
{
    struct boot_framebuffer other_types = format(32, 16, 8, 8, 8, 0, 8);
    const struct boot_framebuffer formats[] = {
        format(14, 8, 4, 4, 4, 0, 4),    format(33, 16, 8, 8, 8, 0, 8),
        format(32, 25, 8, 8, 8, 0, 8),   format(32, 16, 8, 25, 8, 0, 8),
        format(32, 16, 8, 8, 8, 25, 8),  format(32, 16, 0, 8, 8, 0, 8),
        format(32, 16, 8, 8, 0, 0, 8),   format(32, 16, 8, 8, 8, 0, 0),
        format(32, 0, 17, 17, 8, 25, 7),
    };

    (void)state;
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
        assert_int_equal(pixel_bytes(&formats[i]), 0);
    other_types.type = BOOT_FRAMEBUFFER_INDEXED;
    assert_int_equal(pixel_bytes(&other_types), 0);
    other_types.type = BOOT_FRAMEBUFFER_EGA_TEXT;
    assert_int_equal(pixel_bytes(&other_types), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(colours_of_up_to_eight_bits_are_cut),
        cmocka_unit_test(colours_of_ten_bits_are_stretched),
        cmocka_unit_test(other_formats_are_not_drawn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
