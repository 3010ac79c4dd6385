/*
 * A piece of a text, not terminated, and what readers of texts that people paste do with one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct piece {
    const char *start;
    size_t length;
};

/* Takes the next line of `*rest` without its end ("\n", "\r\n"). False at the end. */
bool piece_line(struct piece *rest, struct piece *line);

/* Takes the next word of `*rest`, up to one of `separators`, which are passed over; "" at the end.
 */
struct piece piece_word(struct piece *rest, const char *separators);

struct piece piece_of(const char *text);
struct piece piece_trim(struct piece piece);
bool piece_is(struct piece piece, const char *text);
bool piece_starts(struct piece piece, const char *text);

/* As those two, but capital letters and small ones are the same. `text` has small ones. */
bool piece_is_folded(struct piece piece, const char *text);
bool piece_starts_folded(struct piece piece, const char *text);

/* Does `text`, in small letters, stand anywhere in it, in letters of either kind? */
bool piece_has_folded(struct piece piece, const char *text);

/* Where `c` stands in it first; its length if nowhere. */
size_t piece_find(struct piece piece, char c);

/* What is left without its first `count` bytes. */
struct piece piece_after(struct piece piece, size_t count);

/* Its first byte, or that at `index`; 0 after its end. */
char piece_first(struct piece piece);
char piece_at(struct piece piece, size_t index);

/* Passes over the bytes that are one of `set`. */
struct piece piece_skip(struct piece piece, const char *set);

/* Hex digits, 1 to `digits` of them; "0x" before them where `prefix` says so: 1 must, 0 may, -1
 * not.
 */
bool piece_hex(struct piece piece, int prefix, size_t digits, uint64_t *value);

bool char_is_digit(char c);
bool char_is_letter(char c);
char char_folded(char c);
bool char_is_one_of(char c, const char *set);

/* 0 to 15; -1 for what is no hex digit. */
int char_hex(char c);
