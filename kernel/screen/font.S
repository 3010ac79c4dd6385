/*
 * The screen's font: the ASCII of one of Debian's console-setup-linux, by tools/gen_font.py.
 */
    .section .rodata.font, "a"
    .globl font_start, font_end
    .balign 8
font_start:
    .incbin FONT_FILE
font_end:
