#include "kernel/guests/guest_results.h"

struct guest_options guest_options = {.random = {.seed = 1, .rounds = RANDOM_ROUNDS}};
struct guest_results guest_results;

#define GUEST_OPTION(member) \
    .option = &guest_options.member, .option_bytes = sizeof(guest_options.member)

/* Which names there are is known to kernel/guests/guest_results.h. */
static enum word_outcome take_guest(struct command_line *line, struct command_text value)
{
    (void)line;
    if (value.length == 0)
        return WORD_BAD;
    guest_options.names = value.start;
    return WORD_TAKEN;
}

COMMAND_WORD(070, .name = "guest", .values = "[cpuN:]NAME,...|all|none|list", .take = take_guest,
             GUEST_OPTION(names));

static enum word_outcome take_random_rounds(struct command_line *line, struct command_text value)
{
    uint64_t rounds, seed = guest_options.random.seed;
    struct command_text rest = value;
    struct command_text head = command_text_cut(&rest, ',');

    (void)line;
    if (!command_text_number(head, 10, UINT32_MAX, &rounds))
        return WORD_BAD;
    if (head.length < value.length && !command_text_number(rest, 10, UINT64_MAX, &seed))
        return WORD_BAD;
    guest_options.random = (struct random_plan){seed, (uint32_t)rounds};
    return WORD_TAKEN;
}

COMMAND_WORD(080, .name = "chaos", .values = "ROUNDS[,SEED]", .take = take_random_rounds);

COMMAND_WORD(030, .name = "check-entry", .values = "failed|always", GUEST_OPTION(check_entry));
COMMAND_WORD(090, .name = "trace", .values = "exits", GUEST_OPTION(trace_exits));
COMMAND_WORD(100, .name = "dump", .values = "vmcs", GUEST_OPTION(dump_vmcs));
COMMAND_WORD(110, .name = "bench", .values = "exits", GUEST_OPTION(bench_exits));

void check_guest_names(struct machine *machine)
{
    if (guest_results.choice.unknown[0] != '\0')
        machine_add(machine, RULE_GUEST_UNKNOWN, 0, guest_results.choice.unknown);
}

void check_guest_choice(struct machine *machine)
{
    if (guest_results.choice.no_cpu[0] != '\0')
        machine_add(machine, RULE_GUEST_NO_CPU, 0, guest_results.choice.no_cpu);
    if (guest_results.choice.lost > 0)
        machine_add(machine, RULE_GUEST_LEFT_OUT, 0, NULL);
}

void check_guest_run(struct machine *machine, uint32_t cpu, struct guest_run *run)
{
    static const enum rule rules[GUEST_RESULT_COUNT] = {
        [GUEST_DIFFERS] = RULE_GUEST_DIFFERS,
        [GUEST_DIED] = RULE_GUEST_DIED,
        [GUEST_NO_MEMORY] = RULE_GUEST_MEMORY,
    };

    if (run->result == GUEST_OK || run->result == GUEST_SKIPPED)
        return;
    format_text(run->reported, sizeof(run->reported), run->detail[0] != '\0' ? "%s: %s" : "%s",
                run->guest->name, run->detail);
    machine_add(machine, rules[run->result], cpu, run->reported);
}

struct guest_run *guest_run_of(const struct machine *machine, uint32_t guest, uint32_t cpu)
{
    bool runs = machine->cpus[cpu]->phase == CPU_READY &&
                guest_chosen_for(&guest_results.choice, guest, cpu);

    return runs ? &guest_results.runs[cpu][guest] : NULL;
}

void check_guest_runs(struct machine *machine)
{
    for (uint32_t i = 0; i < machine->cpu_count; i++) {
        for (uint32_t j = 0; j < guest_results.choice.count; j++) {
            struct guest_run *run = guest_run_of(machine, j, i);

            if (run != NULL)
                check_guest_run(machine, i, run);
        }
    }
}

bool vmcs_is_wanted(uint32_t cpu, bool entry_failed)
{
    const struct vmcs_kept *kept = &guest_results.vmcs;
    bool asked = guest_options.dump_vmcs;

    if (kept->guest == NULL)
        return asked || entry_failed;
    if (kept->entry_failed)
        return false;
    return entry_failed || (asked && cpu <= kept->cpu);
}
