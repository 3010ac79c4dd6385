#include "tools/capability/find.h"

#include <assert.h>
#include <string.h>

#include "lib/format.h"
#include "tools/capability/nearest.h"

/*
 * Reads by operator precedence: operators wait on a stack of their own until one comes that binds
 * less tightly. No recursion, so that no expression is too deep for the program's stack.
 */
struct parser {
    const char *text, *at;
    struct find *find;
    char *error;
    char waiting[FIND_STEPS_MAX]; /* '!', '&', '|', '(' */
    size_t waiting_count;
};

static bool fail(struct parser *parser, const char *expected)
{
    format_text(parser->error, FIND_ERROR_MAX, "at character %u of `%.80s`: expected %s",
                (unsigned)(parser->at - parser->text) + 1, parser->text, expected);
    return false;
}

static const char *feature_name(size_t index)
{
    return vmx_feature_table[index].id;
}

static bool is_id(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_';
}

static bool add_step(struct parser *parser, struct find_step step)
{
    if (parser->find->count == FIND_STEPS_MAX)
        return fail(parser, "at most 128 features and operators");
    parser->find->step[parser->find->count++] = step;
    return true;
}

static bool take_feature(struct parser *parser)
{
    char id[96];
    const struct vmx_feature *feature;
    size_t length = 0;

    while (is_id(parser->at[length]))
        length++;
    if (length == 0)
        return fail(parser, "the id of a feature, `!` or `(`");
    format_text(id, sizeof(id), "%.*s", (int)length, parser->at);
    feature = vmx_feature_find(id);
    if (feature == NULL) {
        char nearest[NEAREST_TEXT_MAX];

        nearest_print(nearest, sizeof(nearest), nearest_name(id, vmx_feature_count, feature_name));
        format_text(parser->error, FIND_ERROR_MAX, "unknown feature `%s`%s; --features lists all",
                    id, nearest);
        return false;
    }
    parser->at += length;
    return add_step(parser, (struct find_step){FIND_FEATURE, feature});
}

static bool wait(struct parser *parser, char symbol)
{
    if (parser->waiting_count == FIND_STEPS_MAX)
        return fail(parser, "at most 128 features and operators");
    parser->waiting[parser->waiting_count++] = symbol;
    return true;
}

static int binding(char symbol)
{
    switch (symbol) {
    case '!':
        return 3;
    case '&':
        return 2;
    case '|':
        return 1;
    default: /* a parenthesis keeps all that waits before it */
        return 0;
    }
}

/* Lets go of the operators that bind at least so tightly. */
static bool release(struct parser *parser, int least)
{
    while (parser->waiting_count > 0 &&
           binding(parser->waiting[parser->waiting_count - 1]) >= least) {
        char symbol = parser->waiting[--parser->waiting_count];
        struct find_step step = {symbol == '!'   ? FIND_NOT
                                 : symbol == '&' ? FIND_AND
                                                 : FIND_OR,
                                 NULL};

        if (!add_step(parser, step))
            return false;
    }
    return true;
}

static void skip_spaces(struct parser *parser)
{
    while (*parser->at == ' ' || *parser->at == '\t')
        parser->at++;
}

/* `!` and `(` as often as they come, then an id. */
static bool take_operand(struct parser *parser)
{
    for (skip_spaces(parser); *parser->at == '!' || *parser->at == '('; skip_spaces(parser)) {
        if (!wait(parser, *parser->at))
            return false;
        parser->at++;
    }
    return take_feature(parser);
}

/* `)` as often as it comes. */
static bool take_closing(struct parser *parser)
{
    for (skip_spaces(parser); *parser->at == ')'; skip_spaces(parser)) {
        if (!release(parser, 1))
            return false;
        if (parser->waiting_count == 0)
            return fail(parser, "a `(` before the `)`");
        parser->waiting_count--;
        parser->at++;
    }
    return true;
}

static bool take_operator(struct parser *parser)
{
    char symbol = *parser->at;

    if ((symbol != '&' && symbol != '|') || parser->at[1] != symbol)
        return fail(parser, parser->waiting_count > 0 ? "`&&`, `||` or `)`" : "`&&` or `||`");
    parser->at += 2;
    return release(parser, binding(symbol)) && wait(parser, symbol);
}

bool find_parse(const char *text, struct find *find, char error[FIND_ERROR_MAX])
{
    struct parser parser = {.text = text, .at = text, .find = find};

    parser.error = error;
    find->count = 0;
    for (;;) {
        if (!take_operand(&parser) || !take_closing(&parser))
            return false;
        if (*parser.at == '\0')
            break;
        if (!take_operator(&parser))
            return false;
    }
    if (!release(&parser, 1))
        return false;
    return parser.waiting_count == 0 || fail(&parser, "a `)` for each `(`");
}

static enum truth truth_of(const struct vmx_feature *feature, const struct vmx_dump *dump)
{
    struct vmx_feature_value value = vmx_feature_evaluate(feature, dump);

    if (value.state == FEATURE_UNKNOWN)
        return TRUTH_UNKNOWN;
    return vmx_feature_offered(value) ? TRUTH_TRUE : TRUTH_FALSE;
}

/* Kleene's logic: `and` is the lesser of two, `or` the greater, `not` turns the order around. */
enum truth find_evaluate(const struct find *find, const struct vmx_dump *dump)
{
    enum truth stack[FIND_STEPS_MAX];
    size_t top = 0;

    for (size_t i = 0; i < find->count; i++) {
        const struct find_step *step = &find->step[i];

        assert(top >= (step->kind == FIND_FEATURE ? 0u : step->kind == FIND_NOT ? 1u : 2u));
        if (step->kind == FIND_FEATURE) {
            stack[top++] = truth_of(step->feature, dump);
        } else if (step->kind == FIND_NOT) {
            stack[top - 1] = TRUTH_TRUE - stack[top - 1];
        } else {
            enum truth right = stack[--top], left = stack[top - 1];
            enum truth lesser = left < right ? left : right;
            enum truth greater = left < right ? right : left;

            stack[top - 1] = step->kind == FIND_AND ? lesser : greater;
        }
    }
    assert(top == 1);
    return stack[0];
}
