/*
 * NMIs that nobody here has sent: watchdogs, errors that the chipset found, a button. As on Linux
 * the boot goes on, and the report prints them.
 */
#ifndef VM_HOST_NMI_H
#define VM_HOST_NMI_H

#include <stdbool.h>
#include <stdint.h>

#include "vm/host/cpu.h"

/* From now on an NMI that comes may be ours (vm/host/alarm.h), or none is any more. */
void nmi_expect(bool ours);

/* What port 0x61 says of an NMI; without a word there it is ours, if such are expected. */
enum nmi_cause nmi_cause(uint8_t port_b, bool ours);

/* What turns off, in port 0x61, the source that it shows: a line that stays active is reported
 * once. */
uint8_t nmi_source_off(uint8_t port_b);

/* An NMI has come on this CPU. */
void nmi_handle(void);

#endif
