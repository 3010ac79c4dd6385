/*
 * What guests did and what exits cost, as members of the report's JSON document.
 */
#ifndef KERNEL_GUESTS_JSON_H
#define KERNEL_GUESTS_JSON_H

#include "kernel/machine.h"
#include "lib/json.h"

/* "guests": [ … ] or null, and "bench": {"exits": { … }} or null. */
void guests_json(struct json *json, const struct machine *machine);

#endif
