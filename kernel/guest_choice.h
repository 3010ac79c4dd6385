/*
 * Which guests `guest=` names.
 */
#ifndef KERNEL_GUEST_CHOICE_H
#define KERNEL_GUEST_CHOICE_H

#include <stdbool.h>
#include <stdint.h>

#include "vm/guest.h"

enum { GUEST_NAME_SIZE = 24 };

struct guest_choice {
    const struct guest *guest[GUESTS_MAX];
    uint32_t count;
    char unknown[GUEST_NAME_SIZE]; /* the first name that no guest has; "" for none */
};

/*
 * `names` is "all", "none", or names with commas between, and ends with a zero or a space; NULL is
 * for the demonstration, the first guest of the table.
 */
void guest_choose(const char *names, const struct guest *const *table, uint32_t count,
                  struct guest_choice *choice);

#endif
