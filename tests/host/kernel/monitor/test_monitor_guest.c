/*
 * The monitor's guests on the model CPU: what a VM entry comes to, and which is not done.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "tests/host/kernel/monitor/monitor_talk.h"

static void failures_name_what_explains_them(void **state)
{
    (void)state;
    TALK(CURRENT,
         {"vmread 0x6ffe", "=VMfailValid 12 (VMREAD/VMWRITE from/to unsupported VMCS component); "
                           "this processor has no field 0x6ffe\n"
                           "  SDM Vol. 3, \"VMX Instruction Reference\": vmread\n"},
         {"vmresume", "VMfailValid 5 (VMRESUME with non-launched VMCS); launch state of v: clear"},
         {"vmlaunch", "VMfailValid 7 (VM entry with invalid control field(s)); broken: "
                      "pin-must-be-1, primary-must-be-1, exit-must-be-1"},
         {"invept 3", "VMfailValid 28"}, {"invept 2", "=VMsucceed\n"},
         {"invvpid 2", "=VMsucceed\n"}, {"invvpid 1 0", "VMfailValid 28"},
         {"invvpid 1 0x10001",
          "VMfailValid 28 (Invalid operand to INVEPT/INVVPID)"}, /* bits 63:16 */
         {"invvpid 0 1 0x800000000000", "VMfailValid 28"}, {"invvpid 0 1 0x1000", "=VMsucceed\n"},
         {"vmxon", "VMfailValid 15"}, {"rules", "broken; VM entry: VMfailValid 7\n"},
         {"dump", "Guest state\n"}, {"vmclear v", NULL}, {"rules", "=there is no current VMCS\n"},
         {"dump", "=there is no current VMCS\n"}, {"vmlaunch", "VMfailInvalid"}, {"vmxoff", NULL},
         {"rules", "=there is no current VMCS\n"}, {"vmlaunch", "#UD"});
    assert_int_equal(model_cpu.invalidated.linear, 0x1000);
    assert_int_equal(model_cpu.invalidated.context, 1);
}

/* SDM Vol. 3, "Basic VM-Exit Information": 12 HLT, 10 CPUID, 48 EPT violation. */
static void a_guest_runs_up_to_its_exit(void **state)
{
    (void)state;
    TALK(GUEST, {"rules", "=0 broken; VM entry: enters\n"},
         {"mem write code b8 34 12 0f a2 f4", NULL},
         {"vmlaunch", "=VMsucceed\n  EXIT_REASON 0xa: CPUID\n  GUEST_RIP 0x1003\n"},
         {"regs", "RAX 0x0000000000001234  RCX 0x0000000000000000  RDX 0x0000000000000000\nRBX "},
         {"regs", "R15 0x0000000000000000  RIP 0x0000000000001003  RFL 0x0000000000000002\n"},
         {"state", "  v, launch state: launched\n"}, {"vmlaunch", "VMfailValid 4"},
         {"vmlaunch", "; launch state of v: launched\n"},
         {"vmwrite GUEST_RIP GUEST_RIP+VM_EXIT_INSTRUCTION_LENGTH", NULL},
         {"vmresume", "=VMsucceed\n  EXIT_REASON 0xc: HLT\n  GUEST_RIP 0x1005\n"},
         {"vmwrite GUEST_RIP 0x2000", NULL},
         {"vmresume", "EXIT_REASON 0x30: EPT violation\n  EXIT_QUALIFICATION 0x184: "},
         {"vmresume", "\n  GUEST_PHYSICAL_ADDRESS 0x2000\n  GUEST_RIP 0x2000\n"},
         {"vmwrite GUEST_RSP 0x777", NULL}, {"regs", "RSP 0x0000000000000777"});
}

/* By RFLAGS.TF and #DB, which are afterwards as they were. */
static void a_step_is_one_instruction(void **state)
{
    (void)state;
    TALK(GUEST, {"mem write code 90 b8 cd ab 90 f4", NULL}, {"vmwrite EXCEPTION_BITMAP 0x40", NULL},
         {"step", "VM_EXIT_INTERRUPTION_INFORMATION 0x80000301: "},
         {"vmread GUEST_RIP", "=VMsucceed; 0x1001\n"}, {"vmread GUEST_RFLAGS", "VMsucceed; 0x2:"},
         {"vmread EXCEPTION_BITMAP", "VMsucceed; 0x40:"}, {"step", "GUEST_RIP 0x1004\n"},
         {"regs", "RAX 0x000000000000abcd"}, {"step", "GUEST_RIP 0x1005\n"},
         {"step", "EXIT_REASON 0xc: HLT\n"});
}

