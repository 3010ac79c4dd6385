/*
 * A JSON writer: values go to a sink as they are made; commas, quotes and escapes are its business.
 * A name is NULL inside an array. Registers and addresses are strings in hex, counts are numbers.
 */
#ifndef LIB_JSON_H
#define LIB_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/format.h"

enum { JSON_DEPTH_MAX = 16 };

struct json {
    struct sink *sink;
    unsigned depth;
    bool comma[JSON_DEPTH_MAX + 1]; /* at this depth, a value stands already */
};

void json_init(struct json *json, struct sink *sink);
void json_object_begin(struct json *json, const char *name);
void json_object_end(struct json *json);
void json_array_begin(struct json *json, const char *name);
void json_array_end(struct json *json);
void json_string(struct json *json, const char *name, const char *value); /* NULL value: null */
void json_hex(struct json *json, const char *name, uint64_t value);
void json_number(struct json *json, const char *name, uint64_t value);
void json_bool(struct json *json, const char *name, bool value);
void json_null(struct json *json, const char *name);

/* Begins an object where it is there, null else; what is returned. */
bool json_object_if(struct json *json, const char *name, bool is_there);

#endif
