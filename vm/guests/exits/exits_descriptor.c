#include "vm/guests/exits/guest_exits.h"
#include "vm/access/guest_access.h"

#define SELECTOR_LDT 4u /* the table: else the GDT */

/* SDM Vol. 3, VM-exit instruction information of LIDT, LGDT, SIDT, SGDT, and of LLDT, LTR, SLDT,
 * STR: bits 29:28, in this order for both kinds. */
enum access { STORE_FIRST, STORE_SECOND, LOAD_FIRST, LOAD_SECOND };

#define INFORMATION_OPERAND_32 (1u << 11) /* outside 64-bit mode; else 16 bits */

static enum access access_of(uint32_t information)
{
    return (enum access)(information >> 28 & 3);
}

/* SDM Vol. 2, "SGDT", "SIDT": all 32 bits of the base, also where the operand has 16. */
static enum exit_done store_table(struct vcpu *vcpu, const struct operand *operand, bool is_gdt)
{
    struct x86_table table = {
        .limit = (uint16_t)(is_gdt ? vmcs_read32(VMCS_GUEST_GDTR_LIMIT)
                                   : vmcs_read32(VMCS_GUEST_IDTR_LIMIT)),
        .base = is_gdt ? vmcs_read_natural(VMCS_GUEST_GDTR_BASE)
                       : vmcs_read_natural(VMCS_GUEST_IDTR_BASE),
    };
    enum exit_done done = guest_operand_access(vcpu, operand, &table);

    return done == EXIT_EMULATED ? skip_emulated_instruction(done) : done;
}

/* SDM Vol. 2, "LGDT/LIDT": of 16-bit operands the base has 24 bits; in 64-bit mode it must be
 * canonical. */
static enum exit_done load_table(struct vcpu *vcpu, const struct operand *operand,
                                 uint32_t information)
{
    struct x86_table table = {0};
    enum exit_done done = guest_operand_access(vcpu, operand, &table);

    if (done != EXIT_EMULATED)
        return done;
    if (operand->mode != OPERAND_64_BIT && (information & INFORMATION_OPERAND_32) == 0)
        table.base &= 0xffffff;
    if (!is_canonical(table.base, guest_linear_width(vcpu)))
        return exit_protection(vcpu);
    if (access_of(information) == LOAD_FIRST) {
        vmcs_write32(VMCS_GUEST_GDTR_LIMIT, table.limit);
        vmcs_write_natural(VMCS_GUEST_GDTR_BASE, table.base);
    } else {
        vmcs_write32(VMCS_GUEST_IDTR_LIMIT, table.limit);
        vmcs_write_natural(VMCS_GUEST_IDTR_BASE, table.base);
    }
    return skip_emulated_instruction(EXIT_EMULATED);
}

enum exit_done exit_gdtr_idtr(struct vcpu *vcpu)
{
    uint32_t information = vmcs_read32(VMCS_VM_EXIT_INSTRUCTION_INFORMATION);
    enum access access = access_of(information);
    struct operand operand = guest_operand(vcpu, information);

    operand.bytes = operand.mode == OPERAND_64_BIT ? 10 : 6;
    operand.alignment = 4;
    operand.write = access == STORE_FIRST || access == STORE_SECOND;
    if (operand.write)
        return store_table(vcpu, &operand, access == STORE_FIRST);
    return load_table(vcpu, &operand, information);
}

/* SDM Vol. 2, "LLDT", "LTR": the error code is the selector's index and table. */
static enum exit_done refuse(struct vcpu *vcpu, uint16_t selector, uint8_t vector)
{
    vcpu_inject_error(vcpu, vector, selector & ~3u);
    return EXIT_INJECTED;
}

/* In the GDT; in IA-32e mode a descriptor of a system segment has 16 bytes. */
static enum exit_done read_descriptor(struct vcpu *vcpu, uint16_t selector, uint64_t *address,
                                      struct system_segment *segment)
{
    bool is_long = guest_is_long();
    unsigned offset = selector & ~7u, bytes = is_long ? 16 : 8;
    uint64_t descriptor[2] = {0};
    enum exit_done done;

    *address = vmcs_read_natural(VMCS_GUEST_GDTR_BASE) + offset;
    if (!is_long)
        *address = (uint32_t)*address;
    if ((selector & SELECTOR_LDT) != 0 || offset + bytes - 1 > vmcs_read32(VMCS_GUEST_GDTR_LIMIT) ||
        !is_canonical(*address, linear_width(vmcs_read_natural(VMCS_GUEST_CR4))) ||
        !is_canonical(*address + bytes - 1, linear_width(vmcs_read_natural(VMCS_GUEST_CR4))))
        return refuse(vcpu, selector, X86_VECTOR_GP);
    done = guest_access_linear(vcpu, *address, descriptor, bytes, ACCESS_READ | ACCESS_IMPLICIT);
    *segment = system_segment_of(descriptor[0], descriptor[1]);
    return done;
}

