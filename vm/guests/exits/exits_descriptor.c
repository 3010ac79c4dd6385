#include "vm/guests/exits/guest_exits.h"
#include "vm/access/guest_access.h"

#define SELECTOR_LDT 4u /* the table: else the GDT */

/*
 * SDM Vol. 3, VM-exit instruction information of LIDT, LGDT, SIDT, SGDT, and of LLDT, LTR, SLDT,
 * STR: bit 28 says which of the two registers, bit 29 whether it is loaded. In the VMCS the fields
 * of the second register follow those of the first.
 */
enum { TR = 1, NEXT_FIELD = 2 };

#define INFORMATION_WHICH(information) ((information) >> 28 & 1)
#define INFORMATION_LOADS              (1u << 29)
#define INFORMATION_REGISTER           (1u << 10)
#define INFORMATION_OPERAND_32         (1u << 11) /* outside 64-bit mode; else 16 bits */

/*
 * SDM Vol. 2, "SGDT", "SIDT": all 32 bits of the base, also where the operand has 16. "LGDT/LIDT":
 * of 16-bit operands the base has 24 bits; in 64-bit mode it must be canonical.
 */
enum exit_done exit_gdtr_idtr(struct vcpu *vcpu)
{
    uint32_t information = vmcs_read32(VMCS_VM_EXIT_INSTRUCTION_INFORMATION);
    uint32_t next = INFORMATION_WHICH(information) * NEXT_FIELD;
    struct operand operand = guest_operand(vcpu, information);
    struct x86_table table = {0};
    enum exit_done done;

    operand.bytes = operand.mode == OPERAND_64_BIT ? 10 : 6;
    operand.alignment = 4;
    operand.write = (information & INFORMATION_LOADS) == 0;
    if (operand.write) {
        table.limit = (uint16_t)x86_vmread_bare(VMCS_GUEST_GDTR_LIMIT + next);
        table.base = x86_vmread_bare(VMCS_GUEST_GDTR_BASE + next);
    }
    done = guest_operand_access(vcpu, &operand, &table);
    if (done != EXIT_EMULATED)
        return done;
    if (operand.write)
        return skip_emulated_instruction(done);
    if (operand.mode != OPERAND_64_BIT && (information & INFORMATION_OPERAND_32) == 0)
        table.base &= 0xffffff;
    if (!is_canonical(table.base, guest_linear_width(vcpu)))
        return exit_protection(vcpu);
    x86_vmwrite_bare(VMCS_GUEST_GDTR_LIMIT + next, table.limit);
    x86_vmwrite_bare(VMCS_GUEST_GDTR_BASE + next, table.base);
    return skip_emulated_instruction(done);
}

/* SDM Vol. 2, "LLDT", "LTR": the error code is the selector's index and table. */
static enum exit_done refuse(struct vcpu *vcpu, uint16_t selector, uint8_t vector)
{
    vcpu_inject_error(vcpu, vector, selector & ~3u);
    return EXIT_INJECTED;
}

/* EXIT_EMULATED: the segment is there, its descriptor in the GDT, at `address`, and of one of these
 * types. In IA-32e mode a descriptor of a system segment has 16 bytes. */
static enum exit_done take_segment(struct vcpu *vcpu, uint16_t selector, uint16_t types,
                                   uint64_t *address, struct vmcs_segment *segment)
{
    bool is_long = guest_is_long();
    unsigned offset = selector & ~7u, bytes = is_long ? 16 : 8;
    unsigned width = linear_width(vmcs_read_natural(VMCS_GUEST_CR4));
    uint64_t descriptor[2] = {0};
    enum exit_done done;

    *address = vmcs_read_natural(VMCS_GUEST_GDTR_BASE) + offset;
    if (!is_long)
        *address = (uint32_t)*address;
    if ((selector & SELECTOR_LDT) != 0 || offset + bytes - 1 > vmcs_read32(VMCS_GUEST_GDTR_LIMIT) ||
        !is_canonical(*address, width) || !is_canonical(*address + bytes - 1, width))
        return refuse(vcpu, selector, X86_VECTOR_GP);
    done = guest_access_linear(vcpu, *address, descriptor, bytes, ACCESS_READ | ACCESS_IMPLICIT);
    if (done != EXIT_EMULATED)
        return done;
    if (!system_segment_of(descriptor[0], descriptor[1], types, segment) ||
        !is_canonical(segment->base, guest_linear_width(vcpu)))
        return refuse(vcpu, selector, X86_VECTOR_GP);
    if ((segment->rights & RIGHTS_P) == 0)
        return refuse(vcpu, selector, X86_VECTOR_NP);
    return EXIT_EMULATED;
}

/* Bits 47:40 of a descriptor: type, S, DPL and P. */
enum { DESCRIPTOR_RIGHTS_BYTE = 5 };

/* LTR marks the TSS busy, in the GDT too. In IA-32e mode there are none of 16 bits. */
static enum exit_done take_tss(struct vcpu *vcpu, uint16_t selector, struct vmcs_segment *segment)
{
    uint16_t types = 1u << RIGHTS_TYPE_TSS | (guest_is_long() ? 0 : 1u << RIGHTS_TYPE_TSS_16);
    enum exit_done done;
    uint64_t address;
    uint8_t rights;

