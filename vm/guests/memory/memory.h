/*
 * What the guests of memory agree on with the hypervisor.
 */
#ifndef VM_GUESTS_MEMORY_H
#define VM_GUESTS_MEMORY_H

#include "vm/guests/guest.h"

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

/* Page faults. */
#define PAGE_FAULT_CALL    0x50460000
#define PAGE_FAULT_CHOICES 7
#define PAGE_FAULT_ADDRESS 0x40000000 /* mapped by no page tables */

#endif
