/*
 * Out of VMX operation for good, on one CPU, while its guest goes on: a guest that has the
 * machine's devices and memory where they are needs no hypervisor to be what it is.
 *
 * What VM entries load is loaded by instructions instead. The last of them would have to change CR3
 * and be fetched from both address spaces; so the CPU leaves where the guest itself is about to
 * change it. At the VM exit of a MOV to CR3 the CPU gets all of the guest's state but for CR3, and
 * page tables with the guest's own entries beside one of the hypervisor's; on these it goes to the
 * guest's instruction, which is executed at last, and takes it to its next address space.
 *
 * SDM Vol. 3, "Loading Guest State"; Vol. 2, "VMXOFF", "MOV - Move to/from Control Registers".
 */
#pragma once

#ifndef __ASSEMBLER__

#include "lib/x86.h"
#include "mm/radix.h"
#include "vm/vcpu.h"
#include "vmx/vmcs_image.h"

/* Where the hypervisor's memory is while a CPU leaves: in the half that Linux leaves to hypervisors
 * ("Complete virtual memory map with 4-level page tables"), beside the direct map. */
#define LEAVE_BASE 0xffff808000000000ull

/* Page tables of the hypervisor's, with its memory also there. One for all CPUs of a VM. */
struct leave {
    struct page_tables tables;
    bool ready;
};

/* Is the guest in a mode that it can be left in: 64-bit, four-level paging, no shadow stack? */
bool leave_mode_allows(const struct vcpu *vcpu);

/* For memory [base, end), in which all that the CPUs' VMX regions lie. Once; false: no memory. */
bool leave_prepare(struct leave *leave, struct vm *vm, uint64_t base, uint64_t end);

/* From now on MOV to CR3 exits, to `handler`. */
void leave_watch(struct vcpu *vcpu, exit_handler handler);

/* In that handler: can it be done now? Else the exit is served as ever, and another one comes. */
bool leave_is_possible(const struct vcpu *vcpu);

/* On an NMI's stack, so that none comes until the guest can take it. Does not return. */
_Noreturn void leave_to_guest(struct vcpu *vcpu, const struct leave *leave);

/* Where there is no guest to go on: until an INIT takes the CPU, which then finds no VMX operation.
 */
_Noreturn void leave_and_halt(struct vcpu *vcpu);

enum { LEAVE_DESCRIPTORS = 512 }; /* a page of them */

/*
 * Puts the descriptor from which a segment register gets what it has in the VMCS where its selector
 * says; a system segment takes two. Nothing for one that is unusable, which is loaded with a null
 * selector. Pure, as the two below.
 */
void leave_segment(uint64_t table[LEAVE_DESCRIPTORS], struct vmcs_segment segment);

/* False: its descriptor lies elsewhere, in an LDT or beyond. */
bool leave_has_segment(struct vmcs_segment segment);

/* What the segment register is loaded with. */
uint16_t leave_selector(struct vmcs_segment segment);

enum { LEAVE_MSRS = 8 };

/* What leave.S loads, in its order, by offsets that leave.c checks. */
struct leave_state {
    uint64_t reg[VCPU_REGISTERS]; /* RSP is in the frame */
    uint64_t bridge;              /* the page tables in between */
    uint64_t cr0, cr4_before, cr4;
    uint64_t dr7;
    uint16_t selector[6]; /* LDTR, TR, ES, DS, FS, GS */
    uint32_t unused;
    struct {
        uint32_t number, low, high;
    } msr[LEAVE_MSRS];
    uint64_t rip, cs, rflags, rsp, ss; /* for IRETQ */
    struct x86_table own_gdt, gdt, idt;
};

/* vm/leave/leave.S: to `to` on `tables`, leave_code moved to where both address spaces have it.
 */
_Noreturn void leave_jump(uint64_t tables, uint64_t to, uint64_t state);
_Noreturn void leave_halt(void);
extern const char leave_code[], leave_code_end[];

#endif
