/*
 * A JSON reader that takes one value after the other, strictly by RFC 8259, and always knows its
 * line: what a reader of a known document needs to say where that departs from it.
 */
#pragma once

#include <stdbool.h>

#include "tools/capability/scan.h"

enum { JSON_TEXT_MAX = 256 };

/* Passes over white space, then over `c` if it stands there. */
bool json_take(struct scan *scan, char c);

/* As json_take(), but it is an error if something else stands there; `expected` names it. */
bool json_need(struct scan *scan, char c, const char *expected);

/* A string, with its escapes resolved; cut where it is longer than fits. */
bool json_take_string(struct scan *scan, char text[JSON_TEXT_MAX], const char *expected);

/* Passes over a value of any kind. */
bool json_skip(struct scan *scan);

/* Nothing but white space may be left. */
bool json_end(struct scan *scan);

/* An error about what stands here. False. */
bool json_expected(struct scan *scan, const char *expected);

/*
 * Takes the name of an object's next member and the colon: call after `{`, with `*first` true for
 * the first one. `*done` says that the object has ended.
 */
bool json_member(struct scan *scan, bool *first, char name[JSON_TEXT_MAX], bool *done);

/* As json_member(), in an array: a value follows, unless `*done`. */
bool json_element(struct scan *scan, bool *first, bool *done);
