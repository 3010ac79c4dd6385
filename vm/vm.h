/*
 * A virtual machine: what all of its vCPUs share. Guest-physical memory is translated by EPT;
 * without EPT the vCPUs run on page tables that the hypervisor owns and the guest cannot reach.
 */
#ifndef VM_VM_H
#define VM_VM_H

/* VMCALL with EAX "!DNE": the guest is done. Any other number does nothing. */
#define VM_CALL_END 0x454e4421

#ifndef __ASSEMBLER__

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mm/page_alloc.h"
#include "lib/spinlock.h"
#include "vm/memory/ept.h"
#include "vm/vm_policy.h"

/* Room for every basic exit reason that the SDM defines, and some more; a handler for each that
 * bits 7:0 can have: no basic exit reason needs more. */
enum { VM_EXIT_REASONS = 96, EXIT_HANDLERS = 256 };

/* By basic exit reason: what a VM has that does not bring its own (vm/exit.c). */
extern const exit_handler exit_handlers[EXIT_HANDLERS];

/* For MSR rules: an MSR that there is not, or that cannot be written. */
msr_read_function msr_read_fault;
msr_write_function msr_write_fault;

enum { VM_MSR_SLOTS = 64 };

struct vm {
    exit_handler handlers[EXIT_HANDLERS]; /* by bits 7:0 of the exit reason */

    const struct vm_policy *policy;
    uint32_t cpuid_mask; /* of the policy: a leaf with one of these is looked at */
    const struct msr_rule *msr_rule[VM_MSR_SLOTS]; /* by vm_msr_rule(); those without are any's */

    uint64_t msr_bitmap, io_bitmap; /* physical: 1 and 2 pages; all bits 1 at first */

    struct spinlock lock; /* of `ept` and `pages` while vCPUs run: pages are only added then */

    uint64_t memory, memory_bytes; /* physical: the guest's RAM from address 0 on, contiguous */
    uint64_t demand_base, demand_bytes; /* guest-physical: its own, too, where EPT maps it */
    struct page_cache pages;            /* all others that are the VM's */

    struct ept ept;       /* maps the guest's memory and nothing else */
    uint64_t eptp;        /* 0: no EPT */
    uint64_t page_tables; /* without EPT: physical address of the PML4 that the guest runs on */
};

/*
 * A VM without memory, whose policy is compiled: to handlers, bitmaps and the tables above. False:
 * no memory. vm_free() takes back what there is.
 */
bool vm_create(struct vm *vm, const struct vm_policy *policy);
void vm_free(struct vm *vm);

/*
 * Its RAM: `bytes` of zeroes from guest-physical address 0 on; and extended page tables that map
 * them and nothing else, as a CPU with that capability walks and with those types caches them.
 * `capability` is NULL without EPT.
 */
bool vm_create_memory(struct vm *vm, uint64_t bytes, const struct vmx_capability *capability,
                      const struct memory_types_state *cached);

/* Where the guest's RAM [address, address + bytes) can be touched; NULL outside of it. */
void *vm_memory(const struct vm *vm, uint64_t address, uint64_t bytes);

/* Where the rule of an MSR is, unless it shares the place with another one. */
static inline const struct msr_rule **vm_msr_slot(struct vm *vm, uint32_t msr)
{
    return &vm->msr_rule[(msr ^ msr >> 5) % VM_MSR_SLOTS];
}

/* Exits on IN and OUT of a port, or on RDMSR and WRMSR of an MSR, or not. Ports need I/O bitmaps.
 */
void vm_port_exits(struct vm *vm, uint16_t port, bool exits);
void vm_msr_exits(struct vm *vm, uint32_t msr, bool reads, bool writes);

#endif
#endif
