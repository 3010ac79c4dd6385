#include "lib/string.h"
#include "vm/exit.h"
#include "vm/guest.h"
#include "vmx/exit_reason.h"

/* SDM Vol. 3, VM-exit instruction information of LIDT, LGDT, SIDT, SGDT, and of LLDT, LTR, SLDT,
 * STR: bits 29:28, in this order for both kinds. */
enum access { STORE_FIRST, STORE_SECOND, LOAD_FIRST, LOAD_SECOND };

enum { SEGMENT_FS = 4, SEGMENT_GS = 5 };

/* SDM Vol. 3, "Segment Descriptors", "LDT descriptor", "TSS descriptor". */
enum {
    DESCRIPTOR_PRESENT = 1 << 7,
    TYPE = 0x1f /* with S */,
    TYPE_LDT = 2,
    TYPE_TSS = 9,
    TYPE_TSS_BUSY = 11
};
#define RIGHTS_UNUSABLE 0x10000u

static bool in_64_bit_mode(void)
{
    return (vmcs_read32(VMCS_GUEST_CS_ACCESS_RIGHTS) & GUEST_CS_64_BIT) != 0;
}

static uint64_t segment_base(unsigned segment)
{
    switch (segment) {
    case 0:
        return vmcs_read_natural(VMCS_GUEST_ES_BASE);
    case 1:
        return vmcs_read_natural(VMCS_GUEST_CS_BASE);
    case 2:
        return vmcs_read_natural(VMCS_GUEST_SS_BASE);
    case 3:
        return vmcs_read_natural(VMCS_GUEST_DS_BASE);
    case SEGMENT_FS:
        return vmcs_read_natural(VMCS_GUEST_FS_BASE);
    default:
        return vmcs_read_natural(VMCS_GUEST_GS_BASE);
    }
}

/* The operand's linear address; in 64-bit mode only FS and GS have bases. */
static uint64_t operand_address(const struct vcpu *vcpu, uint32_t information)
{
    unsigned size = information >> 7 & 7, segment = information >> 15 & 7;
    uint64_t offset = vmcs_read_natural(VMCS_EXIT_QUALIFICATION);

    if ((information >> 22 & 1) == 0)
        offset += vcpu_register_get(vcpu, information >> 18 & 15) << (information & 3);
    if ((information >> 27 & 1) == 0)
        offset += vcpu_register_get(vcpu, information >> 23 & 15);
    if (size == 0)
        offset &= 0xffff;
    else if (size == 1)
        offset = (uint32_t)offset;
    if (in_64_bit_mode())
        return segment >= SEGMENT_FS ? offset + segment_base(segment) : offset;
    return (uint32_t)(offset + segment_base(segment));
}

static enum exit_done out_of_memory(struct vcpu *vcpu, uint64_t address)
{
    return vcpu_end(vcpu, GUEST_END_MEMORY, EXIT_REASON_GDTR_IDTR_ACCESS, address);
}

/* Built-in guests map their memory as it is: a linear address is a physical one. */
enum exit_done exit_gdtr_idtr(struct vcpu *vcpu)
{
    uint32_t information = vmcs_read32(VMCS_VM_EXIT_INSTRUCTION_INFORMATION);
    uint64_t address = operand_address(vcpu, information), base = 0;
    size_t base_bytes = in_64_bit_mode() ? 8 : 4;
    uint8_t *memory = vcpu_memory(vcpu, address, 2 + base_bytes);
    uint16_t limit;

    if (memory == NULL)
        return out_of_memory(vcpu, address);
    memcpy(&limit, memory, 2);
    memcpy(&base, memory + 2, base_bytes);
    switch ((enum access)(information >> 28 & 3)) {
    case STORE_FIRST:
        limit = (uint16_t)vmcs_read32(VMCS_GUEST_GDTR_LIMIT);
        base = vmcs_read_natural(VMCS_GUEST_GDTR_BASE);
        break;
    case STORE_SECOND:
        limit = (uint16_t)vmcs_read32(VMCS_GUEST_IDTR_LIMIT);
        base = vmcs_read_natural(VMCS_GUEST_IDTR_BASE);
        break;
    case LOAD_FIRST:
        vmcs_write32(VMCS_GUEST_GDTR_LIMIT, limit);
        vmcs_write_natural(VMCS_GUEST_GDTR_BASE, base);
        break;
    case LOAD_SECOND:
        vmcs_write32(VMCS_GUEST_IDTR_LIMIT, limit);
        vmcs_write_natural(VMCS_GUEST_IDTR_BASE, base);
        break;
    }
    memcpy(memory, &limit, 2);
    memcpy(memory + 2, &base, base_bytes);
    return exit_behind(EXIT_EMULATED);
}

/* A system segment's descriptor, as it stands in the guest's GDT. */
struct system_segment {
    uint8_t *memory;
    uint64_t base;
    uint32_t limit, rights;
};

