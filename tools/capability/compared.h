/*
 * Lines that compare a value with another one: `0x480: 0x12 -> 0x13`, `expected 0x12, got 0x13`.
 * Which of the two the MSR has, only a person can know.
 */
#pragma once

#include "tools/capability/piece.h"

/* Is a value compared, between what stands before its MSR and what stands behind it? */
bool compared_values(struct piece before, struct piece behind);
