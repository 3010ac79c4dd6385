/*
 * What the guest of page faults and the hypervisor agree on.
 */
#ifndef VM_GUESTS_PAGE_FAULTS_H
#define VM_GUESTS_PAGE_FAULTS_H

#define PAGE_FAULT_CALL    0x50460000
#define PAGE_FAULT_CHOICES 7
#define PAGE_FAULT_ADDRESS 0x40000000 /* mapped by nobody's page tables */

#endif
