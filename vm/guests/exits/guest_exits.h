/*
 * Handlers of VM exits that only test guests provoke: their VM's policy has them
 * (vm/guests/guest_policy.c).
 */
#pragma once

#include "vm/registers/registers.h"
#include "vmx/vmcs_image.h"

#define EXIT(reason, handler, guests) exit_function handler;
#include "vm/guests/exits/exits.def"
#undef EXIT

/* For MSR rules. A field of the VMCS has the value: any, or one that must be canonical. */
msr_read_function msr_read_field, msr_read_apic_base, msr_read_tsc, msr_read_pat, msr_read_efer;
msr_write_function msr_write_field, msr_write_address, msr_write_pat, msr_write_efer;

/*
 * Where an instruction's memory operand is, and whether it may be reached: VM exits of instructions
 * come before the processor looks at their operands.
 *
 * SDM Vol. 3, "VM-Exit Instruction Information"; "Limit Checking", "Type Checking"; Vol. 1,
 * "Canonical Addressing".
 */

/* SDM Vol. 1, "Canonical Addressing": how wide linear addresses are in 64-bit mode, by CR4. */
static inline unsigned linear_width(uint64_t cr4)
{
    return (cr4 & CR4_LA57) != 0 ? 57 : 48;
}

/* Bits 63:`width` - 1 are all the same. */
static inline bool is_canonical(uint64_t address, unsigned width)
{
    return (uint64_t)((int64_t)(address << (64 - width)) >> (64 - width)) == address;
}

/* Segment registers, numbered as the instruction information numbers them. */
enum { OPERAND_ES, OPERAND_CS, OPERAND_SS, OPERAND_DS, OPERAND_FS, OPERAND_GS };

/* Bits 9:7 of the instruction information. */
enum operand_size { OPERAND_ADDRESS_16, OPERAND_ADDRESS_32, OPERAND_ADDRESS_64 };

enum operand_mode {
    OPERAND_REAL,      /* and virtual-8086 mode: only the limit counts */
    OPERAND_PROTECTED, /* and compatibility mode */
    OPERAND_64_BIT,
};

struct operand {
    enum operand_mode mode;
    unsigned segment;      /* OPERAND_ES … */
    uint64_t segment_base; /* as the VMCS has them */
    uint32_t segment_limit, segment_rights;
    uint64_t offset;               /* cut to the address size */
    unsigned bytes;                /* at least 1 */
    unsigned alignment;            /* that CPL 3 may be held to; 0, 1: any */
    bool write;                    /* else it is read */
    unsigned linear_address_width; /* in 64-bit mode: 48 or 57 */
};

/* An offset, or a counter, as wide as addresses are. */
uint64_t operand_cut(uint64_t value, enum operand_size size);

/* Gives 0 and the linear address of the first byte; or #GP or #SS, whose error code is 0. */
uint8_t operand_locate(const struct operand *operand, uint64_t *linear);

/* The operand of the instruction information and the displacement in the exit qualification; its
 * segment register; and one at `offset` in a segment. */
struct operand guest_operand(const struct vcpu *vcpu, uint32_t information);
unsigned guest_operand_segment(uint32_t information);
struct operand guest_operand_at(unsigned segment, uint64_t offset);

/*
 * Reads the operand, whose `bytes`, `write` and `alignment` the caller has set, to `data`, or
 * writes it from there. Gives EXIT_EMULATED, or what has become of the guest:
 * vm/access/guest_access.h.
 */
enum exit_done guest_operand_access(struct vcpu *vcpu, const struct operand *operand, void *data);

/*
 * The segment of an LDT or a TSS by its descriptor; `high` is the upper half of one of 16 bytes.
 * False: it is none of these system types (bit n of `types` stands for type n). SDM Vol. 3, "System
 * Descriptor Types", "TSS Descriptor", "TSS Descriptor in 64-bit mode".
 */
bool system_segment_of(uint64_t low, uint64_t high, uint16_t types, struct vmcs_segment *segment);

/* How wide addresses are that LGDT, WRMSR and their kin load: the processor's, in whatever mode. */
static inline unsigned guest_linear_width(const struct vcpu *vcpu)
{
    return linear_width(vcpu->capability.cr4_fixed1);
}

/* The guest's time-stamp counter. */
static inline uint64_t guest_tsc(const struct vcpu *vcpu)
{
    bool offset = (vcpu->controls[VMX_CONTROL_PRIMARY] & PRIMARY_TSC_OFFSETTING) != 0;

    return rdtsc() + (offset ? vmcs_read64(VMCS_TSC_OFFSET) : 0);
}
