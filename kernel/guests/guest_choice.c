#include "kernel/guests/guest_choice.h"

#include "kernel/words/nearest.h"
#include "lib/format.h"
#include "lib/string.h"

/* A part of the list: not ended by a zero. */
struct text {
    const char *start;
    size_t length;
};

static bool is(struct text text, const char *wanted)
{
    return strlen(wanted) == text.length && strncmp(text.start, wanted, text.length) == 0;
}

/* Appends the item. Characters that a console should not be sent become question marks. */
static void remember(char where[GUEST_NAMES_SIZE], struct text text, const char *nearest)
{
    char *end = where + strlen(where);

    format_text(end, (size_t)(where + GUEST_NAMES_SIZE - end), "%s%.*s%s%s%s",
                end == where ? "" : ", ", (int)text.length, text.start,
                nearest != NULL ? " (nearest: " : "", nearest != NULL ? nearest : "",
                nearest != NULL ? ")" : "");
    for (; *end != '\0'; end++) {
        if (*end < ' ' || *end > '~')
            *end = '?';
    }
}

static void add(struct guest_choice *choice, struct guest_chosen chosen)
{
    if (choice->count < GUEST_CHOICES_MAX)
        choice->item[choice->count++] = chosen;
    else
        choice->lost++;
}

/* Cuts "cpuN:" off, if the item begins so. What ends an item is no digit. */
static void take_cpu(struct text *item, struct guest_chosen *chosen)
{
    enum { DIGITS_MAX = 9, PREFIX = 3 };
    size_t at = PREFIX;
    uint32_t cpu = 0;

    if (item->length <= PREFIX || strncmp(item->start, "cpu", PREFIX) != 0)
        return;
    while (at < PREFIX + DIGITS_MAX && item->start[at] >= '0' && item->start[at] <= '9')
        cpu = cpu * 10 + (uint32_t)(item->start[at++] - '0');
    if (at == PREFIX || at == item->length || item->start[at] != ':')
        return;
    chosen->every_cpu = false;
    chosen->cpu = cpu;
    item->start += at + 1;
    item->length -= at + 1;
}

static void add_named(struct guest_choice *choice, struct text name, struct guest_chosen chosen,
                      const struct guest *const *table, uint32_t count)
{
    static const char *const others[] = {"all", "none", "list"};
    struct nearest nearest = {.typed = name.start, .length = name.length};

    for (uint32_t i = 0; i < count; i++) {
        chosen.guest = table[i];
        if (is(name, table[i]->name) || is(name, "all"))
            add(choice, chosen);
        if (is(name, table[i]->name))
            return;
    }
    choice->list |= is(name, "list");
    for (uint32_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (is(name, others[i]))
            return;
        nearest_offer(&nearest, others[i]);
    }
    for (uint32_t i = 0; i < count; i++)
        nearest_offer(&nearest, table[i]->name);
    remember(choice->unknown, name, nearest.name);
}

static void add_item(struct guest_choice *choice, struct text item,
                     const struct guest *const *table, uint32_t count, uint32_t cpu_count)
{
    struct guest_chosen chosen = {.every_cpu = true};
    struct text name = item;

    take_cpu(&name, &chosen);
    if (chosen.every_cpu || chosen.cpu < cpu_count)
        add_named(choice, name, chosen, table, count);
    else
        remember(choice->no_cpu, item, NULL);
}

void guest_choose(const char *names, const struct guest *const *table, uint32_t count,
                  uint32_t cpu_count, struct guest_choice *choice)
{
    memset(choice, 0, sizeof(*choice));
    choice->table = table;
    choice->table_count = count;
    if (names == NULL) {
        add(choice, (struct guest_chosen){.guest = table[0], .every_cpu = true});
        return;
    }
    for (;;) {
        struct text item = {names, 0};

        while (names[item.length] != '\0' && names[item.length] != ' ' &&
               names[item.length] != '\t' && names[item.length] != ',')
            item.length++;
        add_item(choice, item, table, count, cpu_count);
        if (names[item.length] != ',')
            return;
        names += item.length + 1;
    }
}
