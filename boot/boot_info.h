/*
 * What the boot loader reports, by whichever protocol, copied into a structure of our own.
 */
#ifndef BOOT_BOOT_INFO_H
#define BOOT_BOOT_INFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/set.h"

enum {
    BOOT_MEMORY_MAX = 256,
    BOOT_MODULES_MAX = 16,
    BOOT_COMMAND_LINE_SIZE = 1024, /* bytes, the terminating zero included */
    BOOT_STRING_SIZE = 2048,       /* of a module, of the loader's name */
    BOOT_RSDP_SIZE = 36,
};

/* Multiboot2 Specification, "Memory map", with its numbers; any other number is RESERVED here. */
enum boot_memory_kind {
    BOOT_MEMORY_AVAILABLE = 1,
    BOOT_MEMORY_RESERVED = 2,
    BOOT_MEMORY_ACPI_RECLAIMABLE = 3,
    BOOT_MEMORY_NVS = 4,
    BOOT_MEMORY_BAD = 5,
};

struct boot_memory {
    uint64_t base;   /* physical */
    uint64_t length; /* bytes, not 0; base + length does not wrap */
    enum boot_memory_kind kind;
};

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
};

struct boot_module {
    uint32_t start, end; /* physical; end is the first byte after it */
    char string[BOOT_STRING_SIZE];
    uint32_t string_lost; /* characters that did not fit */
};

struct boot_info {
    uint32_t total_size; /* bytes of the information where the loader put it */

    uint32_t memory_count;
    uint32_t memory_lost; /* ranges that did not fit, of whatever kind */
    struct boot_memory memory[BOOT_MEMORY_MAX];

    char command_line[BOOT_COMMAND_LINE_SIZE];
    uint32_t command_line_lost; /* characters that did not fit */
    char loader[BOOT_STRING_SIZE];

    uint32_t module_count;
    uint32_t module_lost;
    struct boot_module modules[BOOT_MODULES_MAX];

    uint8_t rsdp[BOOT_RSDP_SIZE]; /* a copy; the new one where there are both */
    uint32_t rsdp_length;         /* 0: none, 20: ACPI 1.0, 36: ACPI 2.0 and later */

    bool has_framebuffer;
    struct boot_framebuffer framebuffer;

    bool as_linked;               /* the image is where its program headers say, come what may */
    bool uefi;                    /* the firmware is UEFI, else BIOS */
    bool boot_services_not_ended; /* ExitBootServices was not called */
};

/*
 * Adds a range of memory; one that adjoins the last of its kind joins it. A range that is not
 * available memory is cut where it would pass the last address; false: available memory passes it.
 */
bool boot_info_add_memory(struct boot_info *info, uint64_t base, uint64_t length,
                          enum boot_memory_kind kind);

/*
 * Copies the string at `from`, of which `room` characters can be read, as far as `size` bytes have
 * room for it; *lost are the characters that have none. false: it does not end in `room`.
 */
bool boot_info_copy_string(char *to, size_t size, const char *from, size_t room, uint32_t *lost);

/*
 * A way for a boot loader to hand over. `memory`: where physical address 0 is, `bytes` can be read
 * from there on; `information`: the physical address that the loader gave. Returns NULL, or what is
 * wrong, in a sentence for a person; then `info` holds what had been understood until then.
 */
struct boot_protocol {
    uint32_t magic; /* what boot/entry.S is entered with */
    const char *(*read)(const uint8_t *memory, uint64_t bytes, uint64_t information,
                        struct boot_info *info);
};

SET_DECLARE(boot_protocols, const struct boot_protocol);

/*
 * Reads the Multiboot2 information at `info`, of which `most` bytes can be read
 * (boot/multiboot2.c); returns as `read`, and nothing of `out` points into it. What had been
 * understood before an error may suffice for a console to report it on. A range that is not
 * available memory is cut where it would pass the last address.
 */
const char *multiboot_parse(const void *info, size_t most, struct boot_info *out);

/* Reads by the protocol that the magic number names; as its `read`. */
const char *boot_info_read(uint32_t magic, const uint8_t *memory, uint64_t bytes,
                           uint64_t information, struct boot_info *info);

#endif
