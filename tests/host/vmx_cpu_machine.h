/*
 * A CPU that vmx/vmx_cpu.h takes into VMX operation and out again, on the model CPU, with memory
 * whose addresses and types a test may spoil.
 */
#pragma once

#include "mm/memory_type.h"
#include "tests/host/model_cpu.h"
#include "vmx/vmx_cpu.h"

extern struct memory_types_state memory_types; /* the CPU's from vmx_cpu_enable() on */
extern struct vmx_options options;
extern struct vmx_cpu cpu;

/* Gives all memory this type, by IA32_MTRR_DEF_TYPE. */
void set_type_of_memory(uint64_t encoding);

/* Makes all of it good; a set-up of cmocka's. */
int reset(void **state);

/* What the CPU says in a capability MSR; and what is put in its place for the check, on every CPU.
 */
void set_msr(uint32_t msr, uint64_t value);
void set_overridden(uint32_t msr, uint64_t value);

/* Checks the CPU, then takes it as far into VMX operation as it may go. */
void enable(void);

/* The first finding of that rule, or NULL; the second form wants one, and looks at `cpu`. */
const struct finding *find(const struct vmx_cpu *where, enum rule rule);
const struct finding *assert_found(enum rule rule, enum severity severity);

/* Takes it out again: control registers must be these, and no page taken. */
void disable_and_check(uint64_t cr0, uint64_t cr4);

/* The first 32 bits at a physical address. */
uint32_t word_at(uint64_t address);
