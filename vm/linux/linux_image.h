/*
 * A bzImage: what its setup header says, checked before anything of it is believed. Pure.
 *
 * Linux, "The Linux/x86 Boot Protocol", "The Real-Mode Kernel Header" and "64-bit Boot Protocol".
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Each way in which an image cannot be started, with the sentence that a person reads. */
#define LINUX_IMAGE_RESULTS(RESULT)                                                    \
    RESULT(OK, "it can be started")                                                    \
    RESULT(SHORT, "it has fewer bytes than a setup header")                            \
    RESULT(COMPRESSED, "it is compressed as a whole: unpack it first")                 \
    RESULT(NO_MAGIC, "it is no bzImage: at 0x202 does not stand \"HdrS\"")             \
    RESULT(NO_BOOT_FLAG, "at 0x1fe does not stand the boot sector's signature")        \
    RESULT(OLD, "its boot protocol is older than 2.12, the first with a 64-bit entry") \
    RESULT(HEADER_CUT, "its setup header ends before init_size")                       \
    RESULT(NOT_HIGH, "it is a zImage, which is loaded below 1 MiB (loadflags)")        \
    RESULT(NOT_64, "it has no 64-bit entry (xloadflags)")                              \
    RESULT(SETUP_CUT, "it ends before its setup sectors do")                           \
    RESULT(CUT, "it has fewer bytes than its setup header counts (syssize)")           \
    RESULT(NO_ENTRY, "it ends before its 64-bit entry")                                \
    RESULT(ALIGNMENT, "kernel_alignment is not a power of two of 4096 or more")        \
    RESULT(INIT_SIZE, "init_size is less than the kernel's own bytes")

enum linux_image_result {
#define RESULT(name, text) LINUX_IMAGE_##name,
    LINUX_IMAGE_RESULTS(RESULT)
#undef RESULT
        LINUX_IMAGE_RESULT_COUNT,
};

enum {
    LINUX_VERSION_SIZE = 64,    /* bytes of the version's text, with the zero */
    LINUX_ENTRY_64 = 0x200,     /* from where the kernel is loaded */
    LINUX_HEADER_BEGIN = 0x1f1, /* of the setup header, in the image as in boot_params */
    LINUX_HEADER_MOST = 0x202 + 0xff,
};

struct linux_image {
    const uint8_t *bytes; /* the module */
    uint32_t header_end;  /* offset of the first byte after the setup header */
    uint32_t kernel;      /* offset of what is loaded; what is before it is for a BIOS */
    uint32_t kernel_bytes;
    uint32_t init_size;               /* bytes from its load address that have to be free */
    uint32_t alignment;               /* of a load address other than the preferred */
    uint32_t initrd_last;             /* the highest address that an initrd may have a byte at */
    uint32_t command_line_most;       /* characters */
    uint64_t preferred;               /* load address */
    uint16_t protocol;                /* 0x20c: 2.12 */
    bool relocatable;                 /* it can stand elsewhere */
    char version[LINUX_VERSION_SIZE]; /* the first word of its version's text; may be empty */

    /* Of a result other than OK: what was read, and what is wanted. */
    uint64_t seen, wanted;
};

/* Checks the image of `size` bytes at `bytes` and fills `image`. */
enum linux_image_result linux_image_check(const void *bytes, size_t size,
                                          struct linux_image *image);
