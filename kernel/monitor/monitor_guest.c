/* Guests: their VMCS and the rules for it, the way in and out, their memory. */
#include "kernel/monitor/monitor.h"

#include "lib/string.h"
#include "mm/memory_use.h"
#include "vmx/entry/vmentry_check.h"
#include "vmx/exit_reason.h"
#include "vmx/selftest/selftest.h"
#include "vmx/text/exit_text.h"
#include "vmx/text/vmcs_dump.h"

enum { RIP_IN_REAL_MODE = 0x1000, TIMER_TICKS = 4000000, RSP = 4 };

/* Too large for a stack; one command runs at a time. */
static struct vmcs_image image;
static struct vmentry_findings findings;

static bool read_ram(const struct vmentry_context *context, uint64_t address, void *to,
                     size_t bytes)
{
    (void)context;
    return memory_read(address, to, bytes);
}

/* Reads the current VMCS and checks it; false: there is none, and `why` is told. */
static bool check(const char *why)
{
    struct vmentry_context context = {.read = read_ram, .current_vmcs = UINT64_MAX};

    findings.count = 0;
    if (!monitor_current(&context.current_vmcs) || context.current_vmcs == UINT64_MAX) {
        say("%s", why);
        return false;
    }
    vmcs_image_read(&image, &monitor.capability);
    vmentry_context_read(&monitor.capability, monitor.cpu.config.revision_id, &context);
    vmentry_check(&image, &context, &findings);
    return true;
}

COMMAND(rules, "rules", "", "what VM entry would refuse now")
{
    if (!check("there is no current VMCS\n"))
        return;
    for (uint32_t i = 0; i < findings.count; i++)
        vmentry_explain(&monitor.sink, &findings.item[i]);
    say("%u broken; VM entry: %s\n", findings.count + findings.lost,
        vmentry_class_name(vmentry_predict(&findings).class));
}

COMMAND(dump, "dump", "", "the current VMCS in words")
{
    if (check("there is no current VMCS\n"))
        vmcs_dump_text(&image, (struct vmcs_marks){0}, &monitor.sink);
}

void monitor_print_broken(void)
{
    for (uint32_t i = 0; i < findings.count; i++) {
        if (i == 0 || findings.item[i].rule != findings.item[i - 1].rule)
            say("%s%s", i == 0 ? "; broken: " : ", ",
                vmentry_rule_text(findings.item[i].rule).name);
    }
}

static void print_words(enum vmcs_field field)
{
    char text[256];
    struct text_buffer buffer;

    text_buffer_init(&buffer, text, sizeof(text));
    vmcs_field_print(&buffer.sink, &image, field);
    say("%s%s\n", buffer.length > 0 ? ": " : "", text);
}

void monitor_print_field(uint64_t encoding, uint64_t value)
{
    (void)check("");
    vmcs_image_put(&image, (enum vmcs_field)encoding, value);
    say("; 0x%lx", value);
    print_words((enum vmcs_field)encoding);
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

COMMAND(setup, "setup", "", "VMWRITEs a host and a guest that keep all rules")
{
    bool real = (monitor.capability.secondary_allowed1 & SECONDARY_UNRESTRICTED_GUEST) != 0;

    if (real && has_ept() && monitor_tell(MONITOR_OTHER, 0, write_guest()))
        say("; a guest in real mode at 0x1000, on EPT that maps nothing yet\n");
    else if (!real && monitor_tell(MONITOR_OTHER, 0, selftest_guest_write(&monitor.cpu.msrs)))
        say("; no unrestricted guest here: one that executes CPUID in the host's address space\n");
}

/*
 * SDM Vol. 3, "Loading Host State": what a VM exit loads that is wrong ends the machine, and so may
 * its lists of MSRs. A VM entry that fails over controls or host state has no exit.
 */
static bool would_come_back(void)
{
    bool on_ept = (vmcs_image_get(&image, VMCS_SECONDARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS) &
                   SECONDARY_ENABLE_EPT) != 0;
    uint64_t here, tables = vmcs_image_get(&image, VMCS_EPT_POINTER) & EPTP_TABLES;
    char name[VMCS_FIELD_SYMBOL_SIZE];
    uint32_t row = vmcs_host_difference(&image, 0, &here);

    if (vmentry_predict(&findings).class < VMENTRY_GUEST)
        return true;
    if (vmcs_field_symbol(row, name))
        say("not done: %s is 0x%lx, this CPU has 0x%lx: the VM exit would end the machine\n", name,
            image.value[row], here);
    else if (vmcs_image_get(&image, VMCS_VM_EXIT_MSR_LOAD_COUNT) != 0 ||
             vmcs_image_get(&image, VMCS_VM_EXIT_MSR_STORE_COUNT) != 0)
        say("not done: the VM exit would load or store MSRs\n");
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
    uint64_t reason = vmcs_image_get(&image, VMCS_EXIT_REASON);

    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        char name[VMCS_FIELD_SYMBOL_SIZE];
        uint64_t value = vmcs_image_get(&image, fields[i]);
        bool is_of_ept =
            reason == EXIT_REASON_EPT_VIOLATION || reason == EXIT_REASON_EPT_MISCONFIGURATION;

        if ((value == 0 && i > 0) || (fields[i] == VMCS_GUEST_PHYSICAL_ADDRESS && !is_of_ept))
            continue;
        (void)vmcs_field_symbol(vmcs_field_index(fields[i]), name);
        say("  %s 0x%lx", name, value);
        print_words(fields[i]);
    }
}

