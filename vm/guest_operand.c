#include "vm/guest_operand.h"

#include "lib/x86_vmx.h"
#include "vm/exit.h"
#include "vmx/exit_reason.h"

/* SDM Vol. 3, tables "Format of the VM-Exit Instruction-Information Field as Used for …": what
 * those of memory operands have in common. */
static enum operand_size address_size(uint32_t information)
{
    return (enum operand_size)(information >> 7 & 7);
}

unsigned guest_operand_segment(uint32_t information)
{
    unsigned segment = information >> 15 & 7;

    return segment <= OPERAND_GS ? segment : OPERAND_DS; /* the manual has no others */
}

static bool has_index(uint32_t information)
{
    return (information >> 22 & 1) == 0;
}

static bool has_base(uint32_t information)
{
    return (information >> 27 & 1) == 0;
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

    if (has_index(information))
        offset += vcpu_register_get(vcpu, information >> 18 & 15) << (information & 3);
    if (has_base(information))
        offset += vcpu_register_get(vcpu, information >> 23 & 15);
    return guest_operand_at(guest_operand_segment(information),
                            operand_cut(offset, address_size(information)));
}

static bool ept_allows(const struct vcpu *vcpu, uint64_t address, bool write)
{
    struct ept_walk walk;

    if ((vcpu->controls[VMX_CONTROL_SECONDARY] & SECONDARY_ENABLE_EPT) == 0)
        return true;
    walk = ept_walk(&vcpu->ept, address);
    return walk.mapped && (walk.permissions & (write ? EPT_WRITE : EPT_READ)) != 0;
}

/* Built-in guests map their memory as it is: a linear address is a physical one. */
enum exit_done guest_linear_reach(struct vcpu *vcpu, uint64_t linear, unsigned bytes, bool write,
                                  uint8_t **memory)
{
    *memory = vcpu_memory(vcpu, linear, bytes);
    if (*memory == NULL || !ept_allows(vcpu, linear, write) ||
        !ept_allows(vcpu, linear + bytes - 1, write))
        return vcpu_end(vcpu, GUEST_END_MEMORY, vmcs_read32(VMCS_EXIT_REASON) & EXIT_REASON_BASIC,
                        linear);
    return EXIT_EMULATED;
}

enum exit_done guest_operand_reach(struct vcpu *vcpu, const struct operand *operand,
                                   uint8_t **memory)
{
    uint64_t linear;
    uint8_t vector = operand_locate(operand, &linear);

    if (vector != 0) {
        vcpu_inject_error(vcpu, vector, 0);
        return EXIT_INJECTED;
    }
    return guest_linear_reach(vcpu, linear, operand->bytes, operand->write, memory);
}
