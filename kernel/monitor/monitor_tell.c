/*
 * What came of an instruction, and why. A failure changes nothing but the VM-instruction error, so
 * what is looked at here is what the processor has looked at.
 *
 * SDM Vol. 3, "VMX Instruction Reference": the "Operation" of each instruction.
 */
#include "kernel/monitor/monitor.h"

#include "lib/x86_vmx.h"
#include "mm/memory_use.h"
#include "vmx/capability/vmxon_registers.h"
#include "vmx/text/exit_text.h"

struct monitor monitor;

void say(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vprint_to(&monitor.sink, format, arguments);
    va_end(arguments);
}

struct monitor_page *monitor_page_of(uint64_t address)
{
    for (uint32_t i = 0; i < monitor.page_count; i++) {
        if (address - monitor.page[i].address < PAGE_SIZE << monitor.cpu.config.order)
            return &monitor.page[i];
    }
    return NULL;
}

void monitor_print_address(uint64_t address)
{
    const struct monitor_page *page = monitor_page_of(address);

    if (page == NULL)
        say("0x%lx", address);
    else if (address == page->address)
        say("%s", page->name);
    else
        say("%s+0x%lx", page->name, address - page->address);
}

bool monitor_current(uint64_t *vmcs)
{
    return vmx_ok(vmptrst(vmcs));
}

static void tell_bits(const char *name, uint64_t seen, uint64_t wanted)
{
    if (seen != wanted)
        say("; %s is 0x%lx, wanted 0x%lx", name, seen, wanted);
}

/* What VMXON, VMCLEAR and VMPTRLD demand of an address. */
static void tell_address(uint64_t address)
{
    unsigned width = monitor.cpu.memory_types.physical_width;
    uint32_t revision_id;

    if (address % PAGE_SIZE != 0)
        say("; the address is no multiple of 4096");
    else if (address >> width != 0)
        say("; physical addresses have %u bits", width);
    else if (memory_read(address, &revision_id, sizeof(revision_id)))
        tell_bits("revision id", revision_id, monitor.cpu.config.revision_id);
}

static void tell_fault(bool is_vmxon, bool is_on, uint32_t vector)
{
    const struct vmx_cpu *cpu = &monitor.cpu;

    say("%s", exception_name(vector));
    if (vector == X86_VECTOR_GP && is_vmxon) {
        tell_bits("CR0", read_cr0(), cr0_for_vmx(read_cr0(), &cpu->msrs));
        tell_bits("CR4", read_cr4(), cr4_for_vmx(read_cr4(), &cpu->msrs));
        tell_bits("IA32_FEATURE_CONTROL", cpu->feature_control,
                  cpu->feature_control | FEATURE_CONTROL_LOCK | FEATURE_CONTROL_VMX);
    } else if (vector == X86_VECTOR_UD) {
        say("; %s", cpu->msrs.present == 0 ? "this processor has no VMX: CPUID.01H:ECX[5] is 0"
                    : is_vmxon             ? "CR4.VMXE is 0"
                    : !is_on               ? "VMX operation is off"
                                           : "IA32_VMX_EPT_VPID_CAP says that it is not there");
    }
}

static void tell_error(uint64_t operand, uint64_t vmcs, uint32_t number)
{
    static const char *const launch[] = {"unknown, for it was never cleared", "clear", "launched"};
    const struct monitor_page *page = monitor_page_of(vmcs);
    const char *text = vmx_error_text(number);

    say("VMfailValid %u (%s)", number, text != NULL ? text : "not defined");
    if (number == 2 || number == 9 || number == 11)
        tell_address(operand);
    else if ((number == 4 || number == 5) && page != NULL)
        say("; launch state of %s: %s", page->name, launch[page->launch]);
    else if (number == 7 || number == 8)
        monitor_print_broken();
    else if (number == 12)
        say("; this processor has no field 0x%lx", operand);
    else if (number == 13)
        say("; IA32_VMX_MISC[29] is 0");
    else if (number == 28)
        say("; IA32_VMX_EPT_VPID_CAP 0x%lx",
            vmx_msr_value(&monitor.cpu.msrs, IA32_VMX_EPT_VPID_CAP));
}

bool monitor_tell(enum monitor_instruction instruction, uint64_t operand, struct vmx_result result)
{
    uint64_t vmcs = UINT64_MAX;
    bool is_on = monitor_current(&vmcs);

    say("%s", result.outcome <= VMX_FAIL_INVALID ? vmx_outcome_name(result.outcome) : "");
    if (vmx_ok(result))
        return true;
    if (result.outcome == VMX_FAULT)
        tell_fault(instruction == MONITOR_VMXON, is_on, result.number);
    else if (result.outcome == VMX_FAIL_VALID)
        tell_error(operand, vmcs, result.number);
    else if (is_on)
        say("; there is no current VMCS to hold an error number");
    if (result.outcome == VMX_FAIL_INVALID && instruction != MONITOR_OTHER)
        tell_address(operand);
    say("\n  SDM Vol. 3, \"VMX Instruction Reference\", \"%s\"\n", monitor.command);
    return false;
}
