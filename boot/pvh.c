/* Xen's public/arch-x86/hvm/start_info.h. */
#include "boot/pvh.h"

#include "lib/string.h"

enum { VERSION_0_SIZE = offsetof(struct pvh_start_info, memory_map), RSDP_OLD_SIZE = 20 };

/* Memory that can be read, from physical address 0 on. */
struct window {
    const uint8_t *memory;
    uint64_t bytes;
};

/* Copies what is at a physical address; false: it is not all to be read. */
static bool fetch(const struct window *window, uint64_t address, void *to, uint64_t size)
{
    if (size > window->bytes || address > window->bytes - size)
        return false;
    memcpy(to, window->memory + address, size);
    return true;
}

/* Fetches an element of a table. */
static bool fetch_element(const struct window *window, uint64_t table, uint32_t index, void *to,
                          uint64_t size)
{
    return table <= window->bytes && fetch(window, table + index * size, to, size);
}

/* A string that has no end within a bound, or within what can be read, is none. */
static bool fetch_string(const struct window *window, uint64_t address, char *to, size_t size,
                         uint32_t *lost)
{
    uint64_t room;

    if (address >= window->bytes)
        return false;
    room = window->bytes - address;
    if (room > PVH_STRING_MOST + 1)
        room = PVH_STRING_MOST + 1;
    return boot_info_copy_string(to, size, (const char *)window->memory + address, room, lost);
}

/* ACPI Specification, "Root System Description Pointer": since revision 2 it is longer. */
static bool fetch_rsdp(const struct window *window, uint64_t address, struct boot_info *info)
{
    enum { REVISION = 15 };

    if (!fetch(window, address, info->rsdp, RSDP_OLD_SIZE))
        return false;
    info->rsdp_length = info->rsdp[REVISION] < 2 ? RSDP_OLD_SIZE : BOOT_RSDP_SIZE;
    return fetch(window, address, info->rsdp, info->rsdp_length);
}

static const char *take_module(const struct window *window, const struct pvh_module *module,
                               struct boot_info *info)
{
    struct boot_module taken = {.start = (uint32_t)module->address,
                                .end = (uint32_t)(module->address + module->size)};

    if (module->size > UINT32_MAX || module->address > UINT32_MAX - module->size)
        return "a PVH module is not all below 4 GiB";
    if (module->string != 0 && !fetch_string(window, module->string, taken.string,
                                             sizeof(taken.string), &taken.string_lost))
        return "the string of a PVH module does not end";
    if (info->module_count < BOOT_MODULES_MAX)
        info->modules[info->module_count++] = taken;
    else
        info->module_lost++;
    return NULL;
}

static const char *take_modules(const struct window *window, const struct pvh_start_info *start,
                                struct boot_info *info)
{
    const char *wrong = NULL;

    for (uint32_t i = 0; i < start->module_count && wrong == NULL; i++) {
        struct pvh_module module;

        if (!fetch_element(window, start->modules, i, &module, sizeof(module)))
            return "the PVH list of modules is out of reach";
        wrong = take_module(window, &module, info);
    }
    return wrong;
}

static const char *take_memory(const struct window *window, const struct pvh_start_info *start,
                               struct boot_info *info)
{
    const char *wrong = NULL;

    for (uint32_t i = 0; i < start->memory_count && wrong == NULL; i++) {
        struct pvh_memory range;

        if (!fetch_element(window, start->memory_map, i, &range, sizeof(range)))
            return "the PVH memory map is out of reach";
        wrong = boot_info_add_memory(info, boot_memory_kind(range.kind), range.base, range.length);
    }
    if (wrong == NULL && info->memory_count == 0)
        wrong = "the PVH start info has no memory map";
    return wrong;
}

const char *pvh_read(const uint8_t *memory, uint64_t bytes, uint64_t information,
                     struct boot_info *info)
{
    static const char name[] = "PVH"; /* what it is called, a loader does not say */
    const struct window window = {memory, bytes};
    struct pvh_start_info start = {0};
    const char *wrong;

    memset(info, 0, sizeof(*info));
    memcpy(info->loader, name, sizeof(name));
    info->as_linked = true;
    if (!fetch(&window, information, &start, VERSION_0_SIZE))
        return "the PVH start info is out of reach";
    if (start.magic != PVH_MAGIC)
        return "the PVH start info does not begin with its magic number: QEMU overwrites it by an "
               "-append of more than 4 KiB";
    if (start.version > 0 && !fetch(&window, information, &start, sizeof(start)))
        return "the PVH start info is out of reach";
    if (start.command_line != 0 &&
        !fetch_string(&window, start.command_line, info->command_line, sizeof(info->command_line),
                      &info->command_line_lost))
        return "the PVH command line does not end";
    if (start.rsdp != 0 && !fetch_rsdp(&window, start.rsdp, info))
        return "the PVH start info's RSDP is out of reach";
    wrong = take_modules(&window, &start, info);
    return wrong != NULL ? wrong : take_memory(&window, &start, info);
}

static const struct boot_protocol pvh = {PVH_MAGIC, pvh_read};
SET_MEMBER(boot_protocols, 1, const struct boot_protocol, pvh);
