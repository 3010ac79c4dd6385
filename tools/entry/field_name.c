#include "tools/entry/field_name.h"

#include <stdio.h>
#include <string.h>

#include "vmx/vmcs_image.h"

#define SHORT(from, to) {(from), (to)},
static const struct {
    const char *from, *to;
} shorter[] = {
#include "tools/entry/field_name.def"
};

#define NAMED(part, name, field) {(name), PART_##part, VMCS_##field},
static const struct named {
    const char *name;
    enum dump_part part;
    enum vmcs_field field;
} named[] = {
#include "tools/entry/field_name.def"
};

#define PASSED(part, name) {(name), PART_##part},
static const struct {
    const char *name;
    enum dump_part part;
} passed[] = {
#include "tools/entry/field_name.def"
};

#define ATTRIBUTE(name, low, bits) {(name), (low), (bits)},
static const struct {
    const char *name;
    uint8_t low, bits;
} attributes[] = {
#include "tools/entry/field_name.def"
};

#define FIELD(id, ...) #id,
static const char *const ids[VMCS_FIELD_COUNT] = {
#include "vmx/vmcs_fields.def"
};

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* For each "cpubased", which becomes a letter longer. */
enum { ROOM = 16 };

static void shorten(char *name)
{
    for (size_t i = 0; i < LENGTH(shorter); i++) {
        size_t from = strlen(shorter[i].from), to = strlen(shorter[i].to);

        for (char *at = name; (at = strstr(at, shorter[i].from)) != NULL; at += to) {
            memmove(at + to, at + from, strlen(at + from) + 1);
            memcpy(at, shorter[i].to, to);
        }
    }
}

/* `(VPID)` behind a name says it once more, and Xen says in parentheses which function RIP is in.
 */
void field_name_plain(struct piece words, char name[FIELD_NAME_MAX])
{
    size_t length = 0, first = 0;

    if (words.length > 1 && words.start[0] == 'k' && piece_at(words, 1) >= 'A' &&
        piece_at(words, 1) <= 'Z')
        first = 1; /* kGuestCr0 */
    for (size_t i = first; i < words.length; i++) {
        char c = char_folded(words.start[i]);

        if (c == '(')
            i += piece_find(piece_after(words, i), ')');
        if (!char_is_letter(c) && !char_is_digit(c))
            continue;
        if (length == FIELD_NAME_MAX - ROOM) {
            length = 0;
            break;
        }
        name[length++] = c;
    }
    name[length] = '\0';
    shorten(name);
}

/*
 * All names, found by their hash; made once. Where a name stands twice for a part, the first one
 * counts: the fields' own names, then those of the table.
 */
enum { ENTRY_COUNT = 2 * VMCS_FIELD_COUNT + LENGTH(named) + LENGTH(passed), BUCKETS = 1024 };
static struct entry {
    char name[FIELD_NAME_MAX];
    enum dump_part part;
    struct field_named is;
    const struct entry *next; /* in its bucket */
} entries[ENTRY_COUNT];
static const struct entry *buckets[BUCKETS];
static uint32_t entry_count;

/* FNV-1a. */
static uint32_t hash_of(const char *name, enum dump_part part)
{
    uint32_t hash = 2166136261u + part;

    for (; *name != '\0'; name++)
        hash = (hash ^ (unsigned char)*name) * 16777619u;
    return (hash ^ hash >> 16) % BUCKETS;
}

static const struct entry *entry_of(const char *name, enum dump_part part)
{
    const struct entry *entry = buckets[hash_of(name, part)];

    while (entry != NULL && (entry->part != part || strcmp(entry->name, name) != 0))
        entry = entry->next;
    return entry;
}

static void add(const char *words, enum dump_part part, struct field_named is)
{
    struct entry *entry = &entries[entry_count];
    uint32_t bucket;

    field_name_plain(piece_of(words), entry->name);
    if (entry_of(entry->name, part) != NULL)
        return;
    bucket = hash_of(entry->name, part);
    entry->part = part;
    entry->is = is;
    entry->next = buckets[bucket];
    buckets[bucket] = entry;
    entry_count++;
}

static void make_entries(void)
{
    for (uint32_t i = 0; i < VMCS_FIELD_COUNT; i++) {
        struct field_named is = {.known = true, .field = vmcs_field_table[i].field};

        add(vmcs_field_table[i].name, PART_ANY, is);
        add(ids[i], PART_ANY, is);
    }
    for (size_t i = 0; i < LENGTH(named); i++)
        add(named[i].name, named[i].part,
            (struct field_named){.known = true, .field = named[i].field});
    for (size_t i = 0; i < LENGTH(passed); i++)
        add(passed[i].name, passed[i].part, (struct field_named){.known = true, .passed = true});
}

static bool find_named(const char *name, enum dump_part part, struct field_named *found)
{
    const struct entry *entry;

    if (entry_count == 0)
        make_entries();
    entry = entry_of(name, part);
    if (entry != NULL)
        *found = entry->is;
    return entry != NULL;
}

