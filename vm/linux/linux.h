/*
 * Linux as the guest that owns the machine: one VM with one vCPU, memory mapped where it is,
 * devices, interrupts and timers the machine's own. Only what would show VMX, reach the
 * hypervisor's memory or end its rule makes a VM exit.
 */
#ifndef VM_LINUX_H
#define VM_LINUX_H

#include "lib/host/cpu.h"
#include "vm/linux/linux_plan.h"
#include "vm/linux/linux_ports.h"
#include "vm/vcpu.h"

/* How it came to an end. */
enum linux_end {
    LINUX_RUNS,
    LINUX_POWERED_OFF,
    LINUX_RESET,
    LINUX_TRIPLE_FAULT, /* a way to reset, too */
    LINUX_BROKEN,       /* otherwise than it wanted: the vCPU says how */
    LINUX_END_COUNT,
};

/* An MSR that is none of the processor's: its write, of bits 7:0, says how the script ended. */
enum { MSR_LINUX_SCRIPT_STATUS = 0x40524d00 };

struct linux_vm {
    struct vm vm; /* first */
    struct linux_range kept;
    struct linux_ports ports;
    enum linux_end end;
    uint64_t handover_tsc;
    bool has_script_status;
    uint8_t script_status;
    uint32_t accesses_refused; /* to what is kept */
};

struct linux_vcpu {
    struct vcpu vcpu;               /* first */
    atomic_bool running;            /* its VMCS is current on its CPU */
    _Atomic(uint32_t) nmis_pending; /* that came and are not injected yet: 2 at most, as latched */
};

/* What the guest is shown: the hypervisor, with leaves of its own, or none. */
extern const struct vm_policy linux_policy_shown, linux_policy_hidden;

/* What this CPU lacks for such a guest; NULL: nothing. */
const char *linux_lacks(const struct vmx_cpu *cpu);

/* The VM, once `kept` and `ports` are set; on a CPU in VMX operation. False: no memory. */
bool linux_create(struct linux_vm *linux_vm, const struct vm_policy *policy,
                  const struct vmx_cpu *cpu, uint64_t ram_end);

/* On the boot CPU: from there to the guest's end. Returns its vCPU; NULL: no memory for it. */
struct linux_vcpu *linux_run(struct linux_vm *linux_vm, struct cpu *cpu,
                             const struct linux_plan *plan);

static inline struct linux_vm *linux_of(const struct vcpu *vcpu)
{
    return (struct linux_vm *)vcpu->vm;
}

/* What EPT maps memory as: what the MTRRs say, which do not count for a guest with EPT. */
enum memory_type linux_memory_type(const void *context, uint64_t physical, uint64_t bytes);

/* vm/linux/linux_exits.c */
enum exit_done linux_exit_nmi_window(struct vcpu *vcpu);
enum exit_done linux_exit_triple_fault(struct vcpu *vcpu);
enum exit_done linux_exit_init(struct vcpu *vcpu);
enum exit_done linux_exit_invd(struct vcpu *vcpu);
enum exit_done linux_exit_io(struct vcpu *vcpu);
enum exit_done linux_exit_ept_violation(struct vcpu *vcpu);

#endif
