#include "vm/linux/boot_params.h"

#include "lib/string.h"

/* Offsets in boot_params, and what stands there. */
enum {
    VIDEO_MODE = 0x06,
    VIDEO_COLUMNS = 0x07,
    VIDEO_LINES = 0x0e,
    VIDEO_TYPE = 0x0f,
    VIDEO_POINTS = 0x10,
    FRAME_WIDTH = 0x12,
    FRAME_HEIGHT = 0x14,
    FRAME_DEPTH = 0x16,
    FRAME_BASE = 0x18,
    FRAME_SIZE = 0x1c,
    FRAME_LINE = 0x24,
    FRAME_COLOURS = 0x26, /* size and position of red, green, blue */
    FRAME_CAPABILITIES = 0x36,
    FRAME_BASE_HIGH = 0x3a,
    ACPI_RSDP = 0x70,
    EFI_SIGNATURE = 0x1c0,
    EFI_SYSTEM_TABLE = 0x1c4,
    EFI_DESCRIPTOR_BYTES = 0x1c8,
    EFI_DESCRIPTOR_VERSION = 0x1cc,
    EFI_MAP = 0x1d0,
    EFI_MAP_BYTES = 0x1d4,
    EFI_SYSTEM_TABLE_HIGH = 0x1d8,
    E820_ENTRIES = 0x1e8,
    TYPE_OF_LOADER = 0x210,
    INITRD = 0x218,
    INITRD_BYTES = 0x21c,
    COMMAND_LINE = 0x228,
    VIDEO_MODE_WANTED = 0x1fa,
    SETUP_DATA = 0x250,
    E820_TABLE = 0x2d0,
};

enum {
    LOADER_UNDEFINED = 0xff,
    VIDEO_NORMAL = 0xffff,
    VIDEO_TYPE_VGA = 0x01,
    VIDEO_TYPE_VESA = 0x23,
    VIDEO_TYPE_EFI = 0x70,
    VIDEO_MODE_TEXT = 3,
    VIDEO_POINTS_TEXT = 16,
    VIDEO_BASE_64 = 1 << 1, /* FRAME_BASE_HIGH counts */
    VESA_SIZE_UNIT = 65536,
};

#define EFI_SIGNATURE_64 0x34364c45 /* "EL64" */

static void put(uint8_t *to, uint32_t offset, uint64_t value, unsigned width)
{
    memcpy(to + offset, &value, width);
}

/* False: there are more ranges than boot_params have room for. */
static bool write_e820(const struct linux_plan *plan, uint8_t *params)
{
    struct e820_entry *entries = (struct e820_entry *)(params + E820_TABLE), more;
    uint32_t next = 0, count = 0;

    while (count < LINUX_E820_MOST && places_next_e820(&plan->places, &next, &entries[count]))
        count++;
    put(params, E820_ENTRIES, count, 1);
    return count < LINUX_E820_MOST || !places_next_e820(&plan->places, &next, &more);
}

static void write_text_screen(const struct boot_framebuffer *screen, uint8_t *params)
{
    put(params, VIDEO_MODE, VIDEO_MODE_TEXT, 1);
    put(params, VIDEO_COLUMNS, screen->width, 1);
    put(params, VIDEO_LINES, screen->height, 1);
    put(params, VIDEO_TYPE, VIDEO_TYPE_VGA, 1);
    put(params, VIDEO_POINTS, VIDEO_POINTS_TEXT, 2);
}

static void write_frame(const struct boot_framebuffer *screen, bool uefi, uint8_t *params)
{
    uint64_t bytes = (uint64_t)screen->pitch * screen->height;
    const uint8_t colours[] = {screen->red_size,       screen->red_position, screen->green_size,
                               screen->green_position, screen->blue_size,    screen->blue_position};

    put(params, VIDEO_TYPE, uefi ? VIDEO_TYPE_EFI : VIDEO_TYPE_VESA, 1);
    put(params, FRAME_WIDTH, screen->width, 2);
    put(params, FRAME_HEIGHT, screen->height, 2);
    put(params, FRAME_DEPTH, screen->bpp, 2);
    put(params, FRAME_BASE, screen->address, 4);
    put(params, FRAME_BASE_HIGH, screen->address >> 32, 4);
    put(params, FRAME_CAPABILITIES, VIDEO_BASE_64, 4);
    put(params, FRAME_SIZE, uefi ? bytes : (bytes + VESA_SIZE_UNIT - 1) / VESA_SIZE_UNIT, 4);
    put(params, FRAME_LINE, screen->pitch, 2);
    memcpy(params + FRAME_COLOURS, colours, sizeof(colours));
}

