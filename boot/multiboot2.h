/*
 * The Multiboot2 information, read into struct boot_info.
 *
 * Multiboot2 Specification, "Boot information format". GRUB's multiboot2.h decides where the
 * specification's text and its header file differ (the framebuffer's colours are at offset 32).
 */
#ifndef BOOT_MULTIBOOT2_H
#define BOOT_MULTIBOOT2_H

#include <stddef.h>

#include "boot/boot_info.h"

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

/*
 * Parses the information at `info`, of which `most` bytes can be read. Nothing of `out` points into
 * it. After an error `out` holds what had been understood until then, which may suffice for a
 * console to report the error on. Adjoining ranges of one kind become one. A range that is not
 * available memory is cut where it would pass the last address.
 */
enum multiboot_result multiboot_parse(const void *info, size_t most, struct boot_info *out);

const char *multiboot_result_text(enum multiboot_result result);

#endif
