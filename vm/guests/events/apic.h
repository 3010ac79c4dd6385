/*
 * Where the guests of APIC virtualization have their pages: in their own memory, so that whatever
 * the processor writes there is theirs.
 */
#ifndef VM_GUESTS_APIC_H
#define VM_GUESTS_APIC_H

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

#endif
