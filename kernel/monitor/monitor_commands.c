/* The commands, but for those about guests. */
#include "kernel/monitor/monitor.h"

#include "kernel/words/nearest.h"
#include "lib/string.h"
#include "lib/x86_vmx.h"
#include "mm/memory_use.h"
#include "vmx/capability/vmxon_registers.h"
#include "vmx/text/exit_text.h"

#define RUN(name) static MONITOR_RUN(name)

bool monitor_is_foreign(uint64_t address)
{
    const char *owner = memory_owned(address);

    if (monitor_page_of(address) != NULL)
        return false;
    say("not done: 0x%lx is %s; `alloc NAME` gives a page\n", address,
        owner != NULL ? owner : "no page of the monitor's");
    return true;
}

/*
 * Would the processor take memory that is not the monitor's? One that it refuses, over the address
 * or over the revision id there, is harmless.
 */
static bool takes_foreign(uint64_t address, bool looks_at_revision)
{
    uint32_t revision_id;

    if (address % PAGE_SIZE != 0 || address >> monitor.cpu.memory_types.physical_width != 0 ||
        (looks_at_revision && memory_read(address, &revision_id, sizeof(revision_id)) &&
         revision_id != monitor.cpu.config.revision_id))
        return false;
    return monitor_is_foreign(address);
}

/* NULL: it is told why. */
static struct monitor_page *add_page(struct command_text name)
{
    struct monitor_page *page = &monitor.page[monitor.page_count];
    struct vmx_region region = {.order = monitor.cpu.config.order};
    uint64_t value;

    if (name.length >= MONITOR_PAGE_NAME_SIZE || monitor_meaning(VALUE, name, &value)) {
        say("%.*s: too long, or something else\n", (int)name.length, name.start);
        return NULL;
    }
    region.address = monitor.page_count < MONITOR_PAGES_MAX ? pages_alloc(region.order) : 0;
    if (region.address == 0) {
        say("no page is left\n");
        return NULL;
    }
    vmx_region_write(&region, monitor.cpu.config.revision_id);
    *page = (struct monitor_page){.address = region.address};
    memcpy(page->name, name.start, name.length);
    monitor.page_count++;
    say("%s = 0x%lx, with revision id 0x%x\n", page->name, page->address,
        monitor.cpu.config.revision_id);
    return page;
}

RUN(alloc)
{
    (void)add_page(given->text[0]);
}

/* All that VMXON needs, as vmx/vmx_cpu.h does it; 0: no page. */
static uint64_t prepare_vmxon(void)
{
    const struct vmx_cpu *cpu = &monitor.cpu;
    const struct monitor_page *page;
    char name[MONITOR_PAGE_NAME_SIZE];
    uint64_t region = 0;

    format_text(name, sizeof(name), "vmxon%u", monitor.wanted_cpu);
    if (cpu->feature_control_wanted != 0)
        (void)wrmsr_safe(IA32_FEATURE_CONTROL, cpu->feature_control_wanted);
    (void)write_cr0_safe(cr0_for_vmx(read_cr0(), &cpu->msrs));
    (void)write_cr4_safe(cr4_for_vmx(read_cr4(), &cpu->msrs));
    if (monitor_meaning(VALUE, (struct command_text){name, strlen(name)}, &region))
        return region;
    page = add_page((struct command_text){name, strlen(name)});
    return page != NULL ? page->address : 0;
}

RUN(vmxon)
{
    uint64_t region = given->value[0];

    if (given->count == 0 && monitor.cpu.msrs.present != 0)
        region = prepare_vmxon();
    else if (takes_foreign(region, true))
        return;
    if (monitor_tell(MONITOR_VMXON, region, vmxon(region)))
        say("; there is no current VMCS yet\n");
}

RUN(vmxoff)
{
    if (monitor_tell(MONITOR_OTHER, 0, vmxoff()))
        say("; CR4.VMXE stays\n");
}

