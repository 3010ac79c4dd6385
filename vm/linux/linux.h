/*
 * Linux as the guest that owns the machine: one VM with a vCPU on each CPU, memory mapped where it
 * is, devices, interrupts and timers the machine's own. Only what would show VMX, reach the
 * hypervisor's memory or end its rule makes a VM exit.
 */
#pragma once

#include "lib/host/cpu.h"
#include "vm/access/guest_access.h"
#include "vm/leave/leave.h"
#include "vm/linux/linux_ports.h"
#include "vm/loader/guest_entry.h"
#include "vm/loader/places.h"
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

/*
 * MSRs that are none of the processor's, each with its bit in EBX of the second of the hypervisor's
 * leaves. Bits 7:0 that are written to the first say how the script ended; to the second, the basic
 * exit reason of which the CPU's VM exits are then read in bits 31:0, under that reason.
 */
enum { MSR_LINUX_SCRIPT_STATUS = 0x40524d00, LINUX_TAKES_SCRIPT_STATUS = 1 << 0 };
enum { MSR_LINUX_EXITS = 0x40524d01, LINUX_TELLS_EXITS = 1 << 1 };
/*
 * The report as it was when the guest was entered, as text and then as JSON, each with zeros to
 * LINUX_REPORT_BYTES. An offset that is written chooses four bytes, which are read under it.
 */
enum { MSR_LINUX_REPORT = 0x40524d03, LINUX_TELLS_REPORT = 1 << 3, LINUX_REPORT_BYTES = 16384 };
/*
 * Written to, it takes the CPU out of VMX operation, and those that wait to be started. The value:
 * how many CPUs the guest will do this on. #GP where it has started more: one would stay; and in a
 * mode that cannot be left in (vm/leave/leave.h).
 */
enum { MSR_LINUX_LEAVES = 0x40524d02, LINUX_LEAVES = 1 << 2 };

struct linux_vm {
    struct vm vm; /* first */
    struct guest_range kept;
    uint64_t mapped_end;             /* EPT maps all below, but for what is kept */
    struct memory_types_state types; /* the MTRRs by which it does */
    struct linux_ports ports;
    uint32_t cpu_count;
    struct linux_vcpu *vcpus[CPUS_MAX]; /* by CPU; NULL: there was no memory for it */
    _Atomic(uint32_t) cpus_ready;       /* whose vCPU waits to be entered */
    _Atomic(enum linux_end) end;
    const struct vcpu *ended_by;
    uint64_t handover_tsc;
    bool has_script_status;
    uint8_t script_status;
    _Atomic(uint32_t) accesses_refused; /* to what is kept */
    bool starts_by_exits;               /* INIT and SIPI make VM exits; else see linux_cpus.c */
    bool watches_commands;              /* that CPUs send by their APICs */
    bool announces_starts;              /* of CPUs: else commands are watched until all run */
    bool announces_resets;              /* and has announced none yet: linux_watch_resets() */
    struct leave leave;
    const char *report; /* NULL: there was no memory for it */
};

struct linux_vcpu {
    struct vcpu vcpu; /* first */
    uint32_t apic_id;
    atomic_bool running;            /* its VMCS is current on its CPU */
    atomic_bool waits;              /* for SIPI */
    bool has_started;               /* by one, or as the boot CPU */
    atomic_bool leaves;             /* with the next NMI */
    uint8_t reason_told;            /* by MSR_LINUX_EXITS */
    uint32_t report_told;           /* by MSR_LINUX_REPORT: an offset */
    _Atomic(uint32_t) nmis_pending; /* that came and are not injected yet: 2 at most, as latched */
    _Atomic(uint32_t) kicks;        /* NMIs that are the hypervisor's own, under way */
    _Atomic(uint32_t) asked;        /* what it is to do: INIT, SIPI, to leave; 0: nothing */
};

/* What the guest is shown: the hypervisor, with leaves of its own, or none. */
extern const struct vm_policy linux_policy_shown, linux_policy_hidden;

/* What this CPU lacks for such a guest; NULL: nothing. */
const char *linux_lacks(const struct vmx_cpu *cpu);

/* The VM, once `kept`, `ports`, `cpu_count` and what it announces are set; on a CPU in VMX
 * operation. False: no memory. */
bool linux_create(struct linux_vm *linux_vm, const struct vm_policy *policy,
                  const struct vmx_cpu *cpu, uint64_t ram_end);

/* A vCPU of it, on the CPU that it will run on; NULL: no memory. Then its VMCS, with that state. */
struct linux_vcpu *linux_create_vcpu(struct linux_vm *linux_vm, struct cpu *cpu);
struct vmx_result linux_load(struct vcpu *vcpu, const struct guest_entry *entry);

/*
 * On each CPU: from there to the guest's end. The boot CPU enters the guest when all others wait to
 * be started by it.
 */
void linux_run(struct linux_vm *linux_vm, struct cpu *cpu, const struct guest_entry *entry);

static inline struct linux_vm *linux_of(const struct vcpu *vcpu)
{
    return (struct linux_vm *)vcpu->vm;
}

/* vm/linux/linux_exits.c */
enum exit_done linux_exit_nmi_window(struct vcpu *vcpu);
enum exit_done linux_exit_triple_fault(struct vcpu *vcpu);
enum exit_done linux_exit_invd(struct vcpu *vcpu);
enum exit_done linux_exit_io(struct vcpu *vcpu);
enum exit_done linux_exit_ept_violation(struct vcpu *vcpu);
/* Makes EPT map what it shall, as it is to be cached. */
bool linux_map(struct linux_vm *linux_vm);
/* From here on ports by which the machine can be reset are looked at; and its announcement not. */
void linux_watch_resets(struct linux_vm *linux_vm);
enum exit_done linux_write_mtrr_type(struct vcpu *vcpu, const struct msr_rule *rule,
                                     uint64_t value);
/* The guest's end, unless another CPU has already said one; the second: as the guest wanted it. */
void linux_set_end(struct vcpu *vcpu, enum linux_end end);
enum exit_done linux_ended(struct vcpu *vcpu, enum linux_end end);

/* vm/linux/linux_cpus.c */
enum exit_done linux_exit_exception(struct vcpu *vcpu);
enum exit_done linux_exit_init(struct vcpu *vcpu);
enum exit_done linux_exit_sipi(struct vcpu *vcpu);
enum exit_done linux_exit_apic_write(struct vcpu *vcpu, uint64_t address);
enum exit_done linux_write_x2apic_icr(struct vcpu *vcpu, const struct msr_rule *rule,
                                      uint64_t value);
enum exit_done linux_write_leave(struct vcpu *vcpu, const struct msr_rule *rule, uint64_t value);
/* The instruction that writes to memory; not `known`: it is another one, or of another form. */
enum exit_done linux_fetch_store(struct vcpu *vcpu, struct store *write, bool *known);
/* The state that INIT leaves. */
enum exit_done linux_wait_for_startup(struct linux_vcpu *own);
/* From here on, or no more, commands to other CPUs are looked at. */
void linux_watch_commands(struct linux_vcpu *own, bool watch);
/* Was this NMI one that another CPU has sent for the hypervisor? */
bool linux_take_kick(struct linux_vcpu *own);
/* Makes a vCPU of another CPU leave the guest, whose end has come. */
void linux_stop(struct linux_vcpu *target);
