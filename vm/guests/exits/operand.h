/*
 * Where an instruction's memory operand is, and whether it may be reached: VM exits of instructions
 * come before the processor looks at their operands. Pure.
 *
 * SDM Vol. 3, "VM-Exit Instruction Information"; "Limit Checking", "Type Checking"; Vol. 1,
 * "Canonical Addressing".
 */
#ifndef VM_OPERAND_H
#define VM_OPERAND_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/x86.h"

#include "lib/x86_registers.h"

/* Segment registers, numbered as the instruction information numbers them. */
enum { OPERAND_ES, OPERAND_CS, OPERAND_SS, OPERAND_DS, OPERAND_FS, OPERAND_GS };

/* Bits 9:7 of the instruction information. */
enum operand_size { OPERAND_ADDRESS_16, OPERAND_ADDRESS_32, OPERAND_ADDRESS_64 };

enum operand_mode {
    OPERAND_REAL,      /* and virtual-8086 mode: only the limit counts */
    OPERAND_PROTECTED, /* and compatibility mode */
    OPERAND_64_BIT,
};

struct operand {
    enum operand_mode mode;
    unsigned segment;      /* OPERAND_ES … */
    uint64_t segment_base; /* as the VMCS has them */
    uint32_t segment_limit, segment_rights;
    uint64_t offset;               /* cut to the address size */
    unsigned bytes;                /* at least 1 */
    unsigned alignment;            /* that CPL 3 may be held to; 0, 1: any */
    bool write;                    /* else it is read */
    unsigned linear_address_width; /* in 64-bit mode: 48 or 57 */
};

/* An offset, or a counter, as wide as addresses are. */
uint64_t operand_cut(uint64_t value, enum operand_size size);

/* Gives 0 and the linear address of the first byte; or #GP or #SS, whose error code is 0. */
uint8_t operand_locate(const struct operand *operand, uint64_t *linear);

#endif
