/*
 * The BIOS of a guest that owns the machine tells it how much memory there is, and does not know of
 * what the hypervisor keeps. So INT 15h has a handler in front of the BIOS's, in memory that is
 * reserved in the guest's map, which answers the functions that tell memory and passes on the rest.
 * No VM exit is needed for that. Under UEFI there is no such interrupt. Pure.
 *
 * ACPI Specification, "INT 15H, E820H - Query System Address Map"; AX = E801h and AH = 88h are
 * older.
 */
#pragma once

#include "vm/loader/places.h"

/* vm/loader/bios_memory.S. */
extern const uint8_t bios_memory_code[], bios_memory_code_end[];

/* What the code finds behind it. */
struct __attribute__((packed)) bios_memory_answers {
    uint16_t next_offset, next_segment; /* the BIOS's handler */
    uint16_t kib_extended;              /* AH = 88h: from 1 MiB on */
    uint16_t kib_below_16_mib;          /* E801h: from 1 MiB on */
    uint16_t units_above_16_mib;        /* of 64 KiB */
    uint16_t count;
    struct e820_entry range[];
};

/*
 * Where code of so many bytes and its answers can be: as a BIOS would have it, at the end of free
 * memory below 640 KiB, in units of 1 KiB. Nothing: there is none.
 */
struct guest_range bios_memory_place(const struct memory_map *map, uint64_t code_bytes);

/*
 * Writes them to `memory`, where physical address 0 is, and makes the interrupt's vector theirs;
 * what the BIOS data area says of the memory below 640 KiB ends there.
 */
void bios_memory_write(const struct places *places, struct guest_range place, const uint8_t *code,
                       uint64_t code_bytes, uint8_t *memory);
