/* Which guests `guest=` names, and where each runs. */
#pragma once

#include "vm/guests/guest.h"

enum { GUEST_CHOICES_MAX = 512, GUEST_NAMES_SIZE = 96 };

struct guest_chosen {
    const struct guest *guest;
    bool every_cpu;
    uint32_t cpu; /* the only one, by index, if not every_cpu */
};

struct guest_choice {
    const struct guest *const *table; /* all that there are */
    uint32_t table_count;
    struct guest_chosen item[GUEST_CHOICES_MAX];
    uint32_t count;
    uint32_t lost; /* chosen, but more than there is room for */
    bool list;     /* "list": all that there are are to be reported */
    /* With commas between, as many as there is room for; "" for none. */
    char
        unknown[GUEST_NAMES_SIZE]; /* names that no guest has, each with the nearest that one has */
    char no_cpu[GUEST_NAMES_SIZE]; /* items for a CPU that is not there */
};

/*
 * `names` holds items with commas between, and ends with a zero or a space. An item is a guest's
 * name, "all", "none", or "list", which runs none, for every CPU; with "cpuN:" before it, for the
 * CPU with that index. NULL is for the demonstration, the first guest of the table on every CPU.
 */
void guest_choose(const char *names, const struct guest *const *table, uint32_t count,
                  uint32_t cpu_count, struct guest_choice *choice);

/* Does item `index` run on this CPU? */
static inline bool guest_chosen_for(const struct guest_choice *choice, uint32_t index, uint32_t cpu)
{
    return choice->item[index].every_cpu || choice->item[index].cpu == cpu;
}
