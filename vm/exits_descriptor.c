#include "lib/string.h"
#include "vm/exit.h"
#include "vm/guest_operand.h"
#include "vm/system_segment.h"

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
static enum exit_done store_table(uint8_t *memory, size_t base_bytes, bool is_gdt)
{
    uint16_t limit = (uint16_t)(is_gdt ? vmcs_read32(VMCS_GUEST_GDTR_LIMIT)
                                       : vmcs_read32(VMCS_GUEST_IDTR_LIMIT));
    uint64_t base =
        is_gdt ? vmcs_read_natural(VMCS_GUEST_GDTR_BASE) : vmcs_read_natural(VMCS_GUEST_IDTR_BASE);

    memcpy(memory, &limit, sizeof(limit));
    memcpy(memory + sizeof(limit), &base, base_bytes);
    return exit_behind(EXIT_EMULATED);
}

/* SDM Vol. 2, "LGDT/LIDT": of 16-bit operands the base has 24 bits; in 64-bit mode it must be
 * canonical. */
static enum exit_done load_table(struct vcpu *vcpu, const uint8_t *memory, size_t base_bytes,
                                 uint32_t information)
{
    uint64_t base = 0;
    uint16_t limit;

    memcpy(&limit, memory, sizeof(limit));
    memcpy(&base, memory + sizeof(limit), base_bytes);
    if (base_bytes == 4 && (information & INFORMATION_OPERAND_32) == 0)
        base &= 0xffffff;
    if (!is_canonical(base, guest_linear_width(vcpu)))
        return exit_protection(vcpu);
    if (access_of(information) == LOAD_FIRST) {
        vmcs_write32(VMCS_GUEST_GDTR_LIMIT, limit);
        vmcs_write_natural(VMCS_GUEST_GDTR_BASE, base);
    } else {
        vmcs_write32(VMCS_GUEST_IDTR_LIMIT, limit);
        vmcs_write_natural(VMCS_GUEST_IDTR_BASE, base);
    }
    return exit_behind(EXIT_EMULATED);
}

enum exit_done exit_gdtr_idtr(struct vcpu *vcpu)
{
    uint32_t information = vmcs_read32(VMCS_VM_EXIT_INSTRUCTION_INFORMATION);
    enum access access = access_of(information);
    struct operand operand = guest_operand(vcpu, information);
    size_t base_bytes = operand.mode == OPERAND_64_BIT ? 8 : 4;
    uint8_t *memory;
    enum exit_done done;

    operand.bytes = (unsigned)(2 + base_bytes);
    operand.write = access == STORE_FIRST || access == STORE_SECOND;
    done = guest_operand_reach(vcpu, &operand, &memory);
    if (done != EXIT_EMULATED)
        return done;
    if (operand.write)
        return store_table(memory, base_bytes, access == STORE_FIRST);
    return load_table(vcpu, memory, base_bytes, information);
}

/* SDM Vol. 2, "LLDT", "LTR": the error code is the selector's index and table. */
static enum exit_done refuse(struct vcpu *vcpu, uint16_t selector, uint8_t vector)
{
    vcpu_inject_error(vcpu, vector, selector & ~3u);
    return EXIT_INJECTED;
}

/* Where the descriptor is, in the GDT. As guest_operand_reach(); in IA-32e mode it has 16 bytes. */
static enum exit_done reach_descriptor(struct vcpu *vcpu, uint16_t selector, bool is_long,
                                       bool write, uint8_t **memory)
{
    unsigned offset = selector & ~7u, bytes = is_long ? 16 : 8;
    uint64_t address = vmcs_read_natural(VMCS_GUEST_GDTR_BASE) + offset;

    if ((selector & SELECTOR_LDT) != 0 || offset + bytes - 1 > vmcs_read32(VMCS_GUEST_GDTR_LIMIT))
        return refuse(vcpu, selector, X86_VECTOR_GP);
    return guest_linear_reach(vcpu, is_long ? address : (uint32_t)address, bytes, write, memory);
}

static struct system_segment read_descriptor(const uint8_t *memory, bool is_long)
{
    uint64_t descriptor[2] = {0};

    memcpy(descriptor, memory, is_long ? 16 : 8);
    return system_segment_of(descriptor[0], descriptor[1]);
}

/* EXIT_EMULATED: the segment is there, and of one of these types. That of a TSS will be written. */
static enum exit_done take_segment(struct vcpu *vcpu, uint16_t selector, uint16_t types,
                                   struct system_segment *segment, uint8_t **memory)
{
    bool is_long = guest_is_long();
    enum exit_done done =
        reach_descriptor(vcpu, selector, is_long, types != 1u << ACCESS_TYPE_LDT, memory);

