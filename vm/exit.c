#include "vm/exit.h"

#include "lib/string.h"
#include "vm/entry_failure.h"
#include "vm/guest.h"
#include "vm/host/alarm.h"
#include "vm/memory/guest_memory.h"
#include "vmx/exit_reason.h"
#include "vmx/nmi_unblocking.h"
#include "vmx/vmcs_access.h"

_Static_assert((int)EXIT_REASON_COUNT <= (int)VM_EXIT_REASONS, "every reason can be counted");

/*
 * One handler for each basic exit reason. What has none cannot happen with the controls that are on
 * (vm/exits.def says why), and ends a guest that made it happen all the same.
 */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
#define EXIT(reason, handler, ...) [EXIT_REASON_##reason] = (handler),
#define NO_EXIT(...)
static enum exit_done (*const handlers[EXIT_REASON_COUNT])(struct vcpu *vcpu) = {
    [0 ... EXIT_REASON_COUNT - 1] = exit_unhandled,
#include "vm/exits.def"
};
#undef EXIT
#undef NO_EXIT
#pragma GCC diagnostic pop

enum exit_done exit_unhandled(struct vcpu *vcpu)
{
    return vcpu_end(vcpu, GUEST_END_UNHANDLED, vmcs_read32(VMCS_EXIT_REASON) & EXIT_REASON_BASIC,
                    vmcs_read_natural(VMCS_EXIT_QUALIFICATION));
}

/*
 * Outside 64-bit mode an instruction pointer has 32 bits. With the instruction ends what STI and
 * MOV SS block, and RF becomes 0. If the guest steps singly the instruction ends in a trap, beside
 * those that MOV SS held back.
 */
enum exit_done skip_emulated_instruction_slow(uint64_t rip, uint64_t next, enum exit_done done)
{
    uint32_t blocking = vmcs_read32(VMCS_GUEST_INTERRUPTIBILITY_STATE);
    uint64_t rflags = vmcs_read_natural(VMCS_GUEST_RFLAGS);

    if (((next ^ rip) >> 32) != 0 &&
        (vmcs_read32(VMCS_GUEST_CS_ACCESS_RIGHTS) & GUEST_CS_64_BIT) == 0)
        next = (uint32_t)next;
    vmcs_write_natural(VMCS_GUEST_RIP, next);
    vmcs_write_natural(VMCS_GUEST_RFLAGS, rflags & ~RFLAGS_RF);
    vmcs_write32(VMCS_GUEST_INTERRUPTIBILITY_STATE,
                 blocking & ~(BLOCKING_BY_STI | BLOCKING_BY_MOV_SS));
    if ((rflags & RFLAGS_TF) != 0)
        vmcs_write_natural(VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS,
                           vmcs_read_natural(VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS) |
                               PENDING_DEBUG_BS);
    return done;
}

/*
 * What is undefined is not written down: bit 12 where it says nothing, and all of an event that is
 * not valid (SDM Vol. 3, "Information for VM Exits Due to Vectored Events").
 */
static void drop_undefined(const struct vcpu *vcpu, struct exit_record *exit)
{
    if (!nmi_unblocking_is_defined(vcpu->controls[VMX_CONTROL_PIN], exit->interruption,
                                   exit->vectoring)) {
        exit->interruption &= ~EVENT_INFORMATION_NMI_UNBLOCKING;
        if (nmi_unblocking_is_in_qualification(exit_basic_reason(exit)))
            exit->qualification &= ~(uint64_t)EVENT_INFORMATION_NMI_UNBLOCKING;
    }
    exit->vectoring &= ~EVENT_INFORMATION_NMI_UNBLOCKING;
    if ((exit->interruption & EVENT_INFORMATION_VALID) == 0)
        exit->interruption = 0;
    if ((exit->vectoring & EVENT_INFORMATION_VALID) == 0)
        exit->vectoring = 0;
}

static void read_record(const struct vcpu *vcpu, uint32_t reason, struct exit_record *exit)
{
    bool ept = (vcpu->controls[VMX_CONTROL_SECONDARY] & SECONDARY_ENABLE_EPT) != 0;
    uint64_t guest_physical = ept ? vmcs_read64(VMCS_GUEST_PHYSICAL_ADDRESS) : 0;

    *exit = (struct exit_record){
        .reason = reason,
        .qualification = vmcs_read_natural(VMCS_EXIT_QUALIFICATION),
        .rip = vmcs_read_natural(VMCS_GUEST_RIP),
        .guest_linear = vmcs_read_natural(VMCS_GUEST_LINEAR_ADDRESS),
        .guest_physical = guest_physical,
        .owner = (reason & EXIT_REASON_BASIC) == EXIT_REASON_EPT_VIOLATION
                     ? guest_memory_owner(vcpu, guest_physical)
                     : NULL,
        .instruction_length = vmcs_read32(VMCS_VM_EXIT_INSTRUCTION_LENGTH),
        .instruction_information = vmcs_read32(VMCS_VM_EXIT_INSTRUCTION_INFORMATION),
        .interruption = vmcs_read32(VMCS_VM_EXIT_INTERRUPTION_INFORMATION),
        .interruption_error = vmcs_read32(VMCS_VM_EXIT_INTERRUPTION_ERROR_CODE),
        .vectoring = vmcs_read32(VMCS_IDT_VECTORING_INFORMATION),
        .vectoring_error = vmcs_read32(VMCS_IDT_VECTORING_ERROR_CODE),
        .rax = vcpu->reg[VCPU_RAX],
        .rcx = vcpu->reg[VCPU_RCX],
        .rdx = vcpu->reg[VCPU_RDX],
    };
    drop_undefined(vcpu, exit);
}

