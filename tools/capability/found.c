#include "tools/capability/found.h"

#include <stdlib.h>
#include <string.h>

#include "lib/format.h"
#include "lib/x86_registers.h"

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

/* Two numbers that may be halves: the first of the two. */
static bool is_pair(const struct found_list *list, size_t i, enum columns_look look)
{
    const struct found *item = &list->item[i];

    return item->columns == 2 && item->column == 0 && item->look == look && item->narrow &&
           i + 1 < list->count && list->item[i + 1].narrow;
}

/* Two numbers or more of which at least one is too wide to be a half, or that are too many. */
static bool is_row_of_cpus(const struct found_list *list, size_t i, enum columns_look look)
{
    const struct found *item = &list->item[i];

    return item->columns >= 2 && item->column == 0 && item->look == look && !is_pair(list, i, look);
}

/*
 * Bits that are 0 on every processor: 63:32 of CR0 (SDM Vol. 3, "Control Registers") and so of what
 * may be in it, of IA32_FEATURE_CONTROL and IA32_VMX_VMCS_ENUM; 31 and 47:45 of IA32_VMX_BASIC.
 */
static bool sets_reserved(uint32_t msr, uint64_t value)
{
    static const uint64_t high = 0xffffffff00000000;

    switch (msr) {
    case IA32_FEATURE_CONTROL_MSR:
    case IA32_VMX_CR0_FIXED0:
    case IA32_VMX_CR0_FIXED1:
    case IA32_VMX_VMCS_ENUM:
        return (value & high) != 0;
    case IA32_VMX_BASIC:
        return (value & 0x0000e00080000000) != 0;
    default:
        return false;
    }
}

/*
 * No processor has it: a VMCS of no size; a control that must be 1 and must be 0; CR0.PE or
 * CR4.VMXE that need not or may not be 1 in VMX operation; bits 63:33 of CR4, reserved up to now;
 * EPT without a length of its page walk.
 */
static bool is_unlikely(uint32_t msr, uint64_t value)
{
    enum { VMCS_SIZE_LEAST = 256, VMCS_SIZE_MOST = 4096 };
    uint64_t size = value >> 32 & 0x1fff;

    switch (msr) {
    case IA32_VMX_BASIC:
        return size < VMCS_SIZE_LEAST || size > VMCS_SIZE_MOST;
    case IA32_VMX_CR0_FIXED0:
    case IA32_VMX_CR0_FIXED1:
        return !(value & CR0_PE);
    case IA32_VMX_CR4_FIXED0:
    case IA32_VMX_CR4_FIXED1:
        return !(value & CR4_VMXE) || value >> 33 != 0;
    case IA32_VMX_EPT_VPID_CAP:
        return value != 0 && !(value & (1 << 6 | 1 << 7)); /* 0: there is no EPT */
    case IA32_VMX_MISC:
    case IA32_VMX_VMCS_ENUM:
    case IA32_VMX_VMFUNC:
    case IA32_FEATURE_CONTROL_MSR:
        return false;
    default: /* controls, of which a set bit in 31:0 must be 1, and a clear one in 63:32 must be 0
              */
        return msr < IA32_VMX_PROCBASED_CTLS3 && (value & ~(value >> 32) & 0xffffffff) != 0;
    }
}

/* What speaks against a reading of the lines of one look. */
struct doubt {
    bool reserved, unlikely;
    bool wide;   /* as halves: one line has more numbers than two, or one that is no half */
    bool differ; /* the two numbers of one line */
};

static void doubt_value(struct doubt *doubt, uint32_t msr, uint64_t value)
{
    doubt->reserved = doubt->reserved || sets_reserved(msr, value);
    doubt->unlikely = doubt->unlikely || is_unlikely(msr, value);
}

static uint64_t whole_of(const struct found *pair, enum columns_look look)
{
    const struct found *high = look == LOOK_SWAPPED ? &pair[1] : &pair[0];
    const struct found *low = look == LOOK_SWAPPED ? &pair[0] : &pair[1];

    return high->value << 32 | low->value;
}

