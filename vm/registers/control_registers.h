/*
 * Which values MOV, CLTS and LMSW may write to control registers: what raises #GP, and what the
 * write brings with it. SDM Vol. 2, "MOV - Move to/from Control Registers"; Vol. 3, "Control
 * Registers", "Initializing IA-32e Mode" with its consistency checks, "PAE Paging".
 */
#ifndef VM_CONTROL_REGISTERS_H
#define VM_CONTROL_REGISTERS_H

#include "vm/exit.h"

/* For a policy: reason 28. */
exit_function exit_control_register;

/* What the guest reads in CR4. */
uint64_t guest_cr4(const struct vcpu *vcpu);

/* A register as an operand of MOV to or from control and debug registers: 32 bits outside 64-bit
 * mode. */
uint64_t guest_mov_operand(const struct vcpu *vcpu, unsigned reg);

/* What the guest has, as it would read it. */
struct control_registers {
    uint64_t cr0, cr3, cr4, efer;
    uint32_t cs_rights, tr_rights; /* access rights as in the VMCS */
};

/* `value` has bit 4, ET, set: it cannot be cleared. */
bool cr0_may_become(const struct control_registers *now, uint64_t value);

/* Bit 63 of `value` asks that nothing be forgotten: with CR4.PCIDE it may be set. */
bool cr3_may_become(const struct control_registers *now, uint64_t value,
                    unsigned physical_address_width);

/* `supported`: the bits that this guest may set at all. */
bool cr4_may_become(const struct control_registers *now, uint64_t value, uint64_t supported);

/* PAE paging is in use. */
bool control_registers_pae(const struct control_registers *registers);

/* Does a write to CR0 or CR4 load the PDPTEs? To CR3 it does wherever PAE paging is in use. */
bool control_registers_load_pdptes(const struct control_registers *before,
                                   const struct control_registers *after);

/* One that has reserved bits set, and is present, is #GP. */
bool pdpte_is_valid(uint64_t pdpte, unsigned physical_address_width);

#endif
