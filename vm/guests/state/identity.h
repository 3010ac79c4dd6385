/*
 * What the guest that sees the machine (vm/guests/state/identity.c) is reported in its data page,
 * and what it leaves there and in GUEST_ARRAY.
 */
#ifndef VM_GUESTS_IDENTITY_H
#define VM_GUESTS_IDENTITY_H

#include "vm/guest.h"

#define IDENTITY_BIOS_WORDS (GUEST_DATA + 0x00) /* words of 64 bits in the BIOS; 0: none to see */
#define IDENTITY_SUM        (GUEST_DATA + 0x08) /* of them */
#define IDENTITY_LAST       (GUEST_DATA + 0x10) /* the address where the guest is to end */

/* From GUEST_ARRAY on: an address to read, and what was read; after the last one 0. */
#define IDENTITY_ENTRY_BYTES 16

#endif
