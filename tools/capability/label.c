/*
 * A name is a set of words, in any order, spelling and case, however they are joined:
 * MSR_IA32_VMX_PROCBASED_CTLS2, kIa32VmxProcBasedCtls2, "Secondary Processor-based Controls MSR".
 */
#include "tools/capability/label.h"

#include <string.h>

#include "tools/capability/dump_list.h"
#include "tools/capability/nearest.h"
#include "vmx/capability/vmx_msr.h"

enum word {
    NOISE = 0,
    MSR = 1 << 0,
    IA32 = 1 << 1,
    VMX = 1 << 2,
    SPELLED = 1 << 3, /* CTLS, as only names of MSRs have it; VMCS fields are called "controls" */
    BASIC = 1 << 4,
    PIN = 1 << 5,
    PROC = 1 << 6,
    PRIMARY = 1 << 7,
    SECOND = 1 << 8,
    THIRD = 1 << 9,
    EXIT = 1 << 10,
    ENTRY = 1 << 11,
    TRUE_ONE = 1 << 12,
    CTL = 1 << 13,
    MISC = 1 << 14,
    CR0 = 1 << 15,
    CR4 = 1 << 16,
    FIXED0 = 1 << 17,
    FIXED1 = 1 << 18,
    VMCS = 1 << 19,
    ENUM = 1 << 20,
    EPT = 1 << 21,
    VPID = 1 << 22,
    FUNCTION = 1 << 23,
    FEATURE = 1 << 24,
    HIGH = 1 << 25,
    LOW = 1 << 26,
};

/* Which MSR is meant does not depend on these. */
static const uint32_t evidence = MSR | IA32 | VMX | SPELLED, halves = HIGH | LOW;

static const struct {
    const char *text;
    uint32_t set;
} words[] = {
    {"msr", MSR},
    {"msrs", MSR},
    {"rdmsr", MSR},
    {"readmsr", MSR},
    {"ia32", IA32},
    {"a32", IA32},
    {"vmx", VMX},
    {"basic", BASIC},
    {"pin", PIN},
    {"pinbased", PIN},
    {"proc", PROC},
    {"procbased", PROC},
    {"processor", PROC},
    {"processorbased", PROC},
    {"cpubased", PROC},
    {"procbased2", PROC | SECOND},
    {"procbased3", PROC | THIRD},
    {"primary", PRIMARY},
    {"secondary", SECOND},
    {"second", SECOND},
    {"tertiary", THIRD},
    {"exit", EXIT},
    {"vmexit", EXIT},
    {"entry", ENTRY},
    {"vmentry", ENTRY},
    {"true", TRUE_ONE},
    {"ctls", CTL | SPELLED},
    {"ctls2", CTL | SPELLED | SECOND},
    {"ctls3", CTL | SPELLED | THIRD},
    {"ctl", CTL},
    {"ctrl", CTL},
    {"ctrls", CTL},
    {"ctrls2", CTL | SECOND},
    {"control", CTL},
    {"controls", CTL},
    {"controls2", CTL | SECOND},
    {"misc", MISC},
    {"miscellaneous", MISC},
    {"cr0", CR0},
    {"cr4", CR4},
    {"fixed0", FIXED0},
    {"fix0", FIXED0},
    {"fixed1", FIXED1},
    {"fix1", FIXED1},
    {"vmcs", VMCS},
    {"enum", ENUM},
    {"enumeration", ENUM},
    {"ept", EPT},
    {"vpid", VPID},
    {"vmfunc", FUNCTION},
    {"func", FUNCTION},
    {"function", FUNCTION},
    {"functions", FUNCTION},
    {"feature", FEATURE},
    {"feat", FEATURE},
    {"high", HIGH},
    {"hi", HIGH},
    {"low", LOW},
    {"lo", LOW},
    {"k", NOISE},
    {"vm", NOISE},
    {"based", NOISE},
    {"execution", NOISE},
    {"exec", NOISE},
    {"cap", NOISE},
    {"caps", NOISE},
    {"capability", NOISE},
    {"capabilities", NOISE},
    {"info", NOISE},
    {"information", NOISE},
    {"data", NOISE},
    {"register", NOISE},
    {"reg", NOISE},
    {"intel", NOISE},
};

