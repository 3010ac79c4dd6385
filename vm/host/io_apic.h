/* I/O APICs, which send devices' interrupts to the local APICs. Intel 82093AA data sheet. */
#pragma once

#include <stdint.h>

/* "I/O Redirection Table Registers": delivery mode, mask; edge and active high where they are 0. */
#define IO_APIC_DELIVERY     (7u << 8)
#define IO_APIC_DELIVERY_SMI (2u << 8)
#define IO_APIC_DELIVERY_NMI (4u << 8)
#define IO_APIC_MASKED       (1u << 16)

/* The registers of the I/O APIC at this physical address; NULL if they cannot be mapped. */
volatile uint32_t *io_apic_map(uint32_t physical);

/* Gives an input the lower half of its entry, and a local APIC as physical destination. */
void io_apic_redirect(volatile uint32_t *io_apic, uint32_t input, uint32_t low,
                      uint32_t destination);

/*
 * Masks every input of the I/O APIC at this physical address: what the firmware used itself it may
 * have left on, and a level-triggered interrupt that nobody serves comes again after each EOI. An
 * input that delivers SMIs is the firmware's own and stays.
 */
void io_apic_mask(uint32_t physical);
