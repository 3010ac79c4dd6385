/*
 * A module that is to be the guest's kernel, from a heap copy of its exact size: whatever its
 * header says, what is accepted lies within it, and every place that the plan gives is free RAM.
 * The first bytes of the input are the plan's: where the modules are. A header that is right but
 * for what the input puts over it makes most inputs get past the magic.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vm/linux/boot_params.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PLAN = 8, HEADER = 0x264 - 0x1f1, MIB = 1 << 20 };

static void check(bool holds)
{
    if (!holds)
        abort();
}

static bool is_apart(uint64_t base, uint64_t end, struct guest_range other)
{
    return base >= other.end || end <= other.base;
}

static void check_plan(const struct linux_image *image, const struct linux_plan *plan)
{
    uint64_t initrd = plan->initrd_module.end - plan->initrd_module.base;

    check(plan->kernel.base % image->alignment == 0 || plan->kernel.base == image->preferred);
    check(plan->kernel.base >= MIB && plan->kernel.end <= 512u * MIB);
    check(is_apart(plan->kernel.base, plan->kernel.end, plan->places.kept));
    check(plan->places.kept.base <= plan->places.image.base &&
          plan->places.kept.end >= plan->places.image.end);
    if (initrd != 0) {
        check(plan->initrd >= MIB && plan->initrd + initrd <= image->initrd_last + 1ull);
        check(is_apart(plan->initrd, plan->initrd + initrd, plan->places.kept));
        check(is_apart(plan->initrd, plan->initrd + initrd, plan->kernel));
        check(is_apart(plan->initrd, plan->initrd + initrd, plan->kernel_module));
    }
    check(plan->handover >= 0x10000 && plan->handover + LINUX_HANDOVER_BYTES <= 0x9f000);
}

static void run_plan(const struct linux_image *image, const uint8_t *numbers)
{
    static struct boot_info boot;
    static const struct boot_efi efi;
    static uint8_t handed[LINUX_HANDOVER_BYTES];
    struct memory_map map = {0};
    struct linux_plan plan = {
        .places = {.map = &map,
                   .image = {2 * MIB, 2 * MIB + 0xb3000},
                   .pool_bytes = numbers[3] * 65536u},
        .kernel_module = {(4 + numbers[0] % 64u) * MIB, (20 + numbers[0] % 64u) * MIB},
        .initrd_module = {100 * MIB + numbers[1], (100 + numbers[2] % 64u) * MIB + numbers[1]},
    };
    struct linux_handover handover = {image, &plan, &boot, &efi, "x"};

    memory_map_add(&map, MEMORY_AVAILABLE, 0, 0x9f000);
    memory_map_add(&map, MEMORY_AVAILABLE, MIB, 511u * MIB);
    if (linux_plan(image, &plan) != LINUX_PLAN_OK)
        return;
    check_plan(image, &plan);
    check(linux_handover_write(&handover, handed));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct {
        uint16_t offset;
        uint32_t value;
    } right[] = {{0x1fe, 0xeb66aa55}, {0x201, 0x64486a}, {0x202, 0x53726448},
                 {0x206, 0x20f},      {0x211, 1},        {0x230, 0x200000},
                 {0x234, 1},          {0x236, 1},        {0x260, 0x3378000}};
    struct linux_image image;
    enum linux_image_result result;
    uint8_t *copy;

    if (size < PLAN + HEADER)
        return 0;
    size -= PLAN;
    copy = calloc(1, size + 0x400);
    if (copy == NULL)
        abort();
    for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++)
        memcpy(copy + right[i].offset, &right[i].value, 4);
    /* What of the header is other than 0 counts; the rest is the kernel. */
    for (size_t i = 0; i < HEADER; i++)
        copy[0x1f1 + i] = data[PLAN + i] != 0 ? data[PLAN + i] : copy[0x1f1 + i];
    memcpy(copy + 0x264, data + PLAN + HEADER, size - HEADER);
    size = size - HEADER + 0x264;
    copy = realloc(copy, size);
    result = linux_image_check(copy, size, &image);
    check(result < LINUX_IMAGE_RESULT_COUNT);
    if (result == LINUX_IMAGE_OK) {
        check((size_t)image.kernel + image.kernel_bytes <= size);
        check(image.header_end <= image.kernel && image.kernel_bytes <= image.init_size);
        check(strlen(image.version) < LINUX_VERSION_SIZE);
        run_plan(&image, data);
    }
    free(copy);
    return 0;
}
