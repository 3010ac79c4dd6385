/*
 * PVH, the way in which QEMU's -kernel, Cloud Hypervisor, Firecracker and tools/direct/loader.S
 * hand over: Xen's "x86/HVM direct boot ABI" (docs/misc/pvh.pandoc) and its header
 * public/arch-x86/hvm/start_info.h.
 */
#pragma once

#define PVH_MAGIC      0x336ec578 /* the first field of the start info */
#define PVH_NOTE_ENTRY 18         /* XEN_ELFNOTE_PHYS32_ENTRY */

#ifndef __ASSEMBLER__

#include "boot/boot_info.h"

struct pvh_start_info {
    uint32_t magic, version;
    uint32_t flags, module_count;
    uint64_t modules; /* these and all below: physical; 0: none */
    uint64_t command_line;
    uint64_t rsdp;
    uint64_t memory_map; /* this and what follows since version 1 */
    uint32_t memory_count, reserved;
};

struct pvh_module {
    uint64_t address, size, string, reserved;
};

struct pvh_memory {
    uint64_t base, length;
    uint32_t kind; /* boot_memory_kind() knows it */
    uint32_t reserved;
};

/* A string of more characters is none. */
enum { PVH_STRING_MOST = 65535 };

/* As struct boot_protocol's read: nothing outside `memory` is read, whatever the pointers are. */
const char *pvh_read(const uint8_t *memory, uint64_t bytes, uint64_t information,
                     struct boot_info *info);

/*
 * Copies the image, which is at the physical address `from`, to `to`, and goes on there: boot page
 * tables that are in use map the image at its virtual addresses as before. The two do not overlap.
 */
void image_move(uint64_t from, uint64_t to);

/*
 * Does so, while nothing is taken from the memory yet, to the top of the RAM below 4 GiB, clear of
 * all modules. False: there is no place that is higher. In kernel/pvh_place.c.
 */
struct machine;
bool image_place_high(struct machine *machine);

#endif
