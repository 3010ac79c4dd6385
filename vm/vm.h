/*
 * A virtual machine: what all of its vCPUs share. Guest-physical memory is translated by EPT;
 * without EPT the vCPUs run on page tables that the hypervisor owns and the guest cannot reach.
 */
#pragma once

/* VMCALL with EAX "!DNE": the guest is done. Any other number does nothing. */
#define VM_CALL_END 0x454e4421

#ifndef __ASSEMBLER__

#include "lib/spinlock.h"
#include "lib/x86.h"
#include "mm/page_alloc.h"
#include "vm/memory/ept.h"
#include "vmx/capability/vmx_controls.h"

/*
 * What the guests of a VM may see and use of the processor: const tables, which a kind of VM brings
 * in a file of its own (vm/guests/guest_policy.c). vm_create() compiles them; no handler knows more
 * of a VM than they say. SDM Vol. 2, "CPUID"; Vol. 3, "Changes to Instruction Behavior in VMX
 * Non-Root Operation"; Vol. 4, "Architectural MSRs".
 */
enum { CPUID_LEAF_FEATURES = 1, CPUID_LEAF_POWER = 6, CPUID_LEAF_MORE_FEATURES = 7 };
enum { CPUID_LEAF_XSAVE = 0xd, CPUID_EVERY_SUBLEAF = 255 /* as a rule's `last` */ };
/* A hypervisor's leaves, by convention. */
enum { CPUID_LEAF_HYPERVISOR_FIRST = 0x40000000, CPUID_LEAF_HYPERVISOR_LAST = 0x400000ff };
#define CPUID_LEAF_EXTENDED 0x80000001u

/*
 * Who the hypervisor is, in EBX, ECX and EDX of its first leaf: by its makers' agreement a text, as
 * KVM's "KVMKVMKVM". EAX: so many `more` leaves follow.
 */
#define HYPERVISOR_SIGNATURE "RootmodeVMX "
#define HYPERVISOR_LEAF(more)                                                    \
    {                                                                            \
        CPUID_LEAF_HYPERVISOR_FIRST + (more), 0x746f6f52, 0x65646f6d, 0x20584d56 \
    }

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

struct vcpu;

/* What a leaf shows: of the processor's answer the bits in `show`, and those in `set` beside. */
struct cpuid_rule {
    uint32_t leaf;
    uint8_t first, last; /* subleaves */
    struct cpuid_registers show, set;
};

enum cpuid_register { CPUID_EAX, CPUID_EBX, CPUID_ECX, CPUID_EDX };

/*
 * A feature that has MSRs is shown with them, or neither is there. Where it comes with a secondary
 * control, its instructions are #UD without that, and it is hidden. Of leaf 7: subleaf 0.
 */
struct feature_rule {
    uint32_t leaf;
    enum cpuid_register reg;
    uint32_t mask, control; /* 0: whatever the controls are */
    uint32_t msr, msrs;     /* the first, and how many: the guest's own while it runs */
};

/*
 * How RDMSR and WRMSR of an MSR are served. Without `read` RDMSR, which has to be one that a bitmap
 * knows, does not exit.
 */
struct msr_rule;
typedef enum exit_done msr_read_function(struct vcpu *vcpu, const struct msr_rule *rule);
typedef enum exit_done msr_write_function(struct vcpu *vcpu, const struct msr_rule *rule,
                                          uint64_t value);
struct msr_rule {
    uint32_t msr;
    msr_read_function *read;
    msr_write_function *write;
    uint32_t field; /* of the VMCS, which has the value for some of them */
};

/* Ports that the guest reaches itself, or does not, where the VM's default is the other way. */
struct port_rule {
    uint16_t first, last;
};

/* Serves the VM exits of one basic exit reason: another handler than that of vm/exit.c. */
typedef enum exit_done exit_function(struct vcpu *vcpu);
typedef exit_function *exit_handler;
struct exit_rule {
    uint32_t reason;
    exit_handler handler;
};

struct vm_policy {
    /*
     * What becomes of what no rule names? False: it is hidden, an MSR is #GP, a port has no device.
     * True, for a guest that owns the machine: it is the processor's, without an exit where there
     * need be none; but for leaves of a hypervisor.
     */
    bool owns_machine;

    uint32_t (*cpuid_mask)(
        const struct vm_policy *policy); /* vm/cpuid_mask.h; NULL: no short way */
    const struct cpuid_rule *cpuid;
    const struct feature_rule *features;
    const struct msr_rule *msrs;
    const struct port_rule *ports;
    const struct exit_rule *exits;
    uint32_t cpuid_count, feature_count, msr_count, port_count, exit_count;

    uint64_t cr0_host; /* bits of CR0 beside those that VMX fixes whose change is not the guest's */
    uint64_t cr4_guest;  /* bits of CR4 that the guest may have */
    uint64_t cr4_host;   /* and those that stay as the host has them */
    uint64_t xcr0;       /* components that the guest may turn on */
    uint32_t exceptions; /* that exit */

    uint32_t controls[VMX_CONTROL_WORD_COUNT]; /* on where the processor offers them */
};

/*
 * What CPUID shows. `processor`: what it says in VMX root operation. `cr4`: the guest's.
 * `secondary`: the secondary processor-based VM-execution controls.
 */
struct cpuid_registers vm_policy_cpuid(const struct vm_policy *policy, uint32_t leaf,
                                       uint32_t subleaf, struct cpuid_registers processor,
                                       uint64_t cr4, uint32_t secondary);

/* Is this an MSR of a feature that the guest has? The kernel has no use for them. */
bool vm_policy_passes_msr(const struct vm_policy *policy, uint32_t msr, uint32_t secondary);

/*
 * Which controls a vCPU runs with, by word: those of the processor's configuration and of `policy`,
 * a VM's, within what the processor allows. A preemption timer that counts on over exits bounds the
 * guest's time where there is one.
 */
void vcpu_controls_adjust(const uint32_t policy[VMX_CONTROL_WORD_COUNT],
                          const struct vmcs_config *config, const struct vmx_capability *capability,
                          uint32_t controls[VMX_CONTROL_WORD_COUNT]);

/* Does that timer exist? Otherwise the host must interrupt a guest whose time is up. */
bool vcpu_controls_have_timer(const struct vmx_capability *capability);

/* By basic exit reason, of which bits 7:0 tell all: what a VM has that does not bring its own
 * (vm/exit.c). */
enum { EXIT_HANDLERS = 256 };
exit_handler exit_handler_of(uint32_t reason);

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

/* Exits on IN and OUT of a port, RDMSR and WRMSR of an MSR, or not. Ports need I/O bitmaps. */
void vm_port_exits(struct vm *vm, uint16_t port, bool exits);
void vm_msr_exits(struct vm *vm, uint32_t msr, bool reads, bool writes);

#endif