static bool is_headed(enum columns_look look)
{
    return look == LOOK_HEADED || look == LOOK_SWAPPED || look == LOOK_CPUS;
}

/* Can the lines be neither? Where a heading says what they are, or one line cannot be halves, a
 * value that no known processor has may be this one's. */
static bool can_be_neither(const struct doubt *seen, const struct doubt *other, bool sure)
{
    if (sure)
        return seen->reserved && other->reserved;
    return (seen->reserved || seen->unlikely) && (other->reserved || other->unlikely);
}

static bool looks_like_halves(enum columns_look look)
{
    return look != LOOK_COLON && look != LOOK_CPUS;
}

/*
 * What the lines look like, unless that reading cannot be and the other one can. It cannot be known
 * where both can be, and CPUs would differ, or halves would all be equal.
 */
static bool choose_halves(struct scan *scan, const struct found_list *list, enum columns_look look,
                          bool *halves)
{
    struct doubt as_halves = {.reserved = false}, as_cpus = {.reserved = false};
    bool both;
    const struct doubt *seen, *other;
    unsigned line = 0;

    *halves = looks_like_halves(look);
    for (size_t i = 0; i < list->count; i++) {
        as_halves.wide = as_halves.wide || is_row_of_cpus(list, i, look);
        if (!is_pair(list, i, look))
            continue;
        line = line == 0 ? list->item[i].line : line;
        doubt_value(&as_halves, list->item[i].msr, whole_of(&list->item[i], look));
        doubt_value(&as_cpus, list->item[i].msr, list->item[i].value);
        doubt_value(&as_cpus, list->item[i].msr, list->item[i + 1].value);
        as_cpus.differ = as_cpus.differ || list->item[i].value != list->item[i + 1].value;
    }
    as_halves.reserved = as_halves.reserved || as_halves.wide;
    seen = *halves ? &as_halves : &as_cpus;
    other = *halves ? &as_cpus : &as_halves;
    both = (look == LOOK_COLON && as_cpus.differ) || (look == LOOK_PLAIN && !as_cpus.differ);
    scan->line = line;
    if (can_be_neither(seen, other, is_headed(look) || as_halves.wide))
        return scan_expected(scan, piece_of("two columns"),
                             "the values of two CPUs or the halves of one MSR, the high one first: "
                             "these can be neither (a heading `EAX EDX` says low first)");
    if (seen->reserved || (seen->unlikely && !other->unlikely && !other->reserved))
        *halves = !*halves;
    else if (both && !other->reserved && !other->unlikely)
        return scan_expected(scan, piece_of("two columns"),
                             "a heading `EDX EAX` or `CPU0 CPU1` above them: these can be both");
    return true;
}

/* Makes one value of each pair that is two halves. */
static void join_pairs(struct found_list *list, enum columns_look look)
{
    for (size_t i = 0; i < list->count; i++) {
        if (!is_pair(list, i, look))
            continue;
        list->item[i].value = whole_of(&list->item[i], look);
        list->item[i].columns = 1;
        list->item[i].narrow = false;
        list->item[i + 1].columns = 0; /* is no value of its own any more */
    }
}

static bool finish_columns(struct scan *scan, struct found_list *list)
{
    for (int look = 0; look < LOOK_COUNT; look++) {
        bool halves, any = false;

        for (size_t i = 0; i < list->count && !any; i++)
            any = is_pair(list, i, (enum columns_look)look);
        if (!any)
            continue;
        if (!choose_halves(scan, list, (enum columns_look)look, &halves))
            return false;
        scan_saw(scan, halves ? DUMP_HALVES : DUMP_COLUMNS);
        if (halves)
            join_pairs(list, (enum columns_look)look);
    }
    return true;
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
    if (!finish_columns(scan, list) || !put_all(scan, list))
        return false;
    if (scan->list->count > 1)
        drop_parts(scan->list);
    return scan_same_msrs(scan);
}
