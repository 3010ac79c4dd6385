#include "kernel/machine.h"

void machine_finding(struct machine *machine, enum rule rule, uint32_t cpu, const char *detail)
{
    finding_add(
        &machine->findings, machine->check,
        (struct finding){.rule = rule, .cpu = cpu, .high = -1, .low = -1, .detail = detail});
}

bool machine_refused(const struct machine *machine)
{
    if (findings_refuse(&machine->findings))
        return true;
    for (uint32_t i = 0; i < machine->cpu_count; i++) {
        if (findings_refuse(&machine->cpus[i]->vmx.findings))
            return true;
    }
    return false;
}
