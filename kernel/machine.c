#include "kernel/machine.h"

/*
 * A finding joins those there are, with its CPU: at one that says the same, behind the last; once
 * there is no room, at one of the same rule, so that no number of CPUs loses a finding.
 */
static void join(struct machine *machine, const struct finding *finding)
{
    struct findings *findings = &machine->findings;
    uint32_t at = 0;

    while (at < findings->count && !finding_is_alike(&findings->item[at], finding))
        at++;
    if (at == FINDINGS_MAX) {
        for (at = 0; at < FINDINGS_MAX && findings->item[at].rule != finding->rule;)
            at++;
    }
    if (at == FINDINGS_MAX) {
        findings->lost++;
        return;
    }
    if (at == findings->count)
        findings->item[findings->count++] = *finding;
    machine->findings_of[finding->cpu] |= 1ull << at;
}

_Static_assert(FINDINGS_MAX <= 64, "a finding is a bit of findings_of");

const bool *machine_finding_cpus(const struct machine *machine, uint32_t number)
{
    static bool set[CPUS_MAX];

    for (uint32_t cpu = 0; cpu < machine->cpu_count; cpu++)
        set[cpu] = machine->findings_of[cpu] >> number & 1;
    return set;
}

void machine_add_finding(struct machine *machine, struct finding finding)
{
    static struct findings one; /* static: its size */

    one = (struct findings){.check = machine->check, .cpu = finding.cpu};
    finding_add(&one, finding);
    if (one.count > 0) /* not one that says nothing in this mode */
        join(machine, &one.item[0]);
}

void machine_gather_findings(struct machine *machine)
{
    for (uint32_t i = 0; i < machine->cpu_count; i++) {
        struct findings *list = &machine->cpus[i]->vmx->findings;

        for (uint32_t j = 0; j < list->count; j++)
            join(machine, &list->item[j]);
        machine->findings.lost += list->lost;
        list->lost = 0; /* they are counted */
    }
}

void machine_add(struct machine *machine, enum rule rule, uint32_t cpu, const char *detail)
{
    machine_add_finding(machine, FINDING(rule, .cpu = cpu, .detail = detail));
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
    if (!ready)
        machine_add(machine, RULE_BOOT_MEMORY, 0, NULL);
    if (machine->cpus[0]->execute_disable == EXECUTE_DISABLE_ABSENT)
        machine_add(machine, RULE_BOOT_NO_EXECUTE_DISABLE, 0, NULL);
    if (machine->cpus[0]->execute_disable == EXECUTE_DISABLE_TURNED_ON)
        machine_add(machine, RULE_BOOT_EXECUTE_DISABLE_OFF, 0, NULL);
}

uint32_t machine_choose_cpus(struct machine *machine, bool has_page, uint32_t *apic_ids)
{
    const struct firmware *firmware = machine->firmware;
    const struct acpi_cpus *named = &firmware->cpus;
    bool all = machine->options.cpus == 0 || machine->options.cpus > CPUS_MAX;
    bool has_clock = machine->timing.tsc.per_ms != 0;
    uint32_t most = all ? CPUS_MAX : machine->options.cpus;
    uint32_t count = 0;

    if (firmware->unsound != NULL)
        machine_add(machine, RULE_BOOT_ACPI_CHECKSUM, 0, firmware->unsound);
    if (firmware->cpus_wrong != NULL)
        machine_add(machine, named->count > 0 ? RULE_CPU_TABLES_CUT : RULE_CPU_TABLES, 0,
                    firmware->cpus_wrong);
    if (all && named->lost > 0)
        machine_add(machine, RULE_CPU_LEFT_OUT, 0, NULL);
    for (uint32_t i = 0; i < named->count && count + 1 < most; i++) {
        if (named->apic_id[i] != machine->cpus[0]->apic_id)
            apic_ids[count++] = named->apic_id[i];
    }
    if (count > 0 && !has_clock)
        machine_add(machine, RULE_BOOT_CLOCK, 0, NULL);
    if (count > 0 && !has_page)
        machine_add(machine, RULE_CPU_TRAMPOLINE, 0, NULL);
    return has_clock && has_page ? count : 0;
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
    machine->timing.tsc = clock->rate;
    if (clock->doubt.source != NULL)
        machine_add_finding(machine,
                            FINDING(RULE_BOOT_CLOCK_DOUBT, .seen = clock->rate.per_ms,
                                    .wanted = clock->doubt.per_ms, .detail = clock->doubt.source));
}

void check_overrides(struct machine *machine)
{
    const struct override_list *list = &machine->options.override;

    for (uint32_t i = 0; i < list->count; i++) {
        if (!list->item[i].every_cpu && list->item[i].cpu >= machine->cpu_count)
            machine_add_finding(machine,
                                FINDING(RULE_OVERRIDE_WITHOUT_EFFECT, .msr = list->item[i].msr,
                                        .detail = "no such CPU"));
    }
}

void check_round(struct machine *machine)
{
    for (uint32_t i = 0; i < machine->cpu_count; i++) {
        if (machine->cpus[i]->phase == CPU_LOST)
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

bool machine_followed_command_line(const struct machine *machine)
{
    static const enum rule rules[] = {RULE_COMMAND_LINE, RULE_GUEST_UNKNOWN, RULE_GUEST_NO_CPU,
                                      RULE_GUEST_LEFT_OUT, RULE_OVERRIDE_WITHOUT_EFFECT};
    bool followed = true;

    for (uint32_t i = 0; i < machine->findings.count; i++) {
        for (uint32_t j = 0; j < sizeof(rules) / sizeof(rules[0]); j++)
            followed &= machine->findings.item[i].rule != rules[j];
    }
    return followed;
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
    bool refused = findings_refuse(&machine->findings);

    for (uint32_t i = 0; i < machine->cpu_count; i++)
        refused |= findings_refuse(&machine->cpus[i]->vmx->findings);
    return refused;
}
