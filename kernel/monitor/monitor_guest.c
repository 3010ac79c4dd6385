/* Guests: their VMCS and the rules for it, the way in and out, their memory. */
#include "kernel/monitor/monitor.h"

#include "lib/string.h"
#include "mm/memory_use.h"
#include "vmx/entry/vmentry_check.h"
#include "vmx/entry/vmentry_state.h"
#include "vmx/selftest/selftest.h"
#include "vmx/text/exit_text.h"
#include "vmx/text/vmcs_dump.h"

enum { RIP_IN_REAL_MODE = 0x1000, SETUP_CODE = 4 /* bytes */, TIMER_TICKS = 4000000, RSP = 4 };

/* Too large for a stack; one command runs at a time. */
static struct vmcs_image image;
static struct vmentry_findings findings;

static uint64_t get(enum vmcs_field field)
{
    return vmcs_image_get(&image, field);
}

/* Reads the current VMCS and checks it; false: there is none. */
static bool check(void)
{
    vmentry_check_current(&monitor.capability, monitor.cpu.config.revision_id, &image, &findings);
    return monitor.vmcs != UINT64_MAX;
}

void monitor_show(bool rules)
{
    if (!check()) {
        say("there is no current VMCS\n");
    } else if (!rules) {
        vmcs_dump_text(&image, (struct vmcs_marks){0}, &monitor.sink);
    } else {
        for (uint32_t i = 0; i < findings.count; i++)
            vmentry_explain(&monitor.sink, &findings.item[i]);
        say("%u broken; VM entry: %s\n", findings.count + findings.lost,
            vmentry_class_name(vmentry_predict(&findings).class));
    }
}

void monitor_print_broken(void)
{
    say(findings.count > 0 ? "; broken: " : "");
    vmentry_names_print(&monitor.sink, &findings);
}

void monitor_print_field(const char *before, uint64_t field, uint64_t value)
{
    char text[256];
    struct text_buffer words;

    text_buffer_init(&words, text, sizeof(text));
    vmcs_image_read(&image, &monitor.capability);
    vmcs_field_print(&words.sink, &image, (enum vmcs_field)field);
    say("%s 0x%lx%s%s\n", before, value, words.length > 0 ? ": " : "", text);
}

static bool has_ept(void)
{
    if (monitor.ept.radix.root != 0 ||
        ept_init(&monitor.ept, &monitor.capability, monitor.cpu.memory_types.physical_width,
                 &monitor.ept_pages) == MAP_OK)
        return true;
    say("no page is left\n");
    return false;
}

/*
 * In real mode at 0x1000, on EPT, which maps nothing. Interrupts, exceptions and HLT exit, and a
 * guest that goes on and on, where there is a VMX-preemption timer.
 */
static struct vmx_result write_guest(void)
{
    const struct vmx_capability *has = &monitor.capability;
    const uint32_t controls[VMX_CONTROL_WORD_COUNT] = {
        [VMX_CONTROL_PIN] = (uint32_t)has->pin_allowed0 | PIN_EXTERNAL_INTERRUPT_EXITING |
                            ((uint32_t)has->pin_allowed1 & PIN_PREEMPTION_TIMER),
        [VMX_CONTROL_PRIMARY] =
            (uint32_t)has->primary_allowed0 | PRIMARY_HLT_EXITING | PRIMARY_SECONDARY_CONTROLS,
        [VMX_CONTROL_SECONDARY] = SECONDARY_ENABLE_EPT | SECONDARY_UNRESTRICTED_GUEST,
        [VMX_CONTROL_EXIT] = (uint32_t)has->exit_allowed0 | EXIT_HOST_ADDRESS_SPACE_SIZE,
        [VMX_CONTROL_ENTRY] = (uint32_t)has->entry_allowed0,
    };

    memset(&image, 0, sizeof(image));
    vmcs_image_set_host(&image);
    vmcs_image_init(&image, has, controls);
    vmcs_image_segment(&image, SEGMENT_CS, (struct vmcs_segment){0, 0, UINT16_MAX, RIGHTS_CODE_16});
    vmcs_image_put(&image, VMCS_GUEST_RIP, RIP_IN_REAL_MODE);
    vmcs_image_put(&image, VMCS_GUEST_CR0, CR0_NE);
    vmcs_image_put(&image, VMCS_GUEST_CR4, CR4_VMXE);
    vmcs_image_put(&image, VMCS_EXCEPTION_BITMAP, UINT32_MAX);
    vmcs_image_put(&image, VMCS_VMX_PREEMPTION_TIMER_VALUE, TIMER_TICKS);
    vmcs_image_put(&image, VMCS_EPT_POINTER, ept_pointer(&monitor.ept));
    return vmcs_image_write(&image);
}

