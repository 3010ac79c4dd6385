/*
 * How the machine stops: as `exit=` says when all is done, and the same way after a panic.
 *
 * One CPU brings all others to a halt, out of VMX operation, before a reset, a power-off, and when
 * it panics. SDM Vol. 3, "Restrictions on VMX Operation": root operation blocks INIT, by which some
 * chipsets reset a CPU.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Makes this CPU the one that stops the machine, once and for all. False: another one is. */
bool stop_claim(void);

/* Does another CPU stop the machine, so that this one has to halt (machine_halt())? */
bool stop_elsewhere(void);

/*
 * Makes every other CPU that runs our code halt. Not a broadcast: a CPU still in firmware's hands
 * would take the NMI through an IDT that may be gone. By NMI, whatever the CPU does; and by an
 * interrupt, for one that is idle with NMIs blocked.
 */
void stop_call(void);

/* Waits until they have, at most so many TSC ticks; how many have not. */
uint32_t stop_wait(uint64_t ticks);

/* TSC ticks of so many milliseconds; without a calibrated clock long enough on any processor. */
uint64_t stop_ticks(uint64_t ms);

/* How a later stop or panic ends; NULL: by a halt. `end` returns only if that did not work. */
void machine_set_exit(void (*end)(void));

/*
 * Drains the console, brings the other CPUs to a halt, then halts, or ends as it was asked to. A
 * second CPU that comes here halts.
 */
_Noreturn void machine_stop(void);

/* This CPU alone: interrupts off, out of VMX operation, HLT for ever. */
_Noreturn void machine_halt(void);
