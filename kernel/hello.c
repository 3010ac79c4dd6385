/*
 * Shows that the hypervisor works: vm/hello.h on every CPU at once, where no room runs guests.
 */
#include "kernel/report/report_parts.h"
#include "kernel/vmx_all.h"
#include "vm/hello.h"

enum { WORK_US = 10000000 };

static bool done;
static const char *wrong[CPUS_MAX]; /* NULL: it did as it should */

static void run_on_this_cpu(struct cpu *cpu)
{
    wrong[cpu->index] = hello_run(&cpu->vmx);
}

void hello_run_all(struct machine *machine)
{
    if (!machine_all_loaded(machine))
        return;
    vmx_all_run(machine, run_on_this_cpu, WORK_US);
    done = true;
    for (uint32_t i = 0; i < machine->cpu_count; i++) {
        if (wrong[i] != NULL && wrong[i] != hello_without_ept)
            machine_add(machine, RULE_GUEST_DIED, i, wrong[i]);
    }
}

static void hello_text(const struct machine *machine, const struct coloured *page)
{
    for (uint32_t i = 0; done && i < machine->cpu_count; i++) {
        if (machine->cpus[i]->phase == CPU_READY)
            print_to(page->sink, "%s  hello on CPU %u: %s\n", i == 0 ? "\n" : "", i,
                     wrong[i] == NULL ? "ok" : wrong[i]);
    }
}

REPORT_TEXT(065, hello_text);

static void hello_json(const struct machine *machine, struct json *json)
{
    if (!done)
        return;
    json_array_begin(json, "hello");
    for (uint32_t i = 0; i < machine->cpu_count; i++) {
        json_object_begin(json, NULL);
        json_number(json, "cpu", i);
        json_string(json, "result", wrong[i] == NULL ? "ok" : wrong[i]);
        json_object_end(json);
    }
    json_array_end(json);
}

REPORT_JSON(065, hello_json);
