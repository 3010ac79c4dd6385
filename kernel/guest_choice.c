#include "kernel/guest_choice.h"

#include "lib/format.h"
#include "lib/string.h"

static bool is(const char *name, size_t length, const char *wanted)
{
    return strlen(wanted) == length && strncmp(name, wanted, length) == 0;
}

static void add(struct guest_choice *choice, const struct guest *guest)
{
    if (choice->count < GUESTS_MAX)
        choice->guest[choice->count++] = guest;
}

static void add_named(struct guest_choice *choice, const char *name, size_t length,
                      const struct guest *const *table, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (is(name, length, table[i]->name) || is(name, length, "all"))
            add(choice, table[i]);
        if (is(name, length, table[i]->name))
            return;
    }
    if (!is(name, length, "all") && !is(name, length, "none") && choice->unknown[0] == '\0')
        format_text(choice->unknown, sizeof(choice->unknown), "%.*s", (int)length, name);
}

void guest_choose(const char *names, const struct guest *const *table, uint32_t count,
                  struct guest_choice *choice)
{
    memset(choice, 0, sizeof(*choice));
    if (names == NULL) {
        add(choice, table[0]);
        return;
    }
    for (;;) {
        size_t length = 0;

        while (names[length] != '\0' && names[length] != ' ' && names[length] != '\t' &&
               names[length] != ',')
            length++;
        add_named(choice, names, length, table, count);
        if (names[length] != ',')
            return;
        names += length + 1;
    }
}
