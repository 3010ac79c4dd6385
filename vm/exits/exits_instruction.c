#include "vm/exit.h"

/* Apart, so that the short way needs no room for it. */
__attribute__((noinline)) static enum exit_done cpuid_by_policy(struct vcpu *vcpu, uint32_t leaf,
                                                                uint32_t subleaf)
{
    struct cpuid_registers r =
        vm_policy_cpuid(vcpu->vm->policy, leaf, subleaf, cpuid(leaf, subleaf),
                        vmcs_read_natural(VMCS_GUEST_CR4), vcpu->controls[VMX_CONTROL_SECONDARY]);

    if (leaf == CPUID_LEAF_EXTENDED && !guest_is_64_bit()) /* SDM Vol. 2: 0 outside 64-bit mode */
        r.edx &= ~(uint32_t)CPUID_EXTENDED_EDX_SYSCALL;
    vcpu->reg[VCPU_RAX] = r.eax;
    vcpu->reg[VCPU_RBX] = r.ebx;
    vcpu->reg[VCPU_RCX] = r.ecx;
    vcpu->reg[VCPU_RDX] = r.edx;
    return skip_emulated_instruction(EXIT_EMULATED);
}

enum exit_done exit_cpuid(struct vcpu *vcpu)
{
    uint32_t leaf = (uint32_t)vcpu->reg[VCPU_RAX];

    if (__builtin_expect((leaf & vcpu->cpuid_mask) != 0, 0))
        return cpuid_by_policy(vcpu, leaf, (uint32_t)vcpu->reg[VCPU_RCX]);
    cpuid_in_place(vcpu->reg);
    return skip_emulated_instruction(EXIT_EMULATED);
}

/*
 * SDM Vol. 2, "HLT": with IF = 0 only NMI, SMI, INIT or reset end it, and nobody sends them, so the
 * guest has ended. With IF = 1 it goes on at once, as if an interrupt had come.
 */
enum exit_done exit_hlt(struct vcpu *vcpu)
{
    uint64_t rflags = vmcs_read_natural(VMCS_GUEST_RFLAGS);

    if ((rflags & RFLAGS_IF) == 0)
        return vcpu_end(vcpu, GUEST_END_HALT, 0, vmcs_read_natural(VMCS_GUEST_RIP));
    return skip_with_rflags(rflags, EXIT_IGNORED);
}

enum exit_done exit_vmcall(struct vcpu *vcpu)
{
    if ((uint32_t)vcpu->reg[VCPU_RAX] == VM_CALL_END)
        return vcpu_end(vcpu, GUEST_END_CALL, 0, 0);
    return skip_emulated_instruction(EXIT_EMULATED);
}

enum exit_done exit_skip(struct vcpu *vcpu)
{
    (void)vcpu;
    return skip_emulated_instruction(EXIT_IGNORED);
}

enum exit_done exit_undefined(struct vcpu *vcpu)
{
    vcpu_inject(vcpu, EVENT_HARDWARE_EXCEPTION, X86_VECTOR_UD);
    return EXIT_INJECTED;
}

enum exit_done exit_protection(struct vcpu *vcpu)
{
    vcpu_inject_error(vcpu, X86_VECTOR_GP, 0);
    return EXIT_INJECTED;
}
