#include "tools/capability/feature_text.h"

#include <stdbool.h>

/* Control words of 32 bits stand twice in their MSR, and in 0x492 and 0x493 only once. */
static unsigned shift_of(const struct vmx_feature *feature)
{
    bool two_halves = feature->kind == FEATURE_CONTROL &&
                      feature->msr != IA32_VMX_PROCBASED_CTLS3 &&
                      feature->msr != IA32_VMX_EXIT_CTLS2 && feature->msr != IA32_VMX_VMFUNC;

    return two_halves ? 32 : 0;
}

void feature_bits(const struct vmx_feature *feature, char text[FEATURE_BITS_MAX])
{
    unsigned shift = shift_of(feature);

    if (feature->high > feature->low)
        format_text(text, FEATURE_BITS_MAX, "%u:%u", feature->high - shift, feature->low - shift);
    else
        format_text(text, FEATURE_BITS_MAX, "%u", feature->low - shift);
}

/* Identifiers and wide fields are reported in hex, what counts in decimal. */
static bool is_hex(const struct vmx_feature *feature)
{
    return feature->kind == FEATURE_RESERVED || feature->high - feature->low >= 16;
}

void feature_state(const struct vmx_feature *feature, struct vmx_feature_value value,
                   char text[FEATURE_STATE_MAX])
{
    static const char *const settings[FEATURE_STATE_COUNT] = {
        [FEATURE_ZERO] = "0 only",
        [FEATURE_ONE] = "1 only",
        [FEATURE_EITHER] = "0 or 1",
        [FEATURE_NEITHER] = "neither",
    };
    const char *words = vmx_feature_state_name(value.state);

    if (value.state == FEATURE_VALUE) {
        format_text(text, FEATURE_STATE_MAX, is_hex(feature) ? "%#llx" : "%llu",
                    (unsigned long long)value.value);
        return;
    }
    if (feature->kind == FEATURE_FLAG && value.state == FEATURE_ZERO)
        words = "no";
    else if (feature->kind == FEATURE_FLAG && value.state == FEATURE_ONE)
        words = "yes";
    else if ((feature->kind == FEATURE_CONTROL || feature->kind == FEATURE_FIXED) &&
             settings[value.state] != NULL)
        words = settings[value.state];
    format_text(text, FEATURE_STATE_MAX, "%s", words);
}

enum style feature_style(struct vmx_feature_value value)
{
    static const enum style styles[FEATURE_STATE_COUNT] = {
        [FEATURE_ABSENT] = STYLE_DIM,  [FEATURE_UNKNOWN] = STYLE_WARNING,
        [FEATURE_ZERO] = STYLE_DIM,    [FEATURE_ONE] = STYLE_GOOD,
        [FEATURE_EITHER] = STYLE_GOOD, [FEATURE_NEITHER] = STYLE_BAD,
        [FEATURE_VALUE] = STYLE_PLAIN,
    };

    return styles[value.state];
}

void feature_sentence(const struct vmx_feature *feature, struct vmx_feature_value value, char *text,
                      size_t size)
{
    const char *meaning = NULL;
    struct text_buffer buffer;

    if (value.state == FEATURE_VALUE)
        meaning = vmx_feature_meaning(feature, value.value);
    text_buffer_init(&buffer, text, size);
    print_to(&buffer.sink, "%s: %s", feature->name, feature->explanation);
    if (meaning != NULL)
        print_to(&buffer.sink, " (here: %s)", meaning);
    print_to(&buffer.sink, ". [%s", feature->id);
    if (vmx_feature_is_default1(feature))
        print_to(&buffer.sink, "; default1");
    if (feature->since[0] != '\0')
        print_to(&buffer.sink, "; since %s", feature->since);
    print_to(&buffer.sink, "]");
}
