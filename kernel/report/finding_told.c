#include "kernel/report/finding_told.h"

#include "lib/string.h"

static bool has_alike(const struct findings *findings, const struct finding *finding)
{
    for (uint32_t i = 0; i < findings->count; i++) {
        if (finding_is_alike(&findings->item[i], finding))
            return true;
    }
    return false;
}

static void visit_machine(const struct machine *machine, finding_visitor visit, void *context)
{
    static bool where[CPUS_MAX];

    for (uint32_t i = 0; i < machine->findings.count; i++) {
        for (uint32_t cpu = 0; cpu < CPUS_MAX; cpu++)
            where[cpu] = cpu_set_has(&machine->finding_cpus[i], cpu);
        visit(context, &machine->findings.item[i], where);
    }
}

/* Was it found on a CPU before the one that now has it? Then it was visited there. */
static bool found_before(const struct machine *machine, const struct finding *finding, uint32_t cpu)
{
    for (uint32_t i = 0; i < cpu; i++) {
        if (has_alike(&machine->cpus[i]->vmx.findings, finding))
            return true;
    }
    return false;
}

static void visit_cpu(const struct machine *machine, uint32_t cpu, finding_visitor visit,
                      void *context)
{
    static bool where[CPUS_MAX];
    const struct findings *findings = &machine->cpus[cpu]->vmx.findings;

    for (uint32_t i = 0; i < findings->count; i++) {
        if (found_before(machine, &findings->item[i], cpu))
            continue;
        memset(where, 0, sizeof(where));
        where[cpu] = true;
        for (uint32_t other = cpu + 1; other < machine->cpu_count; other++)
            where[other] = has_alike(&machine->cpus[other]->vmx.findings, &findings->item[i]);
        visit(context, &findings->item[i], where);
    }
}

void machine_each_finding(const struct machine *machine, finding_visitor visit, void *context)
{
    visit_machine(machine, visit, context);
    for (uint32_t cpu = 0; cpu < machine->cpu_count; cpu++)
        visit_cpu(machine, cpu, visit, context);
}

uint32_t machine_findings_lost(const struct machine *machine)
{
    uint32_t lost = machine->findings.lost;

    for (uint32_t cpu = 0; cpu < machine->cpu_count; cpu++)
        lost += machine->cpus[cpu]->vmx.findings.lost;
    return lost;
}
