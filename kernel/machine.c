#include "kernel/machine.h"

#include "lib/format.h"

/*
 * The place of the finding that this one joins with its CPU, or FINDINGS_MAX. It is one that says
 * the same; once there is no room, one of the same rule, so that no number of CPUs loses a finding.
 */
static uint32_t find_alike(const struct findings *findings, const struct finding *finding)
{
    for (uint32_t i = 0; i < findings->count; i++) {
        if (finding_is_alike(&findings->item[i], finding))
            return i;
    }
    for (uint32_t i = 0; findings->count == FINDINGS_MAX && i < FINDINGS_MAX; i++) {
        if (findings->item[i].rule == finding->rule)
            return i;
    }
    return FINDINGS_MAX;
}

void machine_add_finding(struct machine *machine, struct finding finding)
{
    struct findings *findings = &machine->findings;
    uint32_t at;

    findings->check = machine->check;
    findings->cpu = finding.cpu;
    finding.severity = rule_table[finding.rule].severity[findings->check];
    at = find_alike(findings, &finding);
    if (at == FINDINGS_MAX) {
        at = findings->count;
        finding_add(findings, finding);
        if (findings->count == at)
            return;
        machine->finding_cpus[at] = (struct cpu_set){0};
    }
    machine->finding_cpus[at].bits[finding.cpu / 64] |= 1ull << finding.cpu % 64;
}

void machine_add(struct machine *machine, enum rule rule, uint32_t cpu, const char *detail)
{
    machine_add_finding(
        machine,
        (struct finding){.rule = rule, .cpu = cpu, .high = -1, .low = -1, .detail = detail});
}

void check_boot_information(struct machine *machine, const char *wrong)
{
    if (wrong != NULL)
        machine_add(machine, RULE_BOOT_INFORMATION, 0, wrong);
    if (machine->boot.memory_lost > 0)
        machine_add(machine, RULE_BOOT_RANGES, 0, NULL);
}

void check_memory(struct machine *machine, bool ready)
{
    static const enum rule rules[] = {
        [EXECUTE_DISABLE_ABSENT] = RULE_BOOT_NO_EXECUTE_DISABLE,
        [EXECUTE_DISABLE_TURNED_ON] = RULE_BOOT_EXECUTE_DISABLE_OFF,
    };
    enum execute_disable execute_disable = machine->cpus[0]->execute_disable;

    if (!ready)
        machine_add(machine, RULE_BOOT_MEMORY, 0, NULL);
    if (execute_disable != EXECUTE_DISABLE_ON)
        machine_add(machine, rules[execute_disable], 0, NULL);
}

uint32_t machine_choose_cpus(struct machine *machine, const struct start_means *means,
                             uint32_t *apic_ids)
{
    bool all = machine->options.cpus == 0 || machine->options.cpus > CPUS_MAX;
    uint32_t most = all ? CPUS_MAX : machine->options.cpus;
    uint32_t count = 0;

    if (means->unsound != NULL)
        machine_add(machine, RULE_BOOT_ACPI_CHECKSUM, 0, means->unsound);
    if (means->wrong != NULL)
        machine_add(machine, means->cpus->count > 0 ? RULE_CPU_TABLES_CUT : RULE_CPU_TABLES, 0,
                    means->wrong);
    if (all && means->cpus->lost > 0)
        machine_add(machine, RULE_CPU_LEFT_OUT, 0, NULL);
    for (uint32_t i = 0; i < means->cpus->count && count + 1 < most; i++) {
        if (means->cpus->apic_id[i] != machine->cpus[0]->apic_id)
            apic_ids[count++] = means->cpus->apic_id[i];
    }
    if (count == 0)
        return 0;
    if (!means->clock)
        machine_add(machine, RULE_BOOT_CLOCK, 0, NULL);
    if (!means->page)
        machine_add(machine, RULE_CPU_TRAMPOLINE, 0, NULL);
    return means->clock && means->page ? count : 0;
}