    if (done != EXIT_EMULATED)
        return done;
    *segment = read_descriptor(*memory, is_long);
    if (!system_segment_is(segment, types) ||
        !is_canonical(segment->base, guest_linear_width(vcpu)))
        return refuse(vcpu, selector, X86_VECTOR_GP);
    if ((segment->rights & ACCESS_PRESENT) == 0)
        return refuse(vcpu, selector, X86_VECTOR_NP);
    return EXIT_EMULATED;
}

static enum exit_done load_ldtr(struct vcpu *vcpu, uint16_t selector)
{
    struct system_segment segment = {.rights = ACCESS_UNUSABLE};
    enum exit_done done = EXIT_EMULATED;
    uint8_t *memory;

    if ((selector & ~3u) != 0)
        done = take_segment(vcpu, selector, 1u << ACCESS_TYPE_LDT, &segment, &memory);
    if (done != EXIT_EMULATED)
        return done;
    vmcs_write16(VMCS_GUEST_LDTR_SELECTOR, selector);
    vmcs_write_natural(VMCS_GUEST_LDTR_BASE, segment.base);
    vmcs_write32(VMCS_GUEST_LDTR_LIMIT, segment.limit);
    vmcs_write32(VMCS_GUEST_LDTR_ACCESS_RIGHTS, segment.rights);
    return exit_behind(EXIT_EMULATED);
}

/* LTR marks the TSS busy, in the GDT too. In IA-32e mode there are none of 16 bits. */
static enum exit_done load_tr(struct vcpu *vcpu, uint16_t selector)
{
    uint16_t types = 1u << ACCESS_TYPE_TSS | (guest_is_long() ? 0 : 1u << ACCESS_TYPE_TSS_16);
    struct system_segment segment;
    enum exit_done done;
    uint8_t *memory;

    if ((selector & ~3u) == 0)
        return refuse(vcpu, 0, X86_VECTOR_GP);
    done = take_segment(vcpu, selector, types, &segment, &memory);
    if (done != EXIT_EMULATED)
        return done;
    memory[5] |= ACCESS_TSS_IS_BUSY;
    vmcs_write16(VMCS_GUEST_TR_SELECTOR, selector);
    vmcs_write_natural(VMCS_GUEST_TR_BASE, segment.base);
    vmcs_write32(VMCS_GUEST_TR_LIMIT, segment.limit);
    vmcs_write32(VMCS_GUEST_TR_ACCESS_RIGHTS, segment.rights | ACCESS_TSS_IS_BUSY);
    return exit_behind(EXIT_EMULATED);
}

static enum exit_done access_selector(struct vcpu *vcpu, enum access access, uint8_t *memory,
                                      unsigned reg)
{
    uint16_t selector;

    if (access == LOAD_FIRST || access == LOAD_SECOND) {
        if (memory != NULL)
            memcpy(&selector, memory, sizeof(selector));
        else
            selector = (uint16_t)vcpu_register_get(vcpu, reg);
        return access == LOAD_FIRST ? load_ldtr(vcpu, selector) : load_tr(vcpu, selector);
    }
    selector = access == STORE_FIRST ? vmcs_read16(VMCS_GUEST_LDTR_SELECTOR)
                                     : vmcs_read16(VMCS_GUEST_TR_SELECTOR);
    if (memory != NULL)
        memcpy(memory, &selector, sizeof(selector));
    else
        vcpu_register_set(vcpu, reg, selector);
    return exit_behind(EXIT_EMULATED);
}

enum exit_done exit_ldtr_tr(struct vcpu *vcpu)
{
    uint32_t information = vmcs_read32(VMCS_VM_EXIT_INSTRUCTION_INFORMATION);
    bool in_register = (information >> 10 & 1) != 0;
    enum access access = access_of(information);
    struct operand operand;
    enum exit_done done;
    uint8_t *memory;

    if (in_register)
        return access_selector(vcpu, access, NULL, information >> 3 & 15);
    operand = guest_operand(vcpu, information);
    operand.bytes = sizeof(uint16_t);
    operand.write = access == STORE_FIRST || access == STORE_SECOND;
    done = guest_operand_reach(vcpu, &operand, &memory);
    return done == EXIT_EMULATED ? access_selector(vcpu, access, memory, 0) : done;
}
