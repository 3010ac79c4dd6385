#include "vm/guests/probe.h"

#define READ_EXITS   EXIT_REASON_RDMSR, .done = EXIT_EMULATED
#define WRITE_EXITS  EXIT_REASON_WRMSR, .done = EXIT_EMULATED
#define READ_FAULTS  EXIT_REASON_RDMSR, GETS_GP
#define WRITE_FAULTS EXIT_REASON_WRMSR, GETS_GP

/* RAX is compared, with its upper half 0; RDX is 0 wherever it is read, which the check compares.
 */
#define GIVES(what) .changes = 1u << VCPU_RDX, HOLDS(VCPU_RAX, what)

static const struct probe msr_probes[] = {
    {"WRMSR that exits, as reading does", WRITE_EXITS},
    {"RDMSR that exits, as writing does", READ_EXITS, GIVES(0x1238)},
    {.instruction = "WRMSR where nothing exits"},
    {.instruction = "RDMSR where nothing exits", GIVES(0x2000)},
    {.instruction = "WRMSR where only reading exits"},
    {"RDMSR where only reading exits", READ_EXITS, GIVES(0x3000)},
    {"WRMSR where only writing exits", WRITE_EXITS},
    {.instruction = "RDMSR where only writing exits", GIVES(0x4000)},
    {.instruction = "WRMSR of an address that is not canonical", FAULTS_GP},
    {"RDMSR of an unknown low MSR", READ_FAULTS},
    {"WRMSR of an unknown low MSR", WRITE_FAULTS},
    {"RDMSR of an unknown high MSR", READ_FAULTS},
    {"WRMSR of an unknown high MSR", WRITE_FAULTS},
    {"RDMSR outside of the bitmaps", READ_FAULTS},
    {"WRMSR outside of the bitmaps", WRITE_FAULTS},
};

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

PROBED_GUEST(0670, msr, "msr",
             "MSRs that exit when read, when written, both or neither; unknown ones.",
             CONTROLS(ON(PRIMARY, MSR_BITMAPS)), .setup = open_msrs, PROBES_IN(msr_probes),
             .check_more = check_msr);

PROBED_GUEST(0680, msr_all, "msr-all", "MSRs without bitmaps: each access exits.",
             CONTROLS(OFF(PRIMARY, MSR_BITMAPS)),
             PROBES({"WRMSR", WRITE_EXITS}, {"RDMSR", READ_EXITS, GIVES(0x4000)},
                    {"RDMSR of an unknown MSR", READ_FAULTS}));

static const struct probe msr_own_probes[] = {
    {"WRMSR of IA32_PAT", WRITE_EXITS},
    {"RDMSR of IA32_PAT", READ_EXITS, GIVES(0x00070406)},
    {"WRMSR of a reserved memory type", WRITE_FAULTS},
    {"RDMSR of IA32_EFER", READ_EXITS, GIVES(EFER_LME | EFER_LMA)},
    {"WRMSR that ends long mode", WRITE_FAULTS},
    {"WRMSR of IA32_EFER", WRITE_EXITS},
    {"RDMSR of IA32_EFER again", READ_EXITS, GIVES(EFER_LME | EFER_LMA | EFER_SCE)},
};

PROBED_GUEST(0690, msr_own, "msr-own",
             "IA32_PAT and IA32_EFER, which VM entry loads: the guest has its own.",
             CONTROLS(ON(ENTRY, LOAD_PAT), ON(ENTRY, LOAD_EFER)), PROBES_IN(msr_own_probes));
