/*
 * A Multiboot (version 1) kernel, or bytes without any header: what is loaded from it, and where.
 * All is checked before anything of it is believed. Pure.
 *
 * Multiboot Specification 0.6.96, "OS image format"; ELF, "Program Header".
 */
#pragma once

#include "vm/loader/guest_entry.h"
#include "vm/loader/places.h"

/* Each way in which an image cannot be started, with the sentence that a person reads: of what was
 * read and what is wanted, two numbers. */
#define MULTIBOOT_RESULTS(RESULT)                                                                  \
    RESULT(OK, "it can be started")                                                                \
    RESULT(FLAGS, "its header's flags 15:3 ask for what no boot loader knows")                     \
    RESULT(NO_ELF, "it is no ELF file, and its header has no addresses (flag 16)")                 \
    RESULT(ELF_KIND, "it is no ELF executable for x86, in little-endian form: class to version")   \
    RESULT(ELF_SEGMENTS, "its ELF program headers are of another size, or none is PT_LOAD")        \
    RESULT(CONTRADICTION, "the addresses in its header contradict each other")                     \
    RESULT(CUT, "it has fewer bytes than its headers count")                                       \
    RESULT(TOO_LARGE, "a segment does not end below 4 GiB, or has more bytes in the file than in " \
                      "memory")                                                                    \
    RESULT(NO_ENTRY, "its entry point is in none of its segments")                                 \
    RESULT(NO_KEPT, "no 2 MiB ranges around the hypervisor's image are free for it to keep")       \
    RESULT(OVER_KEPT, "a segment would lie over what Rootmode keeps: its address, and the end of " \
                      "that")                                                                      \
    RESULT(NO_RAM, "a segment is not all in free RAM: its address, and its bytes")                 \
    RESULT(NO_PLACE, "no free RAM can take a module: its number, and its bytes")                   \
    RESULT(NO_HANDOVER, "no free RAM below 640 KiB can take what is handed over to the guest")

enum multiboot_result {
#define RESULT(name, text) MULTIBOOT_##name,
    MULTIBOOT_RESULTS(RESULT)
#undef RESULT
        MULTIBOOT_RESULT_COUNT,
};

/* Where a flat binary is loaded and entered: in real mode as a boot sector is. */
enum { FLAT_REAL = 0x7c00, FLAT_PROTECTED = 0x100000 };

enum multiboot_form { FORM_FLAT, FORM_ADDRESSES, FORM_ELF32, FORM_ELF64 };

struct multiboot_image {
    const uint8_t *bytes; /* the module */
    uint64_t size;
    enum multiboot_form form;
    enum entry_mode mode; /* that it is entered in */
    uint32_t header;      /* offset of the Multiboot header */
    uint64_t entry;       /* physical */

    /* Of a result other than OK: what was read, and what is wanted. */
    uint64_t seen, wanted;
};

/* What is loaded: bytes of the file, then zeros. */
struct multiboot_segment {
    const uint8_t *bytes;
    uint64_t in_file;
    struct guest_range range;
};

/* Is there a Multiboot header? */
bool multiboot_has_header(const void *bytes, uint64_t size);

/* Checks an image that has a header, and fills `image`. */
enum multiboot_result multiboot_image_check(const void *bytes, uint64_t size,
                                            struct multiboot_image *image);

/* One without. */
enum multiboot_result multiboot_image_flat(const void *bytes, uint64_t size, enum entry_mode mode,
                                           struct multiboot_image *image);

/* Segments that are loaded, of an image that was found right: call with *next = 0 first. */
bool multiboot_next_segment(const struct multiboot_image *image, uint32_t *next,
                            struct multiboot_segment *segment);
