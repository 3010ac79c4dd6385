/*
 * The rules of a VM entry on whatever image libFuzzer thinks of: no image makes them fault, and
 * what is predicted is always an outcome that the findings allow.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/host/vmentry_ground.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Changes of a base image, 11 bytes each: field, kind, value. */
enum { CHANGE_BYTES = 11 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct vmcs_image image;
    static struct vmentry_findings findings;
    struct vmentry_outcome outcome;

    if (size < 1)
        return 0;
    ground_reset(data[0] & 1);
    (void)vmentry_base_image(&ground, (enum vmentry_base)((data[0] >> 1) % VMENTRY_BASE_COUNT),
                             &image);
    for (size_t at = 1; at + CHANGE_BYTES <= size; at += CHANGE_BYTES) {
        enum vmcs_field field = vmcs_field_table[data[at] % VMCS_FIELD_COUNT].field;
        uint64_t value;

        memcpy(&value, data + at + 2, sizeof(value));
        vmcs_image_set(&image, field,
                       data[at + 1] & 1 ? value : value ^ vmcs_image_get(&image, field));
    }
    vmentry_check(&image, &ground_context, &findings);
    outcome = vmentry_predict(&findings);
    if (!vmentry_allows(&findings, outcome))
        abort();
    if ((findings.count == 0) != (outcome.class == VMENTRY_ENTERS))
        abort();
    return 0;
}
