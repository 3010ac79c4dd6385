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

#include "mm/page_alloc.h"
#include "vm/memory/ept.h"

struct vcpu;

/* Room for every basic exit reason that the SDM defines, and some more. */
enum { VM_EXIT_REASONS = 96 };

/* What a handler did; 0 ends the guest (vm/enter.S knows that). */
enum exit_done {
    EXIT_ENDED,    /* the guest's end: struct vcpu says which */
    EXIT_EMULATED, /* did what the instruction does; the guest goes on after it */
    EXIT_IGNORED,  /* the instruction does nothing here; the guest goes on after it */
    EXIT_INJECTED, /* an event is injected at the next VM entry */
    EXIT_MAPPED,   /* a page of memory was mapped; the guest tries again */
    EXIT_WINDOW,   /* an event waits no longer: the guest can take it now */
    EXIT_HOST,     /* the event was the hypervisor's own */
    EXIT_STEPPED,  /* nothing to do but go on */
    EXIT_REFUSED,  /* the guest did not get what it reached for, and goes on without */
    EXIT_STATE,    /* the guest got new state: an address space, a task, a start-up address */
    EXIT_DONE_COUNT,
    EXIT_DEFAULT = EXIT_DONE_COUNT, /* from a test guest's own handler: do what is always done */
};

/* Serves the VM exits of one basic exit reason. */
typedef enum exit_done (*exit_handler)(struct vcpu *vcpu);

/* vm/exits.def, by basic exit reason: what a VM has that does not bring its own. */
extern const exit_handler exit_handlers[VM_EXIT_REASONS];

struct vm {
    /* By basic exit reason; the last serves VM entries that failed, and reasons that there are not.
     */
    exit_handler handlers[VM_EXIT_REASONS];

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
