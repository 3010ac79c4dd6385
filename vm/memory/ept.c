#include "vm/memory/ept.h"

#include "vmx/vmcs_image.h"

/* Pages of 1 GiB only where there are pages of 2 MiB for them to be split into. */
static int largest_page(const struct vmx_capability *has)
{
    return !has->ept_2m_pages ? LEVEL_PT : !has->ept_1g_pages ? LEVEL_PD : LEVEL_PDPT;
}

enum map_result ept_init(struct ept *ept, const struct vmx_capability *capability,
                         unsigned physical_address_width, struct page_cache *cache)
{
    *ept = (struct ept){
        .radix = {.format = &ept_format,
                  .cache = cache,
                  .physical_end = 1ull << physical_address_width,
                  .largest = largest_page(capability)},
        .capability = *capability,
    };
    return radix_init(&ept->radix) ? MAP_OK : MAP_NO_MEMORY;
}

uint64_t ept_pointer(const struct ept *ept)
{
    uint64_t type = ept->capability.ept_write_back ? MEMORY_TYPE_WB : MEMORY_TYPE_UC;

    return ept->radix.root | (ept->capability.ept_accessed_dirty ? EPTP_ACCESSED_DIRTY : 0) |
           EPTP_WALK_4 | type;
}

/* Refuses what would make a leaf misconfigured. */
enum map_result ept_map(struct ept *ept, uint64_t guest_physical, uint64_t physical, uint64_t bytes,
                        uint32_t permissions, enum memory_type type)
{
    if (!ept_permissions_allowed(permissions, &ept->capability))
        return MAP_BAD_PERMISSIONS;
    if (!memory_type_is_valid(type))
        return MAP_BAD_MEMORY_TYPE;
    return radix_map(&ept->radix, guest_physical, physical, bytes,
                     permissions | (uint64_t)type << EPT_MEMORY_TYPE_SHIFT);
}

enum map_result ept_map_by_type(struct ept *ept, uint64_t guest_physical, uint64_t physical,
                                uint64_t bytes, uint32_t permissions,
                                const struct ept_memory_types *types)
{
    enum map_result result = radix_check(&ept->radix, guest_physical, physical, bytes);

    while (result == MAP_OK && bytes > 0) {
        enum memory_type type = MEMORY_TYPE_MIXED;
        int level = LEVEL_PDPT + 1;
        uint64_t size;

        while (!memory_type_is_valid(type) && level > LEVEL_PT) {
            level--;
            if (radix_fits(guest_physical | physical, bytes, level))
                type = types->type(types->state, physical, radix_size(level));
        }
        if (!memory_type_is_valid(type))
            type = MEMORY_TYPE_UC;
        size = radix_size(level);
        result = ept_map(ept, guest_physical, physical, size, permissions, type);
        guest_physical += size;
        physical += size;
        bytes -= size;
    }
    return result;
}
