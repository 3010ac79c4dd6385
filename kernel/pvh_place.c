/*
 * PVH has no way to ask for another place than that of the program headers, which a guest, too, is
 * most likely to be loaded to. So the image moves to the top of RAM below 4 GiB by itself, while
 * nothing is taken from the memory yet.
 */
#include "boot/pvh.h"
#include "kernel/boot_step.h"

#define PLACE_ALIGN 0x200000ull /* of the boot page tables' pages */
#define PLACE_END   0x100000000ull

extern const char image_start[], image_end[];

/* The start of a module that reaches into the place; the place's end: there is none. */
static uint64_t first_module_in(const struct boot_info *boot, uint64_t place, uint64_t bytes)
{
    uint64_t first = place + bytes;

    for (uint32_t i = 0; i < boot->module_count; i++) {
        const struct boot_module *module = &boot->modules[i];

        if (module->start < first && module->end > place)
            first = module->start;
    }
    return first;
}

/* The highest place in one range of memory that no module touches; 0: none. */
static uint64_t place_in(const struct boot_info *boot, const struct memory_range *range,
                         uint64_t bytes)
{
    uint64_t end = range->end;

    if (range->kind != MEMORY_AVAILABLE)
        return 0;
    if (end > PLACE_END)
        end = PLACE_END;
    while (end >= bytes && end - bytes >= range->base) {
        uint64_t place = (end - bytes) / PLACE_ALIGN * PLACE_ALIGN;
        uint64_t module = first_module_in(boot, place, bytes);

        if (place < range->base)
            break;
        if (module == place + bytes)
            return place;
        end = module;
    }
    return 0;
}

/* It is not copied over itself. */
bool image_place_high(struct machine *machine)
{
    const struct boot_info *boot = &machine->boot;
    uint64_t bytes = (uint64_t)(image_end - image_start), now = machine->load_address;
    uint64_t best = now;

    for (uint32_t i = 0; i < boot->memory_count; i++) {
        uint64_t place = place_in(boot, &boot->memory[i], bytes);

        if (place > best && place - now >= bytes)
            best = place;
    }
    if (best == now)
        return false;
    image_move(now, best);
    machine->load_address = best;
    return true;
}

static void move_up(struct machine *machine)
{
    if (machine->boot.as_linked)
        (void)image_place_high(machine);
}

BOOT_STEP(005, .point = BOOT_PLAN_MEMORY, .run = move_up);
