#include "lib/host/cpu.h"

#include <stddef.h>

void nmi_handle(void)
{
    struct cpu *cpu = cpu_here();

    SET_FOR_EACH(nmi_owners, owner) {
        if ((*owner)->take())
            return;
    }
    if (cpu != NULL)
        atomic_fetch_add(&cpu->nmis, 1);
}
