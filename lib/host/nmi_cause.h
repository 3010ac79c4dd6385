/*
 * A room: where an NMI comes from. Watchdogs, errors that the chipset found, a button; or this
 * kernel.
 */
#ifndef LIB_HOST_NMI_CAUSE_H
#define LIB_HOST_NMI_CAUSE_H

#include "lib/host/cpu.h"
#include "lib/host/machine_check.h"

enum nmi_cause {
    NMI_OURS,
    NMI_SERR,  /* a PCI device's system error, or main memory's parity */
    NMI_IOCHK, /* an ISA device's error */
    NMI_UNKNOWN,
    NMI_CAUSE_COUNT,
};

/* Those on one CPU that nobody here has sent. */
struct nmi_log {
    _Atomic(uint32_t) count[NMI_CAUSE_COUNT]; /* NMI_OURS is not counted */
    struct machine_check error; /* what the machine-check banks held at the first unknown one */
};
extern struct nmi_log nmi_logs[CPUS_MAX]; /* by the CPU's index */

/* From now on an NMI that comes may be one that this kernel has sent, or none is any more. */
void nmi_expect(bool ours);

/* What port 0x61 says of an NMI; without a word there it is ours, if such are expected. */
enum nmi_cause nmi_cause(uint8_t port_b, bool ours);

/* What turns off, in port 0x61, the source that it shows: the next NMI may have another. */
uint8_t nmi_source_off(uint8_t port_b);

#endif
