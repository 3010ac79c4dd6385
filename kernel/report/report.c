#include "kernel/report/report.h"

#include "vm/host/clock_math.h"
#include "kernel/console/console.h"
#include "kernel/report/cpu_ranges.h"
#include "kernel/report/report_entry.h"
#include "lib/string.h"
#include "mm/memory_type.h"
#include "vmx/text/basic_render.h"
#include "vmx/capability/vmx_controls.h"

enum { PAGE_COLUMNS = 78 };

#define MIB (1ul << 20)

void report_heading(const char *format, ...)
{
    va_list arguments;

    console_print("\n");
    console_colour(COLOUR_HEADING);
    va_start(arguments, format);
    vprint_to(console_sink(), format, arguments);
    va_end(arguments);
    console_colour(COLOUR_PLAIN);
    console_print("\n");
}

static void tell_way(const struct machine *machine)
{
    const struct paging_audit *audit = &machine->audit;
    uint64_t both = audit->writable_executable + audit->aliased_pages;
    uint32_t ready = 0;

    for (uint32_t i = 0; i < machine->cpu_count; i++)
        ready += machine->cpus[i]->phase == CPU_READY;
    report_heading("The way here");
    console_print("  loader        %s on %s, image at %#lx\n", machine->boot.loader,
                  machine->boot.uefi ? "UEFI" : "BIOS", machine->load_address);
    console_print("  command line  %s\n",
                  machine->boot.command_line[0] != '\0' ? machine->boot.command_line : "(empty)");
    console_print("  memory        %lu MiB of RAM, %lu MiB in the page pool, %lu KiB of it used\n",
                  machine->ram_bytes / MIB, machine->pool_bytes / MIB, machine->used_bytes / 1024);
    console_print("  page tables   %lu mappings, %lu writable and executable\n",
                  audit->leaves_4k + audit->leaves_2m + audit->leaves_1g, both);
    console_print("  CPUs          %u of %u started, %s mode\n", ready, machine->cpu_count,
                  machine->x2apic ? "x2APIC" : "xAPIC");
    console_print("  clock         ");
    tsc_rate_print((struct tsc_rate){machine->timing.tsc_per_ms, machine->timing.source},
                   console_sink());
    console_print("\n");
}

static void paint(struct sink *sink, enum severity severity)
{
    (void)sink;
    if (severity == SEVERITY_REFUSAL)
        console_colour(COLOUR_REFUSAL);
    else if (severity == SEVERITY_WARNING)
        console_colour(COLOUR_WARNING);
    else
        console_colour(COLOUR_PLAIN);
}

/* The names of the controls that are on, in lines of the page's width. */
static void tell_controls(enum vmx_control_word word, uint32_t value)
{
    unsigned column = PAGE_COLUMNS;

    console_print("  %-48s%#010x", vmx_control_words[word].name, value);
    console_colour(COLOUR_DIM);
    for (uint32_t i = 0; i < vmx_control_count; i++) {
        const struct vmx_control *control = &vmx_control_table[i];
        unsigned length = (unsigned)strlen(control->name) + 2;

        if (control->word != word || (value & control->mask) == 0)
            continue;
        if (column + length > PAGE_COLUMNS) {
            console_print("\n     ");
            column = 5;
        }
        console_print(" %s;", control->name);
        column += length;
    }
    console_colour(COLOUR_PLAIN);
    console_print("\n");
}

static void tell_config(const struct vmx_cpu *cpu)
{
    const struct vmcs_config *config = &cpu->judged_config;

    report_heading("vmcs_config, as KVM derives it");
    for (uint32_t i = 0; i < vmcs_config_field_count; i++) {
        const struct field *field = &vmcs_config_fields[i];
        uint64_t value = field_value(field, config);

        if (field->kind == FIELD_HEX)
            console_print("  %-26s%#lx\n", field->name, value);
        else
            console_print("  %-26s%lu\n", field->name, value);
    }
    report_heading("Controls that are on");
    tell_controls(VMX_CONTROL_PIN, config->pin_based_exec_ctrl);
    tell_controls(VMX_CONTROL_PRIMARY, config->cpu_based_exec_ctrl);
    if (config->cpu_based_2nd_exec_ctrl != 0)
        tell_controls(VMX_CONTROL_SECONDARY, config->cpu_based_2nd_exec_ctrl);
    tell_controls(VMX_CONTROL_EXIT, config->vmexit_ctrl);
    tell_controls(VMX_CONTROL_ENTRY, config->vmentry_ctrl);
}

