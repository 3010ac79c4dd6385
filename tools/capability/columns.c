#include "tools/capability/columns.h"

#include "lib/x86_registers.h"

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

/* Bits of IA32_FEATURE_CONTROL that have a meaning; others are only a number beside it. */
static bool is_no_value(uint32_t msr, uint64_t value)
{
    enum { FEATURE_CONTROL_KNOWN = 0x16ff07 };

    if (msr == IA32_FEATURE_CONTROL_MSR)
        return (value & ~(uint64_t)FEATURE_CONTROL_KNOWN) != 0;
    return sets_reserved(msr, value) || is_unlikely(msr, value);
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

/*
 * Values of CPUs without a heading, of which some can be values of that MSR and others cannot, are
 * something else: `0x480 0xda040000000012 0x1a0 0x850089`.
 */
static bool check_row(struct scan *scan, const struct found_list *list, size_t i)
{
    const struct found *item = &list->item[i];
    unsigned odd = 0;

    for (unsigned column = 0; column < item->columns && i + column < list->count; column++)
        odd += is_no_value(item->msr, item[column].value);
    if (odd == 0 || odd == item->columns)
        return true;
    scan->line = item->line;
    return scan_expected(scan, piece_of("columns"),
                         "of each CPU a value that this MSR can have, or a heading `CPU0 CPU1`");
}

/* As many columns as a line that is surely one of CPUs. */
static bool agrees(const struct found_list *list, const struct found *item)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct found *other = &list->item[i];

        if (!other->memory && other->columns == item->columns && other->column == 0)
            return true;
    }
    return false;
}

/* Lines of memory, unless others say that there are so many CPUs. */
static void drop_memory(struct scan *scan, struct found_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        struct found *item = &list->item[i];

        if (!item->memory || agrees(list, item))
            continue;
        if (item->column == 0)
            scan_passed(scan, item->line, piece_of("columns of 2 or 4 digits"),
                        "a heading `CPU0 CPU1`, or lines with as many columns: this may be memory");
        item->columns = 0;
    }
}

bool columns_finish(struct scan *scan, struct found_list *list)
{
    drop_memory(scan, list);
    for (size_t i = 0; i < list->count; i++) {
        const struct found *item = &list->item[i];

        if (item->column == 0 && is_row_of_cpus(list, i, item->look) && item->look != LOOK_CPUS &&
            !check_row(scan, list, i))
            return false;
    }
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
