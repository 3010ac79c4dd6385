#include "vm/linux/linux_plan.h"

#include <stdbool.h>
#include <stddef.h>

#include "lib/string.h"
#include "mm/page_alloc.h"

#define MIB     (1ull << 20)
#define MIB2    (2 * MIB)
#define LOW_END 0xa0000ull /* video memory begins there */
#define LOW     0x10000ull /* what is below is firmware's to write to unnoticed */
#define GIB4    (1ull << 32)

static uint64_t round_down(uint64_t address, uint64_t unit)
{
    return address & ~(unit - 1);
}

static uint64_t round_up(uint64_t address, uint64_t unit)
{
    return round_down(address + unit - 1, unit);
}

static bool overlaps(struct linux_range a, struct linux_range b)
{
    return a.base < b.end && b.base < a.end;
}

/* Of a range, the bytes that are available and not the image's. */
static uint64_t free_bytes(const struct linux_plan *plan, struct linux_range range)
{
    uint64_t base, end, taken, bytes = 0;
    uint32_t next = 0;

    while (memory_map_next_free(plan->map, &next, &base, &end)) {
        base = base > range.base ? base : range.base;
        end = end < range.end ? end : range.end;
        bytes += base < end ? end - base : 0;
    }
    taken = plan->image.end - plan->image.base;
    return bytes > taken ? bytes - taken : 0;
}

/* The available range that an address lies in; an empty one: none. */
static struct linux_range available_around(const struct linux_plan *plan, uint64_t address)
{
    uint64_t base, end;
    uint32_t next = 0;

    while (memory_map_next_free(plan->map, &next, &base, &end)) {
        if (base <= address && address < end)
            return (struct linux_range){base, end};
    }
    return (struct linux_range){address, address};
}

/*
 * From 2 MiB to 2 MiB, upwards as long as there is RAM, then downwards; but nothing that is not
 * available: ACPI's tables at the end of RAM are the guest's to read.
 */
static bool plan_kept(struct linux_plan *plan)
{
    struct linux_range around = available_around(plan, plan->image.base);
    struct linux_range kept = {round_down(plan->image.base, MIB2), round_up(plan->image.end, MIB2)};

    kept.base = kept.base > around.base ? kept.base : around.base;
    kept.end = kept.end < around.end ? kept.end : around.end;
    while (free_bytes(plan, kept) < plan->pool_bytes) {
        if (around.end - kept.end >= MIB2)
            kept.end += MIB2;
        else if (kept.base - around.base >= MIB2)
            kept.base -= MIB2;
        else
            return false;
    }
    plan->kept = kept;
    return true;
}

/* The lowest address in [base, end) for so many bytes outside of what is kept; 0: none. */
static uint64_t lowest(const struct linux_plan *plan, struct linux_range within, uint64_t bytes,
                       uint64_t alignment)
{
    uint64_t at = round_up(within.base, alignment);

    if (at < plan->kept.end && at + bytes > plan->kept.base)
        at = round_up(plan->kept.end, alignment);
    return at < within.end && bytes <= within.end - at ? at : 0;
}

/*
 * Its preferred place, or if it can stand elsewhere the lowest above that, or else above 1 MiB. The
 * first MiB is never free for it, and the tables that it is entered with map 4 GiB.
 */
static bool plan_kernel(const struct linux_image *image, struct linux_plan *plan)
{
    const uint64_t from[] = {image->preferred > MIB ? image->preferred : MIB,
                             image->relocatable ? MIB : GIB4};

    for (unsigned i = 0; i < sizeof(from) / sizeof(from[0]); i++) {
        uint64_t base, end;
        uint32_t next = 0;

        while (memory_map_next_free(plan->map, &next, &base, &end)) {
            struct linux_range within = {base > from[i] ? base : from[i], end < GIB4 ? end : GIB4};
            uint64_t at = within.base < within.end
                              ? lowest(plan, within, image->init_size, image->alignment)
                              : 0;

            if (at != 0 && (at == image->preferred || image->relocatable)) {
                plan->kernel = (struct linux_range){at, at + image->init_size};
                return true;
            }
        }
    }
    return false;
}

/* The highest address in [base, end), by pages, for so many bytes clear of `taken`; 0: none. */
static uint64_t highest(struct linux_range within, uint64_t bytes, const struct linux_range *taken,
                        unsigned count)
{
    uint64_t end = round_down(within.end, PAGE_SIZE);
    unsigned i = 0;

    while (end > within.base && bytes <= end - within.base) {
        struct linux_range place = {round_down(end - bytes, PAGE_SIZE), end};

        for (i = 0; i < count && !overlaps(place, taken[i]); i++)
            continue;
        if (i == count)
            return place.base >= within.base ? place.base : 0;
        end = round_down(taken[i].base, PAGE_SIZE);
    }
    return 0;
}

/* Of all RAM below `limit`. */
static uint64_t highest_free(const struct linux_plan *plan, uint64_t from, uint64_t limit,
                             uint64_t bytes, const struct linux_range *taken, unsigned count)
{
    uint64_t base, end, found = 0;
    uint32_t next = 0;

    while (memory_map_next_free(plan->map, &next, &base, &end)) {
        struct linux_range within = {base > from ? base : from, end < limit ? end : limit};
        uint64_t at = within.base < within.end ? highest(within, bytes, taken, count) : 0;

        found = at > found ? at : found;
    }
    return found;
}

static bool plan_initrd(const struct linux_image *image, struct linux_plan *plan)
{
    const struct linux_range taken[] = {plan->kept, plan->kernel, plan->kernel_module};
    uint64_t bytes = plan->initrd_module.end - plan->initrd_module.base;

    plan->initrd = 0;
    if (bytes == 0)
        return true;
    plan->initrd = highest_free(plan, MIB, image->initrd_last + 1ull, bytes, taken, 3);
    return plan->initrd != 0;
}

/* Linux leaves the first MiB alone for good, so the copy of the RSDP can stay there. */
static bool plan_handover(struct linux_plan *plan)
{
    const struct linux_range taken[] = {plan->kept, plan->kernel_module, plan->initrd_module};

    plan->handover = highest_free(plan, LOW, LOW_END, LINUX_HANDOVER_BYTES, taken, 3);
    return plan->handover != 0;
}

enum linux_plan_result linux_plan(const struct linux_image *image, struct linux_plan *plan)
{
    plan->wanted = plan->pool_bytes;
    if (!plan_kept(plan))
        return LINUX_PLAN_NO_KEPT;
    plan->wanted = image->init_size;
    if (!plan_kernel(image, plan))
        return LINUX_PLAN_NO_KERNEL;
    plan->wanted = plan->initrd_module.end - plan->initrd_module.base;
    if (!plan_initrd(image, plan))
        return LINUX_PLAN_NO_INITRD;
    plan->wanted = LINUX_HANDOVER_BYTES;
    return plan_handover(plan) ? LINUX_PLAN_OK : LINUX_PLAN_NO_HANDOVER;
}

/* Upwards in pieces as long as the distance, the last first: within a piece nothing overlaps. */
void linux_move(uint8_t *to, const uint8_t *from, uint64_t bytes)
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
