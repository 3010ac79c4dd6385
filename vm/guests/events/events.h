/*
 * What the guests of timers, windows, interrupts and injected events agree on with the hypervisor:
 * numbers of VMCALL beside those of vm/guest.h.
 */
#ifndef VM_GUESTS_EVENTS_H
#define VM_GUESTS_EVENTS_H

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

#endif