static void write_screen(bool uefi, uint8_t *params)
{
    if (!boot_framebuffer.is_given)
        return;
    if (boot_framebuffer.type == BOOT_FRAMEBUFFER_EGA_TEXT)
        write_text_screen(&boot_framebuffer, params);
    else if (boot_framebuffer.type == BOOT_FRAMEBUFFER_RGB)
        write_frame(&boot_framebuffer, uefi, params);
}

static void write_header(const struct linux_handover *handover, uint8_t *params)
{
    const struct linux_image *image = handover->image;
    const struct linux_plan *plan = handover->plan;

    memcpy(params + LINUX_HEADER_BEGIN, image->bytes + LINUX_HEADER_BEGIN,
           image->header_end - LINUX_HEADER_BEGIN);
    put(params, TYPE_OF_LOADER, LOADER_UNDEFINED, 1);
    put(params, VIDEO_MODE_WANTED, VIDEO_NORMAL, 2);
    put(params, INITRD, plan->initrd, 4);
    put(params, INITRD_BYTES, plan->initrd_module.end - plan->initrd_module.base, 4);
    put(params, COMMAND_LINE, plan->handover + LINUX_COMMAND_LINE, 4);
    put(params, SETUP_DATA, 0, 8);
}

/* "efi_info"; on a BIOS nothing. */
static bool write_efi(const struct linux_handover *handover, uint8_t *params)
{
    const struct boot_efi *efi = handover->efi;
    uint32_t bytes;

    if (!efi_is_usable(efi))
        return true;
    bytes =
        efi_map_write(efi, handover->plan->places.kept, params + LINUX_EFI_MAP, LINUX_EFI_MAP_MOST);
    if (bytes == 0)
        return false;
    put(params, EFI_SIGNATURE, EFI_SIGNATURE_64, 4);
    put(params, EFI_SYSTEM_TABLE, efi->system_table, 4);
    put(params, EFI_SYSTEM_TABLE_HIGH, efi->system_table >> 32, 4);
    put(params, EFI_DESCRIPTOR_BYTES, efi->descriptor_bytes, 4);
    put(params, EFI_DESCRIPTOR_VERSION, efi->descriptor_version, 4);
    put(params, EFI_MAP, handover->plan->handover + LINUX_EFI_MAP, 4);
    put(params, EFI_MAP_BYTES, bytes, 4);
    return true;
}

bool linux_handover_write(const struct linux_handover *handover, uint8_t *to)
{
    const struct boot_info *boot = handover->boot;
    uint64_t at = handover->plan->handover;
    bool told;

    memset(to, 0, LINUX_HANDOVER_BYTES);
    memcpy(to + LINUX_COMMAND_LINE, handover->command_line, strlen(handover->command_line) + 1);
    memcpy(to + LINUX_RSDP, boot->rsdp, boot->rsdp_length);
    guest_entry_tables_write(ENTRY_64, at + LINUX_TABLES, to + LINUX_TABLES);
    write_header(handover, to);
    write_screen(boot->uefi, to);
    if (boot->rsdp_length != 0)
        put(to, ACPI_RSDP, at + LINUX_RSDP, 8);
    told = write_e820(handover->plan, to);
    return write_efi(handover, to) && told;
}

void linux_entry(const struct linux_plan *plan, struct guest_entry *entry)
{
    uint64_t at = plan->handover;

    guest_entry_init(ENTRY_64, at + LINUX_TABLES, plan->kernel.base + LINUX_ENTRY_64,
                     at + LINUX_STACK_TOP, entry);
    entry->reg[VCPU_RSI] = at + LINUX_BOOT_PARAMS;
}
