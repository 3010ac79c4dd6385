/*
 * Words for exceptions: names of the vectors, meaning of the error codes.
 */
#ifndef KERNEL_TRAP_TEXT_H
#define KERNEL_TRAP_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/format.h"

/* "#PF, Page Fault" and its like; "interrupt" for vectors that the architecture leaves free. */
const char *trap_name(uint64_t vector);

/* Whether the processor pushes an error code for this vector. */
bool trap_has_error_code(uint64_t vector);

/* Writes ": " and what the error code of this vector says; nothing where it says nothing. */
void trap_explain_error(struct sink *sink, uint64_t vector, uint64_t error_code);

#endif
