/* How an outcome is told; the commands, but for those about guests; and how a line is obeyed. */
#include "kernel/monitor/monitor.h"

#include "lib/string.h"
#include "lib/x86_registers.h"
#include "lib/x86_vmx.h"
#include "mm/memory_use.h"
#include "vmx/capability/vmxon_registers.h"
#include "vmx/text/exit_text.h"
#include "vmx/text/failure_text.h"
#include "vmx/text/vmcs_dump.h"

struct monitor monitor;

enum { IA32_TSC_ADJUST = 0x3b };
static const struct vmx_options options = {.override = &(struct override_list){0}};
static const char *const launch_names[] = {"unknown", "clear", "launched"};

struct monitor_page *monitor_page_of(uint64_t address)
{
    for (uint32_t i = 0; i < monitor.page_count; i++) {
        if (address - monitor.page[i].address < PAGE_SIZE << monitor.cpu.config.order)
            return &monitor.page[i];
    }
    return NULL;
}

void monitor_print_address(uint64_t address, const char *after)
{
    const struct monitor_page *page = monitor_page_of(address);

    if (page != NULL)
        say("%s%s", page->name, after);
    else if (address == UINT64_MAX)
        say("none%s", after);
    else
        say("0x%lx%s", address, after);
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

bool monitor_tell(struct vmx_result result, const char *then)
{
    const struct monitor_page *page = monitor_page_of(monitor.vmcs);
    struct failure_facts facts = {
        .is_vmxon = monitor.command == COMMAND_vmxon,
        .takes_region = monitor.command == COMMAND_vmxon || monitor.command == COMMAND_vmclear ||
                        monitor.command == COMMAND_vmptrld,
        .operand = monitor.given.value[0],
        .cpu = &monitor.cpu,
        .is_on = monitor.is_on,
        .cr0 = read_cr0(),
        .cr4 = read_cr4(),
    };

    if (vmx_ok(result)) {
        say("VMsucceed%s", then);
        return true;
    }
    facts.has_revision = memory_read(facts.operand, &facts.revision, sizeof(facts.revision));
    failure_print(&monitor.sink, result, &facts);
    if (result.outcome == VMX_FAIL_VALID && (result.number == 4 || result.number == 5) && page)
        say("; launch state of %s: %s", page->name, launch_names[page->launch]);
    if (result.outcome == VMX_FAIL_VALID && (result.number == 7 || result.number == 8))
        monitor_print_broken();
    say("\n  SDM Vol. 3, \"VMX Instruction Reference\": %s\n",
        monitor_language.commands[monitor.command].name);
    return false;
}

/* Memory that is not the monitor's, and that the processor would not refuse over the address, the
 * revision id there, or for want of VMX. */
static bool takes_foreign(uint64_t address, bool looks_at_revision)
{
    uint32_t revision_id;

    return monitor.cpu.msrs.present != 0 && address % PAGE_SIZE == 0 &&
           address >> monitor.cpu.memory_types.physical_width == 0 &&
           !(looks_at_revision && memory_read(address, &revision_id, sizeof(revision_id)) &&
             revision_id != monitor.cpu.config.revision_id) &&
           monitor_is_foreign(address);
}

/* Its address; 0, and told why: none. */
static uint64_t add_page(struct command_text name)
{
    struct monitor_page *page = &monitor.page[monitor.page_count];
    struct vmx_region region;

    if (name.length >= PAGE_NAME_SIZE || line_is_taken(&monitor_language, name) ||
        monitor.page_count == PAGES_MAX ||
        !vmx_region_create(&region, &monitor.cpu, "", &monitor.cpu.findings)) {
        say("no page: the name stands for something or is too long; or none is left\n");
        monitor.refused = true;
        return 0;
    }
    *page = (struct monitor_page){.address = region.address};
    memcpy(page->name, name.start, name.length);
    monitor.page_count++;
    say("%s = 0x%lx, with revision id 0x%x\n", page->name, page->address,
        monitor.cpu.config.revision_id);
    return page->address;
}

/* Without a region after all that it needs, as vmx/vmx_cpu.h does it. */
static void enter_operation(void)
{
    const struct vmx_cpu *cpu = &monitor.cpu;
    char name[PAGE_NAME_SIZE];
    struct command_text region = {name, 0};

    if (monitor.given.count == 0 && cpu->msrs.present != 0) {
        region.length = format_text(name, sizeof(name), "vmxon%u", monitor.wanted_cpu);
        if (cpu->feature_control_wanted != 0)
            (void)wrmsr_safe(IA32_FEATURE_CONTROL, cpu->feature_control_wanted);
        (void)write_cr0_safe(cr0_for_vmx(read_cr0(), &cpu->msrs));
        (void)write_cr4_safe(cr4_for_vmx(read_cr4(), &cpu->msrs));
        if (!line_meaning(&monitor_language, LINE_VALUE, region, &monitor.given.value[0]))
            monitor.given.value[0] = add_page(region);
    } else if (takes_foreign(monitor.given.value[0], true)) {
        return;
    }
    (void)monitor_tell(vmxon(monitor.given.value[0]), "; there is no current VMCS yet\n");
}

static void clear(uint64_t region)
{
    struct monitor_page *page = monitor_page_of(region);

    if (takes_foreign(region, false) || !monitor_tell(vmclear(region), "; launch state of "))
        return;
    page->launch = LAUNCH_CLEAR;
    page->active = 0;
    say("%s: clear\n", page->name);
}

static void load(uint64_t region)
{
    struct monitor_page *page = monitor_page_of(region);

    if (takes_foreign(region, true) || !monitor_tell(vmptrld(region), "; current VMCS: "))
        return;
    say("%s, launch state: %s\n", page->name, launch_names[page->launch]);
    if (page->launch == LAUNCH_UNKNOWN)
        say("  it was never cleared: VMCLEAR comes first\n");
    if (page->active != 0 && page->active != monitor.wanted_cpu + 1)
        say("  it is active on CPU %u: VMCLEAR there comes first\n", page->active - 1);
    page->active = monitor.wanted_cpu + 1;
}

static void tell_field(struct vmx_result result, uint64_t field, const uint64_t *value)
{
    if (monitor_tell(result, ""))
        monitor_print_field(";", field, *value);
}

static void tell_access(uint8_t vector, const char *name, const uint64_t *value)
{
    say("%s%s 0x%lx\n", vector != 0 ? exception_name(vector) : "", vector != 0 ? ";" : name,
        *value);
}

bool monitor_is_vital(uint32_t msr, uint64_t value)
{
    return msr == IA32_APIC_BASE || msr == IA32_EFER || msr == IA32_GS_BASE ||
           (msr >= IA32_MTRR_PHYSBASE0 && msr <= IA32_MTRR_DEF_TYPE) ||
           (msr >= IA32_X2APIC_FIRST && msr <= 0x8ff) || msr == IA32_TIME_STAMP_COUNTER ||
           msr == IA32_TSC_ADJUST || (msr == IA32_MISC_ENABLE && (value & MISC_ENABLE_XD_DISABLE));
}

static void control_register(bool is_cr4, uint64_t value)
{
    uint8_t vector = monitor.given.count < 2 ? 0
                     : is_cr4                ? write_cr4_safe(value)
                                             : write_cr0_safe(value);

    value = is_cr4 ? read_cr4() : read_cr0();
    tell_access(vector, is_cr4 ? "CR4" : "CR0", &value);
}

static void show_memory(uint64_t address, uint64_t bytes)
{
    uint8_t byte;

    for (uint64_t i = 0; i < bytes; i++) {
        if (!memory_read(address + i, &byte, 1)) {
            say("no RAM to be shown at 0x%lx\n", address + i);
            return;
        }
        say("%02x%s", byte, i % 16 == 15 || i + 1 == bytes ? "\n" : " ");
    }
}

static void write_memory(uint64_t address, struct command_text bytes)
{
    uint64_t first = address, byte;

    while (bytes.length > 0 && !monitor_is_foreign(address) &&
           command_text_number(line_word(&bytes), 16, UINT8_MAX, &byte))
        *(uint8_t *)phys_to_virt(address++) = (uint8_t)byte;
    say("%lu bytes written\n", address - first);
}

static void tell_state(void)
{
    say("CPU %u: CR4.VMXE %u, VMX operation %s, current VMCS: ", monitor.wanted_cpu,
        (read_cr4() & CR4_VMXE) != 0, monitor.is_on ? "on" : "off");
    monitor_print_address(monitor.vmcs, "");
    for (uint32_t i = 0; i < monitor.page_count; i++)
        say("\n  %s, launch state: %s", monitor.page[i].name, launch_names[monitor.page[i].launch]);
    say("\n");
}

static void fail(const char *why)
{
    monitor.failed = true;
    monitor.refused = false;
    print_to(monitor.next, "FAILED: %s\n", why);
}

static void expect(struct command_text text)
{
    const char *answer = monitor.answer;

    while (*answer != '\0' && strncmp(answer, text.start, text.length) != 0)
        answer++;
    if (*answer == '\0')
        fail("the answer is without that");
    monitor.refused = false;
}

static void run(void)
{
    const uint64_t *given = monitor.given.value;
    uint64_t value = 0;

    switch (monitor.command) {
#define COMMAND(id, name, arguments, help, ...) \
    case COMMAND_##id: {                        \
        __VA_ARGS__;                            \
        break;                                  \
    }
#include "kernel/monitor/monitor_commands.def"
    }
}

