/*
 * What the guest of INIT and SIPI agrees on with the hypervisor.
 */
#ifndef VM_GUESTS_SIGNALS_H
#define VM_GUESTS_SIGNALS_H

/* The page number that SIPI starts it at: guest-physical 0x30000. */
#define SIGNALS_VECTOR 0x30

/* In GUEST_DATA, 32 bits each. */
#define SIGNALS_ENTERED GUEST_DATA       /* not 0: the guest has begun */
#define SIGNALS_STARTED (GUEST_DATA + 4) /* not 0: it was started: CS + 1 in real mode */

#endif
