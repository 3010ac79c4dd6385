/*
 * Multiboot2's information, tag by tag: a room takes what the core passes over.
 */
#ifndef BOOT_MULTIBOOT2_H
#define BOOT_MULTIBOOT2_H

#include "boot/boot_info.h"

/* The information as it lies in memory. */
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
    TAG_TYPES,
};

enum { TAG_ALIGN = 8 };

struct tag {
    uint32_t type, size;
};

/* "Memory map" and "EFI memory map" begin alike. */
struct map_tag {
    struct tag tag;
    uint32_t entry_size, entry_version;
    uint8_t entries[];
};

/* What a tag has to have to be looked at, and what is done with it; NULL or what is wrong. */
struct tag_rule {
    uint32_t type;
    uint32_t least; /* bytes of the whole tag */
    bool repeats;   /* may stand more than once */
    bool uefi;      /* only UEFI firmware has it */
    const char *(*take)(const struct tag *tag, struct boot_info *out);
    const char *(*without_map)(const struct tag *tag,
                               struct boot_info *out); /* no memory is known */
};
SET_DECLARE(tag_rules, const struct tag_rule);

const char *multiboot_add_memory(struct boot_info *out, uint64_t base, uint64_t length,
                                 enum boot_memory_kind kind);

/* The tag must hold a whole number of entries, each with at least the fields we know. */
const char *multiboot_each_entry(const struct tag *tag, uint32_t least, const char *wrong_size,
                                 const char *(*take)(const void *at, struct boot_info *out),
                                 struct boot_info *out);

#endif
