/*
 * Multiboot2 Specification, "Boot information format".
 */
#include "boot/multiboot2.h"

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
    FRAMEBUFFER_COLOURS = offsetof(struct multiboot_framebuffer, red_position),
    FRAMEBUFFER_END = FRAMEBUFFER_COLOURS + 6,
};

struct tag {
    uint32_t type, size;
};

struct string_tag {
    struct tag tag;
    char string[];
};

struct module_tag {
    struct tag tag;
    uint32_t start, end;
    char string[];
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

struct framebuffer_tag {
    struct tag tag;
    struct multiboot_framebuffer framebuffer;
};

struct rsdp_tag {
    struct tag tag;
    uint8_t rsdp[];
};

enum { EFI_PAGE_SHIFT = 12 };
#define EFI_MEMORY_WB (1ull << 3)  /* can be cached write-back */
#define EFI_MEMORY_SP (1ull << 18) /* set aside for a special purpose */

/* Tags that are read only when the better ones are missing. */
struct fallback {
    const struct map_tag *efi_map;
    const struct basic_memory_tag *basic;
};

const char *multiboot_result_text(enum multiboot_result result)
{
    static const char *const text[] = {
#define RESULT(name, sentence) [MULTIBOOT_##name] = (sentence),
        MULTIBOOT_RESULTS(RESULT)
#undef RESULT
    };

    return result < MULTIBOOT_RESULT_COUNT ? text[result] : "unknown result";
}

/* Copies a string that ends before `end`; counts in *lost what does not fit into `size` bytes. */
static enum multiboot_result copy_string(char *to, size_t size, const char *string, const void *end,
                                         uint32_t *lost)
{
    size_t room = (size_t)((const char *)end - string);
    size_t length = strnlen(string, room);
    size_t fits = length < size ? length : size - 1;

    if (length == room)
        return MULTIBOOT_STRING_OPEN;
    memcpy(to, string, fits);
    to[fits] = '\0';
    if (lost != NULL)
        *lost = (uint32_t)(length - fits);
    return MULTIBOOT_OK;
}

static enum multiboot_result take_module(const struct module_tag *module, const void *end,
                                         struct multiboot_info *out)
{
    struct multiboot_module taken = {.start = module->start, .end = module->end};
    enum multiboot_result result =
        copy_string(taken.string, sizeof(taken.string), module->string, end, NULL);

    if (result != MULTIBOOT_OK)
        return result;
    if (module->end < module->start)
        return MULTIBOOT_MODULE_BACKWARDS;
    if (out->module_count < MULTIBOOT_MODULES_MAX)
        out->modules[out->module_count++] = taken;
    else
        out->module_lost++;
    return MULTIBOOT_OK;
}

static enum multiboot_result take_framebuffer(const struct framebuffer_tag *tag,
                                              struct multiboot_info *out)
{
    bool coloured = tag->framebuffer.type == MULTIBOOT_FRAMEBUFFER_RGB;
    size_t bytes = coloured ? FRAMEBUFFER_END : FRAMEBUFFER_COLOURS;

    memcpy(&out->framebuffer, &tag->framebuffer, FRAMEBUFFER_COLOURS);
    if (tag->tag.size < sizeof(tag->tag) + bytes)
        return MULTIBOOT_TAG_SHORT;
    memcpy(&out->framebuffer, &tag->framebuffer, bytes);
    out->has_framebuffer = true;
    return MULTIBOOT_OK;
}

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

/* One entry of either map. */
static enum multiboot_result take_entry(const void *at, bool efi, struct multiboot_info *out)
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
    known = entry->type >= MULTIBOOT_MEMORY_AVAILABLE && entry->type <= MULTIBOOT_MEMORY_BAD;
    return add_memory(out, entry->base, entry->length,
                      known ? (enum multiboot_memory_kind)entry->type : MULTIBOOT_MEMORY_RESERVED);
}

