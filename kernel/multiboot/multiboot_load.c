/*
 * The way of a Multiboot kernel, and of a flat binary: modules that lie where a segment is to be
 * are moved, then the segments are copied, and what the guest is told is written.
 */
#include "kernel/command_line.h"
#include "boot/pvh.h"
#include "kernel/linux/guest_loader.h"
#include "lib/string.h"
#include "mm/memory.h"
#include "vm/loader/bios_memory.h"
#include "vm/multiboot/multiboot_plan.h"

static unsigned mode_told; /* enum entry_mode: of the word; 0: it was not there */

COMMAND_WORD(151, .name = "guest-mode", .values = "real|32|64", .option = &mode_told,
             .option_bytes = sizeof(mode_told));

#define MIB (1ull << 20)

static bool takes_flat(const struct machine *machine)
{
    (void)machine;
    return mode_told != 0;
}

static bool takes_multiboot(const struct machine *machine)
{
    struct guest_range module = guest_module(machine, 0);

    return multiboot_has_header(phys_to_virt(module.base), module.end - module.base);
}

/* A boot loader that puts the hypervisor as low as it may puts it where many kernels are linked to.
 */
static enum multiboot_result find_places(struct machine *machine, struct multiboot_image *image,
                                         struct multiboot_plan *plan)
{
    uint64_t bytes = plan->places.image.end - plan->places.image.base;
    enum multiboot_result result = multiboot_plan(image, plan);

    if (result != MULTIBOOT_OVER_KEPT || !image_place_high(machine))
        return result;
    plan->places.image = (struct guest_range){machine->load_address, machine->load_address + bytes};
    return multiboot_plan(image, plan);
}

static void move_modules(const struct multiboot_plan *plan)
{
    for (uint32_t i = 0; i < plan->boot->module_count; i++) {
        const struct boot_module *module = &plan->boot->modules[i];

        if (plan->module[i] != module->start)
            places_move(phys_to_virt(plan->module[i]), phys_to_virt(module->start),
                        module->end - module->start);
    }
}

/* From where the first module is now. What of it is in the first MiB, nobody else may use. */
static void copy_segments(const struct multiboot_image *image, uint64_t moved)
{
    struct multiboot_segment segment;
    uint32_t next = 0;

    while (multiboot_next_segment(image, &next, &segment)) {
        uint64_t bytes = segment.range.end - segment.range.base;
        uint8_t *to = phys_to_virt(segment.range.base);

        memcpy(to, segment.bytes + moved, segment.in_file);
        memset(to + segment.in_file, 0, bytes - segment.in_file);
        if (segment.range.base < MIB)
            memory_add(MEMORY_TAKEN, segment.range.base, bytes);
    }
}

/* Reserved in the guest's map, which is made behind this. */
static struct guest_range take_bios_memory(const struct machine *machine)
{
    struct guest_range place = {0, 0};

    if (!machine->boot.uefi)
        place =
            bios_memory_place(memory_layout(), (uint64_t)(bios_memory_code_end - bios_memory_code));
    if (place.end != 0)
        memory_add(MEMORY_TAKEN, place.base, place.end - place.base);
    return place;
}

/* What the guest is told, while the map has what is its own as available. */
static void hand_over(const struct multiboot_image *image, const struct multiboot_plan *plan,
                      struct guest_range bios_memory)
{
    multiboot_handover_write(image, plan, phys_to_virt(plan->handover));
    if (bios_memory.end != 0)
        bios_memory_write(&plan->places, bios_memory, bios_memory_code,
                          (uint64_t)(bios_memory_code_end - bios_memory_code), phys_to_virt(0));
}

static bool load(struct machine *machine, enum multiboot_result result,
                 struct multiboot_image *image, struct guest_load *load)
{
    static const char *const text[] = {
#define RESULT(name, sentence) [MULTIBOOT_##name] = (sentence),
        MULTIBOOT_RESULTS(RESULT)
#undef RESULT
    };
    struct multiboot_plan plan = {.places = load->places, .boot = &machine->boot};
    struct guest_range bios_memory;

    if (!guest_check_modules(machine, BOOT_MODULES_MAX, "modules: a kernel, and what it asks for"))
        return false;
    bios_memory = take_bios_memory(machine);
    if (result == MULTIBOOT_OK)
        result = find_places(machine, image, &plan);
    if (result != MULTIBOOT_OK)
        return guest_refuse(machine, image->seen, image->wanted, text[result]);
    move_modules(&plan);
    hand_over(image, &plan, bios_memory);
    copy_segments(image, plan.module[0] - machine->boot.modules[0].start);
    memory_add(MEMORY_TAKEN, plan.handover, MULTIBOOT_HANDOVER_BYTES);
    multiboot_entry(image, &plan, &load->entry);
    load->places = plan.places;
    return true;
}

static bool load_multiboot(struct machine *machine, struct guest_load *guest)
{
    struct guest_range module = guest_module(machine, 0);
    struct multiboot_image image;
    enum multiboot_result result =
        multiboot_image_check(phys_to_virt(module.base), module.end - module.base, &image);

    return load(machine, result, &image, guest);
}

static bool load_flat(struct machine *machine, struct guest_load *guest)
{
    struct guest_range module = guest_module(machine, 0);
    struct multiboot_image image;
    enum multiboot_result result = multiboot_image_flat(
        phys_to_virt(module.base), module.end - module.base, (enum entry_mode)mode_told, &image);

    return load(machine, result, &image, guest);
}

GUEST_LOADER(100, .kind = "flat", .takes = takes_flat, .load = load_flat);
GUEST_LOADER(200, .kind = "Multiboot", .takes = takes_multiboot, .load = load_multiboot);
