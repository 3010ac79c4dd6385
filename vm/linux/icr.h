/*
 * What a guest's write to the local APIC's interrupt command register wants. Pure.
 *
 * SDM Vol. 3, "Interrupt Command Register (ICR)".
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Offsets of registers in the APIC's page; in x2APIC mode, MSR 0x800 + offset / 16. */
enum { APIC_ICR_LOW = 0x300, APIC_ICR_HIGH = 0x310 };
enum { MSR_X2APIC_ICR = 0x830 };
enum { ICR_PENDING = 1 << 12, ICR_ASSERT = 1 << 14 }; /* delivery status; level */

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
