#include "kernel/report/guest_told.h"

#include "lib/string.h"

static bool findings_alike(const struct vmentry_finding *a, const struct vmentry_finding *b)
{
    return a->rule == b->rule && a->field == b->field && a->seen == b->seen &&
           a->wanted == b->wanted && a->entry == b->entry;
}

static bool entries_alike(const struct entry_failure *a, const struct entry_failure *b)
{
    if (a->judged != b->judged)
        return false;
    if (!a->judged)
        return true;
    if (a->class != b->class || a->broken != b->broken || a->unread != b->unread ||
        memcmp(a->unjudged, b->unjudged, sizeof(a->unjudged)) != 0)
        return false;
    for (uint32_t i = 0; i < a->broken && i < ENTRY_FINDINGS_KEPT; i++) {
        if (!findings_alike(&a->item[i], &b->item[i]))
            return false;
    }
    return true;
}

bool guest_runs_alike(const struct guest_run *a, const struct guest_run *b)
{
    return a->guest == b->guest && a->result == b->result && a->end == b->end &&
           memcmp(a->exits, b->exits, sizeof(a->exits)) == 0 && strcmp(a->detail, b->detail) == 0 &&
           entries_alike(&a->entry, &b->entry);
}

static void count(const struct machine *machine, uint32_t guest, struct guest_counts *counts)
{
    for (uint32_t cpu = 0; cpu < machine->cpu_count; cpu++) {
        const struct guest_run *run = machine_guest_run(machine, guest, cpu);

        if (run != NULL)
            counts->of[run->result]++;
    }
}

struct guest_counts guest_counts_of(const struct machine *machine, uint32_t guest)
{
    struct guest_counts counts = {{0}};

    count(machine, guest, &counts);
    return counts;
}

struct guest_counts guest_counts_all(const struct machine *machine)
{
    struct guest_counts counts = {{0}};

    for (uint32_t guest = 0; guest < machine->guests.count; guest++)
        count(machine, guest, &counts);
    return counts;
}

void guest_counts_print(struct sink *sink, struct guest_counts counts)
{
    const char *before = "";

    for (enum guest_result result = 0; result < GUEST_RESULT_COUNT; result++) {
        if (counts.of[result] == 0)
            continue;
        print_to(sink, "%s%u %s", before, counts.of[result], guest_result_name(result));
        before = ", ";
    }
}
