#include "tools/capability/compared.h"

#include "tools/capability/number.h"

static const char signs[] = " \t,.;:()[]\"'`*|/";

static bool is_one_of(struct piece word, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (piece_is_folded(word, words[i]))
            return true;
    }
    return false;
}

/* What stands before it says that the value is only looked for. */
static bool is_wanted(struct piece before)
{
    static const char *const words[] = {"expect", "expects", "expected", "expecting",
                                        "want",   "wants",   "wanted"};

    while (before.length > 0) {
        if (is_one_of(piece_word(&before, signs), words, sizeof(words) / sizeof(words[0])))
            return true;
    }
    return false;
}

/* Signs of a change or a comparison. */
static bool take_arrow(struct piece *rest)
{
    static const char *const arrows[] = {
        "->", "=>", "~>", "!=", "==", "<>", ">", "\xe2\x86\x92" /* an arrow to the right */};

    for (size_t i = 0; i < sizeof(arrows) / sizeof(arrows[0]); i++) {
        if (piece_starts(*rest, arrows[i])) {
            *rest = piece_skip(piece_after(*rest, piece_of(arrows[i]).length), signs);
            return true;
        }
    }
    return false;
}

/* Words between two values of which one is another time's, or another's. */
static bool take_word(struct piece *rest)
{
    static const char *const words[] = {
        "expect", "expected", "want",    "wanted", "got",    "actual", "but",  "instead",
        "rather", "of",       "than",    "not",    "is",     "was",    "now",  "before",
        "after",  "became",   "becomes", "vs",     "versus", "to",     "seen", "should",
        "be",     "read",     "old",     "new",    "changed"};
    struct piece at = *rest;

    if (!is_one_of(piece_word(&at, " \t,.;:()[]\"'`*|/="), words, sizeof(words) / sizeof(words[0])))
        return false;
    *rest = piece_skip(at, " \t,.;:()[]\"'`*|/=");
    return true;
}

bool compared_values(struct piece before, struct piece behind)
{
    enum { WORDS_MAX = 5 };
    bool any = false;
    struct number number;

    if (is_wanted(before))
        return true;
    behind = piece_skip(behind, signs);
    for (int i = 0; i < WORDS_MAX && (take_arrow(&behind) || take_word(&behind)); i++)
        any = true;
    return any && number_take(&behind, &number) &&
           (number.prefixed || number.digits > 2 || number.separator != 0);
}