static void what_would_not_come_back_is_not_entered(void **state)
{
    (void)state;
    TALK(GUEST, {"mem write code f4", NULL}, {"vmwrite VM_EXIT_MSR_LOAD_COUNT 1", NULL},
         {"vmlaunch", "=not done: the VM exit would load or store MSRs\n"},
         {"vmwrite VM_EXIT_MSR_LOAD_COUNT 0", NULL}, {"vmwrite VM_EXIT_MSR_STORE_COUNT 1", NULL},
         {"vmlaunch", "=not done: the VM exit would load or store MSRs\n"},
         {"vmwrite VM_EXIT_MSR_STORE_COUNT 0", NULL}, {"vmwrite HOST_CR3 0x7000", NULL},
         {"vmlaunch", "not done: HOST_CR3 is 0x7000, this CPU has 0x"},
         {"vmlaunch", ": the VM exit would end the machine\n"}, {"setup", NULL},
         {"vmwrite EPT_POINTER EPT_POINTER+0x40000", NULL}, {"vmlaunch", "not done: 0x"},
         {"vmwrite EPT_POINTER EPT_POINTER-0x40000", NULL}, {"vmlaunch", "EXIT_REASON 0xc: HLT"});
}

/*
 * SDM Vol. 3, "Loading Host Control Registers, Debug Registers, MSRs": IA32_EFER (VM entry's bit
 * 15, VM exit's bit 21) and IA32_PAT (14, 19) are loaded back only where both controls are 1.
 */
static void what_the_exit_would_not_load_back_is_not_entered(void **state)
{
    const char *stays =
        "=not done: VM entry would load IA32_EFER or IA32_PAT, and the VM exit not\n";
    const char *runs = "=not done: VM entry would load an MSR that Rootmode runs on\n";

    (void)state;
    TALK(GUEST, {"mem write code f4", NULL},
         {"vmwrite VM_ENTRY_CONTROLS VM_ENTRY_CONTROLS|0x8000", NULL}, {"vmlaunch", stays},
         {"vmwrite PRIMARY_VM_EXIT_CONTROLS PRIMARY_VM_EXIT_CONTROLS|0x80000", NULL},
         {"vmlaunch", stays},
         {"vmwrite PRIMARY_VM_EXIT_CONTROLS PRIMARY_VM_EXIT_CONTROLS|0x200000", NULL},
         {"vmlaunch", "EXIT_REASON 0xc: HLT"},
         {"vmwrite VM_ENTRY_CONTROLS VM_ENTRY_CONTROLS|0x4000", NULL},
         {"vmwrite GUEST_IA32_PAT 0x0007040600070406", NULL}, {"vmresume", "EXIT_REASON 0xc: HLT"},
         {"vmwrite PRIMARY_VM_EXIT_CONTROLS PRIMARY_VM_EXIT_CONTROLS-0x80000", NULL},
         {"vmresume", stays}, {"setup", NULL});
    TALK({"alloc list", NULL}, {"vmwrite VM_ENTRY_MSR_LOAD_ADDRESS list", NULL},
         {"mem write list 82 00 00 c0 00 00 00 00 00 00 00 00 00 00 00 00", NULL},
         {"mem write list+16 80 00 00 c0 00 00 00 00 00 00 00 00 00 00 00 00", NULL},
         {"vmwrite VM_ENTRY_MSR_LOAD_COUNT 2", NULL}, {"vmresume", runs},
         {"vmwrite VM_ENTRY_MSR_LOAD_COUNT 1", NULL}, {"vmresume", "EXIT_REASON 0xc: HLT"},
         {"mem write list 10 00 00 00", NULL}, {"vmresume", runs},
         {"mem write list a0 01 00 00", NULL}, {"vmresume", "EXIT_REASON 0xc: HLT"},
         {"mem write list+12 04", NULL}, {"vmresume", runs},
         {"vmwrite VM_ENTRY_MSR_LOAD_ADDRESS 0xfffffff000", NULL}, {"vmresume", runs});
}

/*
 * External-interrupt exiting is bit 0, the VMX-preemption timer bit 6; 2 is shutdown, in which
 * external interrupts are blocked, 3 wait-for-SIPI, in which the timer ends nothing, either.
 */
static void what_nothing_would_end_is_not_entered(void **state)
{
    const char *never = "=not done: nothing would bring the guest back\n";

    (void)state;
    TALK(GUEST, {"mem write code f4", NULL}, {"vmwrite PIN_BASED_VM_EXECUTION_CONTROLS 0x16", NULL},
         {"vmlaunch", never}, {"step", never},
         {"vmwrite PIN_BASED_VM_EXECUTION_CONTROLS 0x17", NULL},
         {"vmlaunch", "EXIT_REASON 0xc: HLT"}, {"vmwrite GUEST_ACTIVITY_STATE 2", NULL},
         {"vmresume", never}, {"vmwrite PIN_BASED_VM_EXECUTION_CONTROLS 0x56", NULL},
         {"vmresume", "EXIT_REASON"}, {"vmwrite GUEST_ACTIVITY_STATE 1", NULL},
         {"vmresume", "EXIT_REASON"}, {"vmwrite PIN_BASED_VM_EXECUTION_CONTROLS 0x57", NULL},
         {"vmwrite GUEST_ACTIVITY_STATE 3", NULL}, {"vmresume", never});
}

