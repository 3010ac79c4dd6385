/*
 * The reader of PVH start information on whatever libFuzzer thinks of. The input is memory from
 * address 0 on, where the start info is; the harness gives it the right magic number, and lets
 * pointers and counts be small often enough that the time goes into what they lead to.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "boot/pvh.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WILD = 0x80 };

/* Unless a bit of it says that it stays, a pointer is made one into the memory. */
static uint64_t tamed(uint64_t pointer, size_t size)
{
    return pointer & WILD ? pointer : pointer % size;
}

static void check(const struct boot_info *parsed)
{
    if (parsed->memory_count > BOOT_MEMORY_MAX || parsed->module_count > BOOT_MODULES_MAX ||
        strnlen(parsed->command_line, BOOT_COMMAND_LINE_SIZE) == BOOT_COMMAND_LINE_SIZE)
        abort();
    for (uint32_t i = 0; i < parsed->memory_count; i++) {
        if (parsed->memory[i].end <= parsed->memory[i].base)
            abort();
    }
    for (uint32_t i = 0; i < parsed->module_count; i++) {
        if (parsed->modules[i].end < parsed->modules[i].start)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct boot_info parsed;
    struct pvh_start_info start;
    uint8_t *copy;

    if (size < sizeof(start))
        return 0;
    copy = malloc(size);
    if (copy == NULL)
        abort();
    memcpy(copy, data, size);
    memcpy(&start, data, sizeof(start));
    start.magic = PVH_MAGIC;
    start.version %= 3;
    start.modules = tamed(start.modules, size);
    start.command_line = tamed(start.command_line, size);
    start.rsdp = tamed(start.rsdp, size);
    start.memory_map = tamed(start.memory_map, size);
    start.memory_count = (uint32_t)tamed(start.memory_count, size);
    start.module_count = (uint32_t)tamed(start.module_count, size);
    memcpy(copy, &start, sizeof(start));
    (void)pvh_read(copy, size, 0, &parsed);
    check(&parsed);
    free(copy);
    return 0;
}
