#include "vm/events/guest_events.h"
#include "vm/access/guest_access.h"
#include "vm/guests/exits/guest_exits.h"

enum exit_done exit_rdtsc(struct vcpu *vcpu)
{
    uint64_t tsc = guest_tsc(vcpu);

    vcpu->reg[VCPU_RAX] = (uint32_t)tsc;
    vcpu->reg[VCPU_RDX] = tsc >> 32;
    return skip_emulated_instruction(EXIT_EMULATED);
}

enum exit_done exit_rdtscp(struct vcpu *vcpu)
{
    uint64_t aux = 0; /* as where RDMSR faults: there is no such MSR */

    (void)rdmsr_safe(IA32_TSC_AUX, &aux);
    vcpu->reg[VCPU_RCX] = (uint32_t)aux;
    return exit_rdtsc(vcpu);
}

/* Bits 6:3 of the instruction information. */
static unsigned register_operand(void)
{
    return vmcs_read32(VMCS_VM_EXIT_INSTRUCTION_INFORMATION) >> 3 & 15;
}

/* On after an instruction that leaves all status flags 0. */
static enum exit_done exit_with_flags_clear(void)
{
    vmcs_write_natural(VMCS_GUEST_RFLAGS,
                       vmcs_read_natural(VMCS_GUEST_RFLAGS) & ~(uint64_t)RFLAGS_STATUS);
    return skip_emulated_instruction(EXIT_EMULATED);
}

/* SDM Vol. 2, "RDRAND": CF = 0 and a register of 0 mean that none is at hand. */
enum exit_done exit_random(struct vcpu *vcpu)
{
    uint32_t information = vmcs_read32(VMCS_VM_EXIT_INSTRUCTION_INFORMATION);
    unsigned number = information >> 3 & 15, size = information >> 11 & 3;

    vcpu_register_set(vcpu, number, size == 0 ? vcpu_register_get(vcpu, number) & ~0xffffull : 0);
    return exit_with_flags_clear();
}

/* SDM Vol. 2, "UMWAIT", "TPAUSE": bits 31:1 of the operand are reserved; the wait may end early. */
enum exit_done exit_user_wait(struct vcpu *vcpu)
{
    if ((uint32_t)vcpu_register_get(vcpu, register_operand()) > 1)
        return exit_protection(vcpu);
    return exit_with_flags_clear();
}

/*
 * RDMSR and WRMSRNS that name the MSR themselves: it is in the exit qualification, the register in
 * bits 6:3 of the instruction information. They are done as RDMSR and WRMSR are, whose way stays as
 * short as it is, with the operands where those have them.
 */
static enum exit_done access_immediate(struct vcpu *vcpu, enum exit_done (*access)(struct vcpu *),
                                       uint64_t *value)
{
    uint64_t rax = vcpu->reg[VCPU_RAX], rcx = vcpu->reg[VCPU_RCX], rdx = vcpu->reg[VCPU_RDX];
    enum exit_done done;

    vcpu->reg[VCPU_RCX] = vmcs_read_natural(VMCS_EXIT_QUALIFICATION);
    vcpu->reg[VCPU_RAX] = *value;
    vcpu->reg[VCPU_RDX] = *value >> 32;
    done = access(vcpu);
    *value = (uint32_t)vcpu->reg[VCPU_RAX] | vcpu->reg[VCPU_RDX] << 32;
    vcpu->reg[VCPU_RAX] = rax;
    vcpu->reg[VCPU_RCX] = rcx;
    vcpu->reg[VCPU_RDX] = rdx;
    return done;
}

enum exit_done exit_rdmsr_immediate(struct vcpu *vcpu)
{
    uint64_t value = 0;
    enum exit_done done = access_immediate(vcpu, exit_rdmsr, &value);

    if (done == EXIT_EMULATED)
        vcpu_register_set(vcpu, register_operand(), value);
    return done;
}

enum exit_done exit_wrmsrns_immediate(struct vcpu *vcpu)
{
    uint64_t value = vcpu_register_get(vcpu, register_operand());

    return access_immediate(vcpu, exit_wrmsr, &value);
}

/*
 * The exit comes before the checks of privilege and of CR4.DE (SDM Vol. 3, "Instructions That Cause
 * VM Exits Conditionally"), and before the #DB that DR7.GD asks for. Gives the vector; 0: no fault.
 */
static uint8_t dr_fault(const struct vcpu *vcpu, unsigned number)
{
    if ((number == 4 || number == 5) && (guest_cr4(vcpu) & CR4_DE) != 0)
        return X86_VECTOR_UD;
    if (guest_privilege() != 0)
        return X86_VECTOR_GP;
    return (vmcs_read_natural(VMCS_GUEST_DR7) & DR7_GENERAL_DETECT) != 0 ? X86_VECTOR_DB : 0;
}

static enum exit_done write_debug_register(struct vcpu *vcpu, unsigned number, uint64_t value)
{
    if (number >= 4 && value >> 32 != 0)
        return exit_protection(vcpu);
    if (number == 5 || number == 7)
        vmcs_write_natural(VMCS_GUEST_DR7, (value & ~DR7_ZERO) | DR7_INITIAL);
    else
        write_dr(number, value);
    return skip_emulated_instruction(EXIT_EMULATED);
}

/* DR0 to DR3 and DR6 hold the guest's values while it runs and in between: at a VM exit DR7 becomes
 * 0x400, so that they mean nothing to the host. DR4 and DR5 are DR6 and DR7. */
enum exit_done exit_mov_dr(struct vcpu *vcpu)
{
    uint64_t qualification = vmcs_read_natural(VMCS_EXIT_QUALIFICATION);
    unsigned number = qualification & 7, reg = qualification >> 8 & 15;
    bool is_dr7 = number == 5 || number == 7, is_read = (qualification >> 4 & 1) != 0;

    switch (dr_fault(vcpu, number)) {
    case X86_VECTOR_UD:
        return exit_undefined(vcpu);
    case X86_VECTOR_GP:
        return exit_protection(vcpu);
    case X86_VECTOR_DB:
        event_enter_debug(DR6_BD);
        vcpu_inject(vcpu, EVENT_HARDWARE_EXCEPTION, X86_VECTOR_DB);
        return EXIT_INJECTED;
    default:
        break;
    }
    if (!is_read)
        return write_debug_register(vcpu, number, guest_mov_operand(vcpu, reg));
    vcpu_register_set(vcpu, reg, is_dr7 ? vmcs_read_natural(VMCS_GUEST_DR7) : read_dr(number));
    return skip_emulated_instruction(EXIT_EMULATED);
}