/* Page tables of its own, or other code on the host's: either would reach all memory. */
static void without_ept_there_is_no_guest_but_the_hosts(void **state)
{
    const char *all = "=not done: without EPT the guest would have all memory\n";

    (void)state;
    TALK(GUEST, {"vmwrite SECONDARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS 0", NULL},
         {"vmwrite GUEST_CR0 0x80000031", NULL}, {"vmwrite GUEST_CR3 code", NULL},
         {"vmlaunch", all}, {"vmwrite GUEST_CR3 HOST_CR3", NULL}, {"vmlaunch", all});
}

/* SDM Vol. 3, "Format of an EPT Page-Table Entry that Maps a 4-KByte Page". */
static void ept_entries_are_as_asked_for(void **state)
{
    (void)state;
    TALK(
        GUEST, {"ept map 0x2000 code r", "=mapped\n"}, {"ept map 0x3000 code w", "=mapped\n"},
        {"ept map 0x4000 code rx 0", "=mapped\n"}, {"ept map 0x5000 code rwx 2", "=mapped\n"},
        {"ept walk 0x1000", "=level 1, bits 0x37: code\n"},
        {"ept walk 0x2000", "=level 1, bits 0x31: code\n"},
        {"ept walk 0x3000", "=level 1, bits 0x32: misconfigured, it allows writes but not reads\n"},
        {"ept walk 0x4000", "=level 1, bits 0x5: code\n"},
        {"ept walk 0x5000", "level 1, bits 0x17: misconfigured, "},
        {"ept walk 0x6000", "=level 1, bits 0x0: not present\n"},
        {"ept map 0x1000000000000 code",
         "=no table for that address, or no such right or memory type\n"},
        {"ept map 0x1000 code rwx 8",
         "=no table for that address, or no such right or memory type\n"},
        {"ept map 0x1000 code rwz",
         "=no table for that address, or no such right or memory type\n"},
        {"ept map 0x1000 code rwx 0x1000000000", "or memory type"},
        {"ept map 0x8000 code rwx 7", "=mapped\n"}, {"ept map 0xfffffffff000 code", "=mapped\n"},
        {"ept map 0x7000 0x150000", "not done: 0x150000 is its page pool"},
        {"ept walk 0x7000", "not present"});
}

/* Without "unrestricted guest" there is no real mode: SDM Vol. 3, "Checks on Guest Control
 * Registers". */
static void without_unrestricted_guest_setup_is_another_guest(void **state)
{
    struct vmx_msrs *msrs = &model_cpu.msrs;

    (void)state;
    msrs->value[IA32_VMX_PROCBASED_CTLS2 - VMX_MSR_FIRST] &= ~(uint64_t)SECONDARY_UNRESTRICTED_GUEST
                                                             << 32;
    TALK(CURRENT,
         {"setup", "=VMsucceed; no unrestricted guest here: one that executes CPUID in "
                   "the host's address space\n"},
         {"vmread PIN_BASED_VM_EXECUTION_CONTROLS", "VMsucceed; 0x17: external-interrupt exiting"},
         {"vmwrite GUEST_CR3 GUEST_CR3+0x1000", NULL}, {"vmlaunch", "not done: without EPT"},
         {"vmwrite GUEST_CR3 HOST_CR3", NULL}, {"vmwrite GUEST_RIP GUEST_RIP+4", NULL},
         {"vmlaunch", "not done: without EPT"}, {"vmwrite GUEST_RIP GUEST_RIP-5", NULL},
         {"vmlaunch", "not done: without EPT"}, {"vmwrite GUEST_RIP GUEST_RIP+1", NULL},
         {"vmwrite VM_ENTRY_INTERRUPTION_INFORMATION 0x80000306", NULL},
         {"vmlaunch", "not done: without EPT"},
         {"vmwrite VM_ENTRY_INTERRUPTION_INFORMATION 0", NULL}, {"vmlaunch", "VMsucceed"});
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(failures_name_what_explains_them, begin),
        cmocka_unit_test_setup(a_guest_runs_up_to_its_exit, begin),
        cmocka_unit_test_setup(a_step_is_one_instruction, begin),
        cmocka_unit_test_setup(what_would_not_come_back_is_not_entered, begin),
        cmocka_unit_test_setup(what_the_exit_would_not_load_back_is_not_entered, begin),
        cmocka_unit_test_setup(what_nothing_would_end_is_not_entered, begin),
        cmocka_unit_test_setup(without_ept_there_is_no_guest_but_the_hosts, begin),
        cmocka_unit_test_setup(ept_entries_are_as_asked_for, begin),
        cmocka_unit_test_setup(without_unrestricted_guest_setup_is_another_guest, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
