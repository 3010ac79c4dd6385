/*
 * A room: where an NMI comes from. Watchdogs, errors that the chipset found, a button; or this
 * kernel. And what the processor's machine-check banks hold.
 */
#pragma once

#include "lib/host/cpu.h"

/* SDM Vol. 3, "Machine-Check Architecture". */

/* "Machine-Check Error-Reporting Register Banks": each has four MSRs. */
enum {
    IA32_MCG_CAP = 0x179,
    IA32_MCG_STATUS = 0x17a,
    IA32_MC0_STATUS = 0x401,
    IA32_MC0_ADDR = 0x402,
    MSRS_OF_A_BANK = 4,
};

#define MC_STATUS_VALID (1ull << 63)

/* A bank that holds an error. */
struct machine_check {
    bool found;
    uint32_t bank;
    uint64_t status; /* IA32_MCi_STATUS */
};

/* The first one from bank `from` on. */
struct machine_check machine_check_find(uint32_t from);

/* How many banks there are to be read; 0 without the architecture. */
uint32_t machine_check_banks(void);

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
