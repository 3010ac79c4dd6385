#include "tools/capability/options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "tools/capability/nearest.h"
#include "tools/capability/number.h"
#include "tools/capability/scan.h"

enum { OPTION_ROW = 256, OPTION_JSON, OPTION_CHECK, OPTION_COLOUR, OPTION_ACTION };

/* Options that are actions have OPTION_ACTION + the action. */
static const struct option table[] = {
    {"row", required_argument, NULL, OPTION_ROW},
    {"json", no_argument, NULL, OPTION_JSON},
    {"check", required_argument, NULL, OPTION_CHECK},
    {"color", optional_argument, NULL, OPTION_COLOUR},
    {"basic", required_argument, NULL, OPTION_ACTION + ACTION_BASIC},
    {"diff", required_argument, NULL, OPTION_ACTION + ACTION_DIFF},
    {"find", required_argument, NULL, OPTION_ACTION + ACTION_FIND},
    {"html", required_argument, NULL, OPTION_ACTION + ACTION_HTML},
    {"list", no_argument, NULL, OPTION_ACTION + ACTION_LIST},
    {"features", no_argument, NULL, OPTION_ACTION + ACTION_FEATURES},
    {"requires", no_argument, NULL, OPTION_ACTION + ACTION_REQUIRES},
    {"help", no_argument, NULL, OPTION_ACTION + ACTION_HELP},
    {"version", no_argument, NULL, OPTION_ACTION + ACTION_VERSION},
    {NULL, 0, NULL, 0},
};

static const struct option *known_option;

static const char *option_name(size_t index)
{
    return known_option[index].name;
}

bool options_unknown(const char *word, const struct option *known, char error[OPTIONS_ERROR_MAX])
{
    char name[64];
    const char *nearest;
    size_t count = 0;

    while (known[count].name != NULL)
        count++;
    known_option = known;
    snprintf(name, sizeof(name), "%.*s", (int)strcspn(word, "="), word);
    nearest = nearest_name(name + strspn(name, "-"), count, option_name);
    if (nearest != NULL)
        snprintf(error, OPTIONS_ERROR_MAX, "unknown option %s; the nearest known one is --%s", name,
                 nearest);
    else
        snprintf(error, OPTIONS_ERROR_MAX, "unknown option %s", name);
    return false;
}

static bool add_source(struct options *options, const char *name, bool row,
                       char error[OPTIONS_ERROR_MAX])
{
    if (options->source_count == SOURCES_MAX) {
        snprintf(error, OPTIONS_ERROR_MAX, "more than %d files and rows", SOURCES_MAX);
        return false;
    }
    options->source[options->source_count++] = (struct source){name, row};
    return true;
}

static bool take_check(struct options *options, const char *value, char error[OPTIONS_ERROR_MAX])
{
    for (int i = 0; i < CHECK_CHOICE_COUNT; i++) {
        if (strcmp(value, check_choice_name((enum check_choice)i)) == 0) {
            options->check = (enum check_choice)i;
            return true;
        }
    }
    snprintf(error, OPTIONS_ERROR_MAX, "--check %s: expected auto, kvm or strict", value);
    return false;
}

static bool take_colour(struct options *options, const char *value, char error[OPTIONS_ERROR_MAX])
{
    static const char *const names[COLOUR_CHOICE_COUNT] = {"auto", "always", "never"};

    for (int i = 0; i < COLOUR_CHOICE_COUNT; i++) {
        if (strcmp(value != NULL ? value : "always", names[i]) == 0) {
            options->colour = (enum colour_choice)i;
            return true;
        }
    }
    snprintf(error, OPTIONS_ERROR_MAX, "--color=%s: expected auto, always or never", value);
    return false;
}

/* The second of --diff's two operands is the word after the first. */
static bool take_diff(struct options *options, int count, char **words,
                      char error[OPTIONS_ERROR_MAX])
{
    options->diff[0] = optarg;
    if (optind >= count || (words[optind][0] == '-' && words[optind][1] != '\0')) {
        snprintf(error, OPTIONS_ERROR_MAX, "--diff %s: expected a second row or file behind it",
                 optarg);
        return false;
    }
    options->diff[1] = words[optind++];
    return true;
}

/* In the forms that a file may have it in. */
static bool take_basic(const char *word, uint64_t *value)
{
    struct piece rest = piece_of(word);
    struct number number;

    if (!number_take(&rest, &number) || rest.length > 0 || number.digits > NUMBER_DIGITS_MAX)
        return false;
    *value = number.value;
    return true;
}

static bool take_action(struct options *options, enum action action, int count, char **words,
                        char error[OPTIONS_ERROR_MAX])
{
    if (options->action != ACTION_REPORT && options->action != action) {
        snprintf(
            error, OPTIONS_ERROR_MAX,
            "only one of --basic, --diff, --find, --html, --list, --features, --requires, --help "
            "and --version at a time");
        return false;
    }
    options->action = action;
    if (action == ACTION_DIFF)
        return take_diff(options, count, words, error);
    if (action == ACTION_FIND)
        options->expression = optarg;
    if (action == ACTION_HTML)
        options->folder = optarg;
    if (action == ACTION_BASIC && !take_basic(optarg, &options->basic)) {
        snprintf(error, OPTIONS_ERROR_MAX,
                 "--basic %.40s: expected a value of 1 to 16 hex digits, with or without 0x",
                 optarg);
        return false;
    }
    return true;
}

static bool check_combination(const struct options *options, char error[OPTIONS_ERROR_MAX])
{
    if (options->json && options->action != ACTION_REPORT) {
        snprintf(error, OPTIONS_ERROR_MAX, "--json is for reports of rows, files or this machine");
        return false;
    }
    if (options->source_count > 0 && options->action != ACTION_REPORT &&
        options->action != ACTION_FIND && options->action != ACTION_HTML) {
        snprintf(error, OPTIONS_ERROR_MAX, "`%.80s` is one word too many here",
                 options->source[0].name);
        return false;
    }
    return true;
}

bool options_parse(int count, char **words, struct options *options, char error[OPTIONS_ERROR_MAX])
{
    int option;

    *options = (struct options){.action = ACTION_REPORT};
    opterr = 0;
    optind = 0; /* so that it can be called again */
    /* "-": operands come in their order, as option 1; ":": a missing argument is told apart. */
    while ((option = getopt_long(count, words, "-:h", table, NULL)) != -1) {
        bool taken;

        if (option == 1)
            taken = add_source(options, optarg, false, error);
        else if (option == OPTION_ROW)
            taken = add_source(options, optarg, true, error);
        else if (option == OPTION_JSON)
            taken = options->json = true;
        else if (option == OPTION_CHECK)
            taken = take_check(options, optarg, error);
        else if (option == OPTION_COLOUR)
            taken = take_colour(options, optarg, error);
        else if (option == 'h' || option >= OPTION_ACTION)
            taken = take_action(options,
                                option == 'h' ? ACTION_HELP : (enum action)(option - OPTION_ACTION),
                                count, words, error);
        else if (option == ':') {
            taken = false;
            snprintf(error, OPTIONS_ERROR_MAX, "%s needs a value behind it", words[optind - 1]);
        } else {
            taken = options_unknown(words[optind - 1], table, error);
        }
        if (!taken)
            return false;
    }
    for (; optind < count; optind++) {
        if (!add_source(options, words[optind], false, error))
            return false;
    }
    return check_combination(options, error);
}
