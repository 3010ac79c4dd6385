/*
 * Places in the memory of a machine whose owner is a guest: what the hypervisor keeps, and what in
 * the rest is free. Pure.
 *
 * What is kept is one range around the hypervisor's image, a multiple of 2 MiB: a hole of another
 * size would leave the guest, and EPT, with small pages around it.
 */
#pragma once

#include "mm/memory_map.h"

/* Where what is handed over to a guest may be: below that, firmware writes unnoticed; from there on
 * there is video memory. */
enum { PLACES_LOW = 0x10000, PLACES_LOW_END = 0xa0000 };
#define PLACES_END (1ull << 32) /* the tables that a guest is entered with map no more */

struct guest_range {
    uint64_t base, end; /* physical; base == end: nothing */
};

static inline bool ranges_overlap(struct guest_range a, struct guest_range b)
{
    return a.base < b.end && b.base < a.end;
}

struct places {
    const struct memory_map *map; /* what is available in it is the guest's, but for the kept */
    struct guest_range image;     /* the hypervisor's */
    uint64_t pool_bytes;          /* that it needs beside its image */

    struct guest_range kept; /* places_keep() */
};

/* Finds what is kept; false: there is no such range. */
bool places_keep(struct places *places);

/* Is all of a range free RAM, kept or not? */
bool places_are_free(const struct places *places, struct guest_range range);

/*
 * The highest address in [from, limit), by pages, for so many bytes of free RAM clear of `taken`;
 * 0: none.
 */
uint64_t places_highest(const struct places *places, struct guest_range within, uint64_t bytes,
                        const struct guest_range *taken, unsigned count);

/* ACPI Specification, "Address Range Types"; Multiboot's are the same. */
enum { E820_RAM = 1, E820_RESERVED = 2, E820_ACPI = 3, E820_NVS = 4, E820_UNUSABLE = 5 };

struct __attribute__((packed)) e820_entry {
    uint64_t base, bytes;
    uint32_t type;
};

/*
 * The memory map as the guest is told it: the machine's own, but that what is kept is reserved in
 * it; neighbours of one type are one range. In ascending order: call with *next = 0 first, until it
 * returns false.
 */
bool places_next_e820(const struct places *places, uint32_t *next, struct e820_entry *entry);

/* In that map, the bytes of RAM from an address on without a hole. */
uint64_t places_free_from(const struct places *places, uint64_t base);

/* As memmove(), fast in an emulator also where `to` is above `from`. */
void places_move(uint8_t *to, const uint8_t *from, uint64_t bytes);
