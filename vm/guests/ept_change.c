#include "vm/memory/ept.h"

enum map_result ept_protect(struct ept *ept, uint64_t guest_physical, uint64_t bytes,
                            uint32_t permissions)
{
    if (!ept_permissions_allowed(permissions, &ept->capability))
        return MAP_BAD_PERMISSIONS;
    return radix_protect(&ept->radix, guest_physical, bytes, ~(RADIX_ADDRESS | EPT_ALL),
                         permissions);
}

enum map_result ept_unmap(struct ept *ept, uint64_t guest_physical, uint64_t bytes)
{
    return radix_unmap(&ept->radix, guest_physical, bytes);
}