/* EXIT_EMULATED: the segment is there, its descriptor at `address`, and of one of these types. */
static enum exit_done take_segment(struct vcpu *vcpu, uint16_t selector, uint16_t types,
                                   uint64_t *address, struct system_segment *segment)
{
    enum exit_done done = read_descriptor(vcpu, selector, address, segment);

    if (done != EXIT_EMULATED)
        return done;
    if (!system_segment_is(segment, types) ||
        !is_canonical(segment->base, guest_linear_width(vcpu)))
        return refuse(vcpu, selector, X86_VECTOR_GP);
    if ((segment->rights & RIGHTS_P) == 0)
        return refuse(vcpu, selector, X86_VECTOR_NP);
    return EXIT_EMULATED;
}

static enum exit_done load_ldtr(struct vcpu *vcpu, uint16_t selector)
{
    struct system_segment segment = {.rights = RIGHTS_UNUSABLE};
    enum exit_done done = EXIT_EMULATED;
    uint64_t address;

    if ((selector & ~3u) != 0)
        done = take_segment(vcpu, selector, 1u << RIGHTS_TYPE_LDT, &address, &segment);
    if (done != EXIT_EMULATED)
        return done;
    vmcs_write16(VMCS_GUEST_LDTR_SELECTOR, selector);
    vmcs_write_natural(VMCS_GUEST_LDTR_BASE, segment.base);
    vmcs_write32(VMCS_GUEST_LDTR_LIMIT, segment.limit);
    vmcs_write32(VMCS_GUEST_LDTR_ACCESS_RIGHTS, segment.rights);
    return skip_emulated_instruction(EXIT_EMULATED);
}

/* Bits 47:40 of a descriptor: type, S, DPL and P. */
enum { DESCRIPTOR_RIGHTS_BYTE = 5 };

/* LTR marks the TSS busy, in the GDT too. In IA-32e mode there are none of 16 bits. */
static enum exit_done load_tr(struct vcpu *vcpu, uint16_t selector)
{
    uint16_t types = 1u << RIGHTS_TYPE_TSS | (guest_is_long() ? 0 : 1u << RIGHTS_TYPE_TSS_16);
    struct system_segment segment;
    enum exit_done done;
    uint64_t address;
    uint8_t rights;

    if ((selector & ~3u) == 0)
        return refuse(vcpu, 0, X86_VECTOR_GP);
    done = take_segment(vcpu, selector, types, &address, &segment);
    if (done != EXIT_EMULATED)
        return done;
    segment.rights |= RIGHTS_TSS_IS_BUSY;
    rights = (uint8_t)segment.rights;
    done = guest_access_linear(vcpu, address + DESCRIPTOR_RIGHTS_BYTE, &rights, 1,
                               ACCESS_WRITE | ACCESS_IMPLICIT);
    if (done != EXIT_EMULATED)
        return done;
    vmcs_write16(VMCS_GUEST_TR_SELECTOR, selector);
    vmcs_write_natural(VMCS_GUEST_TR_BASE, segment.base);
    vmcs_write32(VMCS_GUEST_TR_LIMIT, segment.limit);
    vmcs_write32(VMCS_GUEST_TR_ACCESS_RIGHTS, segment.rights);
    return skip_emulated_instruction(EXIT_EMULATED);
}

static enum exit_done load_selector(struct vcpu *vcpu, enum access access, uint16_t selector)
{
    return access == LOAD_FIRST ? load_ldtr(vcpu, selector) : load_tr(vcpu, selector);
}

enum exit_done exit_ldtr_tr(struct vcpu *vcpu)
{
    uint32_t information = vmcs_read32(VMCS_VM_EXIT_INSTRUCTION_INFORMATION);
    bool in_register = (information >> 10 & 1) != 0;
    unsigned reg = information >> 3 & 15;
    enum access access = access_of(information);
    bool stores = access == STORE_FIRST || access == STORE_SECOND;
    uint16_t selector = access == STORE_FIRST ? vmcs_read16(VMCS_GUEST_LDTR_SELECTOR)
                                              : vmcs_read16(VMCS_GUEST_TR_SELECTOR);
    struct operand operand;
    enum exit_done done;

    if (in_register && stores)
        vcpu_register_set(vcpu, reg, selector);
    if (in_register)
        return stores ? skip_emulated_instruction(EXIT_EMULATED)
                      : load_selector(vcpu, access, (uint16_t)vcpu_register_get(vcpu, reg));
    operand = guest_operand(vcpu, information);
    operand.bytes = operand.alignment = sizeof(selector);
    operand.write = stores;
    done = guest_operand_access(vcpu, &operand, &selector);
    if (done != EXIT_EMULATED)
        return done;
    return stores ? skip_emulated_instruction(EXIT_EMULATED)
                  : load_selector(vcpu, access, selector);
}
