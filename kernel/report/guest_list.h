/*
 * What guests there are, for whoever wants to name one: `guest=list`.
 */
#ifndef KERNEL_GUEST_LIST_H
#define KERNEL_GUEST_LIST_H

#include "lib/format.h"
#include "vm/guest.h"

/* Of each: its name, what it does, and the VM exits that vm/exits.def names it for. */
void guest_list_print(struct sink *sink, const struct guest *const *table, uint32_t count);

#endif
