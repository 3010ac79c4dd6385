/*
 * One guest on this CPU, from nothing to its end: its controls, its memory, its run, and whether it
 * did what it should.
 */
#pragma once

#include "vm/guests/guest.h"

/* Runs `guest` on the CPU that calls, which is in VMX operation, interrupts off. `run` is filled
 * whole. The CPU's own VMCS is current before and after. */
void guest_run(const struct guest *guest, struct vmx_cpu *cpu, const struct vm_options *options,
               struct guest_run *run);

/*
 * As guest_run(), as often as options->random.rounds says; of a random guest, whose any_end is set.
 * Stops at the first round that the hypervisor, not the guest, is to blame for: a VM entry that
 * failed. `run` gets the exits of all rounds together; its detail reports how they ended.
 */
void random_guest_run(const struct guest *guest, struct vmx_cpu *cpu,
                      const struct vm_options *options, struct guest_run *run);

/* Of such a round: the state of its random numbers; and with these, what stands in the guest's
 * memory behind its own code, and its registers but RSP. */
uint64_t random_guest_state(uint64_t seed, enum guest_mode mode, uint32_t cpu, uint32_t round);
void random_guest_fill(const struct guest *guest, uint64_t state, uint8_t *memory,
                       uint64_t reg[VCPU_REGISTERS]);

/* Before its VMCS is written: what it has of time, in TSC ticks, and of state outside the VMCS. */
void guest_begin(struct guest_vm *machine, uint64_t ticks);

/* Compares what happened with what `guest` says, and fills result and detail. */
void guest_check(const struct vcpu *vcpu, struct guest_run *run);

/* Is that end the one that the guest should come to? And the end in a word: "its own call" … */
bool guest_ends_well(const struct guest *guest, enum guest_end end);
const char *guest_end_name(enum guest_end end);

/* Fills `controls`, by word. Gives NULL, or the name of what the guest needs and this processor
 * does not offer. */
const char *guest_controls_adjust(const struct guest *guest, const struct vmcs_config *config,
                                  const struct vmx_capability *capability,
                                  uint32_t controls[VMX_CONTROL_WORD_COUNT]);

/*
 * A guest's memory: GUEST_MEMORY_BYTES from guest-physical address 0 on, and what translates to it.
 * With EPT the guest has page tables of its own, if any; without, it runs on page tables that the
 * hypervisor owns and it cannot reach, with the same memory at the same linear addresses. Nothing
 * of the hypervisor's is mapped, also for a guest that sees the machine. False when memory has run
 * out or the code is too long.
 */
bool guest_memory_create(struct vcpu *vcpu);

/* What of the hypervisor a guest that sees the machine would have found at a guest-physical
 * address, had it been mapped: "its image". NULL: nothing, or the guest is not such a one. */
const char *guest_memory_owner(const struct vcpu *vcpu, uint64_t guest_physical);

/* Descriptor tables, page tables and code, to GUEST_MEMORY_BYTES of zeros. False when the code does
 * not fit. And what the guest begins with. */
bool guest_image_write(const struct guest *guest, uint8_t *memory);
struct vcpu_start guest_start(enum guest_mode mode);

/*
 * Why a VM entry failed, or would (vm/guests/entry_failure.c): does the current VMCS, which is the
 * vCPU's, keep all rules, which takes thousands of instructions (check-entry=always); would the
 * processor refuse it over its controls or its host state, so that no VM exit comes; and did the
 * entry fail, or was it not made, over this rule and no other?
 */
bool entry_is_sound(const struct vcpu *vcpu);
bool entry_is_refused(const struct vcpu *vcpu);
bool entry_failure_is(const struct vcpu *vcpu, enum vmentry_rule rule);

/*
 * Mistakes of the code around a guest, which its result names (vm/guests/handler_check.c). They
 * fill `mistake` of the guest's machine.
 *
 * Does a VM exit load what this CPU has, and is the VMCS one of this processor's? That a VM entry
 * would refuse anyway is no matter: the processor says so, and nothing is lost. False ends the
 * guest by GUEST_END_RULES, with this number, for no rule of VM entry is broken.
 */
enum { HOST_STATE_DIFFERS = 1 };
bool host_state_is_sound(const struct vcpu *vcpu);

/*
 * SDM Vol. 3, "VM-Execution Controls" (capability reporting): the TRUE MSR says which controls of
 * the default1 class may be 0. Is a named one 1 that nobody asked for? Without EPT the hypervisor
 * does.
 */
void check_controls(const struct vcpu *vcpu);

/*
 * After an exit was served, with the registers that the guest had: did the handler move RIP on
 * where it says that the instruction is done, leave registers alone which the instruction does not
 * write, and execute no VMX instruction that failed? Also counts exits without progress.
 */
void handler_check(struct guest_vm *machine, const struct exit_record *exit,
                   const uint64_t before[VCPU_REGISTERS]);