/* What is written down, and reported as it comes. The host's own events are not the guest's doing.
 */
static void write_down(struct vcpu *vcpu, const struct exit_record *exit)
{
    if (exit->done != EXIT_HOST && vcpu->record_count++ < VCPU_EXITS_RECORDED)
        vcpu->record[vcpu->record_count - 1] = *exit;
    if (vcpu->options->trace != NULL)
        vcpu->options->trace(vcpu, exit);
}

/*
 * After a guest has waited for SIPI, Bochs 2.7 says for ever that SMIs are blocked on this CPU.
 * That can be so in system-management mode only, and no VM entry outside of it would succeed.
 */
static void forget_smi_blocking(struct vcpu *vcpu)
{
    uint32_t blocking = vmcs_read32(VMCS_GUEST_INTERRUPTIBILITY_STATE);

    if ((blocking & BLOCKING_BY_SMI) == 0)
        return;
    vmcs_write32(VMCS_GUEST_INTERRUPTIBILITY_STATE, blocking & ~BLOCKING_BY_SMI);
    vcpu->says_smi_blocked = true;
}

/*
 * What the long way takes, with a serial line or all rules of VM entry, is not the guest's time.
 * But for the host's own events it is: they are not counted, and time that they gave back would
 * never end.
 */
static void resume_time(struct vcpu *vcpu, uint64_t since, enum exit_done done)
{
    uint64_t now = rdtsc();

    if (done != EXIT_HOST)
        vcpu->deadline += now - since;
    alarm_set(now < vcpu->deadline ? vcpu->deadline - now : 1);
}

/* The long way: the guest's own handler is asked first, then everything is written down. */
static enum exit_done serve_watched(struct vcpu *vcpu, uint32_t reason)
{
    uint64_t since = rdtsc();
    struct exit_record exit;

    if (vcpu->deadline != 0)
        alarm_set(0);
    read_record(vcpu, reason, &exit);
    forget_smi_blocking(vcpu);
    exit.done = EXIT_DEFAULT;
    if (vcpu->guest->on_exit != NULL)
        exit.done = vcpu->guest->on_exit(vcpu, &exit);
    if (exit.done == EXIT_DEFAULT)
        exit.done = handlers[reason & EXIT_REASON_BASIC](vcpu);
    write_down(vcpu, &exit);
    if (exit.done != EXIT_ENDED && vcpu->options->check_entries && !entry_is_sound(vcpu))
        return vcpu_end(vcpu, GUEST_END_RULES, 0, 0);
    if (vcpu->deadline != 0)
        resume_time(vcpu, since, exit.done);
    return exit.done;
}

/* A VM entry that failed after it had begun, or a reason that the manual does not define. */
static enum exit_done serve_none(struct vcpu *vcpu, uint32_t reason, enum guest_end end)
{
    struct exit_record exit;

    read_record(vcpu, reason, &exit);
    exit.done = vcpu_end(vcpu, end, reason & EXIT_REASON_BASIC, exit.qualification);
    if (vcpu->watched)
        write_down(vcpu, &exit);
    return exit.done;
}

/*
 * Bits beside the basic reason, or no reason that there is. A machine check that VM entry met is
 * the host's, as one that comes later. Out of line, lest vm_exit() get a frame for it.
 */
static __attribute__((noinline)) enum exit_done serve_odd(struct vcpu *vcpu, uint32_t reason)
{
    uint32_t basic = reason & EXIT_REASON_BASIC;

    if (basic >= EXIT_REASON_COUNT)
        return serve_none(vcpu, reason, GUEST_END_UNHANDLED);
    vcpu->exit_count[basic]++;
    if (basic == EXIT_REASON_ENTRY_FAILURE_MACHINE_CHECK)
        int_machine_check();
    if ((reason & EXIT_REASON_ENTRY_FAILURE) != 0)
        return serve_none(vcpu, reason, GUEST_END_ENTRY_FAILED);
    return serve_watched(vcpu, reason);
}

enum exit_done vm_exit(struct vcpu *vcpu)
{
    uint32_t reason = vmcs_read32(VMCS_EXIT_REASON);

    if (__builtin_expect(--vcpu->exits_left < 0, 0))
        return vcpu_end(vcpu, GUEST_END_EXITS, reason & EXIT_REASON_BASIC, 0);
    if (__builtin_expect(reason >= EXIT_REASON_COUNT, 0))
        return serve_odd(vcpu, reason);
    vcpu->exit_count[reason]++;
    if (__builtin_expect(vcpu->watched, 0))
        return serve_watched(vcpu, reason);
    return handlers[reason](vcpu);
}