#undef COMMAND
#define COMMAND(id, name, arguments, help, ...) {name, arguments, help},
static const struct line_command commands[] = {
#include "kernel/monitor/monitor_commands.def"
};

/* Beside the capability MSRs, whose addresses go on from VMX_MSR_FIRST. */
#define NAMED(msr) \
    {              \
        msr, #msr  \
    }
static const struct {
    uint32_t address;
    char name[24];
} msrs[] = {
    NAMED(IA32_FEATURE_CONTROL), NAMED(IA32_EFER),    NAMED(IA32_PAT),  NAMED(IA32_APIC_BASE),
    NAMED(IA32_FS_BASE),         NAMED(IA32_GS_BASE), NAMED(IA32_STAR), NAMED(IA32_LSTAR)};
enum { MSR_COUNT = VMX_MSR_COUNT + sizeof(msrs) / sizeof(msrs[0]) };

static bool names(int kind, uint32_t n, char *name)
{
    uint32_t pages = kind == LINE_VALUE ? monitor.page_count : 0;
    const char *text = n < pages                                   ? monitor.page[n].name
                       : kind == LINE_COMMAND && n < COMMAND_COUNT ? commands[n].name
                       : kind == MONITOR_MSR && n < VMX_MSR_COUNT  ? vmx_msr_name(VMX_MSR_FIRST + n)
                       : kind == MONITOR_MSR && n < MSR_COUNT      ? msrs[n - VMX_MSR_COUNT].name
                                                                   : NULL;

    if (text == NULL)
        return (kind == LINE_VALUE || kind == MONITOR_FIELD) && vmcs_field_symbol(n - pages, name);
    format_text(name, COMPLETION_SIZE, "%s", text);
    return true;
}

