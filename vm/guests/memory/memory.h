/*
 * Where the guests of EPT violations and misconfigurations reach: pages of their memory that the
 * hypervisor maps as it likes.
 */
#ifndef VM_GUESTS_MEMORY_H
#define VM_GUESTS_MEMORY_H

#define VIOLATION_READ     0x30000 /* not mapped */
#define VIOLATION_WRITE    0x31000 /* read-only */
#define VIOLATION_FETCH    0x32000 /* not to be executed */
#define VIOLATION_VALUE    0x12345678
#define MISCONFIGURED_BASE 0x30000 /* three pages */

#endif
