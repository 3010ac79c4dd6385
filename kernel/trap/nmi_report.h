/*
 * A room: NMIs that nobody here has sent, by where they came from.
 */
#ifndef KERNEL_NMI_REPORT_H
#define KERNEL_NMI_REPORT_H

#include "kernel/machine.h"

/* At the end: adds a finding for each cause and CPU, with how many there were in all. */
void nmis_report(struct machine *machine);

#endif
