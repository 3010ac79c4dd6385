/*
 * Instructions that write 32 bits to memory, for handlers that do the write in the guest's place:
 * where the operand is the exit has told. Pure.
 *
 * SDM Vol. 2, "Instruction Format", "MOV", "XCHG".
 */
#ifndef VM_STORE_H
#define VM_STORE_H

#include <stdbool.h>
#include <stdint.h>

/* An instruction that writes 32 bits to memory. */
struct store {
    unsigned length; /* bytes */
    bool has_value;  /* it is in the instruction, else in a register */
    uint32_t value;  /* that one */
    unsigned source; /* the register's number */
    bool exchanges;  /* XCHG: the register gets what was there */
};

enum { INSTRUCTION_BYTES = 15 }; /* the most that one has */

/* False: none of those that write an APIC's register, or not all of it is there. */
bool store_decode(const uint8_t *bytes, unsigned count, bool is_64_bit, struct store *store);

#endif
