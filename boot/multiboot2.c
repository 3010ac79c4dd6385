/*
 * Multiboot2 Specification, "Boot information format". GRUB's multiboot2.h decides where the
 * specification's text and its header file differ (the framebuffer's colours are at offset 32).
 */
#include "boot/boot.h"
#include "boot/boot_info.h"
#include "lib/string.h"

/* The information as it lies in memory. */
enum multiboot_tag_type {
    TAG_END = 0,
    TAG_COMMAND_LINE = 1,
    TAG_LOADER_NAME = 2,
    TAG_MODULE = 3,
    TAG_BASIC_MEMORY = 4,
    TAG_MEMORY_MAP = 6,
    TAG_FRAMEBUFFER = 8,
    TAG_EFI32_SYSTEM_TABLE = 11,
    TAG_EFI64_SYSTEM_TABLE = 12,
    TAG_RSDP_OLD = 14,
    TAG_RSDP_NEW = 15,
    TAG_EFI_MEMORY_MAP = 17,
    TAG_EFI_BOOT_SERVICES = 18,
    TAG_EFI32_IMAGE_HANDLE = 19,
    TAG_EFI64_IMAGE_HANDLE = 20,
};

enum {
    INFO_HEADER_SIZE = 8,
    TAG_ALIGN = 8,
    RSDP_OLD_SIZE = 20,
    FRAMEBUFFER_COLOURS = offsetof(struct boot_framebuffer, red_position),
    FRAMEBUFFER_END = FRAMEBUFFER_COLOURS + 6,
};

struct tag {
    uint32_t type, size;
};

struct module_tag {
    struct tag tag;
    uint32_t start, end;
};

struct basic_memory_tag {
    struct tag tag;
    uint32_t lower, upper; /* KiB from 0, KiB from 1 MiB */
};

/* "Memory map" and "EFI memory map" begin alike. */
struct map_tag {
    struct tag tag;
    uint32_t entry_size, entry_version;
    uint8_t entries[];
};

struct map_entry {
    uint64_t base, length;
    uint32_t type, reserved;
};

/* UEFI Specification, "EFI_BOOT_SERVICES.GetMemoryMap()", EFI_MEMORY_DESCRIPTOR. */
struct efi_descriptor {
    uint32_t type, padding;
    uint64_t physical_start, virtual_start, pages, attribute;
};

enum { EFI_PAGE_SHIFT = 12 };
#define EFI_MEMORY_WB (1ull << 3)  /* can be cached write-back */
#define EFI_MEMORY_SP (1ull << 18) /* set aside for a special purpose */

/* The string from `offset` of the tag on. */
static const char *copy_string(char *to, size_t size, const struct tag *tag, size_t offset,
                               uint32_t *lost)
{
    return boot_info_copy_string(to, size, (const char *)tag + offset, tag->size - offset, lost)
               ? NULL
               : "a string in a Multiboot2 tag is not terminated inside its tag";
}

static const char *take_command_line(const struct tag *tag, struct boot_info *out)
{
    return copy_string(out->command_line, sizeof(out->command_line), tag, sizeof(*tag),
                       &out->command_line_lost);
}

static const char *take_loader(const struct tag *tag, struct boot_info *out)
{
    uint32_t lost;

    return copy_string(out->loader, sizeof(out->loader), tag, sizeof(*tag), &lost);
}

static const char *take_module(const struct tag *tag, struct boot_info *out)
{
    const struct module_tag *module = (const struct module_tag *)tag;
    struct boot_module taken = {.start = module->start, .end = module->end};
    const char *wrong =
        copy_string(taken.string, sizeof(taken.string), tag, sizeof(*module), &taken.string_lost);

    if (wrong != NULL)
        return wrong;
    if (module->end < module->start)
        return "a Multiboot2 module ends before it begins";
    if (out->module_count < BOOT_MODULES_MAX)
        out->modules[out->module_count++] = taken;
    else
        out->module_lost++;
    return NULL;
}

static const char *take_framebuffer(const struct tag *tag, struct boot_info *out)
{
    const struct boot_framebuffer *given = (const struct boot_framebuffer *)(tag + 1);
    size_t bytes = given->type == BOOT_FRAMEBUFFER_RGB ? FRAMEBUFFER_END : FRAMEBUFFER_COLOURS;

    if (tag->size < sizeof(*tag) + bytes)
        return "a Multiboot2 tag is too small for the fields of its type";
    memcpy(&out->framebuffer, given, bytes);
    out->has_framebuffer = true;
    return NULL;
}

static const char *add_memory(struct boot_info *out, uint64_t base, uint64_t length,
                              enum boot_memory_kind kind)
{
    return boot_info_add_memory(out, base, length, kind)
               ? NULL
               : "available memory in the memory map reaches past the last 64-bit address";
}

/* UEFI Specification, "EFI_BOOT_SERVICES.GetMemoryMap()" and "Memory Type Usage after
 * ExitBootServices()". */
