/* What the code of guests and the hypervisor's part of them agree on. */
#pragma once

#include "vm/guests/guest.h"

/* Timers, windows, interrupts and injected events: numbers of VMCALL beside those of
 * vm/guests/guest.h. */
#define CALL_TIMER_NOW  0x5a000001 /* the preemption timer is 0 at the next VM entry */
#define CALL_INTERRUPT  0x5a000002 /* the host sends itself an interrupt */
#define CALL_NMI        0x5a000003 /* an NMI is injected */
#define CALL_NMI_WINDOW 0x5a000004
#define CALL_INJECT     0x5a000005 /* the event with the number in ECX */

#define TIMER_TICKS        1000
#define TIMER_EXITS        3
#define WINDOW_VECTOR      0x40
#define INJECTED_INTERRUPT 0x50
#define INJECTED_SOFTWARE  0x60
#define INJECTIONS         8

/* APIC virtualization: its pages are in the guest's own memory, so that whatever the processor
 * writes there is the guest's. */
#define APIC_VIRTUAL 0x3e000 /* the virtual-APIC page */
#define APIC_PAGE    0x3f000 /* the APIC-access page */

/* SDM Vol. 3, "Local APIC Register Address Map". */
#define APIC_TPR       0x080
#define APIC_EOI       0x0b0
#define APIC_SVR       0x0f0
#define APIC_ISR       0x100 /* eight registers of 32 vectors each, 0x10 apart */
#define APIC_ICR_HIGH  0x310
#define APIC_LVT_TIMER 0x320

#define APIC_SVR_VALUE   0x1ff
#define APIC_TIMER_VALUE 0x10040
#define APIC_ICR_VALUE   0x51234567 /* what is not the destination does not stay */
#define APIC_ICR_KEPT    0x51000000

/* In the guest of APIC accesses. */
#define APIC_STACK  0x800 /* end of a stack */
#define APIC_VECTOR 0x40
#define APIC_AGAIN  0x4e494741 /* VMCALL with RAX so: the page is to be an APIC's again: "AGIN" */

/* INIT and SIPI. */
#define SIGNALS_VECTOR  0x30       /* the page that SIPI starts it at: guest-physical 0x30000 */
#define SIGNALS_ENTERED GUEST_DATA /* not 0: the guest has begun */
#define SIGNALS_STARTED (GUEST_DATA + 4) /* not 0: it was started: CS + 1 in real mode */

/* Exceptions. */
#define SELECTOR_ABSENT 0x40       /* a descriptor that the guest makes itself */
#define SELECTOR_BEYOND 0x800      /* outside of the GDT */
#define SELECTOR_STACK  0x60       /* no stack: an empty descriptor */
#define VECTOR_STACK    0x30       /* INT with that stack */
#define NOT_MAPPED      0x40000000 /* by no page tables */

/* Task switches. */
#define TASK_SELECTOR 0x40
#define TASK_TSS      (GUEST_DATA + 0x200)
#define TASK_VECTOR   0x20
#define TASK_STACK    0x1f000
#define TASK_VALUE    0x5441534b /* EAX of the new task */

/* SDM Vol. 3, "Task-State Segment (TSS)": offsets. */
#define TSS_EIP    32
#define TSS_EFLAGS 36
#define TSS_EAX    40
#define TSS_ESP    56

/* EPT violations and misconfigurations: pages that the hypervisor maps as it likes. */
#define VIOLATION_READ     0x30000 /* not mapped */
#define VIOLATION_WRITE    0x31000 /* read-only */
#define VIOLATION_FETCH    0x32000 /* not to be executed */
#define VIOLATION_VALUE    0x12345678
#define MISCONFIGURED_BASE 0x30000 /* three pages */

/* Writes that the processor watches: a log of them, and a page that may be written in parts. */
#define LOG_FIRST   0x20000 /* the pages that are dirtied */
#define LOG_PAGES   24
#define LOG_PAGE    0x3d000 /* the page-modification log */
#define LOG_ROOM    16      /* entries at first */
#define LOG_VALUE   0x5a5a5a5a
#define PARTS_PAGE  0x30000
#define PARTS_TABLE 0x3c000 /* the sub-page-permission table: empty */
#define PARTS_VALUE 0x600df00d
#define LOCK_SPLIT  (GUEST_DATA + 0x1fe) /* four bytes in two cache lines */

/* Page faults, at NOT_MAPPED. */
#define PAGE_FAULT_CALL    0x50460000
#define PAGE_FAULT_CHOICES 7

#define MODE_MARK 0x4d4f4445 /* what the guests of modes leave */

/* The guest that sees the machine: what it gets in its data page, and what it leaves. */
#define IDENTITY_BIOS_WORDS (GUEST_DATA + 0x00) /* words of 64 bits in the BIOS; 0: none to see */
#define IDENTITY_SUM        (GUEST_DATA + 0x08) /* of them */
#define IDENTITY_LAST       (GUEST_DATA + 0x10) /* the address where the guest is to end */

/* From GUEST_ARRAY on: an address to read, and what was read; after the last one 0. */
#define IDENTITY_ENTRY_BYTES 16

/* What one guest leaves in every register of 64 bits that it can write, addresses included. */
#define LEFT_VALUE 0x0000111111111111

/* In the data page of the guest that looks. */
#define FOUND_GENERAL   (GUEST_DATA + 0x00) /* all but RSP ORed together */
#define FOUND_CR2       (GUEST_DATA + 0x08)
#define FOUND_CR8       (GUEST_DATA + 0x10)
#define FOUND_DR0       (GUEST_DATA + 0x18) /* and DR1 to DR3 */
#define FOUND_DR6       (GUEST_DATA + 0x38)
#define FOUND_DR7       (GUEST_DATA + 0x40)
#define FOUND_GS_KERNEL (GUEST_DATA + 0x48) /* IA32_KERNEL_GS_BASE */
#define FOUND_XCR0      (GUEST_DATA + 0x50) /* 0 where there is no XSAVE */

#define FOUND_FXSAVE GUEST_ARRAY            /* 512 bytes */
#define FOUND_XSAVE  (GUEST_ARRAY + 0x1000) /* all that XCR0 can name */
