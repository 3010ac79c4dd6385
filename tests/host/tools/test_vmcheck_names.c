/*
 * What others call VMCS fields: names and encodings as they stand in the headers of hypervisors and
 * emulators whose logs people paste. Of each those that are not the manual's or Linux's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tools/entry/field_name.h"

static const struct {
    const char *name;
    unsigned encoding;
} names[] = {
    /* Linux, Xen, HyperBone, SimpleVisor */
    {"VIRTUAL_PROCESSOR_ID", 0x0},
    {"POSTED_INTR_NV", 0x2},
    {"POSTED_INTR_NOTIFICATION_VECTOR", 0x2},
    {"GUEST_LDTR_AR_BYTES", 0x4820},
    {"VIRTUAL_APIC_PAGE_ADDR", 0x2012},
    {"VM_FUNCTION_CONTROL", 0x2018},
    {"XSS_EXIT_BITMAP", 0x202c},
    {"VIRT_EXCEPTION_INFO", 0x202a},
    {"GUEST_IA32_DEBUGCTL_HIGH", 0x2803},
    {"CPU_BASED_VM_EXEC_CONTROL", 0x4002},
    {"VM_ENTRY_INTR_INFO_FIELD", 0x4016},
    {"VMX_INSTRUCTION_INFO", 0x440e},
    {"GUEST_INTERRUPTIBILITY_INFO", 0x4824},
    {"GUEST_PREEMPTION_TIMER", 0x482e},
    {"VIRTUALIZATION_EXCEPTION_INFO_ADDDRESS", 0x202a},
    /* HyperPlatform */
    {"kPostedInterruptNotification", 0x2},
    {"kVmcsLinkPointer", 0x2800},
    {"kVmcsLinkPointerHigh", 0x2801},
    {"kVmEntryIntrInfoField", 0x4016},
    {"kCr3TargetValue0", 0x6008},
    {"kVmxInstructionInfo", 0x440e},
    {"kGuestPendingDbgExceptions", 0x6822},
    /* MiniVisor, HyperDbg (ia32-doc), hvpp */
    {"VMCS_CTRL_VIRTUAL_PROCESSOR_IDENTIFIER", 0x0},
    {"VMCS_CTRL_EPT_POINTER_LIST_ADDRESS", 0x2024},
    {"VMCS_CTRL_SECONDARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS", 0x401e},
    {"VMCS_CTRL_VMENTRY_INTERRUPTION_INFORMATION_FIELD", 0x4016},
    {"VMCS_GUEST_VMX_PREEMPTION_TIMER_VALUE", 0x482e},
    {"VMCS_EXIT_GUEST_LINEAR_ADDRESS", 0x640a},
    {"ctrl_secondary_processor_based_vm_execution_controls", 0x401e},
    {"ctrl_vmexit_msr_store_address", 0x2006},
    {"vmexit_instruction_error", 0x4400},
    /* NoirVisor */
    {"guest_msr_ia32_efer", 0x2806},
    {"host_msr_ia32_perf_global_ctrl", 0x2c04},
    {"guest_msr_ia32_bound_config", 0x2812},
    {"ept_pointer_index", 0x4},
    /* HAXM */
    {"VMX_PIN_CONTROLS", 0x4000},
    {"VMX_PRIMARY_PROCESSOR_CONTROLS", 0x4002},
    {"VMX_ENTRY_INTERRUPT_INFO", 0x4016},
    {"VMX_EPTP", 0x201a},
    {"VM_EXIT_INFO_REASON", 0x4402},
    {"VM_EXIT_INFO_IDT_VECTORING_ERROR_CODE", 0x440a},
    {"GUEST_PENDING_DBE", 0x6822},
    {"GUEST_TR_AR", 0x4822},
    /* with the member of a union that holds all bits behind it */
    {"pinbased_ctls.flags", 0x4000},
    {"kGuestCr0.all", 0x6800},
    /* Bochs */
    {"VMCS_16BIT_GUEST_ES_SELECTOR", 0x800},
    {"VMCS_32BIT_CONTROL_PIN_BASED_EXEC_CONTROLS", 0x4000},
    {"VMCS_32BIT_CONTROL_SECONDARY_VMEXEC_CONTROLS", 0x401e},
    {"VMCS_32BIT_CONTROL_EXECUTION_BITMAP", 0x4004},
    {"VMCS_64BIT_GUEST_IA32_PAT_HI", 0x2805},
    {"VMCS_32BIT_HOST_IA32_SYSENTER_CS_MSR", 0x4c00},
    {"VMCS_CONTROL_CR4_READ_SHADOW", 0x6006},
    {"VMCS_64BIT_GUEST_IA32_FRED_STACK_LEVELS", 0x2822},
    /* VirtualBox */
    {"VMX_VMCS16_HOST_TR_SEL", 0xc0c},
    {"VMX_VMCS64_CTRL_IO_BITMAP_A_FULL", 0x2000},
    {"VMX_VMCS64_CTRL_EXEC_VMCS_PTR_HIGH", 0x200d},
    {"VMX_VMCS32_CTRL_PROC_EXEC2", 0x401e},
    {"VMX_VMCS32_RO_EXIT_REASON", 0x4402},
    {"VMX_VMCS32_GUEST_INT_STATE", 0x4824},
    {"VMX_VMCS_GUEST_PENDING_DEBUG_XCPTS", 0x6822},
};

static void names_of_others_are_known(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char plain[FIELD_NAME_MAX];
        struct field_named named;

        field_name_plain(piece_of(names[i].name), plain);
        named = field_named(plain, PART_ANY);
        if (!named.known || named.passed || (named.field | named.high) != names[i].encoding)
            fail_msg("%s, as `%s`, is %s %#x", names[i].name, plain,
                     named.known ? "known as" : "not known:", named.field | named.high);
    }
}

/* What stands in logs beside numbers, and is no field. */
static void other_words_are_not(void **state)
{
    static const char *const words[] = {"",      "exit", "entry",   "guest",     "host",    "sel",
                                        "hosts", "cr3",  "ctl",     "processor", "eflags",  "vm",
                                        "vmcs",  "high", "hostsel", "error",     "message", "cpu"};

    (void)state;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        char plain[FIELD_NAME_MAX];

        field_name_plain(piece_of(words[i]), plain);
        if (field_named(plain, PART_ANY).known)
            fail_msg("`%s` is taken for a field", words[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_others_are_known),
        cmocka_unit_test(other_words_are_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
