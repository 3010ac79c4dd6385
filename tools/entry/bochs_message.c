#include "tools/entry/bochs_message.h"

#include <string.h>

enum { RULES_MAX = 7 };

#define BOCHS(message, ...) {(message), {__VA_ARGS__, VMENTRY_RULE_COUNT}},
static const struct {
    const char *message;
    enum vmentry_rule rules[RULES_MAX];
} messages[] = {
#include "tools/entry/bochs_messages.def"
};

/* What a message begins with; "VMEXIT: Guest State Checks Failed", which may follow, tells nothing.
 */
static bool find_begin(struct piece line, struct piece *message)
{
    static const char *const begins[] = {"vmenter fail: ", "vmfail: ", "fail: vm",
                                         "vmenter: ", "vmexit: error when loading"};

    for (size_t at = 0; at < line.length; at++) {
        if (!char_is_one_of(line.start[at], "VFvf"))
            continue;
        *message = piece_after(line, at);
        for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++) {
            if (piece_starts_folded(*message, begins[i]))
                return true;
        }
    }
    return false;
}

/* Passes over everything up to and with the first `part`; false where that stands nowhere. */
static bool take_part(struct piece *rest, struct piece part)
{
    for (; rest->length >= part.length; *rest = piece_after(*rest, 1)) {
        if (memcmp(rest->start, part.start, part.length) != 0)
            continue;
        *rest = piece_after(*rest, part.length);
        return true;
    }
    return false;
}

static bool fits(struct piece message, const char *pattern)
{
    struct piece left = piece_of(pattern);

    while (left.length > 0 && piece_first(left) != '$') {
        struct piece part = {left.start, strcspn(left.start, "*$")};

        if (!take_part(&message, part))
            return false;
        left = piece_after(left, part.length);
        if (piece_first(left) == '*')
            left = piece_after(left, 1);
    }
    return left.length == 0 || piece_trim(message).length == 0;
}

const enum vmentry_rule *bochs_message(struct piece line, struct piece *message)
{
    if (!find_begin(line, message))
        return NULL;
    for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
        if (fits(*message, messages[i].message))
            return messages[i].rules;
    }
    return NULL;
}
