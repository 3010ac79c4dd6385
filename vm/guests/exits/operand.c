#include "vm/guests/exits/guest_exits.h"

#include "vm/access/guest_access.h"

/* Bits of the type of a code or data segment. SDM Vol. 3, "Code- and Data-Segment Descriptor
 * Types". */
enum { TYPE_CODE = 1 << 3, TYPE_EXPAND_DOWN = 1 << 2, TYPE_WRITABLE = 1 << 1 };
enum { TYPE_READABLE = TYPE_WRITABLE }; /* in a code segment */

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

/* SDM Vol. 3, tables "Format of the VM-Exit Instruction-Information Field as Used for …": what
 * those of memory operands have in common. */
#define ADDRESS_SIZE(information) ((enum operand_size)((information) >> 7 & 7))
#define NO_INDEX                  (1u << 22)
#define NO_BASE                   (1u << 27)

unsigned guest_operand_segment(uint32_t information)
{
    unsigned segment = information >> 15 & 7;

    return segment <= OPERAND_GS ? segment : OPERAND_DS; /* the manual has no others */
}

static enum operand_mode operand_mode(void)
{
    if (guest_is_64_bit())
        return OPERAND_64_BIT;
    if ((vmcs_read_natural(VMCS_GUEST_CR0) & CR0_PE) == 0 ||
        (vmcs_read_natural(VMCS_GUEST_RFLAGS) & RFLAGS_VM) != 0)
        return OPERAND_REAL;
    return OPERAND_PROTECTED;
}

/* The fields of the segment registers stand in the same order in each group: ES is the first. */
struct operand guest_operand_at(unsigned segment, uint64_t offset)
{
    return (struct operand){
        .mode = operand_mode(),
        .segment = segment,
        .segment_base = x86_vmread_bare(VMCS_GUEST_ES_BASE + 2 * segment),
        .segment_limit = (uint32_t)x86_vmread_bare(VMCS_GUEST_ES_LIMIT + 2 * segment),
        .segment_rights = (uint32_t)x86_vmread_bare(VMCS_GUEST_ES_ACCESS_RIGHTS + 2 * segment),
        .offset = offset,
        .linear_address_width = linear_width(vmcs_read_natural(VMCS_GUEST_CR4)),
    };
}

struct operand guest_operand(const struct vcpu *vcpu, uint32_t information)
{
    uint64_t offset = vmcs_read_natural(VMCS_EXIT_QUALIFICATION);

    if ((information & NO_INDEX) == 0)
        offset += vcpu_register_get(vcpu, information >> 18 & 15) << (information & 3);
    if ((information & NO_BASE) == 0)
        offset += vcpu_register_get(vcpu, information >> 23 & 15);
    return guest_operand_at(guest_operand_segment(information),
                            operand_cut(offset, ADDRESS_SIZE(information)));
}

/* SDM Vol. 3, "Alignment Checking". What an operand is aligned to, it is at its end: the pseudo-
 * descriptors of SGDT and SIDT have two bytes before a base that is aligned to four. */
static bool is_misaligned(const struct operand *operand, uint64_t linear)
{
    return operand->alignment > 1 && (linear + operand->bytes) % operand->alignment != 0 &&
           guest_privilege() == 3 && (vmcs_read_natural(VMCS_GUEST_CR0) & CR0_AM) != 0 &&
           (vmcs_read_natural(VMCS_GUEST_RFLAGS) & RFLAGS_AC) != 0;
}

enum exit_done guest_operand_access(struct vcpu *vcpu, const struct operand *operand, void *data)
{
    uint64_t linear;
    uint8_t vector = operand_locate(operand, &linear);

    /* SDM Vol. 3, "Linear-Address Masking": CPUID does not show it, but a MOV to CR3 does not exit,
     * so that nothing keeps a guest from it. Its addresses are not known here. */
    if (operand->mode == OPERAND_64_BIT && (vmcs_read_natural(VMCS_GUEST_CR3) & CR3_LAM) != 0)
        return exit_unhandled(vcpu);
    if (vector == 0 && is_misaligned(operand, linear))
        vector = X86_VECTOR_AC;
    if (vector != 0) {
        vcpu_inject_error(vcpu, vector, 0);
        return EXIT_INJECTED;
    }
    return guest_access_linear(vcpu, linear, data, operand->bytes,
                               operand->write ? ACCESS_WRITE : ACCESS_READ);
}

bool system_segment_of(uint64_t low, uint64_t high, uint16_t types, struct vmcs_segment *segment)
{
    const uint64_t high_type = 0x1full << 40; /* bits 12:8 of the last doubleword: 0 */
    bool pages = (low >> 55 & 1) != 0;        /* G */
    uint32_t limit = (uint32_t)((low & 0xffff) | (low >> 32 & 0xf0000));

    segment->base = (low >> 16 & 0xffffff) | (low >> 56) << 24 | high << 32;
    segment->limit = pages ? limit << 12 | 0xfff : limit;
    segment->rights = (uint32_t)(low >> 40 & 0xf0ff);
    return (segment->rights & RIGHTS_S) == 0 && (high & high_type) == 0 &&
           (types >> (segment->rights & RIGHTS_TYPE) & 1) != 0;
}
