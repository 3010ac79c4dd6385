/*
 * A CPU with the state of VMX that it has. All zeros; free() takes both back.
 */
#pragma once

#include <stdlib.h>

#include "lib/host/cpu.h"
#include "vmx/vmx_cpu.h"

static inline struct cpu *new_cpu(void)
{
    struct {
        struct cpu cpu;
        struct vmx_cpu vmx;
    } *whole = calloc(1, sizeof(*whole));

    if (whole == NULL)
        abort();
    whole->cpu.vmx = &whole->vmx;
    return &whole->cpu;
}
