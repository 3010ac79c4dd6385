/*
 * The way of interrupts that a PC's firmware leaves for a boot loader: from the 8259As through
 * LINT0 of the boot CPU's local APIC. The hypervisor masks all of it for itself (lib/host/apic.c);
 * a guest that owns the machine finds it as it was.
 */
#ifndef KERNEL_LEGACY_INTERRUPTS_H
#define KERNEL_LEGACY_INTERRUPTS_H

/* All three on the boot CPU. The first: on the boot page tables, which map the APIC's registers. */
void legacy_interrupts_keep(void);
/* With interrupts off, before the guest's entry; and after its end. */
void legacy_interrupts_give(void);
void legacy_interrupts_take(void);

#endif