static bool value_of(int kind, uint32_t n, uint64_t *value)
{
    if (kind == LINE_VALUE && n >= monitor.page_count)
        return vmx_ok(vmread(vmcs_field_table[n - monitor.page_count].field, value));
    *value = kind == LINE_VALUE      ? monitor.page[n].address
             : kind == MONITOR_FIELD ? vmcs_field_table[n].field
             : kind == LINE_COMMAND  ? n
             : n < VMX_MSR_COUNT     ? VMX_MSR_FIRST + n
                                     : msrs[n - VMX_MSR_COUNT].address;
    return true;
}

const struct line_language monitor_language = {
    .commands = commands,
    .count = COMMAND_COUNT,
    .kinds = (const char[]){MONITOR_FIELD, MONITOR_MSR, '\0'},
    .names = names,
    .value = value_of,
    .widths =
        (const struct line_width[]){{'B', 8}, {'I', 32}, {'L', 32}, {'M', 32}, {'P', 16}, {0}},
};

void monitor_obey(const char *line)
{
    struct command_text rest = {line, strlen(line)};

    if (line[0] == '\0')
        return;
    monitor.command = line_command_find(&monitor_language, &rest);
    if (monitor.command != COMMAND_expect) {
        if (monitor.refused)
            fail("the line before was not understood");
        text_buffer_init(&monitor.kept, monitor.answer, sizeof(monitor.answer));
    }
    monitor.cpu = (struct vmx_cpu){.options = &options};
    vmx_cpu_check(&monitor.cpu, NULL);
    vmx_capability_derive(&monitor.cpu.msrs, &monitor.capability);
    monitor.vmcs = UINT64_MAX;
    monitor.is_on = vmx_ok(vmptrst(&monitor.vmcs));
    if (line_command_take(&monitor_language, monitor.command, rest, &monitor.given, &monitor.sink))
        run();
    else
        monitor.refused = true;
}

static void keep_and_pass(struct sink *sink, const char *text, size_t length)
{
    (void)sink;
    monitor.kept.sink.write(&monitor.kept.sink, text, length);
    monitor.next->write(monitor.next, text, length);
}

void monitor_init(struct sink *next)
{
    monitor = (struct monitor){.sink = {keep_and_pass}, .next = next, .failed = monitor.failed};
    text_buffer_init(&monitor.kept, monitor.answer, sizeof(monitor.answer));
    monitor.cr0_before = read_cr0();
    monitor.cr4_before = read_cr4();
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
    monitor_init(monitor.next);
}
