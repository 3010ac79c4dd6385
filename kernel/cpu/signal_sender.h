/*
 * CPUs that send INIT and SIPI to one another's guests, each when it has time.
 */
#ifndef KERNEL_SIGNAL_SENDER_H
#define KERNEL_SIGNAL_SENDER_H

#include <stdint.h>

#include "vm/vm_environment.h"

extern const struct vm_sender signal_sender;

/* Before a round of guests, on the boot CPU: so many runs, on all CPUs, will need a sender. */
void signal_sender_expect(uint32_t runs);

/* One of these runs is over. */
void signal_sender_run_over(void);

/* On each CPU that has no guest left: has time for the others until all those runs are over. */
void signal_sender_serve_others(void);

#endif