static enum boot_memory_kind efi_kind(const struct efi_descriptor *entry,
                                      bool boot_services_not_ended)
{
    enum { BOOT_SERVICES_CODE = 3, BOOT_SERVICES_DATA = 4 };
    static const uint8_t kinds[] = {
        [1] = BOOT_MEMORY_AVAILABLE, /* the loader's code and data */
        [2] = BOOT_MEMORY_AVAILABLE,
        [BOOT_SERVICES_CODE] = BOOT_MEMORY_AVAILABLE,
        [BOOT_SERVICES_DATA] = BOOT_MEMORY_AVAILABLE,
        [7] = BOOT_MEMORY_AVAILABLE, /* "conventional" */
        [8] = BOOT_MEMORY_BAD,
        [9] = BOOT_MEMORY_ACPI_RECLAIMABLE,
        [10] = BOOT_MEMORY_NVS,
    };
    uint8_t kind = entry->type < sizeof(kinds) ? kinds[entry->type] : 0;
    bool usable = (entry->attribute & EFI_MEMORY_WB) && !(entry->attribute & EFI_MEMORY_SP);

    if (entry->type == BOOT_SERVICES_CODE || entry->type == BOOT_SERVICES_DATA)
        usable = usable && !boot_services_not_ended;
    if (kind == 0 || (kind == BOOT_MEMORY_AVAILABLE && !usable))
        return BOOT_MEMORY_RESERVED;
    return (enum boot_memory_kind)kind;
}

/* One entry of either map. */
static const char *take_entry(const void *at, bool efi, struct boot_info *out)
{
    const struct efi_descriptor *descriptor = at;
    const struct map_entry *entry = at;
    bool known;

    if (efi)
        return add_memory(out, descriptor->physical_start,
                          descriptor->pages > UINT64_MAX >> EFI_PAGE_SHIFT
                              ? UINT64_MAX
                              : descriptor->pages << EFI_PAGE_SHIFT,
                          efi_kind(descriptor, out->boot_services_not_ended));
    known = entry->type >= BOOT_MEMORY_AVAILABLE && entry->type <= BOOT_MEMORY_BAD;
    return add_memory(out, entry->base, entry->length,
                      known ? (enum boot_memory_kind)entry->type : BOOT_MEMORY_RESERVED);
}

/* The tag must hold a whole number of entries, each with at least the fields we know. */
static const char *take_entries(const struct tag *tag, bool efi, struct boot_info *out)
{
    const struct map_tag *map = (const struct map_tag *)tag;
    const uint8_t *end = (const uint8_t *)map + tag->size;
    uint32_t least = efi ? sizeof(struct efi_descriptor) : sizeof(struct map_entry);
    const char *wrong = NULL;

    if (map->entry_size < least || map->entry_size % TAG_ALIGN != 0 ||
        (tag->size - sizeof(*map)) % map->entry_size != 0)
        return efi ? "the descriptors of the EFI memory map have an impossible size"
                   : "the entries of the Multiboot2 memory map have an impossible size";
    for (const uint8_t *at = map->entries; at < end && wrong == NULL; at += map->entry_size)
        wrong = take_entry(at, efi, out);
    return wrong;
}

static const char *take_map(const struct tag *tag, struct boot_info *out)
{
    return take_entries(tag, false, out);
}

static void take_basic_memory(const struct tag *tag, struct boot_info *out)
{
    const struct basic_memory_tag *basic = (const struct basic_memory_tag *)tag;
    const uint64_t kib = 1024;

    (void)add_memory(out, 0, basic->lower * kib, BOOT_MEMORY_AVAILABLE);
    (void)add_memory(out, kib * kib, basic->upper * kib, BOOT_MEMORY_AVAILABLE);
}

/* The new RSDP wins, whichever comes first. */
static const char *take_rsdp(const struct tag *tag, struct boot_info *out)
{
    uint32_t length = tag->type == TAG_RSDP_OLD ? RSDP_OLD_SIZE : BOOT_RSDP_SIZE;

    if (length < out->rsdp_length)
        return NULL;
    memcpy(out->rsdp, tag + 1, length);
    out->rsdp_length = length;
    return NULL;
}

static const char *note_boot_services(const struct tag *tag, struct boot_info *out)
{
    (void)tag;
    out->boot_services_not_ended = true;
    return NULL;
}

