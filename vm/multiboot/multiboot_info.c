#include "boot/multiboot2_rest.h"
#include "lib/string.h"
#include "vm/multiboot/multiboot_plan.h"

/* Offsets in the information, and the flags of what is in it. */
enum {
    MEM_LOWER = 4,
    MEM_UPPER = 8,
    COMMAND_LINE = 16,
    MODULES_COUNT = 20,
    MODULES_ADDRESS = 24,
    MAP_LENGTH = 44,
    MAP_ADDRESS = 48,
    LOADER_NAME = 64,
    FRAME_ADDRESS = 88,
    FRAME_PITCH = 96,
    FRAME_WIDTH = 100,
    FRAME_HEIGHT = 104,
    FRAME_DEPTH = 108,
    FRAME_TYPE = 109,
    FRAME_COLOURS = 110, /* position and size of red, green, blue */
};
enum {
    HAS_MEMORY = 1 << 0,
    HAS_COMMAND_LINE = 1 << 2,
    HAS_MODULES = 1 << 3,
    HAS_MAP = 1 << 6,
    HAS_LOADER_NAME = 1 << 9,
    HAS_FRAME = 1 << 12,
};

enum { MODULE_ENTRY = 16, MAP_ENTRY = 24, KIB = 1024 };
#define LOADER_MAGIC 0x2badb002u

#define MIB (1ull << 20)

struct information {
    uint8_t *to;
    uint64_t at;      /* where `to` will be */
    uint64_t strings; /* offset of the next one */
};

static void put(const struct information *info, uint64_t offset, uint64_t value, unsigned width)
{
    memcpy(info->to + offset, &value, width);
}

/* Where the string will be. */
static uint64_t put_string(struct information *info, const char *text)
{
    uint64_t address = info->at + info->strings, size = strlen(text) + 1;

    memcpy(info->to + info->strings, text, size);
    info->strings += size;
    return address;
}

static void write_modules(struct information *info, const struct multiboot_plan *plan)
{
    uint32_t count = plan->boot->module_count - 1; /* the first is the guest itself */

    for (uint32_t i = 0; i < count; i++) {
        const struct boot_module *module = &plan->boot->modules[i + 1];
        uint64_t entry = MULTIBOOT_MODULES + i * (uint64_t)MODULE_ENTRY,
                 start = plan->module[i + 1];

        put(info, entry, start, 4);
        put(info, entry + 4, start + (module->end - module->start), 4);
        put(info, entry + 8, put_string(info, module->string), 4);
    }
    put(info, MODULES_COUNT, count, 4);
    put(info, MODULES_ADDRESS, info->at + MULTIBOOT_MODULES, 4);
}

static void write_memory(struct information *info, const struct places *places)
{
    struct e820_entry range;
    uint64_t entry = MULTIBOOT_MAP;
    uint32_t next = 0;

    for (; places_next_e820(places, &next, &range); entry += MAP_ENTRY) {
        put(info, entry, sizeof(range), 4);
        memcpy(info->to + entry + 4, &range, sizeof(range));
    }
    put(info, MAP_LENGTH, entry - MULTIBOOT_MAP, 4);
    put(info, MAP_ADDRESS, info->at + MULTIBOOT_MAP, 4);
    put(info, MEM_LOWER, places_free_from(places, 0) / KIB, 4);
    put(info, MEM_UPPER, places_free_from(places, MIB) / KIB, 4);
}

static void write_frame(const struct information *info, const struct boot_framebuffer *frame)
{
    const uint8_t colours[] = {frame->red_position, frame->red_size,      frame->green_position,
                               frame->green_size,   frame->blue_position, frame->blue_size};

    put(info, FRAME_ADDRESS, frame->address, 8);
    put(info, FRAME_PITCH, frame->pitch, 4);
    put(info, FRAME_WIDTH, frame->width, 4);
    put(info, FRAME_HEIGHT, frame->height, 4);
    put(info, FRAME_DEPTH, frame->bpp, 1);
    put(info, FRAME_TYPE, frame->type, 1);
    if (frame->type == BOOT_FRAMEBUFFER_RGB)
        memcpy(info->to + FRAME_COLOURS, colours, sizeof(colours));
}

void multiboot_handover_write(const struct multiboot_image *image,
                              const struct multiboot_plan *plan, uint8_t *to)
{
    const struct boot_info *boot = plan->boot;
    struct information info = {to, plan->handover, MULTIBOOT_STRINGS};
    uint32_t flags = HAS_MEMORY | HAS_COMMAND_LINE | HAS_MODULES | HAS_MAP | HAS_LOADER_NAME;

    memset(to, 0, MULTIBOOT_HANDOVER_BYTES);
    write_memory(&info, &plan->places);
    put(&info, COMMAND_LINE, put_string(&info, boot->modules[0].string), 4);
    write_modules(&info, plan);
    put(&info, LOADER_NAME, put_string(&info, boot->loader), 4);
    if (boot_framebuffer.is_given)
        write_frame(&info, &boot_framebuffer);
    put(&info, 0, boot_framebuffer.is_given ? flags | HAS_FRAME : flags, 4);
    guest_entry_tables_write(image->mode, info.at + MULTIBOOT_TABLES, to + MULTIBOOT_TABLES);
}

/* "Machine state". In real mode as the BIOS enters a boot sector of its first disk. */
void multiboot_entry(const struct multiboot_image *image, const struct multiboot_plan *plan,
                     struct guest_entry *entry)
{
    enum { FIRST_DISK = 0x80 };
    bool is_real = image->mode == ENTRY_REAL;

    guest_entry_init(image->mode, plan->handover + MULTIBOOT_TABLES, image->entry,
                     is_real ? FLAT_REAL : plan->handover + MULTIBOOT_STACK_TOP, entry);
    if (is_real) {
        entry->reg[VCPU_RDX] = FIRST_DISK;
        return;
    }
    entry->reg[VCPU_RAX] = LOADER_MAGIC;
    entry->reg[VCPU_RBX] = plan->handover + MULTIBOOT_INFO;
}
