/*
 * What the guests of events agree on with the hypervisor.
 */
#ifndef VM_GUESTS_EVENTS_H
#define VM_GUESTS_EVENTS_H

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

/*
 * APIC virtualization: its pages are in the guest's own memory, so that whatever the processor
 * writes there is the guest's.
 */
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

#endif
