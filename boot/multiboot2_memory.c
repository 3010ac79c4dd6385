#include "boot/multiboot2.h"

#include "boot/multiboot2_tags.h"

enum { EFI_PAGE_SHIFT = 12 };
#define EFI_MEMORY_WB (1ull << 3)  /* can be cached write-back */
#define EFI_MEMORY_SP (1ull << 18) /* set aside for a special purpose */

static enum multiboot_result add_memory(struct multiboot_info *out, uint64_t base, uint64_t length,
                                        enum multiboot_memory_kind kind)
{
    struct multiboot_memory *last =
        out->memory_count > 0 ? &out->memory[out->memory_count - 1] : NULL;

    if (length > UINT64_MAX - base) {
        if (kind == MULTIBOOT_MEMORY_AVAILABLE)
            return MULTIBOOT_MEMORY_WRAPS;
        length = UINT64_MAX - base;
    }
    if (length == 0)
        return MULTIBOOT_OK;
    if (last != NULL && last->kind == kind && last->base + last->length == base) {
        last->length += length;
    } else if (out->memory_count < MULTIBOOT_MEMORY_MAX) {
        out->memory[out->memory_count++] = (struct multiboot_memory){base, length, kind};
    } else {
        out->memory_lost++;
    }
    return MULTIBOOT_OK;
}

/* Whether the tag holds a whole number of entries, each with at least the fields we know. */
static bool map_is_whole(const struct map_tag *map, uint32_t least)
{
    return map->entry_size >= least && map->entry_size % TAG_ALIGN == 0 &&
           (map->tag.size - sizeof(*map)) % map->entry_size == 0;
}

enum multiboot_result multiboot_take_memory_map(const struct map_tag *map,
                                                struct multiboot_info *out)
{
    const uint8_t *end = (const uint8_t *)map + map->tag.size;
    enum multiboot_result result = MULTIBOOT_OK;

    if (!map_is_whole(map, sizeof(struct map_entry)))
        return MULTIBOOT_MEMORY_ENTRY;
    for (const uint8_t *at = map->entries; at < end && result == MULTIBOOT_OK;
         at += map->entry_size) {
        const struct map_entry *entry = (const struct map_entry *)at;
        enum multiboot_memory_kind kind = MULTIBOOT_MEMORY_RESERVED;

        if (entry->type >= MULTIBOOT_MEMORY_AVAILABLE && entry->type <= MULTIBOOT_MEMORY_BAD)
            kind = (enum multiboot_memory_kind)entry->type;
        result = add_memory(out, entry->base, entry->length, kind);
    }
    if (out->memory_count > 0)
        out->memory_source = MULTIBOOT_SOURCE_MAP;
    return result;
}

/* UEFI Specification, "EFI_BOOT_SERVICES.GetMemoryMap()" and "Memory Type Usage after
 * ExitBootServices()". */
static enum multiboot_memory_kind efi_kind(const struct efi_descriptor *entry,
                                           bool boot_services_not_ended)
{
    enum {
        LOADER_CODE = 1,
        LOADER_DATA = 2,
        BOOT_SERVICES_CODE = 3,
        BOOT_SERVICES_DATA = 4,
        CONVENTIONAL = 7,
        UNUSABLE = 8,
        ACPI_RECLAIM = 9,
        ACPI_NVS = 10,
    };
    bool usable = (entry->attribute & EFI_MEMORY_WB) && !(entry->attribute & EFI_MEMORY_SP);

    switch (entry->type) {
    case BOOT_SERVICES_CODE:
    case BOOT_SERVICES_DATA:
        usable = usable && !boot_services_not_ended;
        return usable ? MULTIBOOT_MEMORY_AVAILABLE : MULTIBOOT_MEMORY_RESERVED;
    case LOADER_CODE:
    case LOADER_DATA:
    case CONVENTIONAL:
        return usable ? MULTIBOOT_MEMORY_AVAILABLE : MULTIBOOT_MEMORY_RESERVED;
    case UNUSABLE:
        return MULTIBOOT_MEMORY_BAD;
    case ACPI_RECLAIM:
        return MULTIBOOT_MEMORY_ACPI_RECLAIMABLE;
    case ACPI_NVS:
        return MULTIBOOT_MEMORY_NVS;
    default:
        return MULTIBOOT_MEMORY_RESERVED;
    }
}

enum multiboot_result multiboot_take_efi_map(const struct map_tag *map, struct multiboot_info *out)
{
    const uint8_t *end = (const uint8_t *)map + map->tag.size;
    enum multiboot_result result = MULTIBOOT_OK;

    if (!map_is_whole(map, sizeof(struct efi_descriptor)))
        return MULTIBOOT_EFI_ENTRY;
    for (const uint8_t *at = map->entries; at < end && result == MULTIBOOT_OK;
         at += map->entry_size) {
        const struct efi_descriptor *entry = (const struct efi_descriptor *)at;
        uint64_t length = entry->pages > UINT64_MAX >> EFI_PAGE_SHIFT
                              ? UINT64_MAX
                              : entry->pages << EFI_PAGE_SHIFT;

        result = add_memory(out, entry->physical_start, length,
                            efi_kind(entry, out->boot_services_not_ended));
    }
    if (out->memory_count > 0)
        out->memory_source = MULTIBOOT_SOURCE_EFI;
    return result;
}

void multiboot_take_basic_memory(const struct basic_memory_tag *basic, struct multiboot_info *out)
{
    const uint64_t kib = 1024;
    const uint64_t upper_base = kib * kib;

    (void)add_memory(out, 0, basic->lower * kib, MULTIBOOT_MEMORY_AVAILABLE);
    (void)add_memory(out, upper_base, basic->upper * kib, MULTIBOOT_MEMORY_AVAILABLE);
    if (out->memory_count > 0)
        out->memory_source = MULTIBOOT_SOURCE_BASIC;
}
