/*
 * The word `exit=`.
 */
#ifndef KERNEL_POWER_H
#define KERNEL_POWER_H

enum exit_action { EXIT_HALT = 1, EXIT_POWEROFF, EXIT_REBOOT };

/* enum exit_action: what it said; 0: it was not there. */
extern unsigned exit_wanted;

#endif
