/*
 * Time from the TSC, calibrated against a real clock: ACPI PM timer, else PIT, else CPUID.
 */
#ifndef VM_HOST_CLOCK_H
#define VM_HOST_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "vm/host/clock_math.h"

/*
 * Measures in windows of 0.2 ms: four, where nothing comes between. pm_timer_port: from the FADT, 0
 * if there is none. False when no clock ticks: nothing below may be used then.
 */
bool clock_calibrate(uint16_t pm_timer_port);

uint64_t clock_tsc_per_ms(void);
const char *clock_source(void); /* "ACPI PM timer", "PIT", a leaf of CPUID; or "none" */

/*
 * What is doubtful about the calibration: that no two windows agreed, or that CPUID, which `source`
 * names, reports another rate. `source` is NULL where there is nothing.
 */
struct tsc_rate clock_doubt(void);

/* A TSC value that lies `microseconds` ahead; and whether that has passed. */
uint64_t clock_deadline(uint64_t microseconds);
bool clock_passed(uint64_t deadline);

/* How many whole microseconds so many TSC ticks are. */
uint64_t clock_microseconds(uint64_t ticks);

#endif
