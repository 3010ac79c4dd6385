#include "vm/loader/bios_memory.h"

#include "lib/string.h"

#define KIB 1024ull
#define MIB (1ull << 20)

enum {
    VECTOR_15 = 4 * 0x15,  /* of the interrupt vector table: offset and segment */
    BASE_MEMORY = 0x413,   /* in the BIOS data area: KiB, what INT 12h tells */
    RANGES_MORE = 4,       /* the place itself and what is kept, each amid a range */
    EXTENDED_MOST = 0xfc00 /* KiB: 63 MiB, as the BIOSes of real machines have it */
};

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

struct guest_range bios_memory_place(const struct memory_map *map, uint64_t code_bytes)
{
    uint64_t bytes = code_bytes + sizeof(struct bios_memory_answers) +
                     (map->count + RANGES_MORE) * sizeof(struct e820_entry);
    struct guest_range found = {0, 0};

    bytes = (bytes + KIB - 1) & ~(KIB - 1);
    for (uint32_t i = 0; i < map->count; i++) {
        const struct memory_range *range = &map->range[i];
        uint64_t base = range->base > PLACES_LOW ? range->base : PLACES_LOW;
        uint64_t end = least(range->end, PLACES_LOW_END) & ~(KIB - 1);

        if (range->kind == MEMORY_AVAILABLE && base < end && bytes <= end - base)
            found = (struct guest_range){end - bytes, end};
    }
    return found;
}

static uint16_t free_units(const struct places *places, uint64_t base, uint64_t unit, uint64_t most)
{
    return (uint16_t)least(places_free_from(places, base) / unit, most);
}

void bios_memory_write(const struct places *places, struct guest_range place, const uint8_t *code,
                       uint64_t code_bytes, uint8_t *memory)
{
    struct bios_memory_answers *answers = (void *)(memory + place.base + code_bytes);
    const uint16_t vector[] = {0, (uint16_t)(place.base >> 4)};
    uint16_t base_kib;
    uint32_t next = 0;

    memset(memory + place.base, 0, place.end - place.base);
    memcpy(memory + place.base, code, code_bytes);
    memcpy(answers, memory + VECTOR_15, sizeof(vector));
    answers->kib_extended = free_units(places, MIB, KIB, EXTENDED_MOST);
    answers->kib_below_16_mib = free_units(places, MIB, KIB, 15 * KIB);
    answers->units_above_16_mib = free_units(places, 16 * MIB, 64 * KIB, UINT16_MAX);
    while (places_next_e820(places, &next, &answers->range[answers->count]))
        answers->count++;
    memcpy(memory + VECTOR_15, vector, sizeof(vector));
    memcpy(&base_kib, memory + BASE_MEMORY, sizeof(base_kib));
    base_kib = (uint16_t)least(base_kib, place.base / KIB);
    memcpy(memory + BASE_MEMORY, &base_kib, sizeof(base_kib));
}
