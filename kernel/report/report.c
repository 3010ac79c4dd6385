#include "kernel/report/report.h"

#include "lib/host/clock.h"
#include "kernel/report/report_parts.h"
#include "mm/memory_type.h"

#define MIB (1ul << 20)

static void way_text(const struct machine *machine, const struct coloured *page)
{
    print_in(page, COLOUR_HEADING, "\nThe way here\n");
    print_to(page->sink, "  loader        %s on %s, image at %#lx\n", machine->boot.loader,
             machine->boot.uefi ? "UEFI" : "BIOS", machine->load_address);
    print_to(page->sink, "  command line  %s\n",
             machine->boot.command_line[0] != '\0' ? machine->boot.command_line : "(empty)");
    print_to(page->sink,
             "  memory        %lu MiB of RAM, %lu MiB in the page pool, %lu KiB of it used\n",
             machine->ram_bytes / MIB, machine->pool_bytes / MIB, machine->used_bytes / 1024);
}

REPORT_TEXT(010, way_text);

static void processors_text(const struct machine *machine, const struct coloured *page)
{
    uint32_t ready = 0;

    for (uint32_t i = 0; i < machine->cpu_count; i++)
        ready += machine->cpus[i]->phase == CPU_READY;
    print_to(page->sink, "  CPUs          %u of %u started, %s mode\n  clock         ", ready,
             machine->cpu_count, machine->x2apic ? "x2APIC" : "xAPIC");
    tsc_rate_print(
        (struct tsc_rate){.per_ms = machine->timing.tsc_per_ms, .source = machine->timing.source},
        page->sink);
    print_to(page->sink, "\n");
}

REPORT_TEXT(015, processors_text);

static void way_json(const struct machine *machine, struct json *json)
{
    json_string(json, "rootmode", ROOTMODE_VERSION);
    json_object_begin(json, "boot");
    json_string(json, "loader", machine->boot.loader);
    json_string(json, "firmware", machine->boot.uefi ? "uefi" : "bios");
    json_string(json, "cmdline", machine->boot.command_line);
    json_hex(json, "load_address", machine->load_address);
    json_object_end(json);
    json_object_begin(json, "memory");
    json_number(json, "ram_bytes", machine->ram_bytes);
    json_number(json, "pool_bytes", machine->pool_bytes);
    json_number(json, "used_bytes", machine->used_bytes);
    json_object_end(json);
    json_string(json, "verdict", machine_refused(machine) ? "refused" : "ok");
}

REPORT_JSON(010, way_json);

static void config_text(const struct machine *machine, const struct coloured *page)
{
    const struct vmx_cpu *cpu = machine->cpus[0]->vmx;

    if (!vmx_msr_is_present(&cpu->checked, IA32_VMX_BASIC))
        return;
    print_in(page, COLOUR_HEADING, "\nvmcs_config, as KVM derives it\n");
    for (uint32_t i = 0; i < vmcs_config_field_count; i++) {
        const struct field *field = &vmcs_config_fields[i];

        print_to(page->sink, field->kind == FIELD_HEX ? "  %-26s%#lx\n" : "  %-26s%lu\n",
                 field->name, field_value(field, &cpu->checked_config));
    }
}

REPORT_TEXT(030, config_text);

static void config_json(const struct machine *machine, struct json *json)
{
    const struct vmx_cpu *cpu = machine->cpus[0]->vmx;

    json_string(json, "check", machine->check == VMX_CHECK_STRICT ? "strict" : "kvm");
    json_string(json, "registers", machine->virtual_registers ? "virtual" : "physical");
    vmx_json_msrs(json, &cpu->checked, cpu->feature_control_present ? &cpu->feature_control : NULL);
    vmx_json_fields(json, "vmcs_config", vmcs_config_fields, vmcs_config_field_count,
                    &cpu->checked_config);
    vmx_json_fields(json, "vmx_capability", vmx_capability_fields, vmx_capability_field_count,
                    &machine->capability);
}

REPORT_JSON(030, config_json);

void result_text(const struct coloured *page, struct vmx_result result)
{
    print_to(page->sink, "%s", vmx_outcome_name(result.outcome));
    if (result.outcome == VMX_FAIL_VALID || result.outcome == VMX_FAULT)
        print_to(page->sink, " %u", result.number);
}

void result_json(struct json *json, const char *name, const char *instruction,
                 struct vmx_result result)
{
    json_object_begin(json, name);
    if (instruction != NULL)
        json_string(json, "instruction", instruction);
    json_string(json, "outcome", vmx_outcome_name(result.outcome));
    json_number(json, "number", result.number);
    json_string(json, "text",
                result.outcome == VMX_FAIL_VALID ? vmx_error_text(result.number) : NULL);
    json_object_end(json);
}

static void region_text(const struct coloured *page, const struct vmx_region *region)
{
    if (region->address == 0)
        print_to(page->sink, "  %-21s", "-");
    else
        print_to(page->sink, "  %#012lx, %d, %-4s", region->address, region->order,
                 memory_type_name(region->memory_type));
}

