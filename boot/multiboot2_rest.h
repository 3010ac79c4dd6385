/*
 * What Multiboot2's information says beyond what the core needs: the framebuffer, and what UEFI has
 * left for an operating system, for a guest that will use the firmware's run-time services.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum boot_framebuffer_type {
    BOOT_FRAMEBUFFER_INDEXED = 0,
    BOOT_FRAMEBUFFER_RGB = 1,
    BOOT_FRAMEBUFFER_EGA_TEXT = 2, /* width and height are in characters */
};

/* As the loader gave it, plausible or not; the colours only for BOOT_FRAMEBUFFER_RGB. */
struct boot_framebuffer {
    uint64_t address;              /* physical */
    uint32_t pitch, width, height; /* pitch in bytes */
    uint8_t bpp;                   /* bits per pixel */
    uint8_t type;                  /* enum boot_framebuffer_type */
    uint16_t reserved;
    uint8_t red_position, red_size;
    uint8_t green_position, green_size;
    uint8_t blue_position, blue_size;
    bool is_given; /* false: no loader gave one */
};
extern struct boot_framebuffer boot_framebuffer;

/* UEFI Specification, "EFI_BOOT_SERVICES.GetMemoryMap()", EFI_MEMORY_DESCRIPTOR. */
struct efi_descriptor {
    uint32_t type, padding;
    uint64_t physical_start, virtual_start, pages, attribute;
};

enum { EFI_PAGE_SHIFT = 12 };

struct boot_efi {
    uint64_t system_table; /* physical; 0: none, or one of 32 bits */
    const uint8_t *map;    /* where the loader put it, in memory that is not taken; NULL: none */
    uint32_t map_bytes;    /* a whole number of descriptors */
    uint32_t descriptor_bytes, descriptor_version;
};
extern struct boot_efi boot_efi;
