/*
 * The monitor on the model CPU, which here is what Bochs calls corei7_haswell_4770; and a guest's
 * few instructions, executed by EPT tables that are walked anew, after the manual.
 */
#pragma once

#include "kernel/monitor/monitor.h"

/* A machine in which nothing was done yet; answers go to `sink`. */
void monitor_machine_reset(struct sink *sink);

/* A line as the room obeys it, `reset` included. */
void monitor_machine_obey(const char *line);