void monitor_setup(void)
{
    if ((monitor.capability.secondary_allowed1 & SECONDARY_UNRESTRICTED_GUEST) == 0) {
        (void)monitor_tell(
            selftest_guest_write(&monitor.cpu.msrs),
            "; no unrestricted guest here: one that executes CPUID in the host's address space\n");
        (void)vmwrite(VMCS_PIN_BASED_VM_EXECUTION_CONTROLS,
                      (uint32_t)monitor.capability.pin_allowed0 | PIN_EXTERNAL_INTERRUPT_EXITING);
    } else if (has_ept())
        (void)monitor_tell(write_guest(),
                           "; a guest in real mode at 0x1000, on EPT that maps nothing yet\n");
}

/*
 * SDM Vol. 3, "Activity State": external interrupts are blocked in shutdown and wait-for-SIPI;
 * "VMX-Preemption Timer": it causes no VM exit in the latter.
 */
static bool exits_by_itself(void)
{
    uint64_t activity = get(VMCS_GUEST_ACTIVITY_STATE);
    bool blocked = activity == ACTIVITY_SHUTDOWN || activity == ACTIVITY_WAIT_FOR_SIPI;
    uint64_t exits = PIN_PREEMPTION_TIMER | (blocked ? 0 : PIN_EXTERNAL_INTERRUPT_EXITING);

    return activity != ACTIVITY_WAIT_FOR_SIPI &&
           (get(VMCS_PIN_BASED_VM_EXECUTION_CONTROLS) & exits) != 0;
}

/* A list that cannot be read may load anything. */
static bool loads_vital(void)
{
    uint64_t address = get(VMCS_VM_ENTRY_MSR_LOAD_ADDRESS);
    uint64_t left = get(VMCS_VM_ENTRY_MSR_LOAD_COUNT);
    struct vmentry_msr_entry entry;

    while (left-- > 0 && memory_read(address, &entry, sizeof(entry))) {
        if (monitor_is_vital(entry.index, entry.value))
            return true;
        address += sizeof(entry);
    }
    return left != UINT64_MAX;
}

/*
 * SDM Vol. 3, "Loading Host State": what a VM exit loads that is wrong ends the machine; what it
 * does not load, and the VM entry did, stays the guest's.
 */
static bool comes_back(void)
{
    uint64_t entry = get(VMCS_VM_ENTRY_CONTROLS), exit = get(VMCS_PRIMARY_VM_EXIT_CONTROLS), here;
    uint64_t tables = get(VMCS_EPT_POINTER) & EPTP_TABLES;
    bool on_ept =
        (get(VMCS_SECONDARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS) & SECONDARY_ENABLE_EPT) != 0;
    uint32_t row = vmcs_host_difference(&image, 0, &here);
    char name[VMCS_FIELD_SYMBOL_SIZE];

    if (vmcs_field_symbol(row, name))
        say("not done: %s is 0x%lx, this CPU has 0x%lx: the VM exit would end the machine\n", name,
            image.value[row], here);
    else if (!exits_by_itself())
        say("not done: nothing would bring the guest back\n");
    else if (((entry & ENTRY_LOAD_EFER) != 0 && (exit & EXIT_LOAD_EFER) == 0) ||
             ((entry & ENTRY_LOAD_PAT) != 0 && (exit & EXIT_LOAD_PAT) == 0))
        say("not done: VM entry would load IA32_EFER or IA32_PAT, and the VM exit not\n");
    else if (loads_vital())
        say("not done: VM entry would load an MSR that Rootmode runs on\n");
    else if ((get(VMCS_VM_EXIT_MSR_LOAD_COUNT) | get(VMCS_VM_EXIT_MSR_STORE_COUNT)) != 0)
        say("not done: the VM exit would load or store MSRs\n");
    else if (!on_ept && (get(VMCS_GUEST_CR3) != get(VMCS_HOST_CR3) ||
                         get(VMCS_VM_ENTRY_INTERRUPTION_INFORMATION) != 0 ||
                         get(VMCS_GUEST_RIP) - (uintptr_t)selftest_guest_code >= SETUP_CODE))
        say("not done: without EPT the guest would have all memory\n");
    else
        return !on_ept || tables == monitor.ept.radix.root || !monitor_is_foreign(tables);
    return false;
}

