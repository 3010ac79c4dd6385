#include "boot/multiboot2.h"

#include "boot/multiboot2_tags.h"
#include "lib/string.h"

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

static enum multiboot_result take_framebuffer(const struct framebuffer_tag *framebuffer,
                                              struct multiboot_info *out)
{
    out->framebuffer = (struct multiboot_framebuffer){
        .address = framebuffer->address,
        .pitch = framebuffer->pitch,
        .width = framebuffer->width,
        .height = framebuffer->height,
        .bpp = framebuffer->bpp,
        .type = framebuffer->type,
    };
    if (framebuffer->type == MULTIBOOT_FRAMEBUFFER_RGB) {
        const uint8_t *colours = framebuffer->colours;

        if (framebuffer->tag.size < sizeof(*framebuffer) + FRAMEBUFFER_COLOURS_SIZE)
            return MULTIBOOT_TAG_SHORT;
        out->framebuffer.red_position = colours[0];
        out->framebuffer.red_size = colours[1];
        out->framebuffer.green_position = colours[2];
        out->framebuffer.green_size = colours[3];
        out->framebuffer.blue_position = colours[4];
        out->framebuffer.blue_size = colours[5];
    }
    out->has_framebuffer = true;
    return MULTIBOOT_OK;
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
    [TAG_FRAMEBUFFER] = {.least = sizeof(struct framebuffer_tag)},
    [TAG_EFI32_SYSTEM_TABLE] = {.least = 12, .uefi = true},
    [TAG_EFI64_SYSTEM_TABLE] = {.least = 16, .uefi = true},
    [TAG_RSDP_OLD] = {.least = sizeof(struct rsdp_tag) + RSDP_OLD_SIZE},
    [TAG_RSDP_NEW] = {.least = sizeof(struct rsdp_tag) + MULTIBOOT_RSDP_SIZE},
    [TAG_EFI_MEMORY_MAP] = {.least = sizeof(struct map_tag), .uefi = true},
    [TAG_EFI_BOOT_SERVICES] = {.least = sizeof(struct tag), .uefi = true},
    [TAG_EFI32_IMAGE_HANDLE] = {.least = 12, .uefi = true},
    [TAG_EFI64_IMAGE_HANDLE] = {.least = 16, .uefi = true},
    [TAG_LOAD_BASE] = {.least = sizeof(struct load_base_tag)},
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
        return multiboot_take_memory_map((const struct map_tag *)tag, out);
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
    case TAG_LOAD_BASE:
        out->has_load_base = true;
        out->load_base = ((const struct load_base_tag *)tag)->load_base;
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
        result = multiboot_take_efi_map(fallback.efi_map, out);
    if (out->memory_count == 0 && fallback.basic != NULL && result == MULTIBOOT_OK)
        multiboot_take_basic_memory(fallback.basic, out);
    if (out->memory_count == 0 && result == MULTIBOOT_OK)
        return MULTIBOOT_NO_MEMORY;
    return result;
}
