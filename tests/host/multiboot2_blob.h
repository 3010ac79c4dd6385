/*
 * Blobs of Multiboot2 information, built tag by tag as the Multiboot2 Specification, "Boot
 * information format", lays them out. Every blob is parsed from a heap copy of exactly its size, so
 * that AddressSanitizer sees a read after it.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "boot/boot_info.h"

enum { BLOB_MAX = 32768 };

struct blob {
    uint8_t bytes[BLOB_MAX];
    uint32_t length;
};

extern struct blob blob;      /* what is being built */
extern struct boot_info info; /* what was parsed last */

void put32(uint32_t offset, uint32_t value);

/* An empty blob; the end tag and the blob's size. */
void begin_blob(void);
void end_blob(void);

/* Append a tag; return its offset. */
uint32_t tag(uint32_t type, const void *payload, uint32_t size);
uint32_t string_tag(uint32_t type, const char *string);

/* An entry of the memory map. */
struct entry {
    uint64_t base, length;
    uint32_t type, reserved;
};

uint32_t memory_tag(const struct entry *entries, uint32_t count);

/* A memory map, for blobs that are about something else. */
void some_memory(void);

/* UEFI Specification, EFI_MEMORY_DESCRIPTOR, at the stride of 48 bytes that real firmware uses. */
struct efi {
    uint32_t type, padding;
    uint64_t start, virtual_start, pages, attribute, more;
};

uint32_t efi_tag(const struct efi *entries, uint32_t count);

/* One of each tag, as GRUB on UEFI gives them. */
void good_blob(void);

/* Each way in which the information can be wrong, with the sentence that a person reads; OK: none.
 */
#define MULTIBOOT_RESULTS(RESULT)                                                                \
    RESULT(OK, NULL)                                                                             \
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

/* The one whose sentence this is; ends the test where there is none. */
enum multiboot_result result_of(const char *wrong);

/* Parses the blob, or its first bytes. */
enum multiboot_result parse(void);
enum multiboot_result parse_most(size_t most);

/* Ends the test unless this range of memory was found. */
void check_memory(uint32_t i, uint64_t base, uint64_t length, unsigned kind);
