#include "kernel/screen/screen.h"

#include "lib/string.h"

static const struct screen_cell blank = {' ', COLOUR_PLAIN};

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static void row_changes(struct screen *screen, uint32_t row)
{
    screen->changed_first = smaller(screen->changed_first, row);
    if (screen->changed_end <= row)
        screen->changed_end = row + 1;
}

static void clear_row(struct screen_cell *row, uint32_t columns)
{
    for (uint32_t column = 0; column < columns; column++)
        row[column] = blank;
}

void screen_init(struct screen *screen, uint32_t columns, uint32_t rows)
{
    screen->columns = smaller(columns, SCREEN_COLUMNS_MOST);
    screen->rows = smaller(rows, SCREEN_ROWS_MOST);
    screen->column = 0;
    screen->row = 0;
    screen->changed_first = screen->rows;
    screen->changed_end = 0;
    clear_row(screen->cells[0], screen->columns);
    for (uint32_t row = 0; row < screen->rows; row++) {
        size_t bytes = screen->columns * sizeof(struct screen_cell);

        memcpy(screen->cells[row], screen->cells[0], row > 0 ? bytes : 0);
        memset(screen->shown[row], 0, bytes); /* a value that no cell has: it is drawn */
    }
}

void screen_clear(struct screen *screen)
{
    screen_wipe();
    clear_row(screen->shown[0], screen->columns);
    for (uint32_t row = 1; row < screen->rows; row++)
        memcpy(screen->shown[row], screen->shown[0], screen->columns * sizeof(struct screen_cell));
    screen->changed_first = 0;
    screen->changed_end = screen->row + 1;
}

static void new_line(struct screen *screen)
{
    screen->column = 0;
    if (screen->row + 1 < screen->rows) {
        screen->row++;
        return;
    }
    memmove(screen->cells[0], screen->cells[1],
            (size_t)(screen->rows - 1) * sizeof(screen->cells[0]));
    clear_row(screen->cells[screen->row], screen->columns);
    screen->changed_first = 0;
    screen->changed_end = screen->rows;
}

static void put(struct screen *screen, enum colour colour, uint8_t character)
{
    if (screen->column == screen->columns)
        new_line(screen);
    screen->cells[screen->row][screen->column] = (struct screen_cell){character, (uint8_t)colour};
    screen->column++;
    row_changes(screen, screen->row);
}

static void tab(struct screen *screen, enum colour colour)
{
    do
        put(screen, colour, ' ');
    while (screen->column % SCREEN_TAB != 0 && screen->column < screen->columns);
}

void screen_write(struct screen *screen, enum colour colour, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        bool continues = (c & 0xc0) == 0x80; /* of a UTF-8 character: shown with its first byte */

        if (c == '\n')
            new_line(screen);
        else if (c == '\t')
            tab(screen, colour);
        else if (c >= ' ' && c < 0x7f)
            put(screen, colour, c);
        else if (!continues)
            put(screen, colour, '?');
    }
}

void screen_flush(struct screen *screen)
{
    for (uint32_t row = screen->changed_first; row < screen->changed_end; row++) {
        for (uint32_t column = 0; column < screen->columns; column++) {
            struct screen_cell *shown = &screen->shown[row][column];
            struct screen_cell cell = screen->cells[row][column];

            if (shown->character == cell.character && shown->colour == cell.colour)
                continue;
            *shown = cell;
            screen_draw(column, row, cell);
        }
    }
    screen->changed_first = screen->rows;
    screen->changed_end = 0;
}

/* HDR modes have 10 bits for each colour, and 16 is what component() can make of 8. */
enum { COMPONENT_BITS_MAX = 16, BPP_MIN = 15, BPP_MAX = 32 };

static bool fits(const struct boot_framebuffer *buffer, uint8_t position, uint8_t size)
{
    return size >= 1 && size <= COMPONENT_BITS_MAX && position + size <= buffer->bpp;
}

uint32_t pixel_bytes(const struct boot_framebuffer *buffer)
{
    if (buffer->type != BOOT_FRAMEBUFFER_RGB || buffer->bpp < BPP_MIN || buffer->bpp > BPP_MAX ||
        !fits(buffer, buffer->red_position, buffer->red_size) ||
        !fits(buffer, buffer->green_position, buffer->green_size) ||
        !fits(buffer, buffer->blue_position, buffer->blue_size))
        return 0;
    return (buffer->bpp + 7u) / 8;
}

/* Full brightness is all ones in any size: the eight bits are written twice, and cut. */
static uint32_t component(uint8_t value, uint8_t position, uint8_t size)
{
    return value * 0x101u >> (COMPONENT_BITS_MAX - size) << position;
}

uint32_t pixel_of(const struct boot_framebuffer *buffer, struct rgb colour)
{
    return component(colour.red, buffer->red_position, buffer->red_size) |
           component(colour.green, buffer->green_position, buffer->green_size) |
           component(colour.blue, buffer->blue_position, buffer->blue_size);
}
