/*
 * The guest's memory by its linear and physical addresses, as an instruction of its own would reach
 * it. Gives EXIT_EMULATED when it is done; or what has become of the guest, nothing having been
 * read or written: EXIT_INJECTED, a page fault, or EXIT_ENDED, because it does not have that
 * memory, or not for this (GUEST_END_MEMORY, with the guest-physical address).
 */
#pragma once

#include "vm/access/guest_paging.h"
#include "vm/vcpu.h"

static inline unsigned guest_privilege(void)
{
    return vmcs_read32(VMCS_GUEST_SS_ACCESS_RIGHTS) >> 5 & 3;
}

/* `access` as of guest_translate(), but for ACCESS_USER, which the guest's CPL adds. */
enum exit_done guest_access_linear(struct vcpu *vcpu, uint64_t linear, void *data, unsigned bytes,
                                   uint32_t access);

/*
 * An instruction that writes 32 or 16 bits to memory, for a handler that does the write in the
 * guest's place: where the operand is the exit has told. SDM Vol. 2, "Instruction Format", "MOV",
 * "XCHG". In 32-bit and 64-bit code.
 */
struct store {
    unsigned length; /* bytes */
    unsigned bytes;  /* of the operand: 4 or 2 */
    bool has_value;  /* it is in the instruction, else in a register */
    uint32_t value;  /* that one */
    unsigned source; /* the register's number */
    bool exchanges;  /* XCHG: the register gets what was there */
};

enum { INSTRUCTION_BYTES = 15 }; /* the most that one has */

/* False: none of those, or not all of it is there. */
bool store_decode(const uint8_t *bytes, unsigned count, bool is_64_bit, struct store *store);