RUN(vmclear)
{
    uint64_t region = given->value[0];
    struct monitor_page *page = monitor_page_of(region);

    if (takes_foreign(region, false) || !monitor_tell(MONITOR_REGION, region, vmclear(region)))
        return;
    page->launch = LAUNCH_CLEAR;
    page->active = 0;
    say("; launch state of %s: clear\n", page->name);
}

RUN(vmptrld)
{
    uint64_t region = given->value[0];
    struct monitor_page *page = monitor_page_of(region);

    if (takes_foreign(region, true) || !monitor_tell(MONITOR_REGION, region, vmptrld(region)))
        return;
    say("; current VMCS: %s\n", page->name);
    if (page->launch == LAUNCH_UNKNOWN)
        say("  but its launch state is unknown: VMCLEAR comes first\n");
    if (page->active != 0 && page->active != monitor.wanted_cpu + 1)
        say("  but it is active on CPU %u: VMCLEAR there comes first\n", page->active - 1);
    page->active = monitor.wanted_cpu + 1;
}

RUN(vmptrst)
{
    uint64_t vmcs = 0;

    if (!monitor_tell(MONITOR_OTHER, 0, vmptrst(&vmcs)))
        return;
    say("; current VMCS: ");
    monitor_print_address(vmcs);
    say("%s\n", vmcs == UINT64_MAX ? ", none" : "");
}

RUN(vmread)
{
    enum vmcs_field field = (enum vmcs_field)given->value[0];
    uint64_t value = 0;

    if (monitor_tell(MONITOR_OTHER, given->value[0], vmread(given->value[0], &value)))
        monitor_print_field(field, value);
}

RUN(vmwrite)
{
    if (monitor_tell(MONITOR_OTHER, given->value[0], vmwrite(given->value[0], given->value[1])))
        monitor_print_field((enum vmcs_field)given->value[0], given->value[1]);
}

RUN(invept)
{
    if (monitor_tell(MONITOR_OTHER, 0, vmx_result_of(x86_invept(given->value[0], given->value[1]))))
        say("\n");
}

RUN(invvpid)
{
    if (monitor_tell(MONITOR_OTHER, 0,
                     vmx_result_of(
                         x86_invvpid(given->value[0], (uint16_t)given->value[1], given->value[2]))))
        say("\n");
}

static void tell_access(uint8_t vector, const char *name, uint64_t value)
{
    if (vector != 0)
        say("%s; ", exception_name(vector));
    say("%s 0x%lx\n", name, value);
}

RUN(rdmsr)
{
    uint64_t value;
    uint8_t vector = rdmsr_safe((uint32_t)given->value[0], &value);

    tell_access(vector, vector != 0 ? "there is no MSR" : "is",
                vector != 0 ? given->value[0] : value);
}

/* Rootmode runs on these: where its data are, MTRRs and PAT, its local APIC, EFER. */
static bool is_vital(uint64_t msr)
{
    return msr == IA32_APIC_BASE || msr == IA32_EFER || msr == IA32_GS_BASE ||
           (msr >= IA32_MTRR_PHYSBASE0 && msr <= IA32_MTRR_DEF_TYPE) ||
           (msr >= IA32_X2APIC_FIRST && msr <= 0x8ff);
}

RUN(wrmsr)
{
    if (is_vital(given->value[0]))
        say("not done: Rootmode runs on this MSR\n");
    else
        tell_access(wrmsr_safe((uint32_t)given->value[0], given->value[1]), "wrote",
                    given->value[1]);
}

RUN(cr)
{
    bool is_cr4 = given->value[0] == 4;
    uint8_t vector = 0;

    if (given->count > 1)
        vector = is_cr4 ? write_cr4_safe(given->value[1]) : write_cr0_safe(given->value[1]);
    tell_access(vector, is_cr4 ? "CR4" : "CR0", is_cr4 ? read_cr4() : read_cr0());
}

RUN(cpuid)
{
    struct cpuid_registers r = cpuid((uint32_t)given->value[0], (uint32_t)given->value[1]);

    say("EAX 0x%08x  EBX 0x%08x  ECX 0x%08x  EDX 0x%08x\n", r.eax, r.ebx, r.ecx, r.edx);
}

