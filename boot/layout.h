/*
 * Where things are while control arrives: numbers that assembly and C share.
 */
#ifndef BOOT_LAYOUT_H
#define BOOT_LAYOUT_H

#define KERNEL_BASE 0xffffffff80000000 /* virtual address of the image's first byte */

/* The boot page tables map this much of the image, in pages of 2 MiB. */
#define BOOT_IMAGE_PAGES 2

#define MULTIBOOT2_HEADER_MAGIC 0xe85250d6
#define MULTIBOOT2_BOOT_MAGIC   0x36d76289 /* in EAX at the entry */

#endif
