#include "vm/linux/boot_params.h"

#include "lib/string.h"

enum { EFI_RESERVED = 0 };

static uint64_t bytes_of(const struct efi_descriptor *descriptor)
{
    return descriptor->pages << EFI_PAGE_SHIFT;
}

bool efi_is_usable(const struct boot_efi *efi)
{
    return efi->system_table != 0 && efi->map != NULL && efi->map_bytes > 0 &&
           efi->descriptor_bytes >= sizeof(struct efi_descriptor) &&
           efi->map_bytes % efi->descriptor_bytes == 0;
}

/* Of a descriptor what lies in a range, under its type or another; nothing where that is empty. */
static void write_part(const struct boot_efi *efi, const uint8_t *from, struct guest_range range,
                       const uint32_t *type, uint8_t **to)
{
    struct efi_descriptor descriptor;
    uint64_t base, end;

    memcpy(&descriptor, from, sizeof(descriptor));
    base = descriptor.physical_start > range.base ? descriptor.physical_start : range.base;
    end = descriptor.physical_start + bytes_of(&descriptor);
    end = end < range.end ? end : range.end;
    if (base >= end)
        return;
    descriptor.physical_start = base;
    descriptor.pages = (end - base) >> EFI_PAGE_SHIFT;
    descriptor.type = type != NULL ? *type : descriptor.type;
    memcpy(*to, from, efi->descriptor_bytes);
    memcpy(*to, &descriptor, sizeof(descriptor));
    *to += efi->descriptor_bytes;
}

uint32_t efi_map_write(const struct boot_efi *efi, struct guest_range kept, uint8_t *to,
                       uint32_t most)
{
    const struct guest_range below = {0, kept.base}, above = {kept.end, UINT64_MAX};
    const uint32_t reserved = EFI_RESERVED;
    uint8_t *next = to;

    for (uint32_t at = 0; at < efi->map_bytes; at += efi->descriptor_bytes) {
        const uint8_t *from = efi->map + at;

        if (most - (uint32_t)(next - to) < 3 * efi->descriptor_bytes)
            return 0;
        write_part(efi, from, below, NULL, &next);
        write_part(efi, from, kept, &reserved, &next);
        write_part(efi, from, above, NULL, &next);
    }
    return (uint32_t)(next - to);
}