RUN(in)
{
    say("0x%x\n", in8((uint16_t)given->value[0]));
}

RUN(out)
{
    out8((uint16_t)given->value[0], (uint8_t)given->value[1]);
    say("written\n");
}

RUN(mem_read)
{
    uint64_t bytes = given->count > 1 && given->value[1] < PAGE_SIZE ? given->value[1] : 16;

    for (uint64_t i = 0; i < bytes; i++) {
        uint8_t byte;

        if (!memory_read(given->value[0] + i, &byte, 1)) {
            say("0x%lx is no RAM to be shown\n", given->value[0] + i);
            return;
        }
        say("%02x%s", byte, i % 16 == 15 || i + 1 == bytes ? "\n" : " ");
    }
}

RUN(mem_write)
{
    struct command_text bytes = given->text[1];
    uint64_t address = given->value[0], byte;

    while (bytes.length > 0 && !monitor_is_foreign(address)) {
        if (!command_text_number(command_text_cut(&bytes, ' '), 16, UINT8_MAX, &byte)) {
            say("no byte in hex after 0x%lx of them\n", address - given->value[0]);
            return;
        }
        *(uint8_t *)phys_to_virt(address++) = (uint8_t)byte;
    }
    say("0x%lx bytes written\n", address - given->value[0]);
}

RUN(state)
{
    static const char *const launch[] = {"unknown", "clear", "launched"};
    uint64_t vmcs = UINT64_MAX;
    bool is_on = monitor_current(&vmcs);

    say("CPU %u: CR4.VMXE %u, VMX operation %s", monitor.wanted_cpu, (read_cr4() & CR4_VMXE) != 0,
        is_on ? "on, current VMCS: " : "off");
    if (is_on)
        monitor_print_address(vmcs);
    say("\n");
    for (uint32_t i = 0; i < monitor.page_count; i++)
        say("  %s = 0x%lx, launch state %s\n", monitor.page[i].name, monitor.page[i].address,
            launch[monitor.page[i].launch]);
}

RUN(expect)
{
    struct command_text wanted = given->text[0];

    for (const char *answer = monitor.answer; *answer != '\0'; answer++) {
        if (strncmp(answer, wanted.start, wanted.length) == 0)
            return;
    }
    monitor.failed = true;
    print_to(monitor.next, "FAILED: the answer does not have that\n");
}

RUN(cpu)
{
    monitor.wanted_cpu = (uint32_t)given->value[0];
}

RUN(reset)
{
    monitor.resets = true;
}

RUN(quit)
{
    monitor.left = true;
}

RUN(help)
{
    for (const struct monitor_command *command = monitor_commands; command->name != NULL;
         command++) {
        if (given->count == 0 || strcmp(command->name, monitor_commands[given->value[0]].name) == 0)
            say("  %-9s %-32s %s\n", command->name, command->arguments, command->help);
    }
}

