#include "kernel/line/line_edit.h"

#include "lib/string.h"

enum {
    CONTROL_A = 1,
    CONTROL_E = 5,
    BACKSPACE = 8,
    TAB = 9,
    CONTROL_K = 11,
    ENTER = 13,
    CONTROL_U = 21,
    ESCAPE = 27,
    DELETE = 127
};

void line_edit_begin(struct line_edit *edit)
{
    if (edit->length > 0 && (edit->lines == 0 || strcmp(edit->text, edit->line[0]) != 0)) {
        memmove(edit->line[1], edit->line[0], sizeof(edit->line) - sizeof(edit->line[0]));
        memcpy(edit->line[0], edit->text, sizeof(edit->text));
        if (edit->lines < EDIT_LINES)
            edit->lines++;
    }
    memset(edit->text, 0, sizeof(edit->text));
    edit->length = edit->cursor = edit->shown = 0;
    edit->escape[0] = '\0';
    edit->appended = false;
}

void line_edit_insert(struct line_edit *edit, const char *text)
{
    for (; *text != '\0' && edit->length + 1 < EDIT_SIZE; text++) {
        memmove(edit->text + edit->cursor + 1, edit->text + edit->cursor,
                edit->length - edit->cursor + 1);
        edit->text[edit->cursor++] = *text;
        edit->length++;
    }
}

/* Takes out [from, to). */
static void cut(struct line_edit *edit, uint32_t from, uint32_t to)
{
    if (to > edit->length)
        return;
    memmove(edit->text + from, edit->text + to, edit->length - to + 1);
    edit->length -= to - from;
    edit->cursor = from;
}

static void show_history(struct line_edit *edit, uint32_t which)
{
    if (which > edit->lines)
        return;
    edit->shown = which;
    cut(edit, 0, edit->length);
    if (which > 0)
        line_edit_insert(edit, edit->line[which - 1]);
}

/* The last character of a control sequence, and before it at most a digit. */
static void sequence(struct line_edit *edit, char last)
{
    switch (last) {
    case 'A':
        show_history(edit, edit->shown + 1);
        break;
    case 'B':
        if (edit->shown > 0)
            show_history(edit, edit->shown - 1);
        break;
    case 'C':
        edit->cursor += edit->cursor < edit->length;
        break;
    case 'D':
        edit->cursor -= edit->cursor > 0;
        break;
    case 'H':
        edit->cursor = 0;
        break;
    case 'F':
        edit->cursor = edit->length;
        break;
    case '~':
        if (edit->escape[2] == '3')
            cut(edit, edit->cursor, edit->cursor + 1);
        break;
    default:
        break;
    }
}

/* ESC [ or ESC O, digits, a letter. */
static void in_sequence(struct line_edit *edit, char key)
{
    if (edit->escape[1] == '\0') {
        edit->escape[1] = key;
        if (key != '[' && key != 'O')
            edit->escape[0] = '\0';
    } else if ((key >= '0' && key <= '9') || key == ';') {
        edit->escape[2] = key;
    } else {
        sequence(edit, key);
        edit->escape[0] = '\0';
    }
}

enum edit_outcome line_edit_key(struct line_edit *edit, uint8_t key)
{
    edit->appended = false;
    if (edit->escape[0] != '\0') {
        in_sequence(edit, (char)key);
        return EDIT_MORE;
    }
    switch (key) {
    case TAB:
        return EDIT_TAB;
    case ENTER:
    case '\n':
        return EDIT_DONE;
    case ESCAPE:
        memcpy(edit->escape, "\x1b\0", sizeof(edit->escape));
        break;
    case BACKSPACE:
    case DELETE:
        if (edit->cursor > 0)
            cut(edit, edit->cursor - 1, edit->cursor);
        break;
    case CONTROL_A:
        edit->cursor = 0;
        break;
    case CONTROL_E:
        edit->cursor = edit->length;
        break;
    case CONTROL_K:
        cut(edit, edit->cursor, edit->length);
        break;
    case CONTROL_U:
        cut(edit, 0, edit->cursor);
        break;
    default:
        if (key < ' ' || key > DELETE)
            break;
        edit->appended = edit->cursor == edit->length && edit->length + 1 < EDIT_SIZE;
        line_edit_insert(edit, (const char[]){(char)key, '\0'});
        break;
    }
    return EDIT_MORE;
}

void line_edit_show(const struct line_edit *edit, const char *prompt, struct sink *sink)
{
    if (edit->appended) {
        print_to(sink, "%s", edit->text + edit->length - 1);
        return;
    }
    print_to(sink, "\r%s%s\x1b[K", prompt, edit->text);
    if (edit->cursor < edit->length)
        print_to(sink, "\x1b[%uD", edit->length - edit->cursor);
}
