/*
 * A checked set as a JSON object, in the shapes of the boot report.
 */
#pragma once

#include "lib/format.h"
#include "tools/capability/check_set.h"

void set_json(struct json *json, const struct checked *checked);
