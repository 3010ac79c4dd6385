/*
 * What the processor's machine-check banks hold.
 *
 * SDM Vol. 3, "Machine-Check Architecture".
 */
#ifndef VM_HOST_MACHINE_CHECK_H
#define VM_HOST_MACHINE_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/format.h"

/* Of the first bank that holds an error. */
struct machine_check {
    bool found;
    uint32_t bank;
    uint64_t status; /* IA32_MCi_STATUS */
};

struct machine_check machine_check_find(void);

/* Reports IA32_MCG_STATUS and each bank that holds an error, a line each; nothing without them. */
void machine_check_print(struct sink *sink);

#endif