/* The tag must hold a whole number of entries, each with at least the fields we know. */
static enum multiboot_result take_map(const struct map_tag *map, bool efi,
                                      struct multiboot_info *out)
{
    const uint8_t *end = (const uint8_t *)map + map->tag.size;
    uint32_t least = efi ? sizeof(struct efi_descriptor) : sizeof(struct map_entry);
    enum multiboot_result result = MULTIBOOT_OK;

    if (map->entry_size < least || map->entry_size % TAG_ALIGN != 0 ||
        (map->tag.size - sizeof(*map)) % map->entry_size != 0)
        return efi ? MULTIBOOT_EFI_ENTRY : MULTIBOOT_MEMORY_ENTRY;
    for (const uint8_t *at = map->entries; at < end && result == MULTIBOOT_OK;
         at += map->entry_size)
        result = take_entry(at, efi, out);
    return result;
}

static void take_basic_memory(const struct basic_memory_tag *basic, struct multiboot_info *out)
{
    const uint64_t kib = 1024;
    const uint64_t upper_base = kib * kib;

    (void)add_memory(out, 0, basic->lower * kib, MULTIBOOT_MEMORY_AVAILABLE);
    (void)add_memory(out, upper_base, basic->upper * kib, MULTIBOOT_MEMORY_AVAILABLE);
}

/* The new RSDP wins, whichever comes first. */
static void take_rsdp(const struct rsdp_tag *tag, uint32_t length, struct multiboot_info *out)
{
    if (length < out->rsdp_length)
        return;
    memcpy(out->rsdp, tag->rsdp, length);
    out->rsdp_length = length;
}

/* What a tag has to have to be looked at; a type that is not here is passed over. */
static const struct tag_rule {
    uint32_t least; /* bytes of the whole tag */
    bool repeats;   /* may stand more than once */
    bool uefi;      /* only UEFI firmware has it */
} tag_rules[] = {
    [TAG_COMMAND_LINE] = {.least = sizeof(struct string_tag)},
    [TAG_LOADER_NAME] = {.least = sizeof(struct string_tag)},
    [TAG_MODULE] = {.least = sizeof(struct module_tag), .repeats = true},
    [TAG_BASIC_MEMORY] = {.least = sizeof(struct basic_memory_tag)},
    [TAG_MEMORY_MAP] = {.least = sizeof(struct map_tag)},
    [TAG_FRAMEBUFFER] = {.least = sizeof(struct tag) + FRAMEBUFFER_COLOURS},
    [TAG_EFI32_SYSTEM_TABLE] = {.least = 12, .uefi = true},
    [TAG_EFI64_SYSTEM_TABLE] = {.least = 16, .uefi = true},
    [TAG_RSDP_OLD] = {.least = sizeof(struct rsdp_tag) + RSDP_OLD_SIZE},
    [TAG_RSDP_NEW] = {.least = sizeof(struct rsdp_tag) + MULTIBOOT_RSDP_SIZE},
    [TAG_EFI_MEMORY_MAP] = {.least = sizeof(struct map_tag), .uefi = true},
    [TAG_EFI_BOOT_SERVICES] = {.least = sizeof(struct tag), .uefi = true},
    [TAG_EFI32_IMAGE_HANDLE] = {.least = 12, .uefi = true},
    [TAG_EFI64_IMAGE_HANDLE] = {.least = 16, .uefi = true},
};

enum { TAG_RULES = sizeof(tag_rules) / sizeof(tag_rules[0]) };

/* Takes one tag that is known to lie inside the information and to be as large as its rule wants.
 */
static enum multiboot_result take_tag(const struct tag *tag, struct multiboot_info *out,
                                      struct fallback *fallback)
{
    const void *end = (const uint8_t *)tag + tag->size;

