/*
 * Multiboot2 Specification, "Boot information format". GRUB's multiboot2.h decides where the
 * specification's text and its header file differ (the framebuffer's colours are at offset 32).
 */
#include "boot/boot.h"
#include "boot/boot_info.h"
#include "lib/string.h"

enum { INFO_HEADER_SIZE = 8, RSDP_OLD_SIZE = 20 };

struct module_tag {
    struct tag tag;
    uint32_t start, end;
};

struct map_entry {
    uint64_t base, length;
    uint32_t type, reserved;
};

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

const char *multiboot_each_entry(const struct tag *tag, uint32_t least, const char *wrong_size,
                                 const char *(*take)(const void *at, struct boot_info *out),
                                 struct boot_info *out)
{
    const struct map_tag *map = (const struct map_tag *)tag;
    const uint8_t *end = (const uint8_t *)map + tag->size;
    const char *wrong = NULL;

    if (map->entry_size < least || map->entry_size % TAG_ALIGN != 0 ||
        (tag->size - sizeof(*map)) % map->entry_size != 0)
        return wrong_size;
    for (const uint8_t *at = map->entries; at < end && wrong == NULL; at += map->entry_size)
        wrong = take(at, out);
    return wrong;
}

static const char *take_map_entry(const void *at, struct boot_info *out)
{
    const struct map_entry *entry = at;

    return boot_info_add_memory(out, boot_memory_kind(entry->type), entry->base, entry->length);
}

static const char *take_map(const struct tag *tag, struct boot_info *out)
{
    return multiboot_each_entry(tag, sizeof(struct map_entry),
                                "the entries of the Multiboot2 memory map have an impossible size",
                                take_map_entry, out);
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

/* Other types are passed over, but for those of rooms, which may have these, too. */
static const struct tag_rule tag_rules[] = {
    {.type = TAG_COMMAND_LINE, .least = sizeof(struct tag), .take = take_command_line},
    {.type = TAG_LOADER_NAME, .least = sizeof(struct tag), .take = take_loader},
    {.type = TAG_MODULE, .least = sizeof(struct module_tag), .repeats = true, .take = take_module},
    {.type = TAG_MEMORY_MAP, .least = sizeof(struct map_tag), .take = take_map},
    {.type = TAG_EFI32_SYSTEM_TABLE, .least = 12, .uefi = true},
    {.type = TAG_EFI64_SYSTEM_TABLE, .least = 16, .uefi = true},
    {.type = TAG_RSDP_OLD, .least = sizeof(struct tag) + RSDP_OLD_SIZE, .take = take_rsdp},
    {.type = TAG_RSDP_NEW, .least = sizeof(struct tag) + BOOT_RSDP_SIZE, .take = take_rsdp},
    {.type = TAG_EFI32_IMAGE_HANDLE, .least = 12, .uefi = true},
    {.type = TAG_EFI64_IMAGE_HANDLE, .least = 16, .uefi = true},
};

static const struct tag_rule *rule_of(uint32_t type)
{
    SET_FOR_EACH(tag_rules, rule) {
        if ((*rule)->type == type)
            return *rule;
    }
    for (size_t i = 0; i < sizeof(tag_rules) / sizeof(tag_rules[0]); i++) {
        if (tag_rules[i].type == type)
            return &tag_rules[i];
    }
    return NULL;
}

/* Takes a tag that lies inside the information. `found`: by type, the tags so far. */
static const char *take_tag(const struct tag *tag, struct boot_info *out,
                            const struct tag *found[TAG_TYPES])
{
    const struct tag_rule *rule = rule_of(tag->type);

    if (rule == NULL)
        return NULL;
    if (tag->size < rule->least)
        return "a Multiboot2 tag is too small for the fields of its type";
    if (found[tag->type] != NULL && !rule->repeats)
        return "a Multiboot2 tag that may stand once stands twice";
    found[tag->type] = tag;
    out->uefi = out->uefi || rule->uefi;
    return rule->take != NULL ? rule->take(tag, out) : NULL;
}

static const char *walk_tags(const uint8_t *info, struct boot_info *out,
                             const struct tag *found[TAG_TYPES])
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

static const char *read(const uint8_t *memory, uint64_t bytes, uint64_t information,
                        struct boot_info *out)
{
    const struct tag *found[TAG_TYPES] = {NULL};
    const uint8_t *info = memory + information;
    uint64_t most = bytes - information;
    const char *wrong;

    memset(out, 0, sizeof(*out));
    if ((uintptr_t)info % TAG_ALIGN != 0)
        return "the Multiboot2 information does not begin on a multiple of 8 bytes";
    if (most >= INFO_HEADER_SIZE)
        memcpy(&out->total_size, info, sizeof(out->total_size));
    if (most < INFO_HEADER_SIZE || out->total_size > most)
        return "the Multiboot2 information claims more bytes than can be read";
    if (out->total_size < INFO_HEADER_SIZE + sizeof(struct tag))
        return "the Multiboot2 information is too small for its header and an end tag";
    wrong = walk_tags(info, out, found);
    SET_FOR_EACH(tag_rules, rule) {
        if (wrong == NULL && out->memory_count == 0 && (*rule)->without_map != NULL &&
            found[(*rule)->type] != NULL)
            wrong = (*rule)->without_map(found[(*rule)->type], out);
    }
    return wrong == NULL && out->memory_count == 0 ? "the Multiboot2 information tells of no memory"
                                                   : wrong;
}

static const struct boot_protocol multiboot2 = {MULTIBOOT2_BOOT_MAGIC, read};
SET_MEMBER(boot_protocols, 0, const struct boot_protocol, multiboot2);