static const struct {
    uint32_t set; /* beside the words that are evidence */
    uint32_t msr;
} names[] = {
    {FEATURE | CTL, 0x3a},
    {BASIC, IA32_VMX_BASIC},
    {BASIC | CTL, IA32_VMX_BASIC},
    {PIN | CTL, IA32_VMX_PINBASED_CTLS},
    {PROC | CTL, IA32_VMX_PROCBASED_CTLS},
    {PRIMARY | CTL, IA32_VMX_PROCBASED_CTLS},
    {PRIMARY | PROC | CTL, IA32_VMX_PROCBASED_CTLS},
    {EXIT | CTL, IA32_VMX_EXIT_CTLS},
    {PRIMARY | EXIT | CTL, IA32_VMX_EXIT_CTLS},
    {ENTRY | CTL, IA32_VMX_ENTRY_CTLS},
    {MISC, IA32_VMX_MISC},
    {MISC | CTL, IA32_VMX_MISC},
    {CR0 | FIXED0, IA32_VMX_CR0_FIXED0},
    {CR0 | FIXED1, IA32_VMX_CR0_FIXED1},
    {CR4 | FIXED0, IA32_VMX_CR4_FIXED0},
    {CR4 | FIXED1, IA32_VMX_CR4_FIXED1},
    {VMCS | ENUM, IA32_VMX_VMCS_ENUM},
    {SECOND | CTL, IA32_VMX_PROCBASED_CTLS2},
    {SECOND | PROC | CTL, IA32_VMX_PROCBASED_CTLS2},
    {EPT | VPID, IA32_VMX_EPT_VPID_CAP},
    {TRUE_ONE | PIN | CTL, IA32_VMX_TRUE_PINBASED_CTLS},
    {TRUE_ONE | PROC | CTL, IA32_VMX_TRUE_PROCBASED_CTLS},
    {TRUE_ONE | PRIMARY | PROC | CTL, IA32_VMX_TRUE_PROCBASED_CTLS},
    {TRUE_ONE | EXIT | CTL, IA32_VMX_TRUE_EXIT_CTLS},
    {TRUE_ONE | ENTRY | CTL, IA32_VMX_TRUE_ENTRY_CTLS},
    {FUNCTION, IA32_VMX_VMFUNC},
    {FUNCTION | CTL, IA32_VMX_VMFUNC},
    {THIRD | CTL, IA32_VMX_PROCBASED_CTLS3},
    {THIRD | PROC | CTL, IA32_VMX_PROCBASED_CTLS3},
    {SECOND | EXIT | CTL, IA32_VMX_EXIT_CTLS2},
};

static bool word_find(struct piece word, uint32_t *set)
{
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (piece_is_folded(word, words[i].text)) {
            *set |= words[i].set;
            return true;
        }
    }
    return false;
}

/* "MSR", "IA32" or "VMX" must be among the words; of VMX and controls, CTLS too. */
static uint32_t msr_of(uint32_t set)
{
    bool enough = (set & (MSR | IA32)) != 0 || ((set & VMX) != 0 && !(set & CTL)) ||
                  (set & (VMX | SPELLED)) == (VMX | SPELLED);

    for (size_t i = 0; enough && i < sizeof(names) / sizeof(names[0]); i++) {
        if (names[i].set == (set & ~evidence & ~halves))
            return names[i].msr;
    }
    return 0;
}

static bool is_word(char c)
{
    return char_is_letter(c) || char_is_digit(c);
}

/* A part of a name: letters and digits, up to a capital letter after small ones or digits. */
static struct piece take_part(struct piece *rest)
{
    struct piece part = {rest->start, 0};

