#include "kernel/report/guest_list.h"

#include "lib/string.h"
#include "vmx/exit_reason.h"

enum { INDENT = 7, COLUMNS = 71, EXITS_SIZE = 240 };

/* The guests that provoke a reason, with spaces between; NULL: none can. */
#define BY(guests)                  (guests)
#define NONE(why)                   NULL
#define WHERE(guests, ...)          (guests)
#define EXIT(id, handler, how, ...) [EXIT_REASON_##id] = how,
#define NO_EXIT(...)
static const char *const guests_of[EXIT_REASON_COUNT] = {
#include "vm/exits.def"
};
#undef BY
#undef NONE
#undef WHERE
#undef EXIT
#undef NO_EXIT

static bool names(const char *guests, const char *name)
{
    size_t length = strlen(name);

    while (guests != NULL && *guests != '\0') {
        if (strncmp(guests, name, length) == 0 && (guests[length] == ' ' || guests[length] == '\0'))
            return true;
        while (*guests != '\0' && *guests++ != ' ')
            continue;
    }
    return false;
}

static void print_exits(struct sink *sink, const char *name)
{
    char exits[EXITS_SIZE];
    struct text_buffer text;

    text_buffer_init(&text, exits, sizeof(exits));
    for (uint32_t reason = 0; reason < EXIT_REASON_COUNT; reason++) {
        if (names(guests_of[reason], name))
            print_to(&text.sink, "%s%s", text.length == 0 ? "VM exits: " : ", ",
                     exit_reason_name(reason));
    }
    print_wrapped(sink, INDENT, COLUMNS, exits);
}

void guest_list_print(struct sink *sink, const struct guest *const *table, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        print_to(sink, "  %s\n", table[i]->name);
        print_wrapped(sink, INDENT, COLUMNS, table[i]->purpose);
        print_exits(sink, table[i]->name);
    }
}
