/*
 * The screen's font: a PSF file of Debian's console-setup-linux, unpacked by tools/gen_font.py.
 */
    .section .rodata.font, "a"
    .globl font_start, font_end
    .balign 8
font_start:
    .incbin FONT_FILE
font_end:
