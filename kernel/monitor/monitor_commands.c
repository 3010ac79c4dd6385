/* The commands, but for those about guests; and how a line is obeyed. */
#include "kernel/monitor/monitor.h"

#include "kernel/words/nearest.h"
#include "lib/string.h"
#include "lib/x86_vmx.h"
#include "mm/memory_use.h"
#include "vmx/capability/vmxon_registers.h"
#include "vmx/text/exit_text.h"

const char *const monitor_launch_names[] = {"unknown", "clear", "launched"};

/*
 * Would the processor take memory that is not the monitor's? One that it refuses, without VMX, over
 * the address or over the revision id there, is harmless.
 */
static bool takes_foreign(uint64_t address, bool looks_at_revision)
{
    uint32_t revision_id;

    if (monitor.cpu.msrs.present == 0 || address % PAGE_SIZE != 0 ||
        address >> monitor.cpu.memory_types.physical_width != 0 ||
        (looks_at_revision && memory_read(address, &revision_id, sizeof(revision_id)) &&
         revision_id != monitor.cpu.config.revision_id))
        return false;
    return monitor_is_foreign(address);
}

/* Its address; 0, and told why: none. */
static uint64_t add_page(struct command_text name)
{
    struct monitor_page *page = &monitor.page[monitor.page_count];
    struct vmx_region region = {.order = monitor.cpu.config.order};
    uint64_t value;

    if (name.length < PAGE_NAME_SIZE && !monitor_meaning(VALUE, name, &value) &&
        monitor.page_count < PAGES_MAX)
        region.address = pages_alloc(region.order);
    if (region.address == 0) {
        say("no page: it has this name, a number's, one that is too long; or none is left\n");
        return 0;
    }
    vmx_region_write(&region, monitor.cpu.config.revision_id);
    *page = (struct monitor_page){.address = region.address};
    memcpy(page->name, name.start, name.length);
    monitor.page_count++;
    say("%s = 0x%lx, with revision id 0x%x\n", page->name, page->address,
        monitor.cpu.config.revision_id);
    return page->address;
}

COMMAND(alloc, "alloc", "NAME", "a page with this processor's revision id")
{
    (void)add_page(given->text[0]);
}

/* All that VMXON needs, as vmx/vmx_cpu.h does it; 0: no page. */
static uint64_t prepare_vmxon(void)
{
    const struct vmx_cpu *cpu = &monitor.cpu;
    char name[PAGE_NAME_SIZE];
    struct command_text region = {name, 0};
    uint64_t address;

    region.length = format_text(name, sizeof(name), "vmxon%u", monitor.wanted_cpu);
    if (cpu->feature_control_wanted != 0)
        (void)wrmsr_safe(IA32_FEATURE_CONTROL, cpu->feature_control_wanted);
    (void)write_cr0_safe(cr0_for_vmx(read_cr0(), &cpu->msrs));
    (void)write_cr4_safe(cr4_for_vmx(read_cr4(), &cpu->msrs));
    return monitor_meaning(VALUE, region, &address) ? address : add_page(region);
}

COMMAND(vmxon, "vmxon", "[ADDRESS", "without ADDRESS after all that it needs")
{
    uint64_t region = given->value[0];

    if (given->count == 0 && monitor.cpu.msrs.present != 0)
        region = prepare_vmxon();
    else if (takes_foreign(region, true))
        return;
    if (monitor_tell(MONITOR_VMXON, region, vmxon(region)))
        say("; there is no current VMCS yet\n");
}

COMMAND(vmxoff, "vmxoff", "", "leaves VMX operation")
{
    if (monitor_tell(MONITOR_OTHER, 0, vmxoff()))
        say("; CR4.VMXE stays\n");
}

COMMAND(vmclear, "vmclear", "ADDRESS", "a VMCS becomes clear")
{
    uint64_t region = given->value[0];
    struct monitor_page *page = monitor_page_of(region);

    if (takes_foreign(region, false) || !monitor_tell(MONITOR_REGION, region, vmclear(region)))
        return;
    page->launch = LAUNCH_CLEAR;
    page->active = 0;
    say("; launch state of %s: clear\n", page->name);
}

COMMAND(vmptrld, "vmptrld", "ADDRESS", "a VMCS becomes current")
{
    uint64_t region = given->value[0];
    struct monitor_page *page = monitor_page_of(region);

    if (takes_foreign(region, true) || !monitor_tell(MONITOR_REGION, region, vmptrld(region)))
        return;
    say("; current VMCS: %s, launch state: %s\n", page->name, monitor_launch_names[page->launch]);
    if (page->launch == LAUNCH_UNKNOWN)
        say("  it was never cleared: VMCLEAR comes first\n");
    if (page->active != 0 && page->active != monitor.wanted_cpu + 1)
        say("  it is active on CPU %u: VMCLEAR there comes first\n", page->active - 1);
    page->active = monitor.wanted_cpu + 1;
}

COMMAND(vmptrst, "vmptrst", "", "which VMCS is current")
{
    uint64_t vmcs = 0;

    if (!monitor_tell(MONITOR_OTHER, 0, vmptrst(&vmcs)))
        return;
    say("; current VMCS: ");
    monitor_print_address(vmcs);
    say("\n");
}

COMMAND(vmread, "vmread", "FIELD", "of the current VMCS")
{
    uint64_t value = 0;

    if (monitor_tell(MONITOR_OTHER, given->value[0], vmread(given->value[0], &value)))
        monitor_print_field(given->value[0], value);
}

COMMAND(vmwrite, "vmwrite", "FIELD VALUE", "of the current VMCS")
{
    if (monitor_tell(MONITOR_OTHER, given->value[0], vmwrite(given->value[0], given->value[1])))
        monitor_print_field(given->value[0], given->value[1]);
}

COMMAND(invept, "invept", "KIND [VALUE", "1: of an EPT pointer, 2: all")
{
    struct vmx_flags flags = x86_invept(given->value[0], given->value[1]);

    if (monitor_tell(MONITOR_OTHER, 0, vmx_result_of(flags)))
        say("\n");
}

COMMAND(invvpid, "invvpid", "KIND [VALUE [ADDRESS", "0: an address of a VPID, 1: a VPID, 2: all")
{
    struct vmx_flags flags =
        x86_invvpid(given->value[0], (uint16_t)given->value[1], given->value[2]);

    if (monitor_tell(MONITOR_OTHER, 0, vmx_result_of(flags)))
        say("\n");
}

static void tell_access(uint8_t vector, const char *name, uint64_t value)
{
    say("%s%s 0x%lx\n", vector != 0 ? exception_name(vector) : "", vector != 0 ? ";" : name, value);
}

COMMAND(rdmsr, "rdmsr", "MSR", "reads an MSR")
{
    uint64_t value;
    uint8_t vector = rdmsr_safe((uint32_t)given->value[0], &value);

    tell_access(vector, "is", value);
}

/* Rootmode runs on these: where its data are, MTRRs and PAT, its local APIC, EFER. */
static bool is_vital(uint64_t msr)
{
    return msr == IA32_APIC_BASE || msr == IA32_EFER || msr == IA32_GS_BASE ||
           (msr >= IA32_MTRR_PHYSBASE0 && msr <= IA32_MTRR_DEF_TYPE) ||
           (msr >= IA32_X2APIC_FIRST && msr <= 0x8ff);
}

COMMAND(wrmsr, "wrmsr", "MSR VALUE", "writes it")
{
    if (is_vital(given->value[0]))
        say("not done: Rootmode runs on this MSR\n");
    else
        tell_access(wrmsr_safe((uint32_t)given->value[0], given->value[1]), "is", given->value[1]);
}

COMMAND(cr, "cr", "VALUE [VALUE", "CR0 or CR4; sets it")
{
    bool is_cr4 = given->value[0] == 4;
    uint8_t vector = 0;

    if (given->count > 1)
        vector = is_cr4 ? write_cr4_safe(given->value[1]) : write_cr0_safe(given->value[1]);
    tell_access(vector, is_cr4 ? "CR4" : "CR0", is_cr4 ? read_cr4() : read_cr0());
}

COMMAND(cpuid, "cpuid", "VALUE [VALUE", "a leaf, a subleaf")
{
    struct cpuid_registers r = cpuid((uint32_t)given->value[0], (uint32_t)given->value[1]);

    say("EAX 0x%08x  EBX 0x%08x  ECX 0x%08x  EDX 0x%08x\n", r.eax, r.ebx, r.ecx, r.edx);
}

COMMAND(in, "in", "PORT", "reads a byte")
{
    tell_access(0, "is", in8((uint16_t)given->value[0]));
}

COMMAND(out, "out", "PORT VALUE", "writes a byte")
{
    out8((uint16_t)given->value[0], (uint8_t)given->value[1]);
}

COMMAND(mem_read, "mem read", "ADDRESS [VALUE", "so many bytes, or 16")
{
    uint64_t bytes = given->count > 1 && given->value[1] < PAGE_SIZE ? given->value[1] : 16;
    uint8_t byte;

    for (uint64_t i = 0; i < bytes; i++) {
        if (!memory_read(given->value[0] + i, &byte, 1)) {
            say("no RAM to be shown at 0x%lx\n", given->value[0] + i);
            return;
        }
        say("%02x%s", byte, i % 16 == 15 || i + 1 == bytes ? "\n" : " ");
    }
}

COMMAND(mem_write, "mem write", "ADDRESS TEXT", "bytes in hex")
{
    struct command_text bytes = given->text[1];
    uint64_t address = given->value[0], byte;

    while (bytes.length > 0 && !monitor_is_foreign(address) &&
           command_text_number(command_text_cut(&bytes, ' '), 16, UINT8_MAX, &byte))
        *(uint8_t *)phys_to_virt(address++) = (uint8_t)byte;
    say("%lu bytes written\n", address - given->value[0]);
}

COMMAND(state, "state", "", "VMX operation, current VMCS, pages")
{
    uint64_t vmcs = UINT64_MAX;
    bool is_on = monitor_current(&vmcs);

    say("CPU %u: CR4.VMXE %u, VMX operation %s, current VMCS: ", monitor.wanted_cpu,
        (read_cr4() & CR4_VMXE) != 0, is_on ? "on" : "off");
    monitor_print_address(vmcs);
    for (uint32_t i = 0; i < monitor.page_count; i++)
        say("\n  %s, launch state: %s", monitor.page[i].name,
            monitor_launch_names[monitor.page[i].launch]);
    say("\n");
}

COMMAND(expect, "expect", "TEXT", "the script fails where the last answer is without it")
{
    for (const char *answer = monitor.answer; *answer != '\0'; answer++) {
        if (strncmp(answer, given->text[0].start, given->text[0].length) == 0)
            return;
    }
    monitor.failed = true;
    print_to(monitor.next, "FAILED: the answer is without that\n");
}

COMMAND(cpu, "cpu", "VALUE", "on which CPU commands run")
{
    monitor.wanted_cpu = (uint32_t)given->value[0];
}

COMMAND(reset, "reset", "", "all CPUs out of VMX operation, nothing allocated")
{
    monitor.resets = true;
}

COMMAND(quit, "quit", "", "ends the machine")
{
    monitor.left = true;
}

COMMAND(help, "help", "[COMMAND", "what there is")
{
    SET_FOR_EACH(monitor_commands, command) {
        if (given->count == 0 || command == &set_monitor_commands[given->value[0]])
            say("  %-9s %-28s %s\n", (*command)->name, (*command)->arguments, (*command)->help);
    }
}

static void tell_unknown(enum monitor_kind kind, struct command_text word)
{
    struct nearest nearest = {.typed = word.start, .length = word.length};
    char name[COMPLETION_SIZE], near[COMPLETION_SIZE] = "";

    for (uint32_t n = 0; monitor_names(kind, n, name); n++) {
        nearest_offer(&nearest, name);
        if (nearest.name == name)
            nearest.name = memcpy(near, name, sizeof(near));
    }
    say("unknown here: \"%.*s\"%s%s\n", (int)word.length, word.start,
        nearest.name != NULL ? "; the nearest is " : "", near);
}

/* Reads what the command says; false: what is wrong is told. */
static bool take_arguments(const struct monitor_command *command, struct command_text line,
                           struct monitor_arguments *given)
{
    struct command_text kinds = {command->arguments, strlen(command->arguments)};

    while (kinds.length > 0 && line.length > 0) {
        enum monitor_kind kind = monitor_next_kind(&kinds);
        struct command_text word = line;

        if (kind == LINE || kind == COMMAND_NAME)
            line.length = 0;
        else
            word = command_text_cut(&line, ' ');
        if (!monitor_meaning(kind, word, &given->value[given->count])) {
            tell_unknown(kind, word);
            return false;
        }
        given->text[given->count++] = word;
    }
    if ((kinds.length == 0 || *kinds.start == '[') && line.length == 0)
        return true;
    say("expected: %s %s\n", command->name, command->arguments);
    return false;
}

/* This CPU's registers and capabilities, as they are now. */
static void look_at_cpu(void)
{
    static const struct override_list none;
    static const struct vmx_options options = {.override = &none};

    monitor.cpu = (struct vmx_cpu){.options = &options};
    vmx_cpu_check(&monitor.cpu, NULL);
    vmx_capability_derive(&monitor.cpu.msrs, &monitor.capability);
}

void monitor_obey(const char *line)
{
    struct command_text rest = {line, strlen(line)};
    const struct monitor_command *command = monitor_find_command(&rest);
    struct monitor_arguments given = {0};

    if (line[0] == '\0')
        return;
    if (command != &command_expect)
        text_buffer_init(&monitor.kept, monitor.answer, sizeof(monitor.answer));
    if (command == NULL) {
        tell_unknown(COMMAND_NAME, rest);
        return;
    }
    monitor.command = command->name;
    look_at_cpu();
    (void)command_text_cut(&rest, ' ');
    if (take_arguments(command, rest, &given))
        command->run(&given);
}

bool monitor_next_line(struct command_text *script, char *line)
{
    bool more = script->length > 0;
    struct command_text one = command_text_cut(script, '\n');

    format_text(line, LINE_SIZE, "%.*s", (int)one.length, one.start);
    return more;
}

static void keep_and_pass(struct sink *sink, const char *text, size_t length)
{
    (void)sink;
    monitor.kept.sink.write(&monitor.kept.sink, text, length);
    monitor.next->write(monitor.next, text, length);
}

void monitor_init(struct sink *next)
{
    monitor = (struct monitor){
        .sink = {keep_and_pass}, .next = next, .cr0_before = read_cr0(), .cr4_before = read_cr4()};
}

void monitor_reset_cpu(void)
{
    (void)vmxoff();
    (void)write_cr4_safe(monitor.cr4_before);
    (void)write_cr0_safe(monitor.cr0_before);
}

void monitor_forget(void)
{
    bool failed = monitor.failed;

    for (uint32_t i = 0; i < monitor.page_count; i++)
        pages_free(monitor.page[i].address, monitor.cpu.config.order);
    page_cache_free(&monitor.ept_pages);
    monitor_init(monitor.next);
    monitor.failed = failed;
}
