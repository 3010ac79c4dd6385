/*
 * Where everything goes: in the RAM that the hypervisor does not keep, the kernel, its initrd and
 * what is handed over to it. Pure.
 */
#pragma once

#include "vm/linux/linux_image.h"
#include "vm/loader/places.h"

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

/* The size of what is handed over: boot_params and what they point to (vm/linux/boot_params.h). */
enum { LINUX_HANDOVER_BYTES = 19 * 4096 };

struct linux_plan {
    /* In. */
    struct places places;
    struct guest_range kernel_module, initrd_module; /* where they are now */
    struct guest_range efi_map;                      /* the firmware's: the handover has a copy */

    /* Out; and what is kept. */
    struct guest_range kernel; /* init_size bytes */
    uint64_t initrd, handover; /* physical; initrd: 0 where there is none */

    uint64_t wanted; /* of a result other than OK: bytes */
};

/*
 * Fills in the second half. The initrd's new place is clear of the kernel module's present one, and
 * of the kernel's new one: moved first, it destroys nothing. What is handed over is clear of all.
 */
enum linux_plan_result linux_plan(const struct linux_image *image, struct linux_plan *plan);
