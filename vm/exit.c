#include "vm/exit.h"

/*
 * What a VM has whose policy says nothing else. A reason that is not here cannot happen with the
 * controls that such a VM has on, and ends a guest that made it happen all the same.
 */
static const exit_handler handlers[] = {
    [EXIT_REASON_EXCEPTION_OR_NMI] = exit_exception,
    [EXIT_REASON_EXTERNAL_INTERRUPT] = exit_external_interrupt,
    [EXIT_REASON_TRIPLE_FAULT] = exit_triple_fault,
    [EXIT_REASON_CPUID] = exit_cpuid,
    [EXIT_REASON_GETSEC] = exit_undefined,
    [EXIT_REASON_HLT] = exit_hlt,
    [EXIT_REASON_INVD] = exit_skip,
    [EXIT_REASON_RDPMC] = exit_protection,
    [EXIT_REASON_VMCALL] = exit_vmcall,
    [EXIT_REASON_VMCLEAR... EXIT_REASON_VMXON] = exit_undefined,
    [EXIT_REASON_RDMSR] = exit_rdmsr,
    [EXIT_REASON_WRMSR] = exit_wrmsr,
    [EXIT_REASON_MWAIT] = exit_skip,
    [EXIT_REASON_MONITOR] = exit_skip,
    [EXIT_REASON_PAUSE] = exit_skip,
    [EXIT_REASON_EPT_VIOLATION... EXIT_REASON_EPT_MISCONFIGURATION] = exit_no_memory,
    [EXIT_REASON_INVEPT] = exit_undefined,
    [EXIT_REASON_PREEMPTION_TIMER] = exit_preemption_timer,
    [EXIT_REASON_INVVPID] = exit_undefined,
    [EXIT_REASON_WBINVD] = exit_skip,
};

exit_handler exit_handler_of(uint32_t reason)
{
    bool known = reason < sizeof(handlers) / sizeof(handlers[0]) && handlers[reason] != NULL;

    return known ? handlers[reason] : exit_unhandled;
}

/* Or a VM entry that failed after it had begun. A machine check that it met is the host's. */
enum exit_done exit_unhandled(struct vcpu *vcpu)
{
    uint32_t reason = vmcs_read32(VMCS_EXIT_REASON), basic = reason & EXIT_REASON_BASIC;
    bool entry_failed = (reason & EXIT_REASON_ENTRY_FAILURE) != 0;

    if (basic == EXIT_REASON_ENTRY_FAILURE_MACHINE_CHECK)
        int_machine_check();
    return vcpu_end(vcpu, entry_failed ? GUEST_END_ENTRY_FAILED : GUEST_END_UNHANDLED, basic,
                    vmcs_read_natural(VMCS_EXIT_QUALIFICATION));
}

/* An EPT violation: not the guest's memory, or not for this access; or a misconfiguration. */
enum exit_done exit_no_memory(struct vcpu *vcpu)
{
    uint32_t reason = vmcs_read32(VMCS_EXIT_REASON) & EXIT_REASON_BASIC;

    return vcpu_end(
        vcpu, reason == EXIT_REASON_EPT_VIOLATION ? GUEST_END_MEMORY : GUEST_END_MISCONFIGURED,
        reason, vmcs_read64(VMCS_GUEST_PHYSICAL_ADDRESS));
}

/*
 * Outside 64-bit mode an instruction pointer has 32 bits. With the instruction ends what STI and
 * MOV SS block, and RF becomes 0. If the guest steps singly, and not over branches alone, the
 * instruction ends in a trap, beside those that MOV SS held back.
 */
enum exit_done skip_emulated_instruction_slow(uint64_t rip, uint64_t next, enum exit_done done)
{
    uint32_t blocking = vmcs_read32(VMCS_GUEST_INTERRUPTIBILITY_STATE);
    uint64_t rflags = vmcs_read_natural(VMCS_GUEST_RFLAGS);

    if (((next ^ rip) >> 32) != 0 && (vmcs_read32(VMCS_GUEST_CS_ACCESS_RIGHTS) & RIGHTS_L) == 0)
        next = (uint32_t)next;
    vmcs_write_natural(VMCS_GUEST_RIP, next);
    vmcs_write_natural(VMCS_GUEST_RFLAGS, rflags & ~RFLAGS_RF);
    vmcs_write32(VMCS_GUEST_INTERRUPTIBILITY_STATE,
                 blocking & ~(BLOCKING_BY_STI | BLOCKING_BY_MOV_SS));
    if ((rflags & RFLAGS_TF) != 0 && (vmcs_read64(VMCS_GUEST_IA32_DEBUGCTL) & DEBUGCTL_BTF) == 0)
        vmcs_write_natural(VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS,
                           vmcs_read_natural(VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS) |
                               PENDING_DEBUG_BS);
    return done;
}

enum exit_done vm_exit(struct vcpu *vcpu)
{
    uint64_t reason = x86_vmread_bare(VMCS_EXIT_REASON);

    if (__builtin_expect(--vcpu->exits_left < 0, 0))
        return vcpu_end(vcpu, GUEST_END_EXITS, reason & EXIT_REASON_BASIC, 0);
    vcpu->exit_count[(uint8_t)reason]++;
    return vcpu->handlers[(uint8_t)reason](vcpu);
}
