#include "vm/guests/probe.h"

#define READ_EXITS   EXIT_REASON_RDMSR, EMULATED
#define WRITE_EXITS  EXIT_REASON_WRMSR, EMULATED
#define READ_FAULTS  EXIT_REASON_RDMSR, GETS_GP
#define WRITE_FAULTS EXIT_REASON_WRMSR, GETS_GP

/* RAX is compared, with its upper half 0; RDX is 0 wherever it is read: check_msr(). */
#define GIVES(what) .changes = 1u << VCPU_RDX, HOLDS(VCPU_RAX, what)

static const char *check_msr(const struct vcpu *vcpu)
{
    for (uint32_t i = 1; i <= 7; i += 2) {
        if (probe_after(vcpu, i)->reg[VCPU_RDX] != 0)
            return "RDMSR gave an upper half that was not written";
    }
    return NULL;
}

static void open_msrs(struct vcpu *vcpu)
{
    vm_msr_exits(vcpu->vm, IA32_SYSENTER_ESP, false, false);
    vm_msr_exits(vcpu->vm, IA32_SYSENTER_EIP, true, false);
    vm_msr_exits(vcpu->vm, IA32_LSTAR, false, true);
    vm_msr_exits(vcpu->vm, IA32_KERNEL_GS_BASE, false, false);
}

#include "vm/guests/instructions/msr.def"
