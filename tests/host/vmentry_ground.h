/*
 * Two processors to try the rules of a VM entry on, and memory for them: one that offers all that
 * the SDM defines, and one that lacks what can be lacking. Between them every rule can be broken.
 */
#pragma once

#include <stdint.h>

#include "vmx/selftest/vmentry_trial.h"

enum { GROUND_ALL, GROUND_LITTLE, GROUND_COUNT };

enum { GROUND_REVISION = 0x12345, GROUND_WIDTH = 46 };

extern struct vmx_capability ground_capability;
extern struct vmentry_context ground_context;
extern struct vmentry_ground ground;

/* The pages of the trial, as `ground_context.read` finds them from address 0x100000 on. */
extern uint8_t ground_memory[VMENTRY_PAGE_COUNT][4096];

/* Makes the processor of that number, with its pages filled anew. */
void ground_reset(unsigned number);
