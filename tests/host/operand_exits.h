/*
 * Exits of instructions of 4 bytes with memory operands, on a vCPU of the model CPU, and what may
 * become of them.
 */
#pragma once

#include "tests/host/guest_machine.h"
#include "vmx/vmcs_image.h"

enum { PLACE = 0x7100, LENGTH = 4 };

/* Bits of the instruction information. */
enum {
    SIZE_16 = 0 << 7,
    SIZE_32 = 1 << 7,
    SIZE_64 = 2 << 7,
    IN_REGISTER = 1 << 10,
    OPERAND_SIZE_32 = 1 << 11,
    DS = 3 << 15,
    NO_INDEX = 1 << 22,
    NO_BASE = 1 << 27,
    PLAIN = SIZE_64 | DS | NO_INDEX | NO_BASE,
};

extern struct vcpu *vcpu;

/* Make it anew; the first is a set-up of cmocka's. */
int in_long_mode(void **state);
void in_protected_mode(void);

/* The exit of an instruction at GUEST_CODE. */
enum exit_done serve(uint32_t reason, uint64_t qualification, uint32_t information);

/* The same; the test ends unless the instruction is done for the guest, … */
void assert_done(uint32_t reason, uint64_t qualification, uint32_t information);

/* … faults with that vector and error code, … */
void assert_faults(uint32_t reason, uint64_t qualification, uint32_t information, uint8_t vector,
                   uint32_t error);

/* … or reaches for memory that the guest does not have, at that guest-physical address. */
void assert_ends(uint32_t reason, uint64_t qualification, uint32_t information, uint64_t at);
