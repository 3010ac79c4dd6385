#include "kernel/monitor/monitor.h"

#include "lib/x86.h"
#include "mm/memory_use.h"
#include "vmx/capability/vmxon_registers.h"
#include "vmx/text/failure_text.h"

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

    if (page != NULL)
        say("%s", page->name);
    else
        say(address == UINT64_MAX ? "none" : "0x%lx", address);
}

bool monitor_is_foreign(uint64_t address)
{
    const char *owner = memory_owned(address);

    if (monitor_page_of(address) != NULL)
        return false;
    say("not done: 0x%lx is %s; `alloc NAME` gives a page\n", address,
        owner != NULL ? owner : "no page of the monitor's");
    return true;
}

bool monitor_current(uint64_t *vmcs)
{
    return vmx_ok(vmptrst(vmcs));
}

bool monitor_tell(enum monitor_instruction instruction, uint64_t operand, struct vmx_result result)
{
    const struct vmx_cpu *cpu = &monitor.cpu;
    uint64_t vmcs = UINT64_MAX;
    struct failure_facts facts = {
        .is_vmxon = instruction == MONITOR_VMXON,
        .takes_region = instruction != MONITOR_OTHER,
        .has_vmx = cpu->msrs.present != 0,
        .is_on = monitor_current(&vmcs),
        .operand = operand,
        .physical_address_width = cpu->memory_types.physical_width,
        .revision_id = cpu->config.revision_id,
        .cr0 = read_cr0(),
        .cr0_wanted = cr0_for_vmx(read_cr0(), &cpu->msrs),
        .cr4 = read_cr4(),
        .cr4_wanted = cr4_for_vmx(read_cr4(), &cpu->msrs),
        .feature_control = cpu->feature_control,
        .ept_vpid_cap = vmx_msr_value(&cpu->msrs, IA32_VMX_EPT_VPID_CAP),
    };
    const struct monitor_page *page = monitor_page_of(vmcs);

    if (vmx_ok(result)) {
        say("VMsucceed");
        return true;
    }
    facts.has_revision = memory_read(operand, &facts.revision, sizeof(facts.revision));
    failure_print(&monitor.sink, result, &facts);
    if (result.outcome == VMX_FAIL_VALID && (result.number == 4 || result.number == 5) && page)
        say("; launch state of %s: %s", page->name, monitor_launch_names[page->launch]);
    if (result.outcome == VMX_FAIL_VALID && (result.number == 7 || result.number == 8))
        monitor_print_broken();
    say("\n  SDM Vol. 3, \"VMX Instruction Reference\": %s\n", monitor.command);
    return false;
}
