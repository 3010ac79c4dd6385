/*
 * Where a Multiboot guest's segments and modules go, and what is handed over to it. Pure.
 *
 * Multiboot Specification 0.6.96, "Machine state" and "Boot information format".
 */
#pragma once

#include "boot/boot_info.h"
#include "vm/multiboot/multiboot_image.h"

/* Within what is handed over: offsets. */
enum {
    MULTIBOOT_INFO = 0x0000,
    MULTIBOOT_MODULES = 0x0100,
    MULTIBOOT_MAP = 0x1000, /* 24 bytes a range */
    MULTIBOOT_STRINGS = 0x5000,
    MULTIBOOT_TABLES = 0xe000,
    MULTIBOOT_STACK_TOP = 0x16000,
    MULTIBOOT_HANDOVER_BYTES = 0x16000,
};

struct multiboot_plan {
    /* In. The first module is the guest's image. */
    struct places places;
    const struct boot_info *boot;

    /* Out; and what is kept. */
    uint64_t module[BOOT_MODULES_MAX]; /* where each is to be: above 1 MiB, by pages */
    uint64_t handover;
};

/*
 * Finds places. A module that is clear of everything stays; the first, which the segments are
 * copied from, too. What is wrong has its numbers in the image.
 */
enum multiboot_result multiboot_plan(struct multiboot_image *image, struct multiboot_plan *plan);

/* Writes to `to` what will be at plan->handover. */
void multiboot_handover_write(const struct multiboot_image *image,
                              const struct multiboot_plan *plan, uint8_t *to);

/* Entered as GRUB would; a 64-bit guest finds the same in its registers. */
void multiboot_entry(const struct multiboot_image *image, const struct multiboot_plan *plan,
                     struct guest_entry *entry);
