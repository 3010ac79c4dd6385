#include "tools/capability/found.h"

#include <stdlib.h>
#include <string.h>

#include "lib/format.h"
#include "tools/capability/columns.h"

void found_add(struct found_list *list, struct found found)
{
    if (list->count == list->room) {
        size_t room = list->room > 0 ? 2 * list->room : 64;
        struct found *grown = realloc(list->item, room * sizeof(*grown));

        if (grown == NULL)
            abort();
        list->item = grown;
        list->room = room;
    }
    list->item[list->count++] = found;
}

void found_free(struct found_list *list)
{
    free(list->item);
    *list = (struct found_list){.item = NULL};
}

/* Joins halves that the text names; one without the other is not understood. */
static void join_halves(struct scan *scan, struct found_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        struct found *item = &list->item[i];
        size_t j = i + 1;

        if (item->half == HALF_NONE || item->columns == 0)
            continue;
        while (j < list->count &&
               (list->item[j].half == HALF_NONE || list->item[j].half == item->half ||
                list->item[j].msr != item->msr || list->item[j].cpu != item->cpu ||
                list->item[j].columns == 0))
            j++;
        if (j == list->count) {
            item->columns = 0;
            scan_passed(scan, item->line, piece_of("one half of an MSR"), "the other half too");
            continue;
        }
        item->value = item->half == HALF_HIGH ? item->value << 32 | list->item[j].value
                                              : list->item[j].value << 32 | item->value;
        list->item[j].columns = 0;
        scan_saw(scan, DUMP_HALVES);
    }
}

/* The set of a CPU, found by its number; NULL, with the error reported, for one too many. */
static struct dump_set *set_of(struct scan *scan, unsigned *cpus, unsigned cpu)
{
    size_t count = scan->list->count;
    struct dump_set *set;

    for (size_t i = 0; i < count; i++) {
        if (cpus[i] == cpu)
            return &scan->list->set[i];
    }
    if (count == CPUS_MAX) {
        scan_expected(scan, (struct piece){NULL, 0}, "at most 1024 CPUs");
        return NULL;
    }
    cpus[count] = cpu;
    scan->list->one_machine = count > 0;
    set = dump_list_add(scan->list, scan->name);
    if (cpu > 0)
        format_text(set->id, sizeof(set->id), "%s, CPU %u", scan->name, cpu);
    return set;
}

/* By number, so that the boot CPU, if it is there, comes first in whatever order a text has them.
 */
static void sort_by_cpu(struct dump_list *list, unsigned *cpus)
{
    for (size_t i = 1; i < list->count; i++) {
        for (size_t j = i; j > 0 && cpus[j] < cpus[j - 1]; j--) {
            struct dump_set set = list->set[j];
            unsigned cpu = cpus[j];

            list->set[j] = list->set[j - 1];
            list->set[j - 1] = set;
            cpus[j] = cpus[j - 1];
            cpus[j - 1] = cpu;
        }
    }
}

static bool put_all(struct scan *scan, const struct found_list *list)
{
    static unsigned cpus[CPUS_MAX];

    for (size_t i = 0; i < list->count; i++) {
        const struct found *item = &list->item[i];
        struct dump_set *set;

        if (item->columns == 0)
            continue;
        scan->line = item->line;
        set = set_of(scan, cpus, item->cpu);
        if (set == NULL)
            return false;
        if (dump_msr_has(&set->dump, item->msr) &&
            dump_msr_get(&set->dump, item->msr) == item->value)
            continue; /* reported twice, as logs do */
        if (!scan_put(scan, set, item->msr, item->value))
            return false;
    }
    sort_by_cpu(scan->list, cpus);
    return true;
}

static unsigned count_of(const struct dump_set *set)
{
    return (unsigned)__builtin_popcount(set->dump.msrs.present) + set->dump.has_feature_control;
}

/* Has `whole` every value that `part` has, and the same one? */
static bool is_part_of(const struct vmx_dump *part, const struct vmx_dump *whole)
{
    if (part->has_feature_control &&
        (!whole->has_feature_control || whole->feature_control != part->feature_control))
        return false;
    for (uint32_t msr = VMX_MSR_FIRST; msr <= VMX_MSR_LAST; msr++) {
        if (dump_msr_has(part, msr) &&
            (!dump_msr_has(whole, msr) || dump_msr_get(part, msr) != dump_msr_get(whole, msr)))
            return false;
    }
    return true;
}

/*
 * Of some MSRs a person often reads every CPU, of the others one. Such a CPU reports nothing new if
 * what it has is what the fullest one has: it is left out.
 */
static void drop_parts(struct dump_list *list)
{
    size_t fullest = 0, kept = 0;

    for (size_t i = 1; i < list->count; i++) {
        if (count_of(&list->set[i]) > count_of(&list->set[fullest]))
            fullest = i;
    }
    for (size_t i = 0; i < list->count; i++) {
        bool part = count_of(&list->set[i]) < count_of(&list->set[fullest]) &&
                    is_part_of(&list->set[i].dump, &list->set[fullest].dump);

        if (i == fullest)
            fullest = kept; /* where it will stand */
        if (!part)
            list->set[kept++] = list->set[i];
    }
    list->count = kept;
    list->one_machine = kept > 1;
}

bool found_finish(struct scan *scan, struct found_list *list)
{
    join_halves(scan, list);
    if (!columns_finish(scan, list) || !put_all(scan, list))
        return false;
    if (scan->list->count > 1)
        drop_parts(scan->list);
    return true;
}
