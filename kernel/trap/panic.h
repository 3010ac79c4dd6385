/*
 * How the machine stops: as `exit=` says when all is done, and the same way after a panic.
 */
#ifndef KERNEL_PANIC_H
#define KERNEL_PANIC_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/trap/traps.h"

enum exit_action { EXIT_HALT, EXIT_POWEROFF, EXIT_REBOOT };

/* What a later stop or panic shall do; EXIT_HALT until told otherwise. */
void machine_set_exit(enum exit_action action);

/* Where a power-off and a reset find out how; must stay. Without it there is no power-off. */
struct firmware; /* kernel/acpi/firmware.h */
void machine_set_firmware(const struct firmware *tables);

/*
 * Drains the console, brings the other CPUs to a halt, then halts, powers off (ACPI S5) or resets
 * this machine. A second CPU that comes here halts.
 */
_Noreturn void machine_stop(void);

/* This CPU alone: interrupts off, out of VMX operation, HLT for ever. */
_Noreturn void machine_halt(void);

/*
 * "PANIC: …", the registers of here, a back trace with function names; then machine_stop().
 * Other CPUs are stopped: kernel/stop.h.
 */
_Noreturn void panic(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same for an exception: its name, its error code in words, all registers. */
_Noreturn void panic_trap(const struct trap_frame *frame);

#endif
