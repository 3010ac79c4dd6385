/*
 * The two kinds of screen that GRUB gives: EGA text and a linear frame buffer.
 */
#ifndef KERNEL_SCREEN_DEVICE_H
#define KERNEL_SCREEN_DEVICE_H

#include "boot/multiboot2.h"
#include "kernel/console/screen.h"

/* NULL when this is no such screen, or cannot be mapped. Each can be opened once. */
const struct screen_device *screen_text_open(const struct multiboot_framebuffer *framebuffer);
const struct screen_device *screen_pixels_open(const struct multiboot_framebuffer *framebuffer);

#endif
