#include "kernel/report/report_json.h"

#include "kernel/report/cpu_ranges.h"
#include "kernel/report/finding_told.h"
#include "kernel/report/guests_json.h"
#include "kernel/report/report_entry.h"
#include "lib/json.h"
#include "mm/memory_type.h"
#include "vmx/text/vmcs_dump.h"
#include "vmx/text/vmx_json.h"

static const char *const state_names[] = {
    [VMX_CPU_OFF] = "off",
    [VMX_CPU_ROOT] = "root",
    [VMX_CPU_LOADED] = "loaded",
};

static const char *const check_names[] = {
    [VMX_CHECK_KVM] = "kvm",
    [VMX_CHECK_VIRTUAL] = "kvm",
    [VMX_CHECK_STRICT] = "strict",
};

static void put_boot(struct json *json, const struct machine *machine)
{
    json_object_begin(json, "boot");
    json_string(json, "loader", machine->boot.loader);
    json_string(json, "firmware", machine->boot.uefi ? "uefi" : "bios");
    json_string(json, "cmdline", machine->boot.command_line);
    json_hex(json, "load_address", machine->load_address);
    json_object_end(json);
}

static void put_memory(struct json *json, const struct machine *machine)
{
    json_object_begin(json, "memory");
    json_number(json, "ram_bytes", machine->ram_bytes);
    json_number(json, "pool_bytes", machine->pool_bytes);
    json_number(json, "used_bytes", machine->used_bytes);
    json_object_end(json);
}

struct telling {
    struct json *json;
    const struct machine *machine;
};

static void put_finding(void *context, const struct finding *finding, const bool *set)
{
    static char ranges[CPU_RANGES_SIZE];
    const struct telling *telling = context;
    struct finding first = *finding;
    struct text_buffer text;

    for (first.cpu = 0; first.cpu < finding->cpu && !set[first.cpu];)
        first.cpu++;
    text_buffer_init(&text, ranges, sizeof(ranges));
    cpu_ranges_print(&text.sink, set, telling->machine->cpu_count);
    vmx_json_finding(telling->json, &first, ranges, &telling->machine->cpus[first.cpu]->apic_id);
}

static void put_findings(struct json *json, const struct machine *machine)
{
    struct telling telling = {json, machine};

    json_array_begin(json, "findings");
    machine_each_finding(machine, put_finding, &telling);
    json_array_end(json);
    json_number(json, "findings_lost", machine_findings_lost(machine));
}

static void put_msrs(struct json *json, const struct vmx_cpu *cpu)
{
    const struct vmx_dump dump = {
        .msrs = cpu->judged,
        .has_feature_control = cpu->feature_control_present,
        .feature_control = cpu->feature_control,
    };

    vmx_json_msrs(json, &dump);
}

static void put_region(struct json *json, const char *name, const struct vmx_region *region)
{
    if (region->address == 0) {
        json_null(json, name);
        return;
    }
    json_object_begin(json, name);
    json_hex(json, "address", region->address);
    json_number(json, "order", (uint64_t)region->order);
    json_string(json, "memory_type", memory_type_name(region->memory_type));
    json_object_end(json);
}

/* `instruction` is NULL where the object's name or place says which one it was. */
static void put_result(struct json *json, const char *name, const char *instruction,
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

static uint32_t nmis_told(const struct cpu *cpu)
{
    return cpu->nmis.count[NMI_SERR] + cpu->nmis.count[NMI_IOCHK] + cpu->nmis.count[NMI_UNKNOWN];
}

static void put_cpu(struct json *json, const struct cpu *cpu)
{
    json_object_begin(json, NULL);
    json_number(json, "cpu", cpu->index);
    json_number(json, "apic_id", cpu->apic_id);
    json_bool(json, "started", cpu->phase == CPU_READY);
    json_number(json, "nmis", nmis_told(cpu));
    json_string(json, "state", state_names[cpu->vmx.state]);
    put_region(json, "vmxon_region", &cpu->vmx.vmxon_region);
    put_region(json, "vmcs_region", &cpu->vmx.vmcs_region);
    if (cpu->vmx.state == VMX_CPU_LOADED)
        json_hex(json, "vmptrst", cpu->vmx.vmptrst);
    else
        json_null(json, "vmptrst");
    if (cpu->vmx.error_instruction != NULL)
        put_result(json, "error", cpu->vmx.error_instruction, cpu->vmx.error);
    else
        json_null(json, "error");
    json_object_end(json);
}

static void put_timing(struct json *json, const struct timing *timing)
{
    json_object_begin(json, "timing");
    json_hex(json, "entry_tsc", timing->entry_tsc);
    json_hex(json, "memory_tsc", timing->memory_tsc);
    json_hex(json, "cpus_started_tsc", timing->cpus_started_tsc);
    json_hex(json, "vmx_on_all_tsc", timing->vmx_on_all_tsc);
    json_number(json, "tsc_per_ms", timing->tsc_per_ms);
    json_string(json, "tsc_source", timing->source);
    json_object_end(json);
}

static void put_selftest(struct json *json, const struct machine *machine)
{
    if (!machine->selftest_done) {
        json_null(json, "selftest");
        return;
    }
    json_array_begin(json, "selftest");
    for (uint32_t i = 0; i < machine->selftest.count; i++) {
        const struct selftest_row *row = &machine->selftest.row[i];

        json_object_begin(json, NULL);
        json_string(json, "name", row->name);
        put_result(json, "predicted", NULL, row->predicted);
        put_result(json, "seen", NULL, row->seen);
        if (row->has_value) {
            json_hex(json, "predicted_value", row->predicted_value);
            json_hex(json, "seen_value", row->seen_value);
        }
        json_bool(json, "agrees", row->agrees);
        json_object_end(json);
    }
    json_array_end(json);
}

static void put_vmcs(struct json *json, const struct vmcs_kept *kept)
{
    if (kept->guest == NULL) {
        json_null(json, "vmcs");
        return;
    }
    json_object_begin(json, "vmcs");
    json_string(json, "guest", kept->guest);
    json_number(json, "cpu", kept->cpu);
    json_bool(json, "entry_failed", kept->entry_failed);
    vmcs_dump_json(&kept->image, json, "fields");
    json_object_end(json);
}

void report_json(const struct machine *machine, struct sink *sink)
{
    const struct vmx_cpu *boot_cpu = &machine->cpus[0]->vmx;
    struct json json;

    json_init(&json, sink);
    json_object_begin(&json, NULL);
    json_string(&json, "rootmode", ROOTMODE_VERSION);
    put_boot(&json, machine);
    put_memory(&json, machine);
    json_string(&json, "verdict", machine_refused(machine) ? "refused" : "ok");
    put_findings(&json, machine);
    json_string(&json, "check", check_names[machine->check]);
    json_string(&json, "registers", machine->virtual_registers ? "virtual" : "physical");
    put_msrs(&json, boot_cpu);
    vmx_json_fields(&json, "vmcs_config", vmcs_config_fields, vmcs_config_field_count,
                    &boot_cpu->judged_config);
    vmx_json_fields(&json, "vmx_capability", vmx_capability_fields, vmx_capability_field_count,
                    &machine->capability);
    json_array_begin(&json, "cpus");
    for (uint32_t i = 0; i < machine->cpu_count; i++)
        put_cpu(&json, machine->cpus[i]);
    json_array_end(&json);
    put_selftest(&json, machine);
    report_entry_json(&json, &machine->selftest_entry);
    guests_json(&json, machine);
    put_vmcs(&json, &machine->vmcs);
    put_timing(&json, &machine->timing);
    json_object_end(&json);
    sink->write(sink, "\n", 1);
}
