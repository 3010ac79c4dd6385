#include "vm/guests/exits/operand.h"

#include "vmx/vmcs_image.h"

#include "lib/x86.h"

/* Bits of the type of a code or data segment. SDM Vol. 3, "Code- and Data-Segment Descriptor
 * Types". */
enum { TYPE_CODE = 1 << 3, TYPE_EXPAND_DOWN = 1 << 2, TYPE_WRITABLE = 1 << 1 };

/* In a code segment the same bit says that it can be read. */
enum { TYPE_READABLE = TYPE_WRITABLE };

uint64_t operand_cut(uint64_t value, enum operand_size size)
{
    return size == OPERAND_ADDRESS_16   ? (uint16_t)value
           : size == OPERAND_ADDRESS_32 ? (uint32_t)value
                                        : value;
}

static bool type_allows(uint32_t rights, bool write)
{
    if ((rights & RIGHTS_UNUSABLE) != 0)
        return false;
    if ((rights & TYPE_CODE) != 0)
        return !write && (rights & TYPE_READABLE) != 0;
    return !write || (rights & TYPE_WRITABLE) != 0;
}

/* An expand-down segment holds what is beyond its limit. */
static bool limit_allows(const struct operand *operand)
{
    uint64_t last = operand->offset + operand->bytes - 1;
    bool is_data = (operand->segment_rights & TYPE_CODE) == 0;

    if (is_data && (operand->segment_rights & TYPE_EXPAND_DOWN) != 0)
        return operand->offset > operand->segment_limit &&
               last <= ((operand->segment_rights & RIGHTS_DB) != 0 ? UINT32_MAX : UINT16_MAX);
    return last <= operand->segment_limit;
}

/* In 64-bit mode only FS and GS have bases, and there are no limits and no types. */
static bool locate_64_bit(const struct operand *operand, uint64_t *linear)
{
    *linear = operand->offset;
    if (operand->segment >= OPERAND_FS)
        *linear += operand->segment_base;
    return is_canonical(*linear, operand->linear_address_width) &&
           is_canonical(*linear + operand->bytes - 1, operand->linear_address_width);
}

static bool locate_segmented(const struct operand *operand, uint64_t *linear)
{
    *linear = (uint32_t)(operand->segment_base + operand->offset);
    if (operand->mode == OPERAND_PROTECTED && !type_allows(operand->segment_rights, operand->write))
        return false;
    return limit_allows(operand);
}

uint8_t operand_locate(const struct operand *operand, uint64_t *linear)
{
    bool found = operand->mode == OPERAND_64_BIT ? locate_64_bit(operand, linear)
                                                 : locate_segmented(operand, linear);

    if (found)
        return 0;
    return operand->segment == OPERAND_SS ? X86_VECTOR_SS : X86_VECTOR_GP;
}