static void enter(bool resume)
{
    uint64_t vmcs = UINT64_MAX;
    struct monitor_page *page;

    if ((check("") && !would_come_back()) || !monitor_tell(MONITOR_OTHER, 0, monitor_enter(resume)))
        return;
    (void)monitor_current(&vmcs);
    page = monitor_page_of(vmcs);
    vmcs_image_read(&image, &monitor.capability);
    if (vmcs_image_get(&image, VMCS_EXIT_REASON) & EXIT_REASON_ENTRY_FAILURE)
        monitor_print_broken();
    else if (page != NULL)
        page->launch = LAUNCH_LAUNCHED;
    say("\n");
    tell_exit();
}

COMMAND(vmlaunch, "vmlaunch", "", "enters a guest, up to its VM exit")
{
    enter(false);
}

COMMAND(vmresume, "vmresume", "", "likewise, one that was launched")
{
    enter(true);
}

static uint64_t field(enum vmcs_field of)
{
    uint64_t value = 0;

    (void)vmread(of, &value);
    return value;
}

/* By RFLAGS.TF and an exit of #DB, which every processor has; the monitor trap flag is newer. */
COMMAND(step, "step", "", "likewise, for one instruction")
{
    uint64_t vmcs = UINT64_MAX, exceptions = field(VMCS_EXCEPTION_BITMAP);
    const struct monitor_page *page;

    (void)monitor_current(&vmcs);
    page = monitor_page_of(vmcs);
    (void)vmwrite(VMCS_EXCEPTION_BITMAP, exceptions | 1u << X86_VECTOR_DB);
    (void)vmwrite(VMCS_GUEST_RFLAGS, field(VMCS_GUEST_RFLAGS) | RFLAGS_TF);
    enter(page != NULL && page->launch == LAUNCH_LAUNCHED);
    (void)vmwrite(VMCS_GUEST_RFLAGS, field(VMCS_GUEST_RFLAGS) & ~RFLAGS_TF);
    (void)vmwrite(VMCS_EXCEPTION_BITMAP, exceptions);
}

COMMAND(regs, "regs", "", "of the guest")
{
    monitor.registers[RSP] = field(VMCS_GUEST_RSP);
    for (unsigned i = 0; i < 16; i++)
        say("%-3s 0x%016lx%s", exit_register_names[i], monitor.registers[i],
            i % 3 == 2 ? "\n" : "  ");
    say("RIP 0x%016lx  RFL 0x%016lx\n", field(VMCS_GUEST_RIP), field(VMCS_GUEST_RFLAGS));
}

/* The entry as it is asked for, also one that the processor refuses. */
COMMAND(ept_map, "ept map", "ADDRESS ADDRESS [NAME [VALUE", "from, to; rwx or less; memory type")
{
    static const char letters[] = "rwx"; /* in the order of EPT_READ, EPT_WRITE, EPT_EXECUTE */
    uint64_t type = given->count > 3 ? given->value[3] : MEMORY_TYPE_WB, *entry = NULL;
    uint64_t rights = given->count > 2 ? 0 : EPT_ALL;

    for (size_t i = 0; i < given->text[2].length; i++) {
        const char *letter = strchr(letters, given->text[2].start[i]);

        rights |= letter != NULL ? 1u << (letter - letters) : 0;
    }
    if (monitor_is_foreign(given->value[1]) || !has_ept())
        return;
    if (given->value[0] >> RADIX_BITS == 0)
        entry = radix_make(&monitor.ept.radix, given->value[0], LEVEL_PT);
    if (entry != NULL)
        *entry = (given->value[1] & RADIX_ADDRESS) | rights | type << EPT_MEMORY_TYPE_SHIFT;
    say("%s\n", entry != NULL ? "mapped" : "no table for that address");
}

COMMAND(ept_walk, "ept walk", "ADDRESS", "how it is translated")
{
    struct ept_walk walk;

    if (!has_ept())
        return;
    walk = ept_walk(&monitor.ept, given->value[0]);
    say("level %d, bits 0x%lx: ", walk.level, (uint64_t)(walk.entry & ~RADIX_ADDRESS));
    if (walk.misconfiguration == EPT_WELL_CONFIGURED && walk.mapped)
        monitor_print_address(walk.physical);
    else if (walk.misconfiguration == EPT_WELL_CONFIGURED)
        say("not present");
    else
        say("misconfigured, %s", ept_misconfiguration_text(walk.misconfiguration));
    say("\n");
}
