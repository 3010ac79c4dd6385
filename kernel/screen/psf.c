#include "kernel/screen/psf.h"

#include "lib/string.h"

enum {
    PSF1_HEADER_BYTES = 4,
    PSF1_MODE_512 = 0x01,
    PSF1_MODE_TABLE = 0x02,
    PSF1_MODE_SEQUENCES = 0x04,
    PSF1_WIDTH = 8,
    PSF1_SEQUENCE = 0xfffe,
    PSF1_SEPARATOR = 0xffff,
    PSF2_HEADER_BYTES = 32,
    PSF2_FLAG_TABLE = 0x01,
    PSF2_SEQUENCE = 0xfe,
    PSF2_SEPARATOR = 0xff,
};

/* The Unicode table: for each glyph the characters that look so. */
struct table {
    const uint8_t *bytes; /* NULL: none; glyph n is character n */
    size_t length;
    uint32_t
        unit; /* bytes of each unit: 2 (UCS-2) or 1 (UTF-8, of which only ASCII matters here) */
    uint32_t sequence, separator;
};

static uint32_t little_endian(const uint8_t *bytes, size_t count)
{
    uint32_t value = 0;

    while (count-- > 0)
        value = value << 8 | bytes[count];
    return value;
}

/* Where the header says that the glyphs and the table are, or false. */
static bool read_psf1(struct psf_font *font, struct table *table, const uint8_t *data, size_t bytes)
{
    static const uint8_t magic[] = {0x36, 0x04};

    if (bytes < PSF1_HEADER_BYTES || memcmp(data, magic, sizeof(magic)) != 0)
        return false;
    font->glyphs = data + PSF1_HEADER_BYTES;
    font->count = (data[2] & PSF1_MODE_512) != 0 ? 512 : 256;
    font->width = PSF1_WIDTH;
    font->height = data[3];
    if ((data[2] & (PSF1_MODE_TABLE | PSF1_MODE_SEQUENCES)) != 0)
        *table = (struct table){.bytes = font->glyphs,
                                .unit = 2,
                                .sequence = PSF1_SEQUENCE,
                                .separator = PSF1_SEPARATOR};
    return true;
}

static bool read_psf2(struct psf_font *font, struct table *table, const uint8_t *data, size_t bytes)
{
    static const uint8_t magic[] = {0x72, 0xb5, 0x4a, 0x86};
    uint32_t header_bytes;

    if (bytes < PSF2_HEADER_BYTES || memcmp(data, magic, sizeof(magic)) != 0)
        return false;
    header_bytes = little_endian(data + 8, 4);
    if (header_bytes < PSF2_HEADER_BYTES || header_bytes > bytes)
        return false;
    font->glyphs = data + header_bytes;
    font->count = little_endian(data + 16, 4);
    font->height = little_endian(data + 24, 4);
    font->width = little_endian(data + 28, 4);
    if ((little_endian(data + 12, 4) & PSF2_FLAG_TABLE) != 0)
        *table = (struct table){.bytes = font->glyphs,
                                .unit = 1,
                                .sequence = PSF2_SEQUENCE,
                                .separator = PSF2_SEPARATOR};
    return true;
}

/*
 * Characters of a glyph stand alone; after PSF*_SEQUENCE come combinations, which are skipped. The
 * bytes of a UTF-8 character beyond ASCII are all above 0x7f and so are passed over one by one.
 */
static void read_table(struct psf_font *font, const struct table *table)
{
    uint32_t glyph = 0;
    bool alone = true;

    for (size_t i = 0; i + table->unit <= table->length && glyph < font->count; i += table->unit) {
        uint32_t value = little_endian(table->bytes + i, table->unit);

        if (value == table->separator) {
            glyph++;
            alone = true;
        } else if (value == table->sequence) {
            alone = false;
        } else if (alone && value < PSF_ASCII) {
            font->ascii[value] = glyph;
        }
    }
}

static void map_characters(struct psf_font *font, const struct table *table)
{
    uint32_t question;

    for (uint32_t c = 0; c < PSF_ASCII; c++)
        font->ascii[c] = table->bytes != NULL || c >= font->count ? font->count : c;
    if (table->bytes != NULL)
        read_table(font, table);
    question = font->ascii['?'] < font->count ? font->ascii['?'] : 0;
    for (uint32_t c = 0; c < PSF_ASCII; c++) {
        if (font->ascii[c] >= font->count)
            font->ascii[c] = question;
    }
}

bool psf_open(struct psf_font *font, const void *data, size_t bytes)
{
    const uint8_t *end = (const uint8_t *)data + bytes;
    struct table table = {0};
    size_t room, glyph_bytes;

    *font = (struct psf_font){0};
    if (!read_psf1(font, &table, data, bytes) && !read_psf2(font, &table, data, bytes))
        return false;
    if (font->count == 0 || font->width == 0 || font->width > PSF_WIDTH_MOST || font->height == 0 ||
        font->height > PSF_HEIGHT_MOST)
        return false;
    font->row_bytes = (font->width + 7) / 8;
    glyph_bytes = (size_t)font->row_bytes * font->height;
    room = (size_t)(end - font->glyphs);
    if (font->count > room / glyph_bytes)
        return false;
    if (table.bytes != NULL) {
        table.bytes += font->count * glyph_bytes;
        table.length = room - font->count * glyph_bytes;
    }
    map_characters(font, &table);
    return true;
}

uint32_t psf_row(const struct psf_font *font, unsigned char character, uint32_t row)
{
    uint32_t glyph = font->ascii[character < PSF_ASCII ? character : '?'];
    const uint8_t *bytes = font->glyphs + ((size_t)glyph * font->height + row) * font->row_bytes;
    uint32_t pixels = 0;

    for (uint32_t i = 0; i < font->row_bytes; i++)
        pixels |= (uint32_t)bytes[i] << (24 - 8 * i);
    return pixels;
}