int field_segment(const char *name, const char **rest)
{
    static const char *const names[] = {"es", "cs", "ss", "ds", "fs", "gs", "ldtr", "tr", "ldt"};

    for (size_t i = 0; i < LENGTH(names); i++) {
        if (strncmp(name, names[i], strlen(names[i])) != 0)
            continue;
        *rest = name + strlen(names[i]);
        return i == 8 ? SEGMENT_LDTR : (int)i;
    }
    return -1;
}

/* "cssel", "csattr", as kernels shorten "CS selector", "CS access rights". */
static bool find_segment(const char *name, struct field_named *found)
{
    static const struct {
        const char *word;
        enum vmcs_field of_es;
    } words[] = {
        {"sel", VMCS_GUEST_ES_SELECTOR},        {"selector", VMCS_GUEST_ES_SELECTOR},
        {"attr", VMCS_GUEST_ES_ACCESS_RIGHTS},  {"ar", VMCS_GUEST_ES_ACCESS_RIGHTS},
        {"flags", VMCS_GUEST_ES_ACCESS_RIGHTS}, {"access", VMCS_GUEST_ES_ACCESS_RIGHTS},
        {"limit", VMCS_GUEST_ES_LIMIT},         {"base", VMCS_GUEST_ES_BASE},
    };
    const char *rest;
    int segment = field_segment(name, &rest);

    for (size_t i = 0; segment >= 0 && i < LENGTH(words); i++) {
        if (strcmp(words[i].word, rest) != 0)
            continue;
        *found = (struct field_named){.known = true,
                                      .field = vmcs_of_segment(words[i].of_es, (unsigned)segment)};
        return true;
    }
    return false;
}

/* "csdpl", of those who print a segment attribute by attribute. */
static bool find_attribute(const char *name, struct field_named *found)
{
    const char *rest;
    int segment = field_segment(name, &rest);

    for (size_t i = 0; segment >= 0 && i < LENGTH(attributes); i++) {
        if (strcmp(attributes[i].name, rest) != 0)
            continue;
        *found = (struct field_named){
            .known = true,
            .low = attributes[i].low,
            .bits = attributes[i].bits,
            .field = vmcs_of_segment(VMCS_GUEST_ES_ACCESS_RIGHTS, (unsigned)segment)};
        return true;
    }
    return false;
}

/* In a part named after a state the fields' names need not begin with it. */
static bool find_in_part(const char *name, enum dump_part part, struct field_named *found)
{
    char whole[FIELD_NAME_MAX + 16];
    const char *state = part == PART_HOST ? "host" : "guest";

    if (find_named(name, part, found))
        return true;
    if (part != PART_GUEST && part != PART_HOST && part != PART_REGISTERS)
        return false;
    snprintf(whole, sizeof(whole), "%s%s", state, name);
    if (find_named(whole, PART_ANY, found))
        return true;
    if (part == PART_HOST) {
        size_t length = strlen(name), selector = strlen("sel");

        if (length > selector && strcmp(name + length - selector, "sel") == 0)
            length -= selector;
        snprintf(whole, sizeof(whole), "%s%.*sselector", state, (int)length, name);
        return find_named(whole, PART_ANY, found);
    }
    return find_segment(name, found) || (part == PART_REGISTERS && find_attribute(name, found));
}

static bool find(const char *name, enum dump_part part, struct field_named *found)
{
    if (part == PART_BOCHS_3 && find_named(name, part, found))
        return true;
    if (find_in_part(name, part == PART_BOCHS_3 ? PART_BOCHS : part, found))
        return true;
    if (strncmp(name, "host", 4) == 0 && find_in_part(name + 4, PART_HOST, found))
        return true; /* hostessel */
    if (strncmp(name, "guest", 5) == 0 && find_segment(name + 5, found))
        return true;
    if (strncmp(name, "ctrl", 4) == 0 && find_named(name + 4, PART_ANY, found))
        return true; /* ctrl_eptp */
    return find_named(name, PART_ANY, found);
}

struct field_named field_named(const char *name, enum dump_part part)
{
    static const char *const halves[] = {"full", "low", "high", "hi", "flags", "all", "raw"};
    struct field_named found = {.known = false};
    char cut[FIELD_NAME_MAX];
    size_t length = strlen(name);

    if (length == 0 || length >= sizeof(cut)) /* longer than any field's */
        return found;
    if (find(name, part, &found))
        return found;
    for (size_t i = 0; i < LENGTH(halves); i++) {
        size_t half = strlen(halves[i]);

        if (length <= half || strcmp(name + length - half, halves[i]) != 0)
            continue;
        memcpy(cut, name, length - half);
        cut[length - half] = '\0';
        if (!find(cut, part, &found))
            continue;
        found.high = halves[i][0] == 'h';
        return found;
    }
    return found;
}