/* What a tag has to have to be looked at, and what is done with it; other types are passed over. */
static const struct tag_rule {
    uint32_t least; /* bytes of the whole tag */
    bool repeats;   /* may stand more than once */
    bool uefi;      /* only UEFI firmware has it */
    const char *(*take)(const struct tag *tag, struct boot_info *out);
} tag_rules[] = {
    [TAG_COMMAND_LINE] = {.least = sizeof(struct tag), .take = take_command_line},
    [TAG_LOADER_NAME] = {.least = sizeof(struct tag), .take = take_loader},
    [TAG_MODULE] = {.least = sizeof(struct module_tag), .repeats = true, .take = take_module},
    [TAG_BASIC_MEMORY] = {.least = sizeof(struct basic_memory_tag)},
    [TAG_MEMORY_MAP] = {.least = sizeof(struct map_tag), .take = take_map},
    [TAG_FRAMEBUFFER] = {.least = sizeof(struct tag) + FRAMEBUFFER_COLOURS,
                         .take = take_framebuffer},
    [TAG_EFI32_SYSTEM_TABLE] = {.least = 12, .uefi = true},
    [TAG_EFI64_SYSTEM_TABLE] = {.least = 16, .uefi = true},
    [TAG_RSDP_OLD] = {.least = sizeof(struct tag) + RSDP_OLD_SIZE, .take = take_rsdp},
    [TAG_RSDP_NEW] = {.least = sizeof(struct tag) + BOOT_RSDP_SIZE, .take = take_rsdp},
    [TAG_EFI_MEMORY_MAP] = {.least = sizeof(struct map_tag), .uefi = true},
    [TAG_EFI_BOOT_SERVICES] = {.least = sizeof(struct tag),
                               .uefi = true,
                               .take = note_boot_services},
    [TAG_EFI32_IMAGE_HANDLE] = {.least = 12, .uefi = true},
    [TAG_EFI64_IMAGE_HANDLE] = {.least = 16, .uefi = true},
};

enum { TAG_RULES = sizeof(tag_rules) / sizeof(tag_rules[0]) };

/* Takes a tag that lies inside the information. `found`: by type, the tags so far. */
static const char *take_tag(const struct tag *tag, struct boot_info *out,
                            const struct tag *found[TAG_RULES])
{
    const struct tag_rule *rule;

    if (tag->type >= TAG_RULES || tag_rules[tag->type].least == 0)
        return NULL;
    rule = &tag_rules[tag->type];
    if (tag->size < rule->least)
        return "a Multiboot2 tag is too small for the fields of its type";
    if (found[tag->type] != NULL && !rule->repeats)
        return "a Multiboot2 tag that may stand once stands twice";
    found[tag->type] = tag;
    out->uefi = out->uefi || rule->uefi;
    return rule->take != NULL ? rule->take(tag, out) : NULL;
}

static const char *walk_tags(const uint8_t *info, struct boot_info *out,
                             const struct tag *found[TAG_RULES])
{
    uint64_t offset = INFO_HEADER_SIZE;

    while (offset + sizeof(struct tag) <= out->total_size) {
        const struct tag *tag = (const struct tag *)(info + offset);
        const char *wrong;

        if (tag->size < sizeof(*tag))
            return "a Multiboot2 tag is smaller than its own header, so no tag can follow";
        if (tag->size > out->total_size - offset)
            return "a Multiboot2 tag reaches past the end of the information";
        if (tag->type == TAG_END)
            return NULL;
        wrong = take_tag(tag, out, found);
        if (wrong != NULL)
            return wrong;
        offset += ((uint64_t)tag->size + TAG_ALIGN - 1) / TAG_ALIGN * TAG_ALIGN;
    }
    return "the Multiboot2 information has no end tag";
}

const char *multiboot_parse(const void *info, size_t most, struct boot_info *out)
{
    const struct tag *found[TAG_RULES] = {NULL};
    const char *wrong;

    memset(out, 0, sizeof(*out));
    if ((uintptr_t)info % TAG_ALIGN != 0)
        return "the Multiboot2 information does not begin on a multiple of 8 bytes";
    if (most < INFO_HEADER_SIZE)
        return "the Multiboot2 information claims more bytes than can be read";
    memcpy(&out->total_size, info, sizeof(out->total_size));
    if (out->total_size < INFO_HEADER_SIZE + sizeof(struct tag))
        return "the Multiboot2 information is too small for its header and an end tag";
    if (out->total_size > most)
        return "the Multiboot2 information claims more bytes than can be read";

    wrong = walk_tags(info, out, found);

    /* These are read only when the better one is missing. */
    if (wrong == NULL && out->memory_count == 0 && found[TAG_EFI_MEMORY_MAP] != NULL)
        wrong = take_entries(found[TAG_EFI_MEMORY_MAP], true, out);
    if (wrong == NULL && out->memory_count == 0 && found[TAG_BASIC_MEMORY] != NULL)
        take_basic_memory(found[TAG_BASIC_MEMORY], out);
    return wrong == NULL && out->memory_count == 0 ? "the Multiboot2 information tells of no memory"
                                                   : wrong;
}

static const char *read(const uint8_t *memory, uint64_t bytes, uint64_t information,
                        struct boot_info *info)
{
    return multiboot_parse(memory + information, bytes - information, info);
}

static const struct boot_protocol multiboot2 = {MULTIBOOT2_BOOT_MAGIC, read};
SET_MEMBER(boot_protocols, 0, const struct boot_protocol, multiboot2);
