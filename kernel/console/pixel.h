/*
 * How a colour stands in the pixel of a linear frame buffer. Pure.
 */
#ifndef KERNEL_PIXEL_H
#define KERNEL_PIXEL_H

#include <stdint.h>

#include "boot/multiboot2.h"

struct rgb {
    uint8_t red, green, blue;
};

/* Bytes from one pixel to the next, 2 to 4; 0 for a format that no colour can be put into. */
uint32_t pixel_bytes(const struct multiboot_framebuffer *buffer);

/* The colour as a pixel of this format, for which pixel_bytes() is not 0. */
uint32_t pixel_of(const struct multiboot_framebuffer *buffer, struct rgb colour);

#endif
