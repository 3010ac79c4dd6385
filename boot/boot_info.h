/* What the boot loader reports, by whichever protocol, copied into a structure of our own. */
#pragma once

#include <stddef.h>

#include "lib/set.h"
#include "mm/memory_map.h"

enum {
    BOOT_MEMORY_MAX = 256,
    BOOT_MODULES_MAX = 16,
    BOOT_COMMAND_LINE_SIZE = 1024, /* bytes, the terminating zero included */
    BOOT_STRING_SIZE = 2048,       /* of a module, of the loader's name */
    BOOT_RSDP_SIZE = 36,
};

struct boot_module {
    uint32_t start, end; /* physical; end is the first byte after it */
    char string[BOOT_STRING_SIZE];
    uint32_t string_lost; /* characters that did not fit */
};

struct boot_info {
    uint32_t total_size; /* bytes of the information where the loader put it */

    uint32_t memory_count;
    uint32_t memory_lost;                        /* ranges that did not fit, of whatever kind */
    struct memory_range memory[BOOT_MEMORY_MAX]; /* none empty; they may overlap */

    char command_line[BOOT_COMMAND_LINE_SIZE];
    uint32_t command_line_lost; /* characters that did not fit */
    char loader[BOOT_STRING_SIZE];

    uint32_t module_count;
    uint32_t module_lost;
    struct boot_module modules[BOOT_MODULES_MAX];

    uint8_t rsdp[BOOT_RSDP_SIZE]; /* a copy; the new one where there are both */
    uint32_t rsdp_length;         /* 0: none, 20: ACPI 1.0, 36: ACPI 2.0 and later */

    bool as_linked;               /* the image is where its program headers say, come what may */
    bool uefi;                    /* the firmware is UEFI, else BIOS */
    bool boot_services_not_ended; /* ExitBootServices was not called */
};

/* What a loader's number means; one that is no kind: reserved. */
enum memory_kind boot_memory_kind(uint32_t number);

/*
 * Adds a range of memory; one that adjoins the last of its kind joins it. What is not available
 * memory is cut where it would pass the last address; available memory that does is wrong: NULL, or
 * a sentence that says so.
 */
const char *boot_info_add_memory(struct boot_info *info, enum memory_kind kind, uint64_t base,
                                 uint64_t length);

/*
 * Copies the string at `from`, of which `room` characters can be read, as far as `size` bytes have
 * room for it; *lost are the characters that have none. false: it does not end in `room`.
 */
bool boot_info_copy_string(char *to, size_t size, const char *from, size_t room, uint32_t *lost);

/*
 * A way for a boot loader to hand over. `memory`: where physical address 0 is, `bytes` can be read
 * from there on; `information`: the physical address that the loader gave. Returns NULL, or what is
 * wrong, in a sentence for a person; then `info` holds what had been understood until then, which
 * may suffice for a console to report it on. Nothing of `info` points into the memory.
 */
struct boot_protocol {
    uint32_t magic; /* what boot/entry.S is entered with */
    const char *(*read)(const uint8_t *memory, uint64_t bytes, uint64_t information,
                        struct boot_info *info);
};

SET_DECLARE(boot_protocols, const struct boot_protocol);

/* Reads by the protocol that the magic number names; as its `read`. */
const char *boot_info_read(uint32_t magic, const uint8_t *memory, uint64_t bytes,
                           uint64_t information, struct boot_info *info);

/*
 * Multiboot2's information, tag by tag, as it lies in memory: a room takes what the core passes
 * over.
 */
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

/* The tag must hold a whole number of entries, each with at least the fields we know. */
const char *multiboot_each_entry(const struct tag *tag, uint32_t least, const char *wrong_size,
                                 const char *(*take)(const void *at, struct boot_info *out),
                                 struct boot_info *out);
