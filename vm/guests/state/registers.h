/*
 * Where the guests of vm/guests/state/registers.c and their code, vm/guests/state/registers.S, put
 * what.
 */
#ifndef VM_GUESTS_REGISTERS_H
#define VM_GUESTS_REGISTERS_H

#include "vm/guest.h"

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
