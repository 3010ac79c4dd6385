#include "kernel/report/report.h"

#include "mm/memory_type.h"

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
    json_number(json, "ram_bytes", machine->memory.ram_bytes);
    json_number(json, "pool_bytes", machine->memory.pool_bytes);
    json_number(json, "used_bytes", machine->used_bytes);
    json_object_end(json);
    json_string(json, "verdict", machine_refused(machine) ? "refused" : "ok");
}

REPORT_JSON(010, way_json);

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

const char *vmx_state_name(enum vmx_cpu_state state)
{
    static const char *const names[] = {
        [VMX_CPU_OFF] = "off",
        [VMX_CPU_ROOT] = "root",
        [VMX_CPU_LOADED] = "loaded",
    };

    return names[state];
}

/* NULL without a room that has sentences. */
static const char *error_text(struct vmx_result result)
{
    SET_FOR_EACH(vmx_texts, room)
        return result.outcome == VMX_FAIL_VALID ? (*room)->error(result.number) : NULL;
    return NULL;
}

void result_json(struct json *json, const char *name, const char *instruction,
                 struct vmx_result result)
{
    json_object_begin(json, name);
    if (instruction != NULL)
        json_string(json, "instruction", instruction);
    json_string(json, "outcome", vmx_outcome_name(result.outcome));
    json_number(json, "number", result.number);
    json_string(json, "text", error_text(result));
    json_object_end(json);
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

static void cpu_json(struct json *json, const struct cpu *cpu)
{
    json_object_begin(json, NULL);
    json_number(json, "cpu", cpu->index);
    json_number(json, "apic_id", cpu->apic_id);
    json_bool(json, "started", cpu->phase == CPU_READY);
    json_number(json, "nmis", cpu->nmis);
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

static void timing_json(const struct machine *machine, struct json *json)
{
    const struct timing *timing = &machine->timing;

    json_object_begin(json, "timing");
    json_hex(json, "entry_tsc", timing->entry_tsc);
    json_hex(json, "memory_tsc", timing->memory_tsc);
    json_hex(json, "cpus_started_tsc", timing->cpus_started_tsc);
    json_hex(json, "vmx_on_all_tsc", timing->vmx_on_all_tsc);
    json_number(json, "tsc_per_ms", timing->tsc.per_ms);
    json_string(json, "tsc_source", timing->tsc.source);
    json_object_end(json);
}

REPORT_JSON(090, timing_json);

void report_text(const struct machine *machine, struct sink *page)
{
    SET_FOR_EACH(report_text, part)
        (*part)(machine, page);
}

void report_json(const struct machine *machine, struct sink *sink)
{
    struct json json;

    json_init(&json, sink);
    json_object_begin(&json, NULL);
    SET_FOR_EACH(report_json, part)
        (*part)(machine, &json);
    json_object_end(&json);
    sink->write(sink, "\n", 1);
}