static void region_json(struct json *json, const char *name, const struct vmx_region *region)
{
    if (!json_object_if(json, name, region->address != 0))
        return;
    json_hex(json, "address", region->address);
    json_number(json, "order", (uint64_t)region->order);
    json_string(json, "memory_type", memory_type_name(region->memory_type));
    json_object_end(json);
}

static void cpu_text(const struct coloured *page, const struct cpu *cpu)
{
    print_in(page, cpu_state_colour(cpu), "  %3u  %#7x  %-7s", cpu->index, cpu->apic_id,
             cpu_state_name(cpu));
    region_text(page, &cpu->vmx->vmxon_region);
    region_text(page, &cpu->vmx->vmcs_region);
    if (cpu->vmx->state == VMX_CPU_LOADED)
        print_to(page->sink, "  %#012lx", cpu->vmx->vmptrst);
    if (cpu->vmx->error_instruction != NULL) {
        print_to(page->sink, "  %s: ", cpu->vmx->error_instruction);
        result_text(page, cpu->vmx->error);
    }
    print_to(page->sink, "\n");
}

static void cpu_json(struct json *json, const struct cpu *cpu)
{
    const _Atomic(uint32_t) *nmis = cpu->nmis.count;

    json_object_begin(json, NULL);
    json_number(json, "cpu", cpu->index);
    json_number(json, "apic_id", cpu->apic_id);
    json_bool(json, "started", cpu->phase == CPU_READY);
    json_number(json, "nmis", nmis[NMI_SERR] + nmis[NMI_IOCHK] + nmis[NMI_UNKNOWN]);
    json_string(json, "state", vmx_state_name(cpu->vmx->state));
    region_json(json, "vmxon_region", &cpu->vmx->vmxon_region);
    region_json(json, "vmcs_region", &cpu->vmx->vmcs_region);
    if (cpu->vmx->state == VMX_CPU_LOADED)
        json_hex(json, "vmptrst", cpu->vmx->vmptrst);
    else
        json_null(json, "vmptrst");
    if (cpu->vmx->error_instruction != NULL)
        result_json(json, "error", cpu->vmx->error_instruction, cpu->vmx->error);
    else
        json_null(json, "error");
    json_object_end(json);
}

static void cpus_json(const struct machine *machine, struct json *json)
{
    json_array_begin(json, "cpus");
    for (uint32_t i = 0; i < machine->cpu_count; i++)
        cpu_json(json, machine->cpus[i]);
    json_array_end(json);
}

REPORT_JSON(050, cpus_json);

static void cpus_text(const struct machine *machine, const struct coloured *page)
{
    print_in(page, COLOUR_HEADING, "\nCPUs, and their regions: address, order, memory type\n");
    print_in(page, COLOUR_DIM, "  CPU  APIC id  VMX      %-23s%-23s%s\n", "VMXON region", "VMCS",
             "VMPTRST");
    for (uint32_t i = 0; i < machine->cpu_count; i++)
        cpu_text(page, machine->cpus[i]);
}

REPORT_TEXT(050, cpus_text);

static void time_text(const struct timing *timing, const struct coloured *page, const char *what,
                      uint64_t tsc)
{
    uint64_t ticks = tsc - timing->entry_tsc;
    uint64_t us;

    if (tsc == 0)
        return;
    print_to(page->sink, "  %-28s%12lu TSC ticks", what, ticks);
    if (timing->tsc_per_ms != 0) {
        us = tsc_to_microseconds(ticks, timing->tsc_per_ms);
        print_to(page->sink, "%8lu.%03lu ms", us / 1000, us % 1000);
    }
    print_to(page->sink, "\n");
}

static void timing_text(const struct machine *machine, const struct coloured *page)
{
    const struct timing *timing = &machine->timing;

    print_in(page, COLOUR_HEADING, "\nSince the kernel's first instruction\n");
    time_text(timing, page, "memory ready", timing->memory_tsc);
    time_text(timing, page, "all CPUs started", timing->cpus_started_tsc);
    time_text(timing, page, machine_refused(machine) ? "the decision" : "all CPUs in VMX operation",
              timing->vmx_on_all_tsc);
}

REPORT_TEXT(090, timing_text);

static void timing_json(const struct machine *machine, struct json *json)
{
    const struct timing *timing = &machine->timing;

    json_object_begin(json, "timing");
    json_hex(json, "entry_tsc", timing->entry_tsc);
    json_hex(json, "memory_tsc", timing->memory_tsc);
    json_hex(json, "cpus_started_tsc", timing->cpus_started_tsc);
    json_hex(json, "vmx_on_all_tsc", timing->vmx_on_all_tsc);
    json_number(json, "tsc_per_ms", timing->tsc_per_ms);
    json_string(json, "tsc_source", timing->source);
    json_object_end(json);
}

REPORT_JSON(090, timing_json);

void report_text(const struct machine *machine, const struct coloured *page)
{
    SET_FOR_EACH(report_text, part)
        (*part)->print(machine, page);
}

void report_json(const struct machine *machine, struct sink *sink)
{
    struct json json;

    json_init(&json, sink);
    json_object_begin(&json, NULL);
    SET_FOR_EACH(report_json, part)
        (*part)->print(machine, &json);
    json_object_end(&json);
    sink->write(sink, "\n", 1);
}
