/*
 * The Multiboot2 information: what the boot loader reports, copied into a structure of our own.
 *
 * Multiboot2 Specification, "Boot information format". GRUB's multiboot2.h decides where the
 * specification's text and its header file differ (the framebuffer's colours are at offset 32).
 */
#ifndef BOOT_MULTIBOOT2_H
#define BOOT_MULTIBOOT2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MULTIBOOT_MEMORY_MAX = 256,
    MULTIBOOT_MODULES_MAX = 16,
    MULTIBOOT_COMMAND_LINE_SIZE = 1024, /* bytes, the terminating zero included */
    MULTIBOOT_STRING_SIZE = 2048,       /* of a module, of the loader's name */
    MULTIBOOT_RSDP_SIZE = 36,
};

/* Each way in which the information can be wrong, with the sentence that a person reads. */
#define MULTIBOOT_RESULTS(RESULT)                                                                \
    RESULT(OK, "the Multiboot2 information is sound")                                            \
    RESULT(MISALIGNED, "the Multiboot2 information does not begin on a multiple of 8 bytes")     \
    RESULT(TOO_SMALL, "the Multiboot2 information is too small for its header and an end tag")   \
    RESULT(TOO_LARGE, "the Multiboot2 information claims more bytes than can be read")           \
    RESULT(TAG_ENDLESS, "a Multiboot2 tag is smaller than its own header, so no tag can follow") \
    RESULT(TAG_SHORT, "a Multiboot2 tag is too small for the fields of its type")                \
    RESULT(TAG_PAST_END, "a Multiboot2 tag reaches past the end of the information")             \
    RESULT(TAG_TWICE, "a Multiboot2 tag that may stand once stands twice")                       \
    RESULT(END_MISSING, "the Multiboot2 information has no end tag")                             \
    RESULT(STRING_OPEN, "a string in a Multiboot2 tag is not terminated inside its tag")         \
    RESULT(MODULE_BACKWARDS, "a Multiboot2 module ends before it begins")                        \
    RESULT(MEMORY_ENTRY, "the entries of the Multiboot2 memory map have an impossible size")     \
    RESULT(EFI_ENTRY, "the descriptors of the EFI memory map have an impossible size")           \
    RESULT(MEMORY_WRAPS,                                                                         \
           "available memory in the memory map reaches past the last 64-bit address")            \
    RESULT(NO_MEMORY, "the Multiboot2 information tells of no memory")

enum multiboot_result {
#define RESULT(name, text) MULTIBOOT_##name,
    MULTIBOOT_RESULTS(RESULT)
#undef RESULT
        MULTIBOOT_RESULT_COUNT,
};

/* Multiboot2 Specification, "Memory map", with its numbers; any other number is RESERVED here. */
enum multiboot_memory_kind {
    MULTIBOOT_MEMORY_AVAILABLE = 1,
    MULTIBOOT_MEMORY_RESERVED = 2,
    MULTIBOOT_MEMORY_ACPI_RECLAIMABLE = 3,
    MULTIBOOT_MEMORY_NVS = 4,
    MULTIBOOT_MEMORY_BAD = 5,
};

struct multiboot_memory {
    uint64_t base;   /* physical */
    uint64_t length; /* bytes, not 0; base + length does not wrap */
    enum multiboot_memory_kind kind;
};

enum multiboot_framebuffer_type {
    MULTIBOOT_FRAMEBUFFER_INDEXED = 0,
    MULTIBOOT_FRAMEBUFFER_RGB = 1,
    MULTIBOOT_FRAMEBUFFER_EGA_TEXT = 2, /* width and height are in characters */
};

/* As the loader gave it, plausible or not; the colours only for MULTIBOOT_FRAMEBUFFER_RGB. */
struct multiboot_framebuffer {
    uint64_t address;              /* physical */
    uint32_t pitch, width, height; /* pitch in bytes */
    uint8_t bpp;                   /* bits per pixel */
    uint8_t type;                  /* enum multiboot_framebuffer_type */
    uint16_t reserved;
    uint8_t red_position, red_size;
    uint8_t green_position, green_size;
    uint8_t blue_position, blue_size;
};

struct multiboot_module {
    uint32_t start, end; /* physical; end is the first byte after it */
    char string[MULTIBOOT_STRING_SIZE];
    uint32_t string_lost; /* characters that did not fit */
};

struct multiboot_info {
    uint32_t total_size; /* bytes of the information where the loader put it */

    /* The tag looked at last: after an error, the one at fault. */
    uint32_t tag_type;
    uint32_t tag_offset; /* bytes from the start of the information */

    uint32_t memory_count;
    uint32_t memory_lost; /* ranges that did not fit, of whatever kind */
    struct multiboot_memory memory[MULTIBOOT_MEMORY_MAX];

    char command_line[MULTIBOOT_COMMAND_LINE_SIZE];
    uint32_t command_line_lost; /* characters that did not fit */
    char loader[MULTIBOOT_STRING_SIZE];

    uint32_t module_count;
    uint32_t module_lost;
    struct multiboot_module modules[MULTIBOOT_MODULES_MAX];

    uint8_t rsdp[MULTIBOOT_RSDP_SIZE]; /* a copy; the new one where there are both */
    uint32_t rsdp_length;              /* 0: none, 20: ACPI 1.0, 36: ACPI 2.0 and later */

    bool has_framebuffer;
    struct multiboot_framebuffer framebuffer;

    bool uefi;                    /* the firmware is UEFI, else BIOS */
    bool boot_services_not_ended; /* ExitBootServices was not called */
};

/*
 * Parses the information at `info`, of which `most` bytes can be read. Nothing of `out` points into
 * it. After an error `out` holds what had been understood until then, which may suffice for a
 * console to report the error on. Adjoining ranges of one kind become one. A range that is not
 * available memory is cut where it would pass the last address.
 */
enum multiboot_result multiboot_parse(const void *info, size_t most, struct multiboot_info *out);

const char *multiboot_result_text(enum multiboot_result result);

#endif
