/*
 * What UEFI has left for an operating system, as the boot loader tells it: for a guest that will
 * use the firmware's run-time services.
 */
#ifndef BOOT_BOOT_EFI_H
#define BOOT_BOOT_EFI_H

#include <stdint.h>

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

#endif
