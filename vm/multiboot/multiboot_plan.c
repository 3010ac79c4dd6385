#include "vm/multiboot/multiboot_plan.h"

#include "lib/string.h"
#include "mm/page_alloc.h"

#define MIB (1ull << 20)

/* From the lowest of its segments in `within` to the highest; an empty range: there is none. */
static struct guest_range hull(const struct multiboot_image *image, struct guest_range within)
{
    struct guest_range found = {0, 0};
    struct multiboot_segment segment;
    uint32_t next = 0;

    while (multiboot_next_segment(image, &next, &segment)) {
        const struct guest_range *range = &segment.range;

        if (!ranges_overlap(*range, within))
            continue;
        if (found.end == 0 || range->base < found.base)
            found.base = range->base;
        if (range->end > found.end)
            found.end = range->end;
    }
    return found;
}

static enum multiboot_result check_segments(struct multiboot_image *image,
                                            const struct places *places)
{
    struct multiboot_segment segment;
    uint32_t next = 0;

    while (multiboot_next_segment(image, &next, &segment)) {
        image->seen = segment.range.base;
        image->wanted = places->kept.end;
        if (ranges_overlap(segment.range, places->kept))
            return MULTIBOOT_OVER_KEPT;
        image->wanted = segment.range.end - segment.range.base;
        if (!places_are_free(places, segment.range))
            return MULTIBOOT_NO_RAM;
    }
    return MULTIBOOT_OK;
}

/* What a module must be clear of: what is kept, segments, and modules where they are and will be.
 */
struct taken {
    unsigned count;
    struct guest_range range[2 + 2 * BOOT_MODULES_MAX];
};

static void take(struct taken *taken, uint64_t base, uint64_t end)
{
    taken->range[taken->count++] = (struct guest_range){base, end};
}

static bool stays(const struct boot_module *module, const struct taken *taken)
{
    struct guest_range range = {module->start, module->end};

    return module->start >= MIB && module->start % PAGE_SIZE == 0 &&
           !ranges_overlap(range, taken->range[0]) && !ranges_overlap(range, taken->range[1]);
}

static bool plan_modules(struct multiboot_image *image, struct multiboot_plan *plan)
{
    const struct guest_range high = {MIB, PLACES_END};
    const struct guest_range segments = hull(image, high);
    const struct boot_info *boot = plan->boot;
    struct taken taken = {0};

    take(&taken, plan->places.kept.base, plan->places.kept.end);
    take(&taken, segments.base, segments.end);
    for (uint32_t i = 0; i < boot->module_count; i++)
        take(&taken, boot->modules[i].start, boot->modules[i].end);
    for (uint32_t i = 0; i < boot->module_count; i++) {
        const struct boot_module *module = &boot->modules[i];
        uint64_t bytes = module->end - module->start;

        plan->module[i] = module->start;
        if (bytes == 0 || stays(module, &taken))
            continue;
        plan->module[i] = places_highest(&plan->places, high, bytes, taken.range, taken.count);
        image->seen = i;
        image->wanted = bytes;
        if (plan->module[i] == 0)
            return false;
        take(&taken, plan->module[i], plan->module[i] + bytes);
    }
    return true;
}

enum multiboot_result multiboot_plan(struct multiboot_image *image, struct multiboot_plan *plan)
{
    const struct guest_range low = {PLACES_LOW, PLACES_LOW_END}, below_low = {0, MIB};
    struct guest_range taken[2];
    enum multiboot_result result;

    image->seen = 0;
    image->wanted = plan->places.pool_bytes;
    if (!places_keep(&plan->places))
        return MULTIBOOT_NO_KEPT;
    result = check_segments(image, &plan->places);
    if (result != MULTIBOOT_OK)
        return result;
    if (!plan_modules(image, plan))
        return MULTIBOOT_NO_PLACE;
    taken[0] = plan->places.kept;
    taken[1] = hull(image, below_low);
    image->seen = 0;
    image->wanted = MULTIBOOT_HANDOVER_BYTES;
    plan->handover = places_highest(&plan->places, low, MULTIBOOT_HANDOVER_BYTES, taken, 2);
    return plan->handover != 0 ? MULTIBOOT_OK : MULTIBOOT_NO_HANDOVER;
}
