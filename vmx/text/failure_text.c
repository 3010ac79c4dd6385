#include "vmx/text/failure_text.h"

#include "lib/x86_registers.h"
#include "vmx/capability/vmxon_registers.h"
#include "vmx/text/exit_text.h"
#include "vmx/text/vmcs_dump.h"

/* SDM Vol. 3, "VM Instruction Error Numbers": 14, 21 and 27 are not defined. */
const char *vmx_error_text(uint32_t number)
{
    static const char *const texts[] = {
        [1] = "VMCALL executed in VMX root operation",
        [2] = "VMCLEAR with invalid physical address",
        [3] = "VMCLEAR with VMXON pointer",
        [4] = "VMLAUNCH with non-clear VMCS",
        [5] = "VMRESUME with non-launched VMCS",
        [6] = "VMRESUME after VMXOFF (VMXOFF and VMXON between VMLAUNCH and VMRESUME)",
        [7] = "VM entry with invalid control field(s)",
        [8] = "VM entry with invalid host-state field(s)",
        [9] = "VMPTRLD with invalid physical address",
        [10] = "VMPTRLD with VMXON pointer",
        [11] = "VMPTRLD with incorrect VMCS revision identifier",
        [12] = "VMREAD/VMWRITE from/to unsupported VMCS component",
        [13] = "VMWRITE to read-only VMCS component",
        [15] = "VMXON executed in VMX root operation",
        [16] = "VM entry with invalid executive-VMCS pointer",
        [17] = "VM entry with non-launched executive VMCS",
        [18] =
            /* One text on two lines. NOLINTNEXTLINE(bugprone-suspicious-missing-comma) */
        "VM entry with executive-VMCS pointer not VMXON pointer (when attempting to deactivate "
        "the dual-monitor treatment of SMIs and SMM)",
        [19] = "VMCALL with non-clear VMCS (when attempting to activate the dual-monitor treatment "
               "of SMIs and SMM)",
        [20] = "VMCALL with invalid VM-exit control fields",
        [22] = "VMCALL with incorrect MSEG revision identifier (when attempting to activate the "
               "dual-monitor treatment of SMIs and SMM)",
        [23] = "VMXOFF under dual-monitor treatment of SMIs and SMM",
        [24] = "VMCALL with invalid SMM-monitor features (when attempting to activate the "
               "dual-monitor treatment of SMIs and SMM)",
        [25] =
            "VM entry with invalid VM-execution control fields in executive VMCS (when attempting "
            "to return from SMM)",
        [26] = "VM entry with events blocked by MOV SS",
        [28] = "Invalid operand to INVEPT/INVVPID",
    };

    return number < sizeof(texts) / sizeof(texts[0]) ? texts[number] : NULL;
}

enum { PAGE_BYTES = 4096 };

static void print_bits(struct sink *sink, const char *name, uint64_t seen, uint64_t wanted)
{
    if (seen != wanted)
        print_to(sink, "; %s is 0x%lx, wanted 0x%lx", name, seen, wanted);
}

/* What VMXON, VMCLEAR and VMPTRLD demand of an address. */
static void print_address(struct sink *sink, const struct failure_facts *facts)
{
    unsigned width = facts->cpu->memory_types.physical_width;

    if (facts->operand % PAGE_BYTES != 0)
        print_to(sink, "; the address is no multiple of 4096");
    else if (facts->operand >> width != 0)
        print_to(sink, "; physical addresses have %u bits", width);
    else if (facts->has_revision)
        print_bits(sink, "revision id", facts->revision, facts->cpu->config.revision_id);
}

static void print_fault(struct sink *sink, uint32_t vector, const struct failure_facts *facts)
{
    const struct vmx_msrs *msrs = &facts->cpu->msrs;
    uint64_t feature_control = facts->cpu->feature_control;

    print_to(sink, "%s", exception_name(vector));
    if (vector == X86_VECTOR_GP && facts->is_vmxon) {
        print_bits(sink, "CR0", facts->cr0, cr0_for_vmx(facts->cr0, msrs));
        print_bits(sink, "CR4", facts->cr4, cr4_for_vmx(facts->cr4, msrs));
        print_bits(sink, "IA32_FEATURE_CONTROL", feature_control,
                   feature_control | FEATURE_CONTROL_LOCK | FEATURE_CONTROL_VMX);
    } else if (vector == X86_VECTOR_UD) {
        print_to(sink, "; %s",
                 msrs->present == 0 ? "this processor has no VMX: CPUID.01H:ECX[5] is 0"
                 : facts->is_vmxon  ? "CR4.VMXE is 0"
                 : !facts->is_on    ? "VMX operation is off"
                                    : "IA32_VMX_EPT_VPID_CAP says that it is not there");
    }
}

/* By its name, if it has one, and its encoding. */
static void print_field(struct sink *sink, uint64_t encoding)
{
    char name[VMCS_FIELD_SYMBOL_SIZE];
    uint32_t row = vmcs_field_index((enum vmcs_field)encoding);
    bool is_known = encoding <= UINT16_MAX && vmcs_field_symbol(row, name);

    print_to(sink, is_known ? "%s (0x%lx)" : "%s0x%lx", is_known ? name : "", encoding);
}

static void print_error(struct sink *sink, uint32_t number, const struct failure_facts *facts)
{
    const char *text = vmx_error_text(number);

    print_to(sink, "VMfailValid %u (%s)", number, text != NULL ? text : "not defined");
    if (number == 2 || number == 9 || number == 11) {
        print_address(sink, facts);
    } else if (number == 12) {
        print_to(sink, "; this processor has no field ");
        print_field(sink, facts->operand);
    } else if (number == 13) {
        print_to(sink, "; ");
        print_field(sink, facts->operand);
        print_to(sink, " is read only, for IA32_VMX_MISC[29] is 0");
    } else if (number == 28) {
        print_to(sink, "; IA32_VMX_EPT_VPID_CAP is 0x%lx",
                 vmx_msr_value(&facts->cpu->msrs, IA32_VMX_EPT_VPID_CAP));
    }
}

void failure_print(struct sink *sink, struct vmx_result result, const struct failure_facts *facts)
{
    if (result.outcome == VMX_FAULT) {
        print_fault(sink, result.number, facts);
    } else if (result.outcome == VMX_FAIL_VALID) {
        print_error(sink, result.number, facts);
    } else {
        print_to(sink, "%s", vmx_outcome_name(result.outcome));
        if (facts->is_on)
            print_to(sink, "; there is no current VMCS to hold an error number");
        if (facts->takes_region)
            print_address(sink, facts);
    }
}
