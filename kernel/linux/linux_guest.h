/* What is known of the machine that a guest will own, and given to it. */
#pragma once

#include <stdint.h>

/* Also of the RAM above what the map calls available. */
uint64_t linux_ram_end(void);

/* Of the hypervisor's code and constants. */
uint64_t linux_image_checksum(void);

/*
 * The way of interrupts that a PC's firmware leaves for a boot loader: from the 8259As through
 * LINT0 of the boot CPU's local APIC. The hypervisor masks all of it for itself (lib/host/apic.c);
 * a guest that owns the machine finds it as it was (kernel/linux/legacy_interrupts.c).
 *
 * All three on the boot CPU. The first: on the boot page tables, which map the APIC's registers.
 */
void legacy_interrupts_keep(void);
/* With interrupts off, before the guest's entry; and after its end. */
void legacy_interrupts_give(void);
void legacy_interrupts_take(void);
