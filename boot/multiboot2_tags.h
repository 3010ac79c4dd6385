/*
 * The Multiboot2 information as it lies in memory.
 *
 * Multiboot2 Specification, "Boot information format".
 */
#ifndef BOOT_MULTIBOOT2_TAGS_H
#define BOOT_MULTIBOOT2_TAGS_H

#include <stdint.h>

enum multiboot_tag_type {
    TAG_END = 0,
    TAG_COMMAND_LINE = 1,
    TAG_LOADER_NAME = 2,
    TAG_MODULE = 3,
    TAG_BASIC_MEMORY = 4,
    TAG_MEMORY_MAP = 6,
    TAG_FRAMEBUFFER = 8,
    TAG_EFI32_SYSTEM_TABLE = 11,
    TAG_EFI64_SYSTEM_TABLE = 12,
    TAG_RSDP_OLD = 14,
    TAG_RSDP_NEW = 15,
    TAG_EFI_MEMORY_MAP = 17,
    TAG_EFI_BOOT_SERVICES = 18,
    TAG_EFI32_IMAGE_HANDLE = 19,
    TAG_EFI64_IMAGE_HANDLE = 20,
    TAG_LOAD_BASE = 21,
};

enum {
    INFO_HEADER_SIZE = 8,
    TAG_ALIGN = 8,
    RSDP_OLD_SIZE = 20,
    FRAMEBUFFER_COLOURS_SIZE = 6,
};

struct tag {
    uint32_t type, size;
};

struct string_tag {
    struct tag tag;
    char string[];
};

struct module_tag {
    struct tag tag;
    uint32_t start, end;
    char string[];
};

struct basic_memory_tag {
    struct tag tag;
    uint32_t lower, upper; /* KiB from 0, KiB from 1 MiB */
};

/* "Memory map" and "EFI memory map" begin alike. */
struct map_tag {
    struct tag tag;
    uint32_t entry_size, entry_version;
    uint8_t entries[];
};

struct map_entry {
    uint64_t base, length;
    uint32_t type, reserved;
};

/* UEFI Specification, "EFI_BOOT_SERVICES.GetMemoryMap()", EFI_MEMORY_DESCRIPTOR. */
struct efi_descriptor {
    uint32_t type, padding;
    uint64_t physical_start, virtual_start, pages, attribute;
};

struct framebuffer_tag {
    struct tag tag;
    uint64_t address;
    uint32_t pitch, width, height;
    uint8_t bpp, type;
    uint16_t reserved;
    uint8_t colours[]; /* position and size of red, green and blue, if type says RGB */
};

struct rsdp_tag {
    struct tag tag;
    uint8_t rsdp[];
};

struct load_base_tag {
    struct tag tag;
    uint32_t load_base;
};

#endif
