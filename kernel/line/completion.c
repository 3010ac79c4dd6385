#include "kernel/line/line_command.h"

#include "lib/string.h"

static char lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static bool begins(const char *name, const char *text, size_t length)
{
    size_t i = 0;

    while (i < length && name[i] != '\0' && lower(name[i]) == lower(text[i]))
        i++;
    return i == length;
}

bool completion_find(completion_names *names, int kind, const char *text, size_t length,
                     uint32_t *n)
{
    char name[COMPLETION_SIZE];

    for (*n = 0; names(kind, *n, name); (*n)++) {
        if (strlen(name) == length && begins(name, text, length))
            return true;
    }
    return false;
}

size_t completion_add(completion_names *names, int kind, const char *text, char *more,
                      struct sink *list)
{
    size_t typed = strlen(text);
    char name[COMPLETION_SIZE];
    uint32_t fitting = 0;

    more[0] = '\0';
    for (uint32_t n = 0; names(kind, n, name); n++) {
        size_t same = 0;

        if (!begins(name, text, typed))
            continue;
        if (list != NULL)
            print_to(list, "%s ", name);
        if (fitting++ == 0)
            format_text(more, COMPLETION_SIZE, "%s ", name + typed);
        while (more[same] != '\0' && lower(more[same]) == lower(name[typed + same]))
            same++;
        more[fitting == 1 ? same + 1 : same] = '\0';
    }
    return strlen(more);
}
