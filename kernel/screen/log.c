#include "kernel/screen/screen.h"

#include "lib/string.h"

/*
 * A change of colour is one byte in the text: MARK, the colour in bits 3:0. Cleaned text has no
 * such bytes.
 */
#define MARK        0x10u
#define MARK_COLOUR 0x0fu
#define MARK_MASK   0xf0u

_Static_assert((unsigned)COLOUR_REFUSAL <= MARK_COLOUR, "a colour fits into a mark");

void console_log_add(struct console_log *log, enum colour colour, const char *text, size_t length)
{
    size_t changes = colour != log->colour;
    size_t room = log->size - log->length;
    size_t fits;

    /* Once something is lost, nothing more is taken: the text has one gap, at its end. */
    if (log->lost > 0 || room <= changes) {
        log->lost += length;
        return;
    }
    if (changes) {
        log->bytes[log->length++] = (uint8_t)(MARK | colour);
        log->colour = colour;
        room--;
    }
    fits = length < room ? length : room;
    memcpy(log->bytes + log->length, text, fits);
    log->length += fits;
    log->lost += length - fits;
}

void console_log_play(const struct console_log *log,
                      void (*show)(enum colour colour, const char *text, size_t length))
{
    enum colour colour = COLOUR_PLAIN;
    size_t start = 0;

    for (size_t i = 0; i <= log->length; i++) {
        if (i < log->length && (log->bytes[i] & MARK_MASK) != MARK)
            continue;
        if (i > start)
            show(colour, (const char *)log->bytes + start, i - start);
        if (i < log->length)
            colour = log->bytes[i] & MARK_COLOUR;
        start = i + 1;
    }
}

static const char *const sequences[] = {
    [COLOUR_PLAIN] = "\033[0m", [COLOUR_HEADING] = "\033[0;1m",  [COLOUR_DIM] = "\033[0;2m",
    [COLOUR_OK] = "\033[0;32m", [COLOUR_WARNING] = "\033[0;33m", [COLOUR_REFUSAL] = "\033[0;31m",
};

static void change_to(enum colour colour)
{
    static enum colour now;

    if (now != colour)
        serial_send(sequences[colour], strlen(sequences[colour]));
    now = colour;
}

void serial_text_write(enum colour colour, const char *text, size_t length)
{
    size_t start = 0;

    for (size_t i = 0; i <= length; i++) {
        bool newline = i < length && text[i] == '\n';

        if (i < length && !newline)
            continue;
        if (i > start) {
            change_to(colour);
            serial_send(text + start, i - start);
        }
        if (newline) {
            change_to(COLOUR_PLAIN);
            serial_send("\r\n", 2);
        }
        start = i + 1;
    }
}
