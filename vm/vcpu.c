#include "vm/vcpu.h"

#include "lib/string.h"

void vcpu_init(struct vcpu *vcpu, struct vm *vm, const struct vmx_cpu *cpu)
{
    vcpu->vm = vm;
    vcpu->cpu = cpu;
    vmx_capability_derive(&cpu->msrs, &vcpu->capability);
    (void)rdmsr_safe(IA32_APIC_BASE, &vcpu->msr_apic_base);
}

bool vcpu_create(struct vcpu *vcpu)
{
    struct findings findings = {0}; /* what it says is said already: the CPU's own region stands */

    memcpy(vcpu->handlers, vcpu->vm->handlers, sizeof(vcpu->handlers));
    vcpu->cpuid_mask = vcpu->vm->cpuid_mask;
    return vmx_region_create(&vcpu->vmcs, vcpu->cpu, "guest's VMCS", &findings);
}

struct vmx_result vcpu_load(struct vcpu *vcpu, const struct vcpu_start *start)
{
    struct vmx_result result = vmclear(vcpu->vmcs.address);

    if (vmx_ok(result))
        result = vmptrld(vcpu->vmcs.address);
    if (vmx_ok(result))
        result = vcpu_state_write(vcpu, start);
    if (vmx_ok(result))
        translation_flush_all(vcpu);
    return result;
}

void vcpu_run(struct vcpu *vcpu)
{
    enum vm_entry entry = vcpu_enter(vcpu);
    uint64_t error = 0;

    if (entry == VM_ENTRY_LAUNCH_VALID || entry == VM_ENTRY_RESUME_VALID)
        (void)vmread(VMCS_VM_INSTRUCTION_ERROR, &error);
    if (entry != VM_ENTRY_ENDED)
        vcpu_end(vcpu, GUEST_END_ENTRY_ERROR, (uint32_t)error, entry);
}

void translation_flush_all(const struct vcpu *vcpu)
{
    if (vcpu->capability.invvpid)
        (void)x86_invvpid(INVVPID_ALL_CONTEXTS, 0, 0);
    if (vcpu->capability.invept)
        (void)x86_invept(INVEPT_ALL_CONTEXTS, 0);
}

enum exit_done vcpu_end(struct vcpu *vcpu, enum guest_end end, uint32_t number, uint64_t value)
{
    struct text_buffer broken;

    vcpu->end = end;
    vcpu->end_number = number;
    vcpu->end_value = value;
    text_buffer_init(&broken, vcpu->broken, sizeof(vcpu->broken));
    SET_FOR_EACH(entries_failed, room) {
        if (guest_end_is_no_entry(end))
            (*room)->explain(vcpu, &broken.sink);
    }
    return EXIT_ENDED;
}
