/* The page for a person: the way here, the configuration, CPUs, times. */
#include "kernel/report/report_page.h"

#include "lib/host/clock.h"
#include "mm/memory_type.h"
#include "lib/wrapped.h"

const char *cpu_state_name(const struct cpu *cpu)
{
    if (cpu->phase == CPU_UNREACHABLE)
        return "no path"; /* nothing was sent to it */
    return cpu->phase == CPU_READY ? vmx_state_name(cpu->vmx->state) : "silent";
}

enum colour cpu_state_colour(const struct cpu *cpu)
{
    if (cpu->phase != CPU_READY)
        return COLOUR_WARNING;
    return cpu->vmx->state == VMX_CPU_LOADED ? COLOUR_OK : COLOUR_PLAIN;
}

void tsc_rate_print(struct tsc_rate rate, struct sink *sink)
{
    if (rate.per_ms == 0)
        print_to(sink, "none: times are told in TSC ticks");
    else
        print_to(sink, "TSC at %llu.%03llu MHz by %s", (unsigned long long)rate.per_ms / 1000,
                 (unsigned long long)rate.per_ms % 1000, rate.source);
}

#define MIB (1ul << 20)

struct paging_audit paging_audited;

static void way_text(const struct machine *machine, struct sink *page)
{
    const struct paging_audit *found = &paging_audited;
    uint32_t ready = 0;

    for (uint32_t i = 0; i < machine->cpu_count; i++)
        ready += machine->cpus[i]->phase == CPU_READY;
    print_in(page, COLOUR_HEADING, "\nThe way here\n");
    print_to(page, "  loader        %s on %s, image at %#lx\n", machine->boot.loader,
             machine->boot.uefi ? "UEFI" : "BIOS", machine->load_address);
    print_to(page, "  command line  %s\n",
             machine->boot.command_line[0] != '\0' ? machine->boot.command_line : "(empty)");
    print_to(page, "  memory        %lu MiB of RAM, %lu MiB in the page pool, %lu KiB of it used\n",
             machine->memory.ram_bytes / MIB, machine->memory.pool_bytes / MIB,
             machine->used_bytes / 1024);
    print_to(page, "  page tables   %lu mappings, %lu writable and executable\n",
             found->leaves_4k + found->leaves_2m + found->leaves_1g,
             found->writable_executable + found->aliased_pages);
    print_to(page, "  CPUs          %u of %u started, %s mode\n  clock         ", ready,
             machine->cpu_count, machine->x2apic ? "x2APIC" : "xAPIC");
    tsc_rate_print(machine->timing.tsc, page);
    print_to(page, "\n");
}

REPORT_TEXT(010, way_text);

void result_text(struct sink *page, struct vmx_result result)
{
    print_to(page, "%s", vmx_outcome_name(result.outcome));
    if (result.outcome == VMX_FAIL_VALID || result.outcome == VMX_FAULT)
        print_to(page, " %u", result.number);
}

static void region_text(struct sink *page, const struct vmx_region *region)
{
    if (region->address == 0)
        print_to(page, "  %-21s", "-");
    else
        print_to(page, "  %#012lx, %d, %-4s", region->address, region->order,
                 memory_type_name(region->memory_type));
}

static void cpu_text(struct sink *page, const struct cpu *cpu)
{
    print_in(page, cpu_state_colour(cpu), "  %3u  %#7x  %-7s", cpu->index, cpu->apic_id,
             cpu_state_name(cpu));
    region_text(page, &cpu->vmx->vmxon_region);
    region_text(page, &cpu->vmx->vmcs_region);
    if (cpu->vmx->state == VMX_CPU_LOADED)
        print_to(page, "  %#012lx", cpu->vmx->vmptrst);
    if (cpu->vmx->error_instruction != NULL) {
        print_to(page, "  %s: ", cpu->vmx->error_instruction);
        result_text(page, cpu->vmx->error);
    }
    print_to(page, "\n");
}

static void cpus_text(const struct machine *machine, struct sink *page)
{
    print_in(page, COLOUR_HEADING, "\nCPUs, and their regions: address, order, memory type\n");
    print_in(page, COLOUR_DIM, "  CPU  APIC id  VMX      %-23s%-23s%s\n", "VMXON region", "VMCS",
             "VMPTRST");
    for (uint32_t i = 0; i < machine->cpu_count; i++)
        cpu_text(page, machine->cpus[i]);
}

REPORT_TEXT(050, cpus_text);

static void time_text(const struct timing *timing, struct sink *page, const char *what,
                      uint64_t tsc)
{
    uint64_t ticks = tsc - timing->entry_tsc;
    uint64_t us;

    if (tsc == 0)
        return;
    print_to(page, "  %-28s%12lu TSC ticks", what, ticks);
    if (timing->tsc.per_ms != 0) {
        us = tsc_to_microseconds(ticks, timing->tsc.per_ms);
        print_to(page, "%8lu.%03lu ms", us / 1000, us % 1000);
    }
    print_to(page, "\n");
}

static void timing_text(const struct machine *machine, struct sink *page)
{
    const struct timing *timing = &machine->timing;

    print_in(page, COLOUR_HEADING, "\nSince the kernel's first instruction\n");
    time_text(timing, page, "memory ready", timing->memory_tsc);
    time_text(timing, page, "all CPUs started", timing->cpus_started_tsc);
    time_text(timing, page, machine_refused(machine) ? "the decision" : "all CPUs in VMX operation",
              timing->vmx_on_all_tsc);
}

REPORT_TEXT(090, timing_text);

/* A finding in full: its sentence, where it was seen, the manual's section and the remedy. */
enum { TEXT_COLUMNS = 67, INDENT = 11, MANUAL_SIZE = 160 };

static void print_finding(struct sink *page, const struct finding *finding, const char *place)
{
    struct rule_text sentences;
    const struct rule_text *text = vmx_rule_text(finding->rule, &sentences);
    char manual[MANUAL_SIZE];

    if (text != NULL)
        print_wrapped(page, INDENT, TEXT_COLUMNS, text->text);
    print_wrapped(page, INDENT, TEXT_COLUMNS, place);
    if (text == NULL)
        return;
    console_colour(COLOUR_DIM);
    format_text(manual, sizeof(manual), "manual: %s", text->sdm);
    print_wrapped(page, INDENT, TEXT_COLUMNS, manual);
    console_colour(COLOUR_PLAIN);
    print_wrapped(page, INDENT, TEXT_COLUMNS, text->remedy);
}

SET_MEMBER(finding_printers, 0, finding_printer, print_finding);
