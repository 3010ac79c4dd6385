/*
 * A checked set as a JSON object, in the shapes of the boot report.
 */
#ifndef TOOLS_CAPABILITY_SET_JSON_H
#define TOOLS_CAPABILITY_SET_JSON_H

#include "lib/format.h"
#include "tools/capability/check_set.h"

void set_json(struct json *json, const struct checked *checked);

#endif
