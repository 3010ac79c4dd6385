/*
 * What the guests of state agree on with the hypervisor.
 */
#ifndef VM_GUESTS_STATE_H
#define VM_GUESTS_STATE_H

#include "vm/guests/guest.h"

/* The guest that sees the machine: what it gets in its data page, and what it leaves. */
#define IDENTITY_BIOS_WORDS (GUEST_DATA + 0x00) /* words of 64 bits in the BIOS; 0: none to see */
#define IDENTITY_SUM        (GUEST_DATA + 0x08) /* of them */
#define IDENTITY_LAST       (GUEST_DATA + 0x10) /* the address where the guest is to end */

/* From GUEST_ARRAY on: an address to read, and what was read; after the last one 0. */
#define IDENTITY_ENTRY_BYTES 16

/* What one guest leaves in every register of 64 bits that it can write, addresses included. */
#define LEFT_VALUE 0x0000111111111111

/* In the data page of the guest that looks. */
#define FOUND_GENERAL   (GUEST_DATA + 0x00) /* all but RSP ORed together */
#define FOUND_CR2       (GUEST_DATA + 0x08)
#define FOUND_CR8       (GUEST_DATA + 0x10)
#define FOUND_DR0       (GUEST_DATA + 0x18) /* and DR1 to DR3 */
#define FOUND_DR6       (GUEST_DATA + 0x38)
#define FOUND_DR7       (GUEST_DATA + 0x40)
#define FOUND_GS_KERNEL (GUEST_DATA + 0x48) /* IA32_KERNEL_GS_BASE */
#define FOUND_XCR0      (GUEST_DATA + 0x50) /* 0 where there is no XSAVE */

#define FOUND_FXSAVE GUEST_ARRAY            /* 512 bytes */
#define FOUND_XSAVE  (GUEST_ARRAY + 0x1000) /* all that XCR0 can name */

#endif
