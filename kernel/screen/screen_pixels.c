#include "kernel/screen/screen.h"

#include "mm/memory.h"
#include "font_rows.h" /* tools/gen_font.py */
#include "lib/string.h"

/* On wider screens every pixel of the font becomes a square of pixels. */
enum { WIDTH_FOR_EACH_SCALE = 1280 };

static const struct rgb foreground[] = {
    [COLOUR_PLAIN] = {0xd0, 0xd0, 0xd0},   [COLOUR_HEADING] = {0xff, 0xff, 0xff},
    [COLOUR_DIM] = {0x80, 0x80, 0x80},     [COLOUR_OK] = {0x60, 0xd8, 0x60},
    [COLOUR_WARNING] = {0xf0, 0xc8, 0x40}, [COLOUR_REFUSAL] = {0xff, 0x60, 0x58},
};

static struct multiboot_framebuffer buffer;
static volatile uint8_t *memory;
static uint32_t bytes; /* of a pixel */
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

static void draw(const struct screen_device *device, uint32_t column, uint32_t row,
                 struct screen_cell cell)
{
    uint32_t pixel = pixel_of(&buffer, foreground[cell.colour]);
    uint32_t left = column * FONT_WIDTH * scale;
    uint32_t top = row * FONT_HEIGHT * scale;

    (void)device;
    for (uint32_t y = 0; y < FONT_HEIGHT * scale; y++) {
        uint32_t bits = font_rows[cell.character % FONT_CHARACTERS][y / scale];
        volatile uint8_t *at = memory + (size_t)(top + y) * buffer.pitch + (size_t)left * bytes;

        for (uint32_t x = 0; x < FONT_WIDTH * scale; x++) {
            put_pixel(at, (bits << x / scale & 0x80) != 0 ? pixel : 0);
            at += bytes;
        }
    }
}

/* What GRUB or the firmware has painted, also where no cell will be. */
static void clear(void)
{
    for (uint32_t y = 0; y < buffer.height; y++)
        memset((uint8_t *)memory + (size_t)y * buffer.pitch, 0, (size_t)buffer.width * bytes);
}

static bool map(void)
{
    memory = framebuffer_map(buffer.address, (size_t)buffer.pitch * buffer.height);
    return memory != NULL;
}

const struct screen_device *screen_pixels_open(const struct multiboot_framebuffer *framebuffer)
{
    static struct screen_device device = {.draw = draw, .map = map, .clear = clear};

    buffer = *framebuffer;
    bytes = pixel_bytes(&buffer);
    if (bytes == 0 || buffer.pitch / bytes < buffer.width)
        return NULL;
    scale = buffer.width >= 2 * WIDTH_FOR_EACH_SCALE ? buffer.width / WIDTH_FOR_EACH_SCALE : 1;
    device.columns = buffer.width / (FONT_WIDTH * scale);
    device.rows = buffer.height / (FONT_HEIGHT * scale);
    if (device.columns == 0 || device.rows == 0 || !map())
        return NULL;
    return &device;
}
