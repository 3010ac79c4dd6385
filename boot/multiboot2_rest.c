/*
 * A room: the framebuffer, memory where the loader gives no map of it but the firmware's, and what
 * a guest needs of UEFI.
 */
#include "boot/multiboot2_rest.h"
#include "boot/boot_info.h"
#include "lib/string.h"

enum {
    FRAMEBUFFER_COLOURS = offsetof(struct boot_framebuffer, red_position),
    FRAMEBUFFER_END = FRAMEBUFFER_COLOURS + 6,
};

struct basic_memory_tag {
    struct tag tag;
    uint32_t lower, upper; /* KiB from 0, KiB from 1 MiB */
};

struct boot_framebuffer boot_framebuffer;
struct boot_efi boot_efi;

#define EFI_MEMORY_WB (1ull << 3)  /* can be cached write-back */
#define EFI_MEMORY_SP (1ull << 18) /* set aside for a special purpose */

static const char *take_framebuffer(const struct tag *tag, struct boot_info *out)
{
    const struct boot_framebuffer *given = (const struct boot_framebuffer *)(tag + 1);
    size_t bytes = given->type == BOOT_FRAMEBUFFER_RGB ? FRAMEBUFFER_END : FRAMEBUFFER_COLOURS;

    if (tag->size < sizeof(*tag) + bytes)
        return "a Multiboot2 tag is too small for the fields of its type";
    (void)out;
    memcpy(&boot_framebuffer, given, bytes);
    boot_framebuffer.is_given = true;
    return NULL;
}

static const struct tag_rule framebuffer = {.type = TAG_FRAMEBUFFER,
                                            .least = sizeof(struct tag) + FRAMEBUFFER_COLOURS,
                                            .take = take_framebuffer};
SET_MEMBER(tag_rules, 10, const struct tag_rule, framebuffer);

static const char *note_boot_services(const struct tag *tag, struct boot_info *out)
{
    (void)tag;
    out->boot_services_not_ended = true;
    return NULL;
}

static const struct tag_rule boot_services = {.type = TAG_EFI_BOOT_SERVICES,
                                              .least = sizeof(struct tag),
                                              .uefi = true,
                                              .take = note_boot_services};
SET_MEMBER(tag_rules, 20, const struct tag_rule, boot_services);

/* UEFI Specification, "EFI_BOOT_SERVICES.GetMemoryMap()" and "Memory Type Usage after
 * ExitBootServices()". */
static enum memory_kind efi_kind(const struct efi_descriptor *entry, bool boot_services_not_ended)
{
    enum { BOOT_SERVICES_CODE = 3, BOOT_SERVICES_DATA = 4 };
    static const uint8_t kinds[] = {
        [0] = MEMORY_RESERVED,
        [1] = MEMORY_AVAILABLE, /* the loader's code and data */
        [2] = MEMORY_AVAILABLE,
        [BOOT_SERVICES_CODE] = MEMORY_AVAILABLE,
        [BOOT_SERVICES_DATA] = MEMORY_AVAILABLE,
        [5] = MEMORY_RESERVED, /* runtime services */
        [6] = MEMORY_RESERVED,
        [7] = MEMORY_AVAILABLE, /* "conventional" */
        [8] = MEMORY_BAD,
        [9] = MEMORY_ACPI_RECLAIMABLE,
        [10] = MEMORY_ACPI_NVS,
    };
    uint8_t kind = entry->type < sizeof(kinds) ? kinds[entry->type] : MEMORY_RESERVED;
    bool usable = (entry->attribute & EFI_MEMORY_WB) && !(entry->attribute & EFI_MEMORY_SP);

    if (entry->type == BOOT_SERVICES_CODE || entry->type == BOOT_SERVICES_DATA)
        usable = usable && !boot_services_not_ended;
    return kind == MEMORY_AVAILABLE && !usable ? MEMORY_RESERVED : (enum memory_kind)kind;
}

static const char *take_descriptor(const void *at, struct boot_info *out)
{
    const struct efi_descriptor *descriptor = at;

    return boot_info_add_memory(
        out, efi_kind(descriptor, out->boot_services_not_ended), descriptor->physical_start,
        descriptor->pages > UINT64_MAX >> EFI_PAGE_SHIFT ? UINT64_MAX
                                                         : descriptor->pages << EFI_PAGE_SHIFT);
}

static const char *take_efi_map(const struct tag *tag, struct boot_info *out)
{
    return multiboot_each_entry(tag, sizeof(struct efi_descriptor),
                                "the descriptors of the EFI memory map have an impossible size",
                                take_descriptor, out);
}

static const char *keep_efi_map(const struct tag *tag, struct boot_info *out)
{
    const struct map_tag *map = (const struct map_tag *)tag;

    (void)out;
    boot_efi.map = map->entries;
    boot_efi.descriptor_bytes = map->entry_size;
    boot_efi.descriptor_version = map->entry_version;
    boot_efi.map_bytes = tag->size - (uint32_t)sizeof(*map);
    return NULL;
}

static const char *keep_system_table(const struct tag *tag, struct boot_info *out)
{
    (void)out;
    memcpy(&boot_efi.system_table, tag + 1, sizeof(boot_efi.system_table));
    return NULL;
}

static const struct tag_rule system_table = {.type = TAG_EFI64_SYSTEM_TABLE,
                                             .least = sizeof(struct tag) + sizeof(uint64_t),
                                             .uefi = true,
                                             .take = keep_system_table};
SET_MEMBER(tag_rules, 25, const struct tag_rule, system_table);

static const struct tag_rule efi_map = {.type = TAG_EFI_MEMORY_MAP,
                                        .least = sizeof(struct map_tag),
                                        .uefi = true,
                                        .take = keep_efi_map,
                                        .without_map = take_efi_map};
SET_MEMBER(tag_rules, 30, const struct tag_rule, efi_map);

static const char *take_basic_memory(const struct tag *tag, struct boot_info *out)
{
    const struct basic_memory_tag *basic = (const struct basic_memory_tag *)tag;
    const uint64_t kib = 1024;

    (void)boot_info_add_memory(out, MEMORY_AVAILABLE, 0, basic->lower * kib);
    (void)boot_info_add_memory(out, MEMORY_AVAILABLE, kib * kib, basic->upper * kib);
    return NULL;
}

static const struct tag_rule basic_memory = {.type = TAG_BASIC_MEMORY,
                                             .least = sizeof(struct basic_memory_tag),
                                             .without_map = take_basic_memory};
SET_MEMBER(tag_rules, 40, const struct tag_rule, basic_memory);