static bool read_segment(const struct vcpu *vcpu, uint16_t selector, struct system_segment *segment)
{
    bool is_long = (vcpu->controls[VMX_CONTROL_ENTRY] & ENTRY_IA32E_MODE_GUEST) != 0;
    uint64_t low = 0, high = 0, offset = selector & ~7u;

    segment->memory = vcpu_memory(vcpu, vmcs_read_natural(VMCS_GUEST_GDTR_BASE) + offset, 16);
    if ((selector & 4) != 0 || offset + (is_long ? 15 : 7) > vmcs_read32(VMCS_GUEST_GDTR_LIMIT) ||
        segment->memory == NULL)
        return false;
    memcpy(&low, segment->memory, 8);
    if (is_long)
        memcpy(&high, segment->memory + 8, 8);
    segment->base = (low >> 16 & 0xffffff) | (low >> 56) << 24 | high << 32;
    segment->limit = (uint32_t)((low & 0xffff) | (low >> 32 & 0xf0000));
    segment->rights = (uint32_t)(low >> 40 & 0xf0ff);
    if ((low >> 55 & 1) != 0)
        segment->limit = segment->limit << 12 | 0xfff;
    return true;
}

/* SDM Vol. 2, "LLDT", "LTR": the error code is the selector's index and table. */
static enum exit_done refuse(struct vcpu *vcpu, uint16_t selector, uint8_t vector)
{
    vcpu_inject_error(vcpu, vector, selector & ~3u);
    return EXIT_INJECTED;
}

static enum exit_done load_ldtr(struct vcpu *vcpu, uint16_t selector)
{
    struct system_segment segment = {.rights = RIGHTS_UNUSABLE};

    if ((selector & ~3u) != 0) {
        if (!read_segment(vcpu, selector, &segment) || (segment.rights & TYPE) != TYPE_LDT)
            return refuse(vcpu, selector, X86_VECTOR_GP);
        if ((segment.rights & DESCRIPTOR_PRESENT) == 0)
            return refuse(vcpu, selector, X86_VECTOR_NP);
    }
    vmcs_write16(VMCS_GUEST_LDTR_SELECTOR, selector);
    vmcs_write_natural(VMCS_GUEST_LDTR_BASE, segment.base);
    vmcs_write32(VMCS_GUEST_LDTR_LIMIT, segment.limit);
    vmcs_write32(VMCS_GUEST_LDTR_ACCESS_RIGHTS, segment.rights);
    return exit_behind(EXIT_EMULATED);
}

/* LTR marks the TSS busy, in the GDT too. */
static enum exit_done load_tr(struct vcpu *vcpu, uint16_t selector)
{
    struct system_segment segment;

    if ((selector & ~3u) == 0 || !read_segment(vcpu, selector, &segment) ||
        (segment.rights & TYPE) != TYPE_TSS)
        return refuse(vcpu, selector, X86_VECTOR_GP);
    if ((segment.rights & DESCRIPTOR_PRESENT) == 0)
        return refuse(vcpu, selector, X86_VECTOR_NP);
    segment.memory[5] |= TYPE_TSS_BUSY;
    vmcs_write16(VMCS_GUEST_TR_SELECTOR, selector);
    vmcs_write_natural(VMCS_GUEST_TR_BASE, segment.base);
    vmcs_write32(VMCS_GUEST_TR_LIMIT, segment.limit);
    vmcs_write32(VMCS_GUEST_TR_ACCESS_RIGHTS, segment.rights | TYPE_TSS_BUSY);
    return exit_behind(EXIT_EMULATED);
}

enum exit_done exit_ldtr_tr(struct vcpu *vcpu)
{
    uint32_t information = vmcs_read32(VMCS_VM_EXIT_INSTRUCTION_INFORMATION);
    bool in_register = (information >> 10 & 1) != 0;
    unsigned number = information >> 3 & 15;
    uint64_t address = in_register ? 0 : operand_address(vcpu, information);
    uint8_t *memory = in_register ? NULL : vcpu_memory(vcpu, address, 2);
    enum access access = (enum access)(information >> 28 & 3);
    uint16_t selector;

    if (!in_register && memory == NULL)
        return out_of_memory(vcpu, address);
    if (access == LOAD_FIRST || access == LOAD_SECOND) {
        if (in_register)
            selector = (uint16_t)vcpu_register_get(vcpu, number);
        else
            memcpy(&selector, memory, 2);
        return access == LOAD_FIRST ? load_ldtr(vcpu, selector) : load_tr(vcpu, selector);
    }
    selector = access == STORE_FIRST ? vmcs_read16(VMCS_GUEST_LDTR_SELECTOR)
                                     : vmcs_read16(VMCS_GUEST_TR_SELECTOR);
    if (in_register)
        vcpu_register_set(vcpu, number, selector);
    else
        memcpy(memory, &selector, 2);
    return exit_behind(EXIT_EMULATED);
}
