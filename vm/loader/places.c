#include "vm/loader/places.h"

#include "lib/string.h"
#include "mm/page_alloc.h"

#define MIB2 (2ull << 20)

static uint64_t round_down(uint64_t address, uint64_t unit)
{
    return address & ~(unit - 1);
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static struct guest_range common(struct guest_range a, struct guest_range b)
{
    return (struct guest_range){most(a.base, b.base), least(a.end, b.end)};
}

/* Of a range, the bytes that are available and not the image's. */
static uint64_t free_bytes(const struct places *places, struct guest_range range)
{
    struct guest_range free;
    uint64_t taken = places->image.end - places->image.base, bytes = 0;
    uint32_t next = 0;

    while (memory_map_next_free(places->map, &next, &free.base, &free.end)) {
        free = common(free, range);
        bytes += free.base < free.end ? free.end - free.base : 0;
    }
    return bytes > taken ? bytes - taken : 0;
}

/* The available range that an address lies in; an empty one: none. */
static struct guest_range available_around(const struct places *places, uint64_t address)
{
    struct guest_range free;
    uint32_t next = 0;

    while (memory_map_next_free(places->map, &next, &free.base, &free.end)) {
        if (free.base <= address && address < free.end)
            return free;
    }
    return (struct guest_range){address, address};
}

/*
 * From 2 MiB to 2 MiB, upwards as long as there is RAM, then downwards; but nothing that is not
 * available: ACPI's tables at the end of RAM are the guest's to read.
 */
bool places_keep(struct places *places)
{
    struct guest_range around = available_around(places, places->image.base);
    struct guest_range kept = {round_down(places->image.base, MIB2),
                               round_down(places->image.end + MIB2 - 1, MIB2)};

    kept = common(kept, around);
    while (free_bytes(places, kept) < places->pool_bytes) {
        if (around.end - kept.end >= MIB2)
            kept.end += MIB2;
        else if (kept.base - around.base >= MIB2)
            kept.base -= MIB2;
        else
            return false;
    }
    places->kept = kept;
    return true;
}

bool places_are_free(const struct places *places, struct guest_range range)
{
    return range.end <= available_around(places, range.base).end;
}

/* Of one range of RAM. */
static uint64_t highest(struct guest_range within, uint64_t bytes, const struct guest_range *taken,
                        unsigned count)
{
    uint64_t end = round_down(within.end, PAGE_SIZE);
    unsigned i = 0;

    while (end > within.base && bytes <= end - within.base) {
        struct guest_range place = {round_down(end - bytes, PAGE_SIZE), end};

        for (i = 0; i < count && !ranges_overlap(place, taken[i]); i++)
            continue;
        if (i == count)
            return place.base >= within.base ? place.base : 0;
        end = round_down(taken[i].base, PAGE_SIZE);
    }
    return 0;
}

uint64_t places_highest(const struct places *places, struct guest_range within, uint64_t bytes,
                        const struct guest_range *taken, unsigned count)
{
    struct guest_range free;
    uint64_t found = 0;
    uint32_t next = 0;

    while (memory_map_next_free(places->map, &next, &free.base, &free.end)) {
        free = common(free, within);
        if (free.base < free.end)
            found = most(found, highest(free, bytes, taken, count));
    }
    return found;
}

/* Each range of the map in three parts, some of them empty: below what is kept, that, and above. */
static bool next_part(const struct places *places, uint32_t *next, struct e820_entry *entry)
{
    static const uint32_t types[MEMORY_KIND_COUNT] = {
        [MEMORY_AVAILABLE] = E820_RAM,         [MEMORY_TAKEN] = E820_RESERVED,
        [MEMORY_ACPI_RECLAIMABLE] = E820_ACPI, [MEMORY_ACPI_NVS] = E820_NVS,
        [MEMORY_RESERVED] = E820_RESERVED,     [MEMORY_BAD] = E820_UNUSABLE,
    };
    const struct guest_range *kept = &places->kept;
    const struct guest_range parts[] = {{0, kept->base}, *kept, {kept->end, UINT64_MAX}};

    while (*next < 3 * places->map->count) {
        const struct memory_range *range = &places->map->range[*next / 3];
        uint32_t part = (*next)++ % 3;
        struct guest_range both =
            common((struct guest_range){range->base, range->end}, parts[part]);

        if (both.base >= both.end)
            continue;
        *entry = (struct e820_entry){both.base, both.end - both.base,
                                     part == 1 ? E820_RESERVED : types[range->kind]};
        return true;
    }
    return false;
}

bool places_next_e820(const struct places *places, uint32_t *next, struct e820_entry *entry)
{
    struct e820_entry more;

    if (!next_part(places, next, entry))
        return false;
    for (uint32_t after = *next; next_part(places, &after, &more); *next = after) {
        if (more.type != entry->type || more.base != entry->base + entry->bytes)
            break;
        entry->bytes += more.bytes;
    }
    return true;
}

uint64_t places_free_from(const struct places *places, uint64_t base)
{
    struct e820_entry entry;
    uint32_t next = 0;

    while (places_next_e820(places, &next, &entry)) {
        if (entry.type == E820_RAM && entry.base <= base && base - entry.base < entry.bytes)
            return entry.bytes - (base - entry.base);
    }
    return 0;
}

/* Upwards in pieces as long as the distance, the last first: within a piece nothing overlaps. */
void places_move(uint8_t *to, const uint8_t *from, uint64_t bytes)
{
    uint64_t distance = (uint64_t)(to - from);

    if (to <= from || distance >= bytes || distance < PAGE_SIZE) {
        memmove(to, from, bytes);
        return;
    }
    while (bytes > 0) {
        uint64_t piece = bytes < distance ? bytes : distance;

        bytes -= piece;
        memcpy(to + bytes, from + bytes, piece);
    }
}
