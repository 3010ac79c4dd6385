/*
 * What a guest's write to a local APIC's register wants: the instruction that an EPT violation met,
 * and the command in the interrupt command register. Pure.
 *
 * SDM Vol. 3, "Interrupt Command Register (ICR)"; Vol. 2, "Instruction Format", "MOV", "XCHG".
 */
#ifndef VM_LINUX_APIC_WRITE_H
#define VM_LINUX_APIC_WRITE_H

#include <stdbool.h>
#include <stdint.h>

/* Offsets of registers in the APIC's page; in x2APIC mode, MSR 0x800 + offset / 16. */
enum { APIC_ICR_LOW = 0x300, APIC_ICR_HIGH = 0x310 };
enum { MSR_X2APIC_ICR = 0x830 };

/* An instruction that writes 32 bits to memory. */
struct apic_write {
    unsigned length; /* bytes */
    bool has_value;  /* it is in the instruction, else in a register */
    uint32_t value;  /* that one */
    unsigned source; /* the register's number */
    bool exchanges;  /* XCHG: the register gets what was there */
};

enum { INSTRUCTION_BYTES = 15 }; /* the most that one has */

/* False: none of those that write an APIC's register, or not all of it is there. */
bool apic_write_decode(const uint8_t *bytes, unsigned count, bool is_64_bit,
                       struct apic_write *write);

/* A command: what the guest wrote, the destination in bits 63:32, as in x2APIC mode. */
enum icr_command {
    ICR_INTERRUPTS, /* or does nothing: the APIC's own matter */
    ICR_INITS,
    ICR_STARTS,
    ICR_INIT_ENDS, /* "INIT level de-assert", which processors of today ignore */
};

enum icr_command icr_command(uint64_t icr);

/* Of xAPIC mode, whose destination has eight bits: 0xff is everyone. */
uint64_t icr_of_xapic(uint32_t high, uint32_t low);

/* Does an INIT or SIPI of that CPU reach this one? By logical destination: none does. */
bool icr_reaches(uint64_t icr, uint32_t sender, uint32_t target);

#endif