    while (is_word(piece_first(*rest))) {
        char c = piece_first(*rest),
             before = (char)(part.length > 0 ? part.start[part.length - 1] : 'A');
        bool capital = c >= 'A' && c <= 'Z', behind_capital = before >= 'A' && before <= 'Z';

        if (capital && !behind_capital && !char_is_digit(before))
            break;
        if (capital && char_is_digit(before) && part.length > 1 && char_is_letter(part.start[1]) &&
            part.start[1] >= 'a')
            break; /* Ia32Vmx, but not A32X or CTLS2X */
        part.length++;
        *rest = piece_after(*rest, 1);
    }
    return part;
}

/* A name with its parts joined by `_`, `-` or capital letters. False if one part is unknown. */
static bool take_name(struct piece *rest, uint32_t *set)
{
    bool known = true;

    *set = 0;
    while (is_word(piece_first(*rest)) || piece_first(*rest) == '_' ||
           (piece_first(*rest) == '-' && is_word(piece_at(*rest, 1)))) {
        struct piece part;

        if (*set == MSR && piece_first(*rest) == '_' && char_is_digit(piece_at(*rest, 1)))
            return true; /* MSR_0x480, msr_480: its number follows */
        part = take_part(rest);

        if (part.length == 0)
            *rest = piece_after(*rest, 1);
        else if (!word_find(part, set))
            known = false;
    }
    return known;
}

struct label label_take(struct piece *rest)
{
    uint32_t all = 0, last = 0;
    struct piece behind = *rest;
    bool any = false;

    for (;;) {
        struct piece next = piece_skip(behind, " \t");
        uint32_t set;

        if (any && !char_is_letter(piece_first(next)))
            break;
        if (!take_name(&next, &set)) {
            if (!any)
                behind = next;
            break;
        }
        behind = next;
        any = true;
        all |= set;
        last = set;
    }
    *rest = behind;
    return (struct label){.msr = msr_of(all) != 0 ? msr_of(all) : msr_of(last),
                          .is_address = last == MSR,
                          .high = (all & HIGH) != 0,
                          .low = (all & LOW) != 0};
}

/* Letters and digits alone, in small letters, without MSR before them. */
static void squeeze(struct piece word, char *squeezed, size_t room)
{
    size_t length = 0;

    if (piece_starts_folded(word, "msr"))
        word = piece_after(word, 3);
    for (; word.length > 0 && length + 1 < room; word = piece_after(word, 1)) {
        if (is_word(piece_first(word)))
            squeezed[length++] = char_folded(piece_first(word));
    }
    squeezed[length] = '\0';
}

/* What stands after a known name and `_` is one of its fields: IA32_VMX_MISC_CR3_TARGET. */
static bool is_field_of(const char *word, const char *name)
{
    return strlen(word) > strlen(name) + 1 && strncmp(word, name, strlen(name)) == 0;
}

bool label_is_near(struct piece word)
{
    enum { MISTYPED_MOST = 2, NAME_ROOM = 64 };
    char typed[NAME_ROOM], known[NAME_ROOM];
    bool near, field = false;

    squeeze(word, typed, sizeof(typed));
    near = strncmp(typed, "ia32vmx", strlen("ia32vmx")) == 0;
    for (uint32_t msr = IA32_FEATURE_CONTROL_MSR; msr <= VMX_MSR_LAST; msr++) {
        const char *name =
            msr == IA32_FEATURE_CONTROL_MSR ? "IA32_FEATURE_CONTROL" : vmx_msr_name(msr);

        if (name == NULL)
            continue;
        squeeze(piece_of(name), known, sizeof(known));
        field = field || is_field_of(typed, known);
        near = near || edit_distance_within(typed, known, MISTYPED_MOST) <= MISTYPED_MOST ||
               edit_distance_within(typed, known + strlen("ia32"), MISTYPED_MOST) <= MISTYPED_MOST;
    }
    return near && !field;
}
