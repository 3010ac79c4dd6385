/*
 * The console fonts of Linux: PSF version 1 and 2, with or without a Unicode table.
 *
 * Facts: the kbd project's description of PSF files.
 */
#ifndef KERNEL_PSF_H
#define KERNEL_PSF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PSF_ASCII = 128, PSF_WIDTH_MOST = 32, PSF_HEIGHT_MOST = 64 };

struct psf_font {
    const uint8_t *glyphs;
    uint32_t count;
    uint32_t width, height;    /* pixels */
    uint32_t row_bytes;        /* bytes for each row of a glyph */
    uint32_t ascii[PSF_ASCII]; /* the glyph of each ASCII character; '?' for those without */
};

/*
 * Understands `bytes` bytes of font, which must stay where they are. False when they are no PSF
 * font, are cut short, or the glyphs are larger than PSF_WIDTH_MOST by PSF_HEIGHT_MOST.
 */
bool psf_open(struct psf_font *font, const void *data, size_t bytes);

/*
 * One row of a character's glyph, its leftmost pixel in bit 31. What is not ASCII looks like '?'.
 * `row` is below font->height.
 */
uint32_t psf_row(const struct psf_font *font, unsigned char character, uint32_t row);

#endif
