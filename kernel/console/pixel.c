#include "kernel/console/pixel.h"

/* HDR modes have 10 bits for each colour, and 16 is what component() can make of 8. */
enum { COMPONENT_BITS_MAX = 16, BPP_MIN = 15, BPP_MAX = 32 };

static bool fits(const struct multiboot_framebuffer *buffer, uint8_t position, uint8_t size)
{
    return size >= 1 && size <= COMPONENT_BITS_MAX && position + size <= buffer->bpp;
}

uint32_t pixel_bytes(const struct multiboot_framebuffer *buffer)
{
    if (buffer->type != MULTIBOOT_FRAMEBUFFER_RGB || buffer->bpp < BPP_MIN ||
        buffer->bpp > BPP_MAX || !fits(buffer, buffer->red_position, buffer->red_size) ||
        !fits(buffer, buffer->green_position, buffer->green_size) ||
        !fits(buffer, buffer->blue_position, buffer->blue_size))
        return 0;
    return (buffer->bpp + 7u) / 8;
}

/* Full brightness is all ones in any size: the eight bits are written twice, and cut. */
static uint32_t component(uint8_t value, uint8_t position, uint8_t size)
{
    return value * 0x101u >> (COMPONENT_BITS_MAX - size) << position;
}

uint32_t pixel_of(const struct multiboot_framebuffer *buffer, struct rgb colour)
{
    return component(colour.red, buffer->red_position, buffer->red_size) |
           component(colour.green, buffer->green_position, buffer->green_size) |
           component(colour.blue, buffer->blue_position, buffer->blue_size);
}
