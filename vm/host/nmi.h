/*
 * NMIs that nobody here has sent: watchdogs, errors that the chipset found, a button. As on Linux
 * the boot goes on, and the report tells them.
 */
#ifndef VM_HOST_NMI_H
#define VM_HOST_NMI_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "vm/host/machine_check.h"

enum nmi_cause {
    NMI_OURS,
    NMI_SERR,  /* a PCI device's system error, or main memory's parity */
    NMI_IOCHK, /* an ISA device's error */
    NMI_UNKNOWN,
    NMI_CAUSE_COUNT,
};

/* Those that came on one CPU. */
struct nmi_log {
    _Atomic(uint32_t) count[NMI_CAUSE_COUNT]; /* NMI_OURS is not counted */
    struct machine_check error; /* what the machine-check banks held at the first unknown one */
};

/* What port 0x61 says of an NMI; without a word there it is the alarm's, while that ticks. */
enum nmi_cause nmi_cause(uint8_t port_b, bool alarm_ticks);

/* What turns off, in port 0x61, the source that it shows: a line that stays active is told once. */
uint8_t nmi_source_off(uint8_t port_b);

/* An NMI has come on this CPU. */
void nmi_handle(void);

#endif