void check_started_cpus(struct machine *machine, uint32_t chosen)
{
    if (machine->cpu_count <= chosen)
        machine_add(machine, RULE_CPU_MEMORY, machine->cpu_count - 1, NULL);
    for (uint32_t i = 0; i < machine->cpu_count; i++) {
        if (machine->cpus[i]->phase == CPU_UNREACHABLE)
            machine_add(machine, RULE_CPU_UNREACHABLE, i, NULL);
        else if (machine->cpus[i]->phase != CPU_READY)
            machine_add(machine, RULE_CPU_SILENT, i, NULL);
    }
}

void check_clock(struct machine *machine, const struct clock *clock)
{
    machine->timing.tsc_per_ms = clock->rate.per_ms;
    machine->timing.source = clock->rate.source;
    if (clock->doubt.source != NULL)
        machine_add_finding(machine, (struct finding){.rule = RULE_BOOT_CLOCK_DOUBT,
                                                      .high = -1,
                                                      .low = -1,
                                                      .seen = machine->timing.tsc_per_ms,
                                                      .wanted = clock->doubt.per_ms,
                                                      .detail = clock->doubt.source});
}

void check_overrides(struct machine *machine)
{
    const struct override_list *list = &machine->options.override;

    for (uint32_t i = 0; i < list->count; i++) {
        if (!list->item[i].every_cpu && list->item[i].cpu >= machine->cpu_count)
            machine_add_finding(machine, (struct finding){.rule = RULE_OVERRIDE_WITHOUT_EFFECT,
                                                          .msr = list->item[i].msr,
                                                          .high = -1,
                                                          .low = -1,
                                                          .detail = "no such CPU"});
    }
}

void check_round(struct machine *machine, const bool *ready_before)
{
    for (uint32_t i = 0; i < machine->cpu_count; i++) {
        if (ready_before[i] && machine->cpus[i]->phase != CPU_READY)
            machine_add(machine, RULE_CPU_LOST, i, NULL);
    }
}

bool machine_all_loaded(const struct machine *machine)
{
    for (uint32_t i = 0; i < machine->cpu_count; i++) {
        const struct cpu *cpu = machine->cpus[i];

        if (cpu->phase == CPU_READY && cpu->vmx->state != VMX_CPU_LOADED)
            return false;
    }
    return !machine_refused(machine);
}

void check_command_line(struct machine *machine)
{
    for (uint32_t i = 0; i < machine->options.problem_count; i++)
        machine_add(machine, RULE_COMMAND_LINE, 0, machine->options.problem[i]);
    if (machine->boot.command_line_lost > 0)
        machine_add(machine, RULE_COMMAND_LINE, 0, "its end, for which there is no room");
    if (machine->options.problem_lost > 0)
        machine_add(machine, RULE_COMMAND_LINE, 0, "more such words than there is room for");
}

static bool all_followed(const struct findings *findings)
{
    for (uint32_t i = 0; i < findings->count; i++) {
        switch (findings->item[i].rule) {
        case RULE_COMMAND_LINE:
        case RULE_GUEST_UNKNOWN:
        case RULE_GUEST_NO_CPU:
        case RULE_GUEST_LEFT_OUT:
        case RULE_OVERRIDE_WITHOUT_EFFECT:
            return false;
        default:
            break;
        }
    }
    return true;
}

bool machine_followed_command_line(const struct machine *machine)
{
    for (uint32_t i = 0; i < machine->cpu_count; i++) {
        if (!all_followed(&machine->cpus[i]->vmx->findings))
            return false;
    }
    return all_followed(&machine->findings);
}

void check_nmis(struct machine *machine)
{
    for (uint32_t i = 0; i < machine->cpu_count; i++) {
        if (machine->cpus[i]->nmis > 0 && !machine->knows_nmis)
            machine_add(machine, RULE_NMI_UNKNOWN, i, NULL);
    }
}

bool machine_refused(const struct machine *machine)
{
    if (findings_refuse(&machine->findings))
        return true;
    for (uint32_t i = 0; i < machine->cpu_count; i++) {
        if (findings_refuse(&machine->cpus[i]->vmx->findings))
            return true;
    }
    return false;
}
