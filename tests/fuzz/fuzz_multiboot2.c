/*
 * The parser of the Multiboot2 information on whatever libFuzzer thinks of. The total size is made
 * right, so that the time goes into the tags: wrong ones are all in tests/host/test_multiboot2.c.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "boot/multiboot2.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct multiboot_info info;
    uint8_t *copy = malloc(size); /* 8-aligned and of exactly this size */
    uint32_t total_size = (uint32_t)size;
    enum multiboot_result result;

    if (copy == NULL)
        abort();
    memcpy(copy, data, size);
    if (size >= sizeof(total_size))
        memcpy(copy, &total_size, sizeof(total_size));
    result = multiboot_parse(copy, size, &info);
    free(copy);
    if (result >= MULTIBOOT_RESULT_COUNT || info.memory_count > MULTIBOOT_MEMORY_MAX ||
        info.module_count > MULTIBOOT_MODULES_MAX)
        abort();
    for (uint32_t i = 0; i < info.memory_count; i++) {
        if (info.memory[i].base + info.memory[i].length <= info.memory[i].base)
            abort();
    }
    return 0;
}
