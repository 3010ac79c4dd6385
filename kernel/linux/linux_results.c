#include "kernel/linux/linux_results.h"

#include "kernel/command_line.h"
#include "kernel/report/report.h"
#include "lib/string.h"
#include "vmx/text/exit_text.h"

struct linux_results linux_results;

COMMAND_WORD(150, .name = "hypervisor", .values = "shown|hidden",
             .option = &linux_results.hypervisor, .option_bytes = sizeof(linux_results.hypervisor));

static void add(struct machine *machine, enum rule rule, uint64_t seen, uint64_t wanted,
                const char *detail)
{
    machine_add_finding(
        machine,
        (struct finding){
            .rule = rule, .high = -1, .low = -1, .seen = seen, .wanted = wanted, .detail = detail});
}

bool guest_refuse(struct machine *machine, uint64_t seen, uint64_t wanted, const char *detail)
{
    add(machine, RULE_LINUX_MODULES, seen, wanted, detail);
    return false;
}

bool guest_check_modules(struct machine *machine, uint32_t most, const char *detail)
{
    const struct boot_info *boot = &machine->boot;
    uint32_t count = boot->module_count + boot->module_lost;

    if (count > most)
        return guest_refuse(machine, count, most, detail);
    if (boot->modules[0].string_lost > 0)
        return guest_refuse(machine, boot->modules[0].string_lost + strlen(boot->modules[0].string),
                            BOOT_STRING_SIZE - 1, "characters of the kernel's command line");
    return true;
}

bool check_linux_image(struct machine *machine, enum linux_image_result result,
                       const struct linux_image *image)
{
    static const char *const text[] = {
#define RESULT(name, sentence) [LINUX_IMAGE_##name] = (sentence),
        LINUX_IMAGE_RESULTS(RESULT)
#undef RESULT
    };
    size_t length = strlen(machine->boot.modules[0].string);

    if (result != LINUX_IMAGE_OK)
        return guest_refuse(machine, image->seen, image->wanted, text[result]);
    if (length > image->command_line_most)
        return guest_refuse(machine, length, image->command_line_most,
                            "characters of the kernel's command line");
    return true;
}

bool check_linux_plan(struct machine *machine, enum linux_plan_result result,
                      const struct linux_plan *plan)
{
    static const char *const text[] = {
#define RESULT(name, sentence) [LINUX_PLAN_##name] = (sentence),
        LINUX_PLAN_RESULTS(RESULT)
#undef RESULT
    };

    return result == LINUX_PLAN_OK || guest_refuse(machine, 0, plan->wanted, text[result]);
}

void check_linux_ranges(struct machine *machine)
{
    machine_add(machine, RULE_BOOT_RANGES, 0, NULL);
}

bool check_linux_cpus(struct machine *machine, uint32_t named, uint32_t used)
{
    if (named > used)
        add(machine, RULE_LINUX_MODULES, used, named,
            "CPUs: the guest would start the others outside of VMX operation");
    return named <= used;
}

bool check_linux_cpu(struct machine *machine, const char *lacks)
{
    if (lacks != NULL)
        machine_add(machine, RULE_LINUX_CPU, 0, lacks);
    return lacks == NULL;
}

/* Of ends that are the guest's doing. */
static const char *const broken_texts[GUEST_END_COUNT] = {
    [GUEST_END_MEMORY] = "guest: it reached for memory that it cannot have",
    [GUEST_END_MISCONFIGURED] = "guest: an EPT entry was misconfigured",
    [GUEST_END_ENTRY_ERROR] = "guest: VMLAUNCH or VMRESUME failed",
    [GUEST_END_ENTRY_FAILED] = "guest: a VM entry failed",
};

static const char *broken_text(const struct vcpu *vcpu)
{
    static char text[VCPU_BROKEN_SIZE + 40];

    if (vcpu == NULL)
        return "guest: there was no memory for its VM";
    if (vcpu->end == GUEST_END_RULES) {
        format_text(text, sizeof(text),
                    "guest: not entered, a VM exit would load another %s than 0x%lx",
                    vmcs_field_table[vcpu->end_number].name, vcpu->end_value);
        return text;
    }
    if (vcpu->broken[0] != '\0') {
        format_text(text, sizeof(text), "%s; broken: %s", broken_texts[vcpu->end], vcpu->broken);
        return text;
    }
    if (broken_texts[vcpu->end] != NULL)
        return broken_texts[vcpu->end];
    return exit_reason_name(vcpu->end_number) != NULL
               ? exit_reason_name(vcpu->end_number)
               : "guest: a VM exit that nothing here can serve";
}

