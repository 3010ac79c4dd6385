/*
 * What the guests of a VM may see and use of the processor: const tables, which a kind of VM brings
 * in a file of its own (vm/guests/guest_policy.c). vm_create() compiles them; no handler knows more
 * of a VM than they say. SDM Vol. 2, "CPUID"; Vol. 3, "Changes to Instruction Behavior in VMX
 * Non-Root Operation"; Vol. 4, "Architectural MSRs".
 */
#ifndef VM_VM_POLICY_H
#define VM_VM_POLICY_H

#include "lib/x86.h"
#include "vmx/capability/vmcs_config.h"

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
    exit_handler string_io; /* INS and OUTS; NULL: they end the guest */
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

#endif
