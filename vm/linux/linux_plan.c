#include "vm/linux/linux_plan.h"

#define MIB (1ull << 20)

static uint64_t round_up(uint64_t address, uint64_t unit)
{
    return (address + unit - 1) & ~(unit - 1);
}

/* The lowest address in [base, end) for so many bytes outside of what is kept; 0: none. */
static uint64_t lowest(const struct guest_range *kept, struct guest_range within, uint64_t bytes,
                       uint64_t alignment)
{
    uint64_t at = round_up(within.base, alignment);

    if (at < kept->end && at + bytes > kept->base)
        at = round_up(kept->end, alignment);
    return at < within.end && bytes <= within.end - at ? at : 0;
}

/*
 * Its preferred place, or if it can stand elsewhere the lowest above that, or else above 1 MiB. The
 * first MiB is never free for it, and the tables that it is entered with map 4 GiB.
 */
static bool plan_kernel(const struct linux_image *image, struct linux_plan *plan)
{
    const uint64_t from[] = {image->preferred > MIB ? image->preferred : MIB,
                             image->relocatable ? MIB : PLACES_END};

    for (unsigned i = 0; i < sizeof(from) / sizeof(from[0]); i++) {
        uint64_t base, end;
        uint32_t next = 0;

        while (memory_map_next_free(plan->places.map, &next, &base, &end)) {
            struct guest_range within = {base > from[i] ? base : from[i],
                                         end < PLACES_END ? end : PLACES_END};
            uint64_t at = within.base < within.end ? lowest(&plan->places.kept, within,
                                                            image->init_size, image->alignment)
                                                   : 0;

            if (at != 0 && (at == image->preferred || image->relocatable)) {
                plan->kernel = (struct guest_range){at, at + image->init_size};
                return true;
            }
        }
    }
    return false;
}

static bool plan_initrd(const struct linux_image *image, struct linux_plan *plan)
{
    const struct guest_range taken[] = {plan->places.kept, plan->kernel, plan->kernel_module};
    const struct guest_range within = {MIB, image->initrd_last + 1ull};
    uint64_t bytes = plan->initrd_module.end - plan->initrd_module.base;

    plan->initrd = 0;
    if (bytes == 0)
        return true;
    plan->initrd = places_highest(&plan->places, within, bytes, taken, 3);
    return plan->initrd != 0;
}

/* Linux leaves the first MiB alone for good, so the copy of the RSDP can stay there. */
static bool plan_handover(struct linux_plan *plan)
{
    const struct guest_range taken[] = {plan->places.kept, plan->kernel_module, plan->initrd_module,
                                        plan->efi_map};
    const struct guest_range within = {PLACES_LOW, PLACES_LOW_END};

    plan->handover = places_highest(&plan->places, within, LINUX_HANDOVER_BYTES, taken, 4);
    return plan->handover != 0;
}

enum linux_plan_result linux_plan(const struct linux_image *image, struct linux_plan *plan)
{
    plan->wanted = plan->places.pool_bytes;
    if (!places_keep(&plan->places))
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