void check_linux_end(struct machine *machine)
{
    const struct vcpu *vcpu = linux_results.vm.ended_by;

    if (linux_results.vm.end == LINUX_TRIPLE_FAULT)
        machine_add(machine, RULE_LINUX_TRIPLE_FAULT, 0, NULL);
    if (linux_results.vm.end == LINUX_BROKEN || linux_results.vm.end == LINUX_RUNS)
        add(machine, RULE_GUEST_DIED,
            vcpu != NULL && vcpu->end != GUEST_END_RULES ? vcpu->end_value : 0, 0,
            broken_text(vcpu));
}

static const char *end_name(void)
{
    static const char *const names[LINUX_END_COUNT] = {
        [LINUX_RUNS] = "not run",  [LINUX_POWERED_OFF] = "power-off",
        [LINUX_RESET] = "reset",   [LINUX_TRIPLE_FAULT] = "triple fault",
        [LINUX_BROKEN] = "broken",
    };

    return names[linux_results.vm.end];
}

static uint64_t given_bytes(const struct machine *machine)
{
    return machine->memory.ram_bytes -
           (linux_results.load.places.kept.end - linux_results.load.places.kept.base);
}

/* How many CPUs it has had, and that of each number, NULL where it did not start that one. */
static const struct vcpu *started(uint32_t cpu)
{
    const struct linux_vcpu *own = linux_results.vm.vcpus[cpu];

    return own != NULL && own->has_started ? &own->vcpu : NULL;
}

static uint32_t cpus_started(void)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < linux_results.vm.cpu_count; i++)
        count += started(i) != NULL;
    return count;
}

static void exits_text(const struct vcpu *vcpu, struct sink *page)
{
    char word[EXIT_REASON_WORD_SIZE];

    print_to(page, "  exits of CPU %u", vcpu->cpu->cpu);
    for (uint32_t reason = 0; reason < EXIT_HANDLERS; reason++) {
        if (vcpu->exit_count[reason] != 0)
            print_to(page, ", %u %s", vcpu->exit_count[reason], exit_reason_word(reason, word));
    }
    print_to(page, "\n");
}

static void linux_text(const struct machine *machine, struct sink *page)
{
    const struct guest_range *kept = &linux_results.load.places.kept;

    (void)machine;
    if (!linux_results.is_planned)
        return;
    print_in(page, COLOUR_HEADING, "\n%s\n", linux_results.loader->kind);
    print_to(page, "  version       %s\n", linux_results.load.version);
    print_to(page, "  memory        %#lx-%#lx kept, the rest given\n", kept->base, kept->end - 1);
    if (linux_results.vm.accesses_refused > 0)
        print_to(page, "  refused       %u accesses to what is kept\n",
                 linux_results.vm.accesses_refused);
    print_to(page, "  CPUs started  %u\n  end           %s\n", cpus_started(), end_name());
    if (linux_results.vm.has_script_status)
        print_to(page, "  script        ended with status %u\n", linux_results.vm.script_status);
    for (uint32_t i = 0; i < linux_results.vm.cpu_count; i++) {
        if (started(i) != NULL)
            exits_text(started(i), page);
    }
}

REPORT_TEXT(066, linux_text);

static void exits_json(const struct vcpu *vcpu, struct json *json)
{
    char word[EXIT_REASON_WORD_SIZE];

    json_object_begin(json, NULL);
    json_number(json, "cpu", vcpu->cpu->cpu);
    json_object_begin(json, "reasons");
    for (uint32_t reason = 0; reason < EXIT_HANDLERS; reason++) {
        if (vcpu->exit_count[reason] != 0)
            json_number(json, exit_reason_word(reason, word), vcpu->exit_count[reason]);
    }
    json_object_end(json);
    json_object_end(json);
}

static void linux_json(const struct machine *machine, struct json *json)
{
    const struct linux_vm *vm = &linux_results.vm;
    const struct guest_range *kept = &linux_results.load.places.kept;

    if (!linux_results.is_planned)
        return;
    json_object_begin(json, "linux");
    json_string(json, "kind", linux_results.loader->kind);
    json_string(json, "version", linux_results.load.version);
    json_string(json, "end", end_name());
    json_number(json, "cpus_started", cpus_started());
    json_object_begin(json, "memory");
    json_number(json, "given", given_bytes(machine));
    json_number(json, "kept", kept->end - kept->base);
    json_hex(json, "kept_base", kept->base);
    json_number(json, "accesses_refused", vm->accesses_refused);
    json_bool(json, "image_unchanged", !linux_results.image_changed);
    json_object_end(json);
    json_hex(json, "handover_tsc", vm->handover_tsc);
    if (vm->has_script_status)
        json_number(json, "script_status", vm->script_status);
    else
        json_null(json, "script_status");
    json_array_begin(json, "exits");
    for (uint32_t i = 0; i < vm->cpu_count; i++) {
        if (started(i) != NULL)
            exits_json(started(i), json);
    }
    json_array_end(json);
    json_object_end(json);
}

REPORT_JSON(066, linux_json);
