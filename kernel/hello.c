/* Shows that the hypervisor works: vm/hello.h on every CPU at once, where no room runs guests. */
#include "kernel/report/report.h"
#include "vm/hello.h"

enum { WORK_US = 10000000 };

static bool ran;
static const char *results[CPUS_MAX]; /* of hello_run(); NULL: it has not ended */

static void run_on_this_cpu(struct cpu *cpu)
{
    results[cpu->index] = hello_run(cpu->vmx);
}

void hello_run_all(struct machine *machine)
{
    if (!machine_all_loaded(machine))
        return;
    ran = true;
    vmx_all_run(machine, run_on_this_cpu, WORK_US);
    for (uint32_t i = 0; i < machine->cpu_count; i++) {
        if (results[i] != NULL && results[i] != hello_ok && results[i] != hello_without_ept)
            machine_add(machine, RULE_GUEST_DIED, i, results[i]);
    }
}

static void hello_text(const struct machine *machine, struct sink *page)
{
    const char *before = "\n";

    for (uint32_t i = 0; i < machine->cpu_count; i++) {
        if (results[i] == NULL)
            continue;
        print_to(page, "%s  hello on CPU %u: %s\n", before, i, results[i]);
        before = "";
    }
}

REPORT_TEXT(065, hello_text);

static void hello_json(const struct machine *machine, struct json *json)
{
    if (!ran)
        return;
    json_array_begin(json, "hello");
    for (uint32_t i = 0; i < machine->cpu_count; i++) {
        if (results[i] == NULL)
            continue;
        json_object_begin(json, NULL);
        json_number(json, "cpu", i);
        json_string(json, "result", results[i]);
        json_object_end(json);
    }
    json_array_end(json);
}

REPORT_JSON(065, hello_json);
