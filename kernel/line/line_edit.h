/*
 * A line that is typed on a terminal: cursor, history, and what keys do (ECMA-48 control functions,
 * as terminals send them). line_edit.c is pure.
 */
#pragma once

#include "kernel/line/line_command.h"
#include "lib/format.h"

enum { EDIT_SIZE = 256, EDIT_LINES = 16 };

struct line_edit {
    char text[EDIT_SIZE]; /* ends with a zero */
    uint32_t length, cursor;
    bool appended;                    /* the last key did no more than that */
    char line[EDIT_LINES][EDIT_SIZE]; /* the history, the latest first */
    uint32_t lines, shown;            /* shown: line[shown - 1]; 0: a new one */
    char escape[3];                   /* of a sequence: what has come of it */
};

enum edit_outcome { EDIT_MORE, EDIT_TAB, EDIT_DONE };

/* A new line; the last one goes to the history. */
void line_edit_begin(struct line_edit *edit);

/* EDIT_DONE: the line is in `text`. EDIT_TAB: it is to be completed. */
enum edit_outcome line_edit_key(struct line_edit *edit, uint8_t key);

/* Inserts text where the cursor is, as much as there is room for. */
void line_edit_insert(struct line_edit *edit, const char *text);

/*
 * Shows what the last key did, on a terminal whose cursor is on the line: writes it anew, or only
 * the character that was appended: all of the line for each would be more than a serial port can
 * send while the next ones come in.
 */
void line_edit_show(const struct line_edit *edit, const char *prompt, struct sink *sink);

/* kernel/line/line_serial.c: a new line from a terminal, on which Tab completes what it can say. */
void line_read(struct line_edit *edit, const char *prompt, const struct line_language *language);
