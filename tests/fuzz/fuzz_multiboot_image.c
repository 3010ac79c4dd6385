/*
 * A module that is to be a Multiboot kernel, from a heap copy of its exact size: whatever its
 * headers say, each segment of what is accepted lies in the file and below 4 GiB, and every place
 * that the plan gives is clear of the others. What the input begins with is the plan's: where the
 * modules are, and the offset of a header that is right.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vm/multiboot/multiboot_plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PLAN = 8, MIB = 1 << 20 };

static void check(bool holds)
{
    if (!holds)
        abort();
}

static void check_segments(const struct multiboot_image *image)
{
    struct multiboot_segment segment;
    bool has_entry = false;
    uint32_t next = 0;

    while (multiboot_next_segment(image, &next, &segment)) {
        check(segment.bytes >= image->bytes && segment.bytes <= image->bytes + image->size);
        check(segment.in_file <= (uint64_t)(image->bytes + image->size - segment.bytes));
        check(segment.range.base + segment.in_file <= segment.range.end);
        check(segment.range.end <= 1ull << 32);
        has_entry |= image->entry >= segment.range.base && image->entry < segment.range.end;
    }
    check(has_entry);
}

static void check_plan(const struct multiboot_image *image, const struct multiboot_plan *plan)
{
    const struct guest_range handover = {plan->handover, plan->handover + MULTIBOOT_HANDOVER_BYTES};
    struct multiboot_segment segment;
    uint32_t next = 0;

    check(handover.base >= 0x10000 && handover.end <= 0x9f000);
    while (multiboot_next_segment(image, &next, &segment)) {
        check(!ranges_overlap(segment.range, plan->places.kept));
        check(!ranges_overlap(segment.range, handover));
        for (uint32_t i = 0; i < plan->boot->module_count; i++) {
            const struct boot_module *module = &plan->boot->modules[i];
            struct guest_range place = {plan->module[i],
                                        plan->module[i] + (module->end - module->start)};

            check(module->end == module->start || !ranges_overlap(segment.range, place));
        }
    }
}

static void run_plan(struct multiboot_image *image, const uint8_t *numbers)
{
    static struct boot_info boot = {.module_count = 3};
    static uint8_t handed[MULTIBOOT_HANDOVER_BYTES];
    struct memory_map map = {0};
    struct multiboot_plan plan = {
        .places = {.map = &map,
                   .image = {numbers[0] * 2u * MIB, numbers[0] * 2u * MIB + 0xb3000},
                   .pool_bytes = MIB},
        .boot = &boot,
    };

    for (uint32_t i = 0; i < 3; i++) {
        boot.modules[i].start = numbers[1 + i] * (MIB / 4u);
        boot.modules[i].end = boot.modules[i].start + numbers[4 + i] * 4096u;
    }
    memory_map_add(&map, MEMORY_AVAILABLE, 0, 0x9f000);
    memory_map_add(&map, MEMORY_AVAILABLE, MIB, 511u * MIB);
    if (multiboot_plan(image, &plan) != MULTIBOOT_OK)
        return;
    check_plan(image, &plan);
    multiboot_handover_write(image, &plan, handed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct multiboot_image image;
    enum multiboot_result result;
    uint32_t magic = 0x1badb002, flags, sum, at;
    uint8_t *copy;

    if (size < PLAN + 12)
        return 0;
    size -= PLAN;
    copy = malloc(size);
    if (copy == NULL)
        abort();
    memcpy(copy, data + PLAN, size);
    at = data[7] * 4u;
    if (at + 12 <= size) {
        memcpy(&flags, copy + at + 4, 4);
        sum = 0 - magic - flags;
        memcpy(copy + at, &magic, 4);
        memcpy(copy + at + 8, &sum, 4);
    }
    if (multiboot_has_header(copy, size)) {
        result = multiboot_image_check(copy, size, &image);
        check(result < MULTIBOOT_RESULT_COUNT);
        if (result == MULTIBOOT_OK) {
            check_segments(&image);
            run_plan(&image, data);
        }
    }
    free(copy);
    return 0;
}
