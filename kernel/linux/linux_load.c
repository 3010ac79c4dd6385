/*
 * The way of a bzImage: its parts are moved to where the kernel wants them, and what is handed over
 * to it is written.
 */
#include "kernel/linux/guest_loader.h"
#include "kernel/linux/linux_results.h"
#include "lib/string.h"
#include "mm/memory.h"
#include "vm/linux/boot_params.h"

enum { MODULES_MOST = 2 };

/* Whatever no other loader wants is judged as a kernel, and refused as one. */
static bool takes(const struct machine *machine)
{
    (void)machine;
    return true;
}

/* The header is read before anything moves; the initrd's new place is clear of the kernel. */
static void move_parts(struct machine *machine, const struct linux_image *image,
                       const struct linux_plan *plan)
{
    const struct guest_range *initrd = &plan->initrd_module;
    struct linux_handover handover = {image, plan, &machine->boot, &boot_efi,
                                      machine->boot.modules[0].string};

    if (!linux_handover_write(&handover, phys_to_virt(plan->handover)))
        check_linux_ranges(machine);
    if (initrd->end > initrd->base)
        places_move(phys_to_virt(plan->initrd), phys_to_virt(initrd->base),
                    initrd->end - initrd->base);
    places_move(phys_to_virt(plan->kernel.base), image->bytes + image->kernel, image->kernel_bytes);
}

/* Where the boot loader put it: nothing is taken from the memory yet. */
static struct guest_range firmware_map_range(void)
{
    uint64_t base;

    if (boot_efi.map == NULL)
        return (struct guest_range){0, 0};
    base = (uint64_t)(boot_efi.map - (const uint8_t *)phys_to_virt(0));
    return (struct guest_range){base, base + boot_efi.map_bytes};
}

static bool load(struct machine *machine, struct guest_load *load)
{
    struct linux_plan plan = {.places = load->places,
                              .kernel_module = guest_module(machine, 0),
                              .initrd_module = guest_module(machine, 1),
                              .efi_map = firmware_map_range()};
    struct linux_image image;
    enum linux_image_result result =
        linux_image_check(phys_to_virt(plan.kernel_module.base),
                          plan.kernel_module.end - plan.kernel_module.base, &image);

    if (!guest_check_modules(machine, MODULES_MOST, "modules: a kernel, and one initrd") ||
        !check_linux_image(machine, result, &image) ||
        !check_linux_plan(machine, linux_plan(&image, &plan), &plan))
        return false;
    move_parts(machine, &image, &plan);
    memory_add(MEMORY_TAKEN, plan.handover, LINUX_HANDOVER_BYTES);
    linux_entry(&plan, &load->entry);
    load->places = plan.places;
    memcpy(load->version, image.version, sizeof(load->version));
    return true;
}

GUEST_LOADER(900, .kind = "Linux", .announces = true, .takes = takes, .load = load);
