#include "lib/format.h"

void json_init(struct json *json, struct sink *sink)
{
    *json = (struct json){.sink = sink};
}

static void put_quoted(struct sink *sink, const char *text)
{
    sink->write(sink, "\"", 1);
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;

        if (c == '"' || c == '\\')
            print_to(sink, "\\%c", c);
        else if (c == '\n')
            sink->write(sink, "\\n", 2);
        else if (c < 0x20 || c >= 0x7f)
            print_to(sink, "\\u%04x", c);
        else
            sink->write(sink, text, 1);
    }
    sink->write(sink, "\"", 1);
}

/* What stands before any value: a comma, a line of its own in an object, its name. */
static void begin_value(struct json *json, const char *name)
{
    if (json->comma[json->depth])
        json->sink->write(json->sink, ",", 1);
    json->comma[json->depth] = true;
    if (name == NULL)
        return;
    print_to(json->sink, "\n%*s", (int)json->depth, "");
    put_quoted(json->sink, name);
    json->sink->write(json->sink, ": ", 2);
}

void json_nest_begin(struct json *json, const char *name, char bracket)
{
    begin_value(json, name);
    json->sink->write(json->sink, &bracket, 1);
    if (json->depth < JSON_DEPTH_MAX)
        json->depth++;
    json->comma[json->depth] = false;
}

void json_nest_end(struct json *json, char bracket)
{
    if (json->depth > 0)
        json->depth--;
    json->sink->write(json->sink, &bracket, 1);
}

void json_string(struct json *json, const char *name, const char *value)
{
    begin_value(json, name);
    if (value == NULL)
        print_to(json->sink, "null");
    else
        put_quoted(json->sink, value);
}

void json_hex(struct json *json, const char *name, uint64_t value)
{
    begin_value(json, name);
    print_to(json->sink, "\"%#llx\"", (unsigned long long)value);
}

void json_number(struct json *json, const char *name, uint64_t value)
{
    begin_value(json, name);
    print_to(json->sink, "%llu", (unsigned long long)value);
}

void json_bool(struct json *json, const char *name, bool value)
{
    begin_value(json, name);
    print_to(json->sink, value ? "true" : "false");
}

bool json_object_if(struct json *json, const char *name, bool is_there)
{
    if (is_there)
        json_object_begin(json, name);
    else
        json_null(json, name);
    return is_there;
}