    if ((selector & ~3u) == 0)
        return refuse(vcpu, 0, X86_VECTOR_GP);
    done = take_segment(vcpu, selector, types, &address, segment);
    if (done != EXIT_EMULATED)
        return done;
    segment->rights |= RIGHTS_TSS_IS_BUSY;
    rights = (uint8_t)segment->rights;
    return guest_access_linear(vcpu, address + DESCRIPTOR_RIGHTS_BYTE, &rights, 1,
                               ACCESS_WRITE | ACCESS_IMPLICIT);
}

/* An LDTR without a segment is unusable. */
static enum exit_done load_selector(struct vcpu *vcpu, unsigned which, uint16_t selector)
{
    struct vmcs_segment segment = {.rights = RIGHTS_UNUSABLE};
    enum exit_done done = EXIT_EMULATED;
    uint32_t next = which * NEXT_FIELD;
    uint64_t address;

    if (which == TR)
        done = take_tss(vcpu, selector, &segment);
    else if ((selector & ~3u) != 0)
        done = take_segment(vcpu, selector, 1u << RIGHTS_TYPE_LDT, &address, &segment);
    if (done != EXIT_EMULATED)
        return done;
    x86_vmwrite_bare(VMCS_GUEST_LDTR_SELECTOR + next, selector);
    x86_vmwrite_bare(VMCS_GUEST_LDTR_BASE + next, segment.base);
    x86_vmwrite_bare(VMCS_GUEST_LDTR_LIMIT + next, segment.limit);
    x86_vmwrite_bare(VMCS_GUEST_LDTR_ACCESS_RIGHTS + next, segment.rights);
    return skip_emulated_instruction(EXIT_EMULATED);
}

/* SDM Vol. 2, "Instruction Format": prefixes. REX.W counts in 64-bit mode, if REX is the last. */
enum { PREFIX_OPERAND_SIZE = 0x66, REX_W = 0x48, REX_W_MASK = 0xf8 };
enum { OPCODE_BYTES = 3 }; /* 0F 00 and ModRM: of SLDT and STR with a register */

/* SDM Vol. 2, "SLDT", "STR": with an operand of 16 bits the register keeps what is above, else it
 * becomes 0. The exit does not report which: the code segment and the prefixes do. */
static enum exit_done store_selector(struct vcpu *vcpu, unsigned reg, uint16_t selector)
{
    bool is_64_bit = guest_is_64_bit(), prefixed = false, is_16;
    uint64_t linear = vmcs_read_natural(VMCS_GUEST_RIP);
    unsigned prefixes = vmcs_read32(VMCS_VM_EXIT_INSTRUCTION_LENGTH) - OPCODE_BYTES;
    uint8_t code[INSTRUCTION_BYTES] = {0};
    enum exit_done done = EXIT_EMULATED;

    if (prefixes > sizeof(code) - OPCODE_BYTES)
        prefixes = 0; /* of no instruction */
    if (!is_64_bit)
        linear = (uint32_t)(linear + vmcs_read_natural(VMCS_GUEST_CS_BASE));
    if (prefixes != 0)
        done = guest_access_linear(vcpu, linear, code, prefixes, ACCESS_FETCH);
    if (done != EXIT_EMULATED)
        return done;
    for (unsigned i = 0; i < prefixes; i++)
        prefixed |= code[i] == PREFIX_OPERAND_SIZE;
    is_16 = prefixed;
    if (!is_64_bit)
        is_16 = prefixed == ((vmcs_read32(VMCS_GUEST_CS_ACCESS_RIGHTS) & RIGHTS_DB) != 0);
    else if (prefixes != 0 && (code[prefixes - 1] & REX_W_MASK) == REX_W)
        is_16 = false;
    vcpu_register_set(vcpu, reg,
                      selector | (is_16 ? vcpu_register_get(vcpu, reg) & ~0xffffull : 0));
    return EXIT_EMULATED;
}

enum exit_done exit_ldtr_tr(struct vcpu *vcpu)
{
    uint32_t information = vmcs_read32(VMCS_VM_EXIT_INSTRUCTION_INFORMATION);
    bool in_register = (information & INFORMATION_REGISTER) != 0;
    bool loads = (information & INFORMATION_LOADS) != 0;
    unsigned reg = information >> 3 & 15, which = INFORMATION_WHICH(information);
    uint16_t selector = (uint16_t)x86_vmread_bare(VMCS_GUEST_LDTR_SELECTOR + which * NEXT_FIELD);
    enum exit_done done = EXIT_EMULATED;

    if (in_register && loads) {
        selector = (uint16_t)vcpu_register_get(vcpu, reg);
    } else if (in_register) {
        done = store_selector(vcpu, reg, selector);
    } else {
        struct operand operand = guest_operand(vcpu, information);

        operand.bytes = operand.alignment = sizeof(selector);
        operand.write = !loads;
        done = guest_operand_access(vcpu, &operand, &selector);
    }
    if (done != EXIT_EMULATED)
        return done;
    return loads ? load_selector(vcpu, which, selector) : skip_emulated_instruction(done);
}