static void tell_result(struct vmx_result result)
{
    console_print("%s", vmx_outcome_name(result.outcome));
    if (result.outcome == VMX_FAIL_VALID || result.outcome == VMX_FAULT)
        console_print(" %u", result.number);
}

static void tell_region(const struct vmx_region *region)
{
    if (region->address == 0)
        console_print("  %-21s", "-");
    else
        console_print("  %#012lx, %d, %-4s", region->address, region->order,
                      memory_type_name(region->memory_type));
}

static void tell_cpu(const struct cpu *cpu)
{
    console_colour(cpu_state_colour(cpu));
    console_print("  %3u  %#7x  %-7s", cpu->index, cpu->apic_id, cpu_state_name(cpu));
    console_colour(COLOUR_PLAIN);
    tell_region(&cpu->vmx.vmxon_region);
    tell_region(&cpu->vmx.vmcs_region);
    if (cpu->vmx.state == VMX_CPU_LOADED)
        console_print("  %#012lx", cpu->vmx.vmptrst);
    if (cpu->vmx.error_instruction != NULL) {
        console_print("  %s: ", cpu->vmx.error_instruction);
        tell_result(cpu->vmx.error);
    }
    console_print("\n");
}

static void tell_cpus(const struct machine *machine)
{
    report_heading("CPUs, and their regions: address, order, memory type");
    console_colour(COLOUR_DIM);
    console_print("  CPU  APIC id  VMX      %-23s%-23s%s\n", "VMXON region", "VMCS", "VMPTRST");
    console_colour(COLOUR_PLAIN);
    for (uint32_t i = 0; i < machine->cpu_count; i++)
        tell_cpu(machine->cpus[i]);
}

static void tell_selftest(const struct selftest *selftest)
{
    report_heading("Self-test on CPU 0: %u steps, %u differences from the manual", selftest->count,
                   selftest->differences);
    for (uint32_t i = 0; i < selftest->count; i++) {
        const struct selftest_row *row = &selftest->row[i];

        console_colour(row->agrees ? COLOUR_OK : COLOUR_REFUSAL);
        console_print("  %-4s", row->agrees ? "ok" : "DIFF");
        console_colour(COLOUR_PLAIN);
        console_print(" %-48s ", row->name);
        tell_result(row->seen);
        if (row->has_value)
            console_print(" %#lx", row->seen_value);
        if (!row->agrees) {
            console_print(", predicted ");
            tell_result(row->predicted);
            if (row->has_value)
                console_print(" %#lx", row->predicted_value);
        }
        console_print("\n");
    }
}

static void tell_time(const struct timing *timing, const char *what, uint64_t tsc)
{
    uint64_t ticks = tsc - timing->entry_tsc;
    uint64_t us;

    if (tsc == 0)
        return;
    console_print("  %-28s%12lu TSC ticks", what, ticks);
    if (timing->tsc_per_ms != 0) {
        us = tsc_to_microseconds(ticks, timing->tsc_per_ms);
        console_print("%8lu.%03lu ms", us / 1000, us % 1000);
    }
    console_print("\n");
}

void report_text(const struct machine *machine)
{
    const struct vmx_cpu *boot_cpu = &machine->cpus[0]->vmx;
    const struct timing *timing = &machine->timing;
    bool refused = machine_refused(machine);

    tell_way(machine);
    if (vmx_msr_is_present(&boot_cpu->judged, IA32_VMX_BASIC)) {
        report_heading("What the boot CPU says of its VMX");
        basic_render(console_sink(), vmx_msr_value(&boot_cpu->judged, IA32_VMX_BASIC),
                     &boot_cpu->findings, paint);
        tell_config(boot_cpu);
    }
    tell_cpus(machine);
    if (machine->selftest_done)
        tell_selftest(&machine->selftest);
    report_entry_text(&machine->selftest_entry);
    report_guests(machine);
    report_findings(machine);
    report_heading("Since the kernel's first instruction");
    tell_time(timing, "memory ready", timing->memory_tsc);
    tell_time(timing, "all CPUs started", timing->cpus_started_tsc);
    tell_time(timing, refused ? "the decision" : "all CPUs in VMX operation",
              timing->vmx_on_all_tsc);
}
