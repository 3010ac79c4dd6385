#include "kernel/guests/guest_results.h"

#include "kernel/words/nearest.h"
#include "lib/string.h"

/* Appends the item. Characters that a console should not be sent become question marks. */
static void remember(char where[GUEST_NAMES_SIZE], struct command_text text, const char *nearest)
{
    char *end = where + strlen(where);

    format_text(end, (size_t)(where + GUEST_NAMES_SIZE - end),
                nearest != NULL ? "%s%.*s (nearest: %s)" : "%s%.*s", end == where ? "" : ", ",
                (int)text.length, text.start, nearest);
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

static void add_named(struct guest_choice *choice, struct command_text name,
                      struct guest_chosen chosen)
{
    static const char *const others[] = {"all", "none", "list"};
    struct nearest nearest = {.typed = name.start, .length = name.length};

    SET_FOR_EACH(guests, guest) {
        chosen.guest = *guest;
        if (command_text_is(name, (*guest)->name) || command_text_is(name, "all"))
            add(choice, chosen);
        if (command_text_is(name, (*guest)->name))
            return;
    }
    choice->list |= command_text_is(name, "list");
    for (uint32_t i = 0; i < COUNT_OF(others); i++) {
        if (command_text_is(name, others[i]))
            return;
        nearest_offer(&nearest, others[i]);
    }
    SET_FOR_EACH(guests, guest)
        nearest_offer(&nearest, (*guest)->name);
    remember(choice->unknown, name, nearest.name);
}

static void add_item(struct guest_choice *choice, struct command_text item, uint32_t cpus_max)
{
    struct guest_chosen chosen = {0};
    struct command_text name = item;

    chosen.every_cpu = !command_text_cut_cpu(&name, &chosen.cpu);
    if (chosen.every_cpu || chosen.cpu < cpus_max)
        add_named(choice, name, chosen);
    else
        remember(choice->no_cpu, item, NULL);
}

void guest_choose(const char *names, uint32_t cpus_max, struct guest_choice *choice)
{
    memset(choice, 0, sizeof(*choice));
    if (names == NULL)
        add(choice, (struct guest_chosen){.guest = set_guests[0], .every_cpu = true});
    while (names != NULL) {
        struct command_text item = {names, 0};

        while (names[item.length] != '\0' && names[item.length] != ' ' &&
               names[item.length] != '\t' && names[item.length] != ',')
            item.length++;
        add_item(choice, item, cpus_max);
        names = names[item.length] == ',' ? names + item.length + 1 : NULL;
    }
}
