#include "mm/memory_map.h"

#include "lib/string.h"
#include "mm/page_alloc.h"

/*
 * The area below 64 KiB is what firmware is most likely to write to unnoticed, so code that starts
 * in real mode goes above it where possible. Video memory begins at 640 KiB.
 */
enum { LOW_PAGES_WARY = 0x10000, LOW_PAGES_END = 0xa0000 };

static void insert_range(struct memory_map *map, uint32_t at, struct memory_range range)
{
    if (map->count == MEMORY_RANGES_MAX) {
        map->full = true;
        return;
    }
    memmove(&map->range[at + 1], &map->range[at], (map->count - at) * sizeof(range));
    map->range[at] = range;
    map->count++;
}

static void remove_range(struct memory_map *map, uint32_t at)
{
    map->count--;
    memmove(&map->range[at], &map->range[at + 1], (map->count - at) * sizeof(map->range[0]));
}

/* Cuts range `at` in two at `address`, which lies behind its base, unless it ends before. */
static void cut_range(struct memory_map *map, uint32_t at, uint64_t address)
{
    struct memory_range range = map->range[at];

    if (address >= range.end)
        return;
    insert_range(map, at, (struct memory_range){range.base, address, range.kind});
    if (!map->full)
        map->range[at + 1].base = address;
}

/* Joins neighbours of one kind from the range `first` on. */
static void join_ranges(struct memory_map *map, uint32_t first)
{
    while (first + 1 < map->count) {
        struct memory_range *range = &map->range[first];

        if (range[0].end == range[1].base && range[0].kind == range[1].kind) {
            range[0].end = range[1].end;
            remove_range(map, first + 1);
        } else {
            first++;
        }
    }
}

void memory_map_add(struct memory_map *map, enum memory_kind kind, uint64_t base, uint64_t length)
{
    uint64_t end = length > PHYSICAL_END - base ? PHYSICAL_END : base + length;
    uint32_t at = map->count, first;

    if (base >= PHYSICAL_END)
        return;
    while (at > 0 && base < map->range[at - 1].end)
        at--;
    first = at != 0 ? at - 1 : 0;
    while (base < end && !map->full) {
        uint64_t gap_end = at < map->count && map->range[at].base < end ? map->range[at].base : end;

        if (base < gap_end) {
            if (kind != MEMORY_TAKEN)
                insert_range(map, at++, (struct memory_range){base, gap_end, kind});
            base = gap_end;
            continue;
        }
        if (map->range[at].kind >= kind) {
            base = map->range[at].end;
        } else if (map->range[at].base < base) {
            cut_range(map, at, base);
        } else {
            cut_range(map, at, end);
            map->range[at].kind = kind;
            base = map->range[at].end;
        }
        at++;
    }
    join_ranges(map, first);
}

bool memory_map_next_free(const struct memory_map *map, uint32_t *next, uint64_t *base,
                          uint64_t *end)
{
    while (*next < map->count && !map->full) {
        const struct memory_range *range = &map->range[(*next)++];

        *base = (range->base + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
        *end = range->end & ~(PAGE_SIZE - 1);
        if (range->kind == MEMORY_AVAILABLE && *base < *end)
            return true;
    }
    return false;
}

bool memory_map_next_ram(const struct memory_map *map, uint32_t *next, uint64_t *base,
                         uint64_t *end)
{
    bool found = false;

    while (*next < map->count && !map->full) {
        const struct memory_range *range = &map->range[*next];
        uint64_t start = range->base & ~(PAGE_SIZE - 1);

        if (range->kind < MEMORY_RESERVED) {
            if (found && start > *end)
                break;
            if (!found)
                *base = start;
            *end = (range->end + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
            found = true;
        }
        (*next)++;
    }
    return found;
}

/* The lowest free page in [from, to), or 0. */
static uint64_t lowest_page(const struct memory_map *map, uint64_t from, uint64_t to)
{
    uint64_t base, end;
    uint32_t next = 0;

    while (memory_map_next_free(map, &next, &base, &end)) {
        uint64_t page = base < from ? from : base;

        if (page < end && page < to)
            return page;
    }
    return 0;
}

uint64_t memory_map_low_page(const struct memory_map *map)
{
    uint64_t page = lowest_page(map, LOW_PAGES_WARY, LOW_PAGES_END);

    return page != 0 ? page : lowest_page(map, PAGE_SIZE, LOW_PAGES_WARY);
}
