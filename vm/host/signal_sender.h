/*
 * CPUs that send INIT and SIPI to one another's guests, each when it has time.
 *
 * SDM Vol. 3, "VMX Non-Root Operation": INIT is blocked outside of a guest, and SIPI is lost where
 * nobody waits for it, so it must be sent until it has come: in the wait-for-SIPI state nothing
 * else ends a guest, the VMX-preemption timer neither.
 */
#pragma once

#include "vm/host/signal_line.h"

/* Waits until a CPU has time for this one. False: none came in time, and nobody sends. */
bool signal_sender_engage(void);

/*
 * It sends what signal_line_wish() says: INIT when the guest itself says, from within, that it is
 * entered. What it was sending before is not under way any more.
 */
void signal_sender_wish(enum signal_wish wish, uint8_t vector, const volatile uint32_t *entered);

/* It sends nothing any more, and is free for others. */
void signal_sender_release(void);

/* Before a round of guests, on the boot CPU: so many runs, on all CPUs, will need a sender. */
void signal_sender_expect(uint32_t runs);

/*
 * On each CPU after each guest that needs a sender, whether or not it `had_run` it itself: has
 * time for the others until no more than the runs of `later` guests are left.
 */
void signal_sender_serve_others(bool had_run, uint32_t later);
