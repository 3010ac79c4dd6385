#include "vm/memory/ept_walk.h"

/* Reserved at this level, without the address bits beyond the width. */
static uint64_t reserved_bits(uint64_t entry, int level, const struct vmx_capability *capability)
{
    bool large = (level == LEVEL_PD && capability->ept_2m_pages) ||
                 (level == LEVEL_PDPT && capability->ept_1g_pages);

    if (level == LEVEL_PT)
        return 0;
    if (large && (entry & RADIX_PAGE) != 0)
        return RADIX_ADDRESS & (radix_size(level) - 1);
    return RADIX_PAGE | EPT_IGNORE_PAT | EPT_MEMORY_TYPE;
}

enum ept_misconfiguration ept_entry_misconfigured(uint64_t entry, int level,
                                                  const struct vmx_capability *capability,
                                                  unsigned physical_address_width)
{
    enum memory_type type = (enum memory_type)((entry & EPT_MEMORY_TYPE) >> EPT_MEMORY_TYPE_SHIFT);

    if (!radix_is_present(&ept_format, entry))
        return EPT_WELL_CONFIGURED;
    if ((entry & (EPT_READ | EPT_WRITE)) == EPT_WRITE)
        return EPT_WRITE_WITHOUT_READ;
    if ((entry & EPT_ALL) == EPT_EXECUTE && !capability->ept_execute_only)
        return EPT_EXECUTE_ONLY;
    if ((entry & reserved_bits(entry, level, capability)) != 0)
        return EPT_RESERVED_BIT;
    if ((entry & RADIX_ADDRESS) >> physical_address_width != 0)
        return EPT_BEYOND_WIDTH;
    if (!radix_is_table(&ept_format, entry, level) && !memory_type_is_valid(type))
        return EPT_RESERVED_TYPE;
    return EPT_WELL_CONFIGURED;
}

static uint64_t with_type(uint64_t entry, uint64_t type)
{
    return (entry & ~EPT_MEMORY_TYPE) | type << EPT_MEMORY_TYPE_SHIFT;
}

uint64_t ept_misconfigure(uint64_t entry, unsigned way, const struct vmx_capability *capability,
                          unsigned physical_address_width)
{
    uint64_t beyond = RADIX_ADDRESS & 1ull << physical_address_width;

    if (way == 0)
        return (entry & ~(uint64_t)EPT_READ) | EPT_WRITE;
    if (way == 1)
        return with_type(entry, 7);
    if (beyond != 0)
        return entry | beyond;
    if (!capability->ept_execute_only)
        return (entry & ~(uint64_t)EPT_ALL) | EPT_EXECUTE;
    return with_type(entry, 2);
}

const char *ept_misconfiguration_text(enum ept_misconfiguration misconfiguration)
{
    static const char *const texts[] = {
        [EPT_WELL_CONFIGURED] = "it is as the processor wants it",
        [EPT_WRITE_WITHOUT_READ] = "it allows writes but not reads",
        [EPT_EXECUTE_ONLY] = "it allows only execution, which this processor cannot do",
        [EPT_RESERVED_BIT] = "a bit is set that is reserved at this level",
        [EPT_BEYOND_WIDTH] = "its address lies beyond the processor's physical-address width",
        [EPT_RESERVED_TYPE] = "its memory type is a reserved one",
    };

    return texts[misconfiguration];
}
