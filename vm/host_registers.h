/*
 * What VM entries and exits leave in the processor: kept before a guest, put back after it, and
 * made as after a reset in between, so that no guest finds what another one, or the firmware, left.
 *
 * SDM Vol. 3, "Loading Guest State", "Loading Host State" say what is exchanged. The rest is x87,
 * SSE, AVX and whatever else XCR0 names, XCR0 itself, CR2, DR0 to DR3, DR6, and the MSRs that a
 * guest may have (vm/exits/exits_msr.c). The kernel uses none of them.
 */
#ifndef VM_HOST_REGISTERS_H
#define VM_HOST_REGISTERS_H

#include <stdint.h>

enum { HOST_REGISTERS_MSRS = 6 };

struct host_registers {
    uint64_t msr[HOST_REGISTERS_MSRS];
    uint64_t cr4, xcr0;
};

/*
 * Before the VMCS is written: CR4 becomes what the host has while it serves the guest, with OSXSAVE
 * where there is XSAVE, lest XSETBV could not be executed for the guest.
 */
void host_registers_keep(struct host_registers *host);

void host_registers_restore(const struct host_registers *host);

#endif
