/*
 * Text formatting into a sink: printf's everyday part, without floating point.
 *
 * Conversions: %d %u %x %c %s %%, with l, ll, z; flags - and 0, # for 0x; width, and precision of
 * %s, also as *. Anything else is copied as it stands, so that a slip shows.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Takes text as it is made; `length` bytes, not terminated. */
struct sink {
    void (*write)(struct sink *sink, const char *text, size_t length);
};

/* A sink that fills a buffer, keeps it terminated, and counts what did not fit. */
struct text_buffer {
    struct sink sink;
    char *text;
    size_t size;   /* of the buffer, in bytes, terminator included; at least 1 */
    size_t length; /* of the text in it */
    size_t lost;   /* bytes that did not fit */
};

void text_buffer_init(struct text_buffer *buffer, char *text, size_t size);

void vprint_to(struct sink *sink, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));
void print_to(struct sink *sink, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* As snprintf: always terminates when size > 0; returns the length that the whole text has. */
size_t format_text(char *text, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * A JSON writer: values go to a sink as they are made; commas, quotes and escapes are its business.
 * A name is NULL inside an array. Registers and addresses are strings in hex, counts are numbers.
 */
enum { JSON_DEPTH_MAX = 16 };

struct json {
    struct sink *sink;
    unsigned depth;
    bool comma[JSON_DEPTH_MAX + 1]; /* at this depth, a value stands already */
};

void json_init(struct json *json, struct sink *sink);
void json_nest_begin(struct json *json, const char *name, char bracket);
void json_nest_end(struct json *json, char bracket);
#define json_object_begin(json, name) json_nest_begin(json, name, '{')
#define json_object_end(json)         json_nest_end(json, '}')
#define json_array_begin(json, name)  json_nest_begin(json, name, '[')
#define json_array_end(json)          json_nest_end(json, ']')
void json_string(struct json *json, const char *name, const char *value); /* NULL value: null */
void json_hex(struct json *json, const char *name, uint64_t value);
void json_number(struct json *json, const char *name, uint64_t value);
void json_bool(struct json *json, const char *name, bool value);
#define json_null(json, name) json_string(json, name, NULL)

/* Begins an object where it is there, null else; what is returned. */
bool json_object_if(struct json *json, const char *name, bool is_there);
