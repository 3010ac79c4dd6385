/*
 * Blobs of Multiboot2 information, built tag by tag as the Multiboot2 Specification, "Boot
 * information format", lays them out. Every blob is parsed from a heap copy of exactly its size, so
 * that AddressSanitizer sees a read after it.
 */
#ifndef TESTS_HOST_MULTIBOOT2_BLOB_H
#define TESTS_HOST_MULTIBOOT2_BLOB_H

#include <stddef.h>
#include <stdint.h>

#include "boot/multiboot2.h"

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

/* Parses the blob, or its first bytes. */
enum multiboot_result parse(void);
enum multiboot_result parse_most(size_t most);

/* Ends the test unless this range of memory was found. */
void check_memory(uint32_t i, uint64_t base, uint64_t length, unsigned kind);

#endif
