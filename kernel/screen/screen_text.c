#include "kernel/screen/screen.h"

#include "mm/memory.h"
#include "lib/x86.h"

enum {
    CELL_BYTES = 2,
    /* IBM VGA's CRT controller: without its cursor, which would stay where GRUB left it. */
    CRTC_INDEX = 0x3d4,
    CRTC_DATA = 0x3d5,
    CRTC_CURSOR_START = 0x0a,
    CRTC_CURSOR_OFF = 0x20,
};

/* IBM VGA's text attributes: the low four bits are the foreground, black the background. */
static const uint8_t attributes[] = {
    [COLOUR_PLAIN] = 0x07, [COLOUR_HEADING] = 0x0f, [COLOUR_DIM] = 0x08,
    [COLOUR_OK] = 0x0a,    [COLOUR_WARNING] = 0x0e, [COLOUR_REFUSAL] = 0x0c,
};

static volatile uint8_t *memory;
static struct multiboot_framebuffer buffer;

static void draw(const struct screen_device *device, uint32_t column, uint32_t row,
                 struct screen_cell cell)
{
    volatile uint16_t *cells = (volatile uint16_t *)(memory + (size_t)row * buffer.pitch);

    (void)device;
    cells[column] = (uint16_t)(attributes[cell.colour] << 8 | cell.character);
}

/* Four cells at a time. */
static void clear(void)
{
    const uint64_t blank = 0x0001000100010001ull * (uint64_t)(attributes[COLOUR_PLAIN] << 8 | ' ');
    volatile uint64_t *cells = (volatile uint64_t *)memory;

    for (size_t i = 0; i < (size_t)buffer.pitch * buffer.height / sizeof(blank); i++)
        cells[i] = blank;
}

static bool map(void)
{
    memory = device_map(buffer.address, (size_t)buffer.pitch * buffer.height);
    return memory != NULL;
}

const struct screen_device *screen_text_open(const struct multiboot_framebuffer *framebuffer)
{
    static struct screen_device device = {.draw = draw, .map = map, .clear = clear};

    if (framebuffer->type != MULTIBOOT_FRAMEBUFFER_EGA_TEXT || framebuffer->width == 0 ||
        framebuffer->height == 0 || framebuffer->pitch / CELL_BYTES < framebuffer->width)
        return NULL;
    buffer = *framebuffer;
    if (!map())
        return NULL;
    out8(CRTC_INDEX, CRTC_CURSOR_START);
    out8(CRTC_DATA, CRTC_CURSOR_OFF);
    device.columns = framebuffer->width;
    device.rows = framebuffer->height;
    return &device;
}