/* What the VM exit left in the VMCS, in words. */
static void tell_exit(void)
{
    static const enum vmcs_field fields[] = {VMCS_EXIT_REASON, VMCS_EXIT_QUALIFICATION,
                                             VMCS_VM_EXIT_INTERRUPTION_INFORMATION,
                                             VMCS_GUEST_PHYSICAL_ADDRESS, VMCS_GUEST_RIP};
    uint64_t reason = get(VMCS_EXIT_REASON);
    bool is_of_ept =
        reason == EXIT_REASON_EPT_VIOLATION || reason == EXIT_REASON_EPT_MISCONFIGURATION;

    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        char name[2 + VMCS_FIELD_SYMBOL_SIZE] = "  ";
        uint64_t value = get(fields[i]);

        (void)vmcs_field_symbol(vmcs_field_index(fields[i]), name + 2);
        if ((value != 0 || i == 0) && (is_of_ept || fields[i] != VMCS_GUEST_PHYSICAL_ADDRESS))
            monitor_print_field(name, fields[i], value);
    }
}

void monitor_run_guest(bool resume)
{
    struct monitor_page *page = monitor_page_of(monitor.vmcs);

    if ((check() && vmentry_predict(&findings).class >= VMENTRY_GUEST && !comes_back()) ||
        !monitor_tell(monitor_enter(resume), ""))
        return;
    vmcs_image_read(&image, &monitor.capability);
    if ((get(VMCS_EXIT_REASON) & EXIT_REASON_ENTRY_FAILURE) != 0)
        monitor_print_broken();
    else if (page != NULL)
        page->launch = LAUNCH_LAUNCHED;
    say("\n");
    tell_exit();
}

/* By RFLAGS.TF and an exit of #DB, which every processor has; the monitor trap flag is newer. */
void monitor_step(void)
{
    const struct monitor_page *page = monitor_page_of(monitor.vmcs);
    uint64_t exceptions = check() ? get(VMCS_EXCEPTION_BITMAP) : 0;

    (void)vmwrite(VMCS_EXCEPTION_BITMAP, exceptions | 1u << X86_VECTOR_DB);
    (void)vmwrite(VMCS_GUEST_RFLAGS, get(VMCS_GUEST_RFLAGS) | RFLAGS_TF);
    monitor_run_guest(page != NULL && page->launch == LAUNCH_LAUNCHED);
    (void)vmwrite(VMCS_GUEST_RFLAGS, get(VMCS_GUEST_RFLAGS) & ~RFLAGS_TF);
    (void)vmwrite(VMCS_EXCEPTION_BITMAP, exceptions);
}

void monitor_registers(void)
{
    monitor.registers[RSP] = check() ? get(VMCS_GUEST_RSP) : 0;
    for (unsigned i = 0; i < 16; i++)
        say("%-3s 0x%016lx%s", exit_register_names[i], monitor.registers[i],
            i % 3 == 2 ? "\n" : "  ");
    say("RIP 0x%016lx  RFL 0x%016lx\n", get(VMCS_GUEST_RIP), get(VMCS_GUEST_RFLAGS));
}

/* The entry as it is asked for, also one that the processor refuses. */
void monitor_map(uint64_t from, uint64_t to, uint64_t type)
{
    static const char letters[] = "rwx"; /* in the order of EPT_READ, EPT_WRITE, EPT_EXECUTE */
    uint64_t rights = monitor.given.count > 2 ? 0 : EPT_ALL, *entry = NULL;

    for (size_t i = 0; i < monitor.given.text.length; i++) {
        const char *letter = strchr(letters, monitor.given.text.start[i]);

        rights |= letter != NULL ? 1u << (letter - letters) : EPT_ALL + 1;
    }
    if (monitor_is_foreign(to) || !has_ept())
        return;
    if (from >> RADIX_BITS == 0 && rights <= EPT_ALL && type < 8) /* EPT's bits 5:3 */
        entry = radix_make(&monitor.ept.radix, from, LEVEL_PT);
    if (entry != NULL)
        *entry = (to & RADIX_ADDRESS) | rights | type << EPT_MEMORY_TYPE_SHIFT;
    monitor.refused = entry == NULL;
    say("%s\n",
        entry != NULL ? "mapped" : "no table for that address, or no such right or memory type");
}

void monitor_walk(uint64_t address)
{
    struct ept_walk walk;

    if (!has_ept())
        return;
    walk = ept_walk(&monitor.ept, address);
    say("level %d, bits 0x%lx: ", walk.level, (uint64_t)(walk.entry & ~RADIX_ADDRESS));
    if (walk.misconfiguration != EPT_WELL_CONFIGURED)
        say("misconfigured, %s", ept_misconfiguration_text(walk.misconfiguration));
    else if (walk.mapped)
        monitor_print_address(walk.physical, "");
    else
        say("not present");
    say("\n");
}
