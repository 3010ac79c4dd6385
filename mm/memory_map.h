/*
 * What each physical address is good for: ranges as the loader reports them and ranges that are in
 * use, made into one sorted map without overlaps. They may be added in any order, unaligned,
 * overlapping, or reaching past the end of the address space; where two overlap, the more
 * restrictive kind wins.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* From the least to the most restrictive. */
enum memory_kind {
    MEMORY_AVAILABLE,
    MEMORY_TAKEN,            /* RAM that is in use by us or by what the loader left for us */
    MEMORY_ACPI_RECLAIMABLE, /* RAM with ACPI tables */
    MEMORY_ACPI_NVS,         /* RAM of the firmware, kept over sleep */
    MEMORY_RESERVED,         /* not RAM, or the firmware's, or of a kind we do not know */
    MEMORY_BAD,              /* RAM that does not work */
    MEMORY_KIND_COUNT,
};

/* SDM Vol. 3, "Paging": physical addresses have at most 52 bits. */
#define PHYSICAL_END (1ull << 52)

struct memory_range {
    uint64_t base; /* physical, bytes */
    uint64_t end;  /* the first byte after it */
    enum memory_kind kind;
};

enum { MEMORY_RANGES_MAX = 512 };

/* Sorted, disjoint; neighbours of one kind are one range. All zeroes is the empty map. */
struct memory_map {
    uint32_t count;
    bool full; /* a range did not fit: the map is incomplete and gives nothing any more */
    struct memory_range range[MEMORY_RANGES_MAX];
};

/*
 * Enters `length` bytes from `base`. What lies past 2^52, the end of what x86-64 can address
 * physically, is left out. Cheapest when ranges come in ascending order.
 */
void memory_map_add(struct memory_map *map, enum memory_kind kind, uint64_t base, uint64_t length);

/*
 * The whole pages that are available, as [*base, *end), in ascending order: call with *next = 0
 * first, until it returns false. A page of which a single byte is of another kind is left out.
 */
bool memory_map_next_free(const struct memory_map *map, uint32_t *next, uint64_t *base,
                          uint64_t *end);

/*
 * The same for all RAM (available, taken, ACPI reclaimable and NVS), rounded to pages outwards and
 * still disjoint: what a map of all RAM has to cover.
 */
bool memory_map_next_ram(const struct memory_map *map, uint32_t *next, uint64_t *base,
                         uint64_t *end);

/* A free page for code that starts in real mode: below 640 KiB, never page 0; 0: there is none. */
uint64_t memory_map_low_page(const struct memory_map *map);
