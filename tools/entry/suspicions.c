#include "tools/entry/verdict_text.h"

#define SUSPICION(field, bits, value, words) {VMCS_##field, (bits), (value), (words)},
static const struct {
    enum vmcs_field field;
    uint64_t bits, value;
    const char *words;
} suspicions[] = {
#include "tools/entry/suspicions.def"
};
#undef SUSPICION

/* Where nothing stands in the field at all, there is no event that somebody meant to inject. */
static bool is_raised(const struct vmcs_image *image, unsigned i)
{
    uint64_t seen = vmcs_image_get(image, suspicions[i].field);

    if (!vmcs_image_has(image, suspicions[i].field))
        return false;
    if (suspicions[i].field == VMCS_VM_ENTRY_INTERRUPTION_INFORMATION && seen == 0)
        return false;
    if (suspicions[i].field == VMCS_EPT_POINTER && seen == 0)
        return false;
    return (seen & suspicions[i].bits) == suspicions[i].value;
}

const char *suspicion_of(const struct vmcs_image *image, unsigned n, enum vmcs_field *field)
{
    for (unsigned i = 0; i < sizeof(suspicions) / sizeof(suspicions[0]); i++) {
        if (!is_raised(image, i) || n-- > 0)
            continue;
        *field = suspicions[i].field;
        return suspicions[i].words;
    }
    return NULL;
}
