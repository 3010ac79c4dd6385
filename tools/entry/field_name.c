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

#define FIELD(id, ...) #id,
static const char *const ids[VMCS_FIELD_COUNT] = {
#include "vmx/vmcs_fields.def"
};

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

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
        if (length == FIELD_NAME_MAX / 2) { /* "cpubased" becomes a letter longer */
            length = 0;
            break;
        }
        name[length++] = c;
    }
    name[length] = '\0';
    shorten(name);
}

/* The fields' own names, in the form in which names are compared; made once. */
static struct {
    char name[FIELD_NAME_MAX], id[FIELD_NAME_MAX];
} own[VMCS_FIELD_COUNT];

static void make_own(void)
{
    if (own[0].id[0] != '\0')
        return;
    for (uint32_t i = 0; i < VMCS_FIELD_COUNT; i++) {
        field_name_plain(piece_of(vmcs_field_table[i].name), own[i].name);
        field_name_plain(piece_of(ids[i]), own[i].id);
    }
}

static bool find_own(const char *name, struct field_named *found)
{
    make_own();
    for (uint32_t i = 0; i < VMCS_FIELD_COUNT; i++) {
        if (strcmp(own[i].name, name) != 0 && strcmp(own[i].id, name) != 0)
            continue;
        *found = (struct field_named){.known = true, .field = vmcs_field_table[i].field};
        return true;
    }
    return false;
}

static bool find_named(const char *name, enum dump_part part, struct field_named *found)
{
    for (size_t i = 0; i < LENGTH(named); i++) {
        if (named[i].part != part || strcmp(named[i].name, name) != 0)
            continue;
        *found = (struct field_named){.known = true, .field = named[i].field};
        return true;
    }
    for (size_t i = 0; i < LENGTH(passed); i++) {
        if (passed[i].part != part || strcmp(passed[i].name, name) != 0)
            continue;
        *found = (struct field_named){.known = true, .passed = true};
        return true;
    }
    return false;
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
        {"sel", VMCS_GUEST_ES_SELECTOR},       {"selector", VMCS_GUEST_ES_SELECTOR},
        {"attr", VMCS_GUEST_ES_ACCESS_RIGHTS}, {"ar", VMCS_GUEST_ES_ACCESS_RIGHTS},
        {"limit", VMCS_GUEST_ES_LIMIT},        {"base", VMCS_GUEST_ES_BASE},
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

/* In a part named after a state the fields' names need not begin with it. */
static bool find_in_part(const char *name, enum dump_part part, struct field_named *found)
{
    char whole[FIELD_NAME_MAX + 16];
    const char *state = part == PART_HOST ? "host" : "guest";

    if (part == PART_ANY || part == PART_CONTROL)
        return false;
    if (find_named(name, part, found))
        return true;
    snprintf(whole, sizeof(whole), "%s%s", state, name);
    if (find_own(whole, found) || find_named(whole, PART_ANY, found))
        return true;
    if (part == PART_HOST) {
        snprintf(whole, sizeof(whole), "%s%sselector", state, name);
        return find_own(whole, found);
    }
    return find_segment(name, found);
}

static bool find(const char *name, enum dump_part part, struct field_named *found)
{
    if (part == PART_CONTROL && find_named(name, part, found))
        return true;
    if (find_in_part(name, part, found))
        return true;
    if (strncmp(name, "guest", 5) == 0 && find_segment(name + 5, found))
        return true;
    return find_own(name, found) || find_named(name, PART_ANY, found);
}

struct field_named field_named(const char *name, enum dump_part part)
{
    static const char *const halves[] = {"full", "low", "high", "hi"};
    struct field_named found = {.known = false};
    char cut[FIELD_NAME_MAX];
    size_t length = strlen(name);

    if (length == 0 || find(name, part, &found))
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
