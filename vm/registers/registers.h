/*
 * The registers of a guest that does more with them than the core's: what instructions write to
 * control registers, and what VM entries and exits leave in the processor.
 */
#pragma once

#include "lib/x86_rooms.h"
#include "vm/exit.h"

/* For a policy: MOV, CLTS and LMSW of control registers; XSETBV. */
exit_function exit_control_register, exit_xsetbv;

/* A register by its number, RSP included. Always 64 bits: the caller cuts. */
uint64_t vcpu_register_get(const struct vcpu *vcpu, unsigned number);
void vcpu_register_set(struct vcpu *vcpu, unsigned number, uint64_t value);

/* Turns controls of one word on and off, in the VMCS too. */
void vcpu_control_set(struct vcpu *vcpu, enum vmx_control_word word, uint32_t mask, bool on);

/*
 * Forgets the guest's linear and combined mappings, global pages too; all VPIDs' where the
 * processor cannot do less. SDM Vol. 3, "Guidelines for Use of the INVVPID Instruction": where
 * VPIDs are in use, VM entry and VM exit keep them, so whoever changes a guest's CR0, CR3 or CR4 or
 * executes INVLPG in its place does INVVPID as the instruction in the guest would have.
 */
void translation_flush(const struct vcpu *vcpu);

/* What the guest reads in CR4. */
uint64_t guest_cr4(const struct vcpu *vcpu);

/* A register as an operand of MOV to or from control and debug registers: 32 bits outside 64-bit
 * mode. */
uint64_t guest_mov_operand(const struct vcpu *vcpu, unsigned reg);

/*
 * Which values MOV, CLTS and LMSW may write to control registers: what raises #GP, and what the
 * write brings with it. SDM Vol. 2, "MOV - Move to/from Control Registers"; Vol. 3, "Control
 * Registers", "Initializing IA-32e Mode" with its consistency checks, "PAE Paging". `now`: what the
 * guest has, as it would read it.
 */
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

/*
 * What VM entries and exits leave in the processor: kept before a guest, put back after it, and
 * made as after a reset in between, so that no guest finds what another one, or the firmware, left.
 * SDM Vol. 3, "Loading Guest State", "Loading Host State": x87, SSE, AVX and whatever else XCR0
 * names, XCR0 itself, CR2, DR0 to DR3, DR6, and some MSRs. The kernel uses none of them.
 */
enum { HOST_REGISTERS_MSRS = 6 };

struct host_registers {
    uint64_t msr[HOST_REGISTERS_MSRS];
    uint64_t cr4, xcr0;
};

/*
 * Before the VMCS is written: CR4 becomes what the host has while it serves the guest, with OSXSAVE
 * where there is XSAVE, lest XSETBV could not be executed for the guest.
 */
void host_registers_keep(struct host_registers *host);

void host_registers_restore(const struct host_registers *host);
