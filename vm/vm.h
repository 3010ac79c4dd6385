/*
 * A virtual machine: what all of its vCPUs share.
 *
 * Guest-physical memory is translated by EPT; without EPT the vCPUs run on page tables that the
 * hypervisor owns and the guest cannot reach.
 */
#ifndef VM_VM_H
#define VM_VM_H

#include <stdbool.h>
#include <stdint.h>

#include "mm/page_cache.h"
#include "vm/memory/ept.h"

struct vm {
    uint64_t msr_bitmap, io_bitmap; /* physical: 1 and 2 pages; all bits 1 at first */

    uint64_t memory;         /* physical: the guest's RAM from address 0 on, contiguous */
    struct page_cache pages; /* all others that are the VM's */

    struct ept ept;       /* maps the guest's memory and nothing else */
    uint64_t eptp;        /* 0: no EPT */
    uint64_t page_tables; /* without EPT: physical address of the PML4 that the guest runs on */

    bool touch_maps; /* an EPT violation in GUEST_TOUCH_BASE… maps a page from the cache */
};

/* The bitmaps. False: no memory; vm_free() then takes back what there is, as always. */
bool vm_create(struct vm *vm);
void vm_free(struct vm *vm);

/* Exits on IN and OUT of a port, or on RDMSR and WRMSR of an MSR, or not. Ports need I/O bitmaps.
 */
void vm_port_exits(struct vm *vm, uint16_t port, bool exits);
void vm_msr_exits(struct vm *vm, uint32_t msr, bool reads, bool writes);

#endif
