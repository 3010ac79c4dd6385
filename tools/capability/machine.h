/*
 * The VMX capability MSRs of the machine that this runs on, as Linux gives them to root.
 */
#pragma once

#include <stdbool.h>

#include "tools/capability/dump_list.h"

enum { MACHINE_ERROR_MAX = 800 };

/*
 * Reads the MSRs of every CPU that is on, CPU 0 first. `root` is NULL, which means /dev/cpu; or,
 * for tests, another directory with a regular file N/msr for each CPU, in which the value of MSR n
 * stands at byte 8 * n, and whose CPUs are taken to have VMX. False, with a message that says what
 * to do, if they cannot be read.
 */
bool machine_read(const char *root, struct dump_list *list, char error[MACHINE_ERROR_MAX]);