    switch (tag->type) {
    case TAG_COMMAND_LINE:
        return copy_string(out->command_line, sizeof(out->command_line),
                           ((const struct string_tag *)tag)->string, end, &out->command_line_lost);
    case TAG_LOADER_NAME:
        return copy_string(out->loader, sizeof(out->loader),
                           ((const struct string_tag *)tag)->string, end, NULL);
    case TAG_MODULE:
        return take_module((const struct module_tag *)tag, end, out);
    case TAG_BASIC_MEMORY:
        fallback->basic = (const struct basic_memory_tag *)tag;
        return MULTIBOOT_OK;
    case TAG_MEMORY_MAP:
        return take_map((const struct map_tag *)tag, false, out);
    case TAG_FRAMEBUFFER:
        return take_framebuffer((const struct framebuffer_tag *)tag, out);
    case TAG_RSDP_OLD:
        take_rsdp((const struct rsdp_tag *)tag, RSDP_OLD_SIZE, out);
        return MULTIBOOT_OK;
    case TAG_RSDP_NEW:
        take_rsdp((const struct rsdp_tag *)tag, MULTIBOOT_RSDP_SIZE, out);
        return MULTIBOOT_OK;
    case TAG_EFI_MEMORY_MAP:
        fallback->efi_map = (const struct map_tag *)tag;
        return MULTIBOOT_OK;
    case TAG_EFI_BOOT_SERVICES:
        out->boot_services_not_ended = true;
        return MULTIBOOT_OK;
    default:
        return MULTIBOOT_OK;
    }
}

/* Checks the tag against the rule of its type, then takes it; `seen` has a bit for each type. */
static enum multiboot_result check_and_take(const struct tag *tag, struct multiboot_info *out,
                                            struct fallback *fallback, uint32_t *seen)
{
    const struct tag_rule *rule;

    if (tag->type >= TAG_RULES || tag_rules[tag->type].least == 0)
        return MULTIBOOT_OK;
    rule = &tag_rules[tag->type];
    if (tag->size < rule->least)
        return MULTIBOOT_TAG_SHORT;
    if ((*seen & 1u << tag->type) && !rule->repeats)
        return MULTIBOOT_TAG_TWICE;
    *seen |= 1u << tag->type;
    out->uefi = out->uefi || rule->uefi;
    return take_tag(tag, out, fallback);
}

static enum multiboot_result walk_tags(const uint8_t *info, struct multiboot_info *out,
                                       struct fallback *fallback)
{
    uint32_t seen = 0;
    uint64_t offset = INFO_HEADER_SIZE;

    while (offset + sizeof(struct tag) <= out->total_size) {
        const struct tag *tag = (const struct tag *)(info + offset);
        enum multiboot_result result;

        out->tag_type = tag->type;
        out->tag_offset = (uint32_t)offset;
        if (tag->size < sizeof(*tag))
            return MULTIBOOT_TAG_ENDLESS;
        if (tag->size > out->total_size - offset)
            return MULTIBOOT_TAG_PAST_END;
        if (tag->type == TAG_END)
            return MULTIBOOT_OK;
        result = check_and_take(tag, out, fallback, &seen);
        if (result != MULTIBOOT_OK)
            return result;
        offset += ((uint64_t)tag->size + TAG_ALIGN - 1) / TAG_ALIGN * TAG_ALIGN;
    }
    return MULTIBOOT_END_MISSING;
}

enum multiboot_result multiboot_parse(const void *info, size_t most, struct multiboot_info *out)
{
    struct fallback fallback = {0};
    enum multiboot_result result;

    memset(out, 0, sizeof(*out));
    if ((uintptr_t)info % TAG_ALIGN != 0)
        return MULTIBOOT_MISALIGNED;
    if (most < INFO_HEADER_SIZE)
        return MULTIBOOT_TOO_LARGE;
    memcpy(&out->total_size, info, sizeof(out->total_size));
    if (out->total_size < INFO_HEADER_SIZE + sizeof(struct tag))
        return MULTIBOOT_TOO_SMALL;
    if (out->total_size > most)
        return MULTIBOOT_TOO_LARGE;

    result = walk_tags(info, out, &fallback);
    if (result != MULTIBOOT_OK)
        return result;
    if (out->memory_count == 0 && fallback.efi_map != NULL)
        result = take_map(fallback.efi_map, true, out);
    if (out->memory_count == 0 && fallback.basic != NULL && result == MULTIBOOT_OK)
        take_basic_memory(fallback.basic, out);
    if (out->memory_count == 0 && result == MULTIBOOT_OK)
        return MULTIBOOT_NO_MEMORY;
    return result;
}
