/*
 * What guests made of probes and their check (vm/guests/probed.h) share; the assembly's macros are
 * in vm/guests/probe.inc.
 */
#ifndef VM_GUESTS_PROBE_H
#define VM_GUESTS_PROBE_H

#include "vm/guest.h"

/* In the guest's data page. */
#define PROBE_NEXT    (GUEST_DATA + 0x00)  /* where the next snapshot goes, in GUEST_ARRAY */
#define PROBE_RESUME  (GUEST_DATA + 0x08)  /* where an exception in the instruction goes on */
#define PROBE_FAULT   (GUEST_DATA + 0x10)  /* of an exception: its vector and PROBE_FAULTED, */
#define PROBE_ERROR   (GUEST_DATA + 0x18)  /* its error code, */
#define PROBE_AT      (GUEST_DATA + 0x20)  /* and the RIP that it was reported with */
#define PROBE_SCRATCH (GUEST_DATA + 0x100) /* for the guest */
#define PROBE_TEXT    (GUEST_DATA + 0x800) /* the check's, when the guest has ended */

#define PROBE_FAULTED 0x100 /* the exception saved RF = 1, as every fault does */

/* VMCALL with RAX so: all controls that the guest turned on are off from here on. */
#define PROBE_CALL_QUIET 0x54495551 /* "QUIT" */

/* CF, PF, AF, ZF, SF, OF, and the bit that is always 1. */
#define PROBE_FLAGS 0x8d7

/* How long the CALL after each instruction is: its opcode and 32 bits. */
#define PROBE_CALL_BYTES 5

#endif
