/*
 * Where everything goes: what of the RAM the hypervisor keeps, and where in the rest the kernel,
 * its initrd and what is handed over to it stand. Pure.
 *
 * What is kept is one range around the hypervisor's image, a multiple of 2 MiB: a hole of another
 * size would leave the guest, and EPT, with small pages around it.
 */
#ifndef VM_LINUX_PLAN_H
#define VM_LINUX_PLAN_H

#include <stdint.h>

#include "mm/memory_map.h"
#include "vm/linux/linux_image.h"

#define LINUX_PLAN_RESULTS(RESULT)                                                               \
    RESULT(OK, "everything has a place")                                                         \
    RESULT(NO_KEPT, "no 2 MiB ranges around the hypervisor's image are free for it to keep")     \
    RESULT(NO_KERNEL, "no free RAM below 4 GiB can take init_size bytes at an address that the " \
                      "kernel can stand at")                                                     \
    RESULT(NO_INITRD, "no free RAM can take the initrd below the kernel's initrd_addr_max")      \
    RESULT(NO_HANDOVER, "no free RAM below 640 KiB can take what is handed over to the kernel")

enum linux_plan_result {
#define RESULT(name, text) LINUX_PLAN_##name,
    LINUX_PLAN_RESULTS(RESULT)
#undef RESULT
        LINUX_PLAN_RESULT_COUNT,
};

struct linux_range {
    uint64_t base, end; /* physical; base == end: nothing */
};

/* The size of what is handed over: boot_params and what they point to (vm/linux/boot_params.h). */
enum { LINUX_HANDOVER_BYTES = 10 * 4096 };

struct linux_plan {
    /* In. */
    const struct memory_map *map; /* what is available in it is the guest's, but for the kept */
    struct linux_range image;     /* the hypervisor's */
    struct linux_range kernel_module, initrd_module; /* where they are now */
    uint64_t pool_bytes; /* that the hypervisor needs beside its image */

    /* Out. */
    struct linux_range kept;
    struct linux_range kernel; /* init_size bytes */
    uint64_t initrd, handover; /* physical; initrd: 0 where there is none */

    uint64_t wanted; /* of a result other than OK: bytes */
};

/*
 * Fills in the second half. The initrd's new place is clear of the kernel module's present one, and
 * of the kernel's new one: moved first, it destroys nothing. What is handed over is clear of all.
 */
enum linux_plan_result linux_plan(const struct linux_image *image, struct linux_plan *plan);

/* As memmove(), fast in an emulator also where `to` is above `from`. */
void linux_move(uint8_t *to, const uint8_t *from, uint64_t bytes);

#endif