const struct monitor_command monitor_commands[] = {
    {"help", "[COMMAND", "what there is", monitor_help},
    {"state", "", "VMX operation, current VMCS, pages", monitor_state},
    {"alloc", "NAME", "a page with this processor's revision id", monitor_alloc},
    {"vmxon", "[ADDRESS", "without ADDRESS all that it needs comes first", monitor_vmxon},
    {"vmxoff", "", "leaves VMX operation", monitor_vmxoff},
    {"vmclear", "ADDRESS", "a VMCS becomes clear", monitor_vmclear},
    {"vmptrld", "ADDRESS", "a VMCS becomes current", monitor_vmptrld},
    {"vmptrst", "", "which VMCS is current", monitor_vmptrst},
    {"vmread", "FIELD", "of the current VMCS", monitor_vmread},
    {"vmwrite", "FIELD VALUE", "of the current VMCS", monitor_vmwrite},
    {"setup", "", "VMWRITEs a host and a guest that keep all rules", monitor_setup},
    {"rules", "", "what VM entry would refuse now", monitor_rules},
    {"vmlaunch", "", "enters a guest, up to its VM exit", monitor_vmlaunch},
    {"vmresume", "", "likewise", monitor_vmresume},
    {"step", "", "likewise, for one instruction", monitor_step},
    {"skip", "", "guest RIP behind the instruction that exited", monitor_skip},
    {"regs", "", "of the guest", monitor_regs},
    {"reg", "REGISTER VALUE", "sets one of them", monitor_reg},
    {"dump", "", "the current VMCS in words", monitor_dump},
    {"ept map", "GUEST_ADDRESS ADDRESS [NAME [TYPE", "NAME: rwx, or less; TYPE: memory type",
     monitor_ept_map},
    {"ept walk", "GUEST_ADDRESS", "how it is translated", monitor_ept_walk},
    {"invept", "KIND [VALUE", "1: of an EPTP, 2: all", monitor_invept},
    {"invvpid", "KIND [VALUE [ADDRESS", "0: an address, 1: a VPID, 2: all", monitor_invvpid},
    {"rdmsr", "MSR", "reads an MSR", monitor_rdmsr},
    {"wrmsr", "MSR VALUE", "writes it", monitor_wrmsr},
    {"cr", "VALUE [VALUE", "CR0 or CR4; sets it", monitor_cr},
    {"cpuid", "VALUE [VALUE", "a leaf, a subleaf", monitor_cpuid},
    {"in", "PORT", "reads a byte", monitor_in},
    {"out", "PORT VALUE", "writes a byte", monitor_out},
    {"mem read", "ADDRESS [VALUE", "so many bytes, or 16", monitor_mem_read},
    {"mem write", "ADDRESS TEXT", "bytes in hex", monitor_mem_write},
    {"cpu", "VALUE", "on which CPU commands run", monitor_cpu},
    {"reset", "", "all CPUs out of VMX operation, nothing allocated", monitor_reset},
    {"expect", "TEXT", "fails the script if the last answer is without it", monitor_expect},
    {"quit", "", "ends the machine", monitor_quit},
    {NULL, NULL, NULL, NULL},
};

static void tell_unknown(enum monitor_kind kind, struct command_text word)
{
    struct nearest nearest = {.typed = word.start, .length = word.length};
    char name[MONITOR_NAME_SIZE], near[MONITOR_NAME_SIZE] = "";

    for (uint32_t n = 0; monitor_name(kind, n, name); n++) {
        nearest_offer(&nearest, name);
        if (nearest.name == name) {
            memcpy(near, name, sizeof(near));
            nearest.name = near;
        }
    }
    say("unknown here: \"%.*s\"%s%s\n", (int)word.length, word.start,
        nearest.name != NULL ? "; the nearest is " : "", near);
}

/* Reads what the row says; false: what is wrong is told. */
static bool take_arguments(const struct monitor_command *command, struct command_text line,
                           struct monitor_arguments *given)
{
    struct command_text kinds = {command->arguments, strlen(command->arguments)};

    while (kinds.length > 0 && (line.length > 0 || *kinds.start != '[')) {
        enum monitor_kind kind = monitor_kind(command_text_cut(&kinds, ' '));
        struct command_text word = line;

        if (kind == LINE || kind == COMMAND)
            line.length = 0;
        else
            word = command_text_cut(&line, ' ');
        if (word.length == 0)
            break;
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

    if (rest.length == 0 && command == NULL)
        return;
    if (command == NULL || command->run != monitor_expect)
        text_buffer_init(&monitor.kept, monitor.answer, sizeof(monitor.answer));
    if (command == NULL) {
        tell_unknown(COMMAND, rest);
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

    format_text(line, MONITOR_LINE_SIZE, "%.*s", (int)one.length, one.start);
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
    for (uint32_t i = 0; i < monitor.page_count; i++)
        pages_free(monitor.page[i].address, monitor.cpu.config.order);
    page_cache_free(&monitor.ept_pages);
    monitor.page_count = 0;
    monitor.ept.radix.root = 0;
    monitor.wanted_cpu = 0;
    monitor.resets = false;
    memset(monitor.registers, 0, sizeof(monitor.registers));
}
