/*
 * The Multiboot2 header: what Rootmode asks of the boot loader.
 * Multiboot2 Specification, "The layout of Multiboot2 header".
 */
#include "boot/boot.h"

#define TAG_END                 0
#define TAG_INFORMATION_REQUEST 1
#define TAG_FRAMEBUFFER         5
#define TAG_MODULE_ALIGNMENT    6
#define TAG_RELOCATABLE         10
#define OPTIONAL                1
#define ARCHITECTURE_I386       0 /* 32-bit protected mode; the only one with an x86 entry */
#define PREFER_LOWEST           1

    .section .multiboot2, "a"
    .balign 8
header:
    .long MULTIBOOT2_HEADER_MAGIC
    .long ARCHITECTURE_I386
    .long header_end - header
    .long -(MULTIBOOT2_HEADER_MAGIC + ARCHITECTURE_I386 + (header_end - header))

    /* Optional: what is missing is reported by the kernel, which a person can read. */
    .balign 8
request:
    .word TAG_INFORMATION_REQUEST, OPTIONAL
    .long request_end - request
    .long 1, 2, 3, 6, 8, 14, 15, 17 /* command line, loader, modules, memory map, framebuffer,
                                       RSDP old and new, EFI memory map */
request_end:

    /* No preference of size or depth: any framebuffer will do, and text as well. */
    .balign 8
framebuffer:
    .word TAG_FRAMEBUFFER, OPTIONAL
    .long framebuffer_end - framebuffer
    .long 0, 0, 0
framebuffer_end:

    .balign 8
alignment:
    .word TAG_MODULE_ALIGNMENT, OPTIONAL
    .long alignment_end - alignment
alignment_end:

    /* Firmware of real UEFI machines keeps the second MiB: anywhere below 4 GiB is fine. */
    .balign 8
relocatable:
    .word TAG_RELOCATABLE, 0
    .long relocatable_end - relocatable
    .long 0x200000, 0xffffffff, 0x200000, PREFER_LOWEST
relocatable_end:

    .balign 8
    .word TAG_END, 0
    .long 8
header_end:
