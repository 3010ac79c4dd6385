#include "kernel/screen/screen.h"

#include "mm/memory.h"
#include "font_rows.h" /* tools/gen_font.py */
#include "lib/string.h"
#include "lib/x86.h"

enum {
    /* On wider screens every pixel of the font becomes a square of pixels. */
    WIDTH_FOR_EACH_SCALE = 1280,
    TEXT_CELL_BYTES = 2,
    /* IBM VGA's CRT controller: without its cursor, which would stay where GRUB left it. */
    CRTC_INDEX = 0x3d4,
    CRTC_DATA = 0x3d5,
    CRTC_CURSOR_START = 0x0a,
    CRTC_CURSOR_OFF = 0x20,
};

/* IBM VGA's text attributes (low four bits: the foreground, black the background); pixels. */
static const struct {
    uint8_t attribute;
    struct rgb pixel;
} foreground[] = {
    [COLOUR_PLAIN] = {0x07, {0xd0, 0xd0, 0xd0}},   [COLOUR_HEADING] = {0x0f, {0xff, 0xff, 0xff}},
    [COLOUR_DIM] = {0x08, {0x80, 0x80, 0x80}},     [COLOUR_OK] = {0x0a, {0x60, 0xd8, 0x60}},
    [COLOUR_WARNING] = {0x0e, {0xf0, 0xc8, 0x40}}, [COLOUR_REFUSAL] = {0x0c, {0xff, 0x60, 0x58}},
};

static struct boot_framebuffer buffer;
static volatile uint8_t *memory;
static uint32_t bytes; /* of a pixel; 0: EGA text */
static uint32_t scale;

static void put_pixel(volatile uint8_t *at, uint32_t pixel)
{
    switch (bytes) {
    case 4:
        *(volatile uint32_t *)at = pixel;
        break;
    case 3:
        at[0] = (uint8_t)pixel;
        at[1] = (uint8_t)(pixel >> 8);
        at[2] = (uint8_t)(pixel >> 16);
        break;
    default:
        *(volatile uint16_t *)at = (uint16_t)pixel;
        break;
    }
}

static void draw_pixels(uint32_t column, uint32_t row, struct screen_cell cell)
{
    uint32_t pixel = pixel_of(&buffer, foreground[cell.colour].pixel);
    uint32_t left = column * FONT_WIDTH * scale;
    uint32_t top = row * FONT_HEIGHT * scale;

    for (uint32_t y = 0; y < FONT_HEIGHT * scale; y++) {
        uint32_t bits = font_rows[cell.character % FONT_CHARACTERS][y / scale];
        volatile uint8_t *at = memory + (size_t)(top + y) * buffer.pitch + (size_t)left * bytes;

        for (uint32_t x = 0; x < FONT_WIDTH * scale; x++) {
            put_pixel(at, (bits << x / scale & 0x80) != 0 ? pixel : 0);
            at += bytes;
        }
    }
}

void screen_draw(uint32_t column, uint32_t row, struct screen_cell cell)
{
    volatile uint16_t *cells = (volatile uint16_t *)(memory + (size_t)row * buffer.pitch);

    if (bytes != 0)
        draw_pixels(column, row, cell);
    else
        cells[column] = (uint16_t)(foreground[cell.colour].attribute << 8 | cell.character);
}

/* What GRUB or the firmware has painted, also where no cell will be; text four cells at a time. */
void screen_wipe(void)
{
    const uint64_t blank =
        0x0001000100010001ull * (uint64_t)(foreground[COLOUR_PLAIN].attribute << 8 | ' ');
    volatile uint64_t *cells = (volatile uint64_t *)memory;

    if (bytes == 0) {
        for (size_t i = 0; i < (size_t)buffer.pitch * buffer.height / sizeof(blank); i++)
            cells[i] = blank;
        return;
    }
    for (uint32_t y = 0; y < buffer.height; y++)
        memset((uint8_t *)memory + (size_t)y * buffer.pitch, 0, (size_t)buffer.width * bytes);
}

/* Until memory is ready the boot page tables have all below 4 GiB. */
bool screen_map(void)
{
    uint64_t size = (uint64_t)buffer.pitch * buffer.height;
    bool is_low = size <= BOOT_MAP_END && buffer.address <= BOOT_MAP_END - size;

    if (kernel_tables()->radix.root != 0)
        memory = device_map(buffer.address, size, bytes != 0 ? PAT_INDEX_WC : PAT_INDEX_UC);
    else
        memory = is_low ? phys_to_virt(buffer.address) : NULL;
    return memory != NULL;
}

bool screen_open(const struct boot_framebuffer *framebuffer, uint32_t *columns, uint32_t *rows)
{
    bool text = framebuffer->type == BOOT_FRAMEBUFFER_EGA_TEXT;

    buffer = *framebuffer;
    bytes = text ? 0 : pixel_bytes(&buffer);
    scale = buffer.width >= 2 * WIDTH_FOR_EACH_SCALE ? buffer.width / WIDTH_FOR_EACH_SCALE : 1;
    *columns = text ? buffer.width : buffer.width / (FONT_WIDTH * scale);
    *rows = text ? buffer.height : buffer.height / (FONT_HEIGHT * scale);
    if ((!text && bytes == 0) || buffer.pitch / (text ? TEXT_CELL_BYTES : bytes) < buffer.width ||
        *columns == 0 || *rows == 0 || !screen_map())
        return false;
    if (text) {
        out8(CRTC_INDEX, CRTC_CURSOR_START);
        out8(CRTC_DATA, CRTC_CURSOR_OFF);
    }
    return true;
}
