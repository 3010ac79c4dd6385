#include "tools/capability/piece.h"

#include <string.h>

bool char_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool char_is_letter(char c)
{
    return char_folded(c) >= 'a' && char_folded(c) <= 'z';
}

char char_folded(char c)
{
    if (c < 'A' || c > 'Z')
        return c;
    return (char)(c - 'A' + 'a');
}

bool char_is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

int char_hex(char c)
{
    char folded = char_folded(c);

    if (char_is_digit(c))
        return c - '0';
    return folded >= 'a' && folded <= 'f' ? folded - 'a' + 10 : -1;
}

struct piece piece_trim(struct piece piece)
{
    piece = piece_skip(piece, " \t\r");
    while (piece.length > 0 && char_is_one_of(piece.start[piece.length - 1], " \t\r"))
        piece.length--;
    return piece;
}

bool piece_line(struct piece *rest, struct piece *line)
{
    size_t length = piece_find(*rest, '\n');

    if (rest->length == 0)
        return false;
    *line = (struct piece){rest->start, length};
    *rest = piece_after(*rest, length < rest->length ? length + 1 : length);
    if (line->length > 0 && line->start[line->length - 1] == '\r')
        line->length--;
    return true;
}

struct piece piece_of(const char *text)
{
    return (struct piece){text, strlen(text)};
}

struct piece piece_after(struct piece piece, size_t count)
{
    return (struct piece){piece.start + count, piece.length - count};
}

char piece_at(struct piece piece, size_t index)
{
    if (index >= piece.length)
        return '\0';
    return piece.start[index];
}

char piece_first(struct piece piece)
{
    return piece_at(piece, 0);
}

struct piece piece_skip(struct piece piece, const char *set)
{
    while (char_is_one_of(piece_first(piece), set))
        piece = piece_after(piece, 1);
    return piece;
}

size_t piece_find(struct piece piece, char c)
{
    const char *found = piece.length > 0 ? memchr(piece.start, c, piece.length) : NULL;

    return found != NULL ? (size_t)(found - piece.start) : piece.length;
}

struct piece piece_word(struct piece *rest, const char *separators)
{
    struct piece word;
    size_t length = 0;

    *rest = piece_skip(*rest, separators);
    while (length < rest->length && !char_is_one_of(rest->start[length], separators))
        length++;
    word = (struct piece){rest->start, length};
    *rest = piece_after(*rest, length);
    return word;
}

bool piece_starts(struct piece piece, const char *text)
{
    size_t length = strlen(text);

    return piece.length >= length && memcmp(piece.start, text, length) == 0;
}

bool piece_is(struct piece piece, const char *text)
{
    return piece.length == strlen(text) && piece_starts(piece, text);
}

bool piece_starts_folded(struct piece piece, const char *text)
{
    for (; *text != '\0'; text++, piece = piece_after(piece, 1)) {
        if (char_folded(piece_first(piece)) != *text)
            return false;
    }
    return true;
}

bool piece_is_folded(struct piece piece, const char *text)
{
    return piece.length == strlen(text) && piece_starts_folded(piece, text);
}

bool piece_has_folded(struct piece piece, const char *text)
{
    for (; piece.length > 0; piece = piece_after(piece, 1)) {
        if (char_folded(*piece.start) == *text && piece_starts_folded(piece, text))
            return true;
    }
    return false;
}

bool piece_hex(struct piece piece, int prefix, size_t digits, uint64_t *value)
{
    bool prefixed = piece_starts_folded(piece, "0x");

    if ((prefix > 0 && !prefixed) || (prefix < 0 && prefixed))
        return false;
    if (prefixed)
        piece = piece_after(piece, 2);
    if (piece.length == 0 || piece.length > digits)
        return false;
    *value = 0;
    for (size_t i = 0; i < piece.length; i++) {
        int digit = char_hex(piece.start[i]);

        if (digit < 0)
            return false;
        *value = *value << 4 | (uint64_t)digit;
    }
    return true;
}
