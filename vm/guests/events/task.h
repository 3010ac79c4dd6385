/*
 * What the guest of task switches and the hypervisor agree on.
 */
#ifndef VM_GUESTS_TASK_H
#define VM_GUESTS_TASK_H

#include "vm/guest.h"

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
