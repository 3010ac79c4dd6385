#include "kernel/guests/guest_results.h"

#include "vm/host/alarm.h"
#include "kernel/acpi/acpi_io_apic.h"
#include "vm/host/io_apic.h"
#include "kernel/boot_step.h"
#include "vm/host/signal_sender.h"
#include "vm/guests/guest_run.h"

/* All guests on the slowest emulator, with their exits reported on a serial line. */
enum { WORK_US = 600000000 };

/* A line of `trace=exits`; what CPUs came to. */
enum { TRACE_SIZE = 320, COUNTS_SIZE = 80 };

static struct machine *the_machine;
static struct vm_options options;

/* One call to the console for each line, so that those of several CPUs do not mix. */
static void trace(const struct vcpu *vcpu, const struct exit_record *exit)
{
    char line[TRACE_SIZE];
    struct text_buffer text;

    text_buffer_init(&text, line, sizeof(line));
    exit_record_print(&text.sink, exit);
    console_print("cpu %u, %s: %s\n", this_cpu()->index, guest_of(vcpu)->name, line);
}

/* Printed once, by the first CPU that runs the guest, so that one that never ends can be named. */
static void begin(const struct guest_chosen *chosen, uint32_t cpu)
{
    if (!chosen->every_cpu)
        console_print("  guest %s on CPU %u ...\n", chosen->guest->name, cpu);
    else if (cpu == 0)
        console_print("  guest %s ...\n", chosen->guest->name);
}

/* How many CPUs run a chosen guest. */
static uint32_t runs_of(const struct machine *machine, uint32_t guest)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < machine->cpu_count; i++)
        count += guest_run_of(machine, guest, i) != NULL;
    return count;
}

/* Of each chosen guest, the CPUs that it has ended on; and how many have ended on all of theirs. */
static atomic_uint ended_on[GUEST_CHOICES_MAX], ended;

/* Reported by the CPU that ends it last, at once: many guests together take long. */
static void end(uint32_t guest)
{
    const struct guest_choice *choice = &guest_results.choice;
    uint32_t cpus_done = atomic_fetch_add(&ended_on[guest], 1) + 1;
    char counts[COUNTS_SIZE];
    struct text_buffer text;

    if (cpus_done != runs_of(the_machine, guest) || choice->count == 1)
        return;
    text_buffer_init(&text, counts, sizeof(counts));
    guest_counts_print(&text.sink, the_machine, guest, 1);
    console_print("  guest %s: %s; %u of %u ended\n", choice->item[guest].guest->name, counts,
                  atomic_fetch_add(&ended, 1) + 1, choice->count);
}

/* How many runs of the guests from this one on, on all CPUs together, need another CPU. */
static uint32_t runs_with_sender(const struct machine *machine, uint32_t from)
{
    uint32_t count = 0;

    for (uint32_t i = from; i < guest_results.choice.count; i++)
        count += guest_results.choice.item[i].guest->needs_sender ? runs_of(machine, i) : 0;
    return count;
}

/* No CPU goes on after a guest that needs a sender while it has yet to end on another one: the
 * last would wait for CPUs that have all other guests before them. */
static void run_on_this_cpu(struct cpu *cpu)
{
    const struct guest_choice *choice = &guest_results.choice;

    for (uint32_t i = 0; i < choice->count; i++) {
        bool chosen = guest_chosen_for(choice, i, cpu->index);
        const struct guest *guest = choice->item[i].guest;

        if (chosen) {
            begin(&choice->item[i], cpu->index);
            (guest->any_end ? random_guest_run : guest_run)(guest, cpu->vmx, &options,
                                                            &guest_results.runs[cpu->index][i]);
            end(i);
        }
        if (guest->needs_sender)
            signal_sender_serve_others(chosen, runs_with_sender(the_machine, i + 1));
    }
}

/* Room for the results of each CPU; false when there is no memory for it. */
static bool make_room(struct machine *machine)
{
    int order = get_order(guest_results.choice.count * sizeof(struct guest_run));

    for (uint32_t i = 0; i < machine->cpu_count; i++) {
        uint64_t pages = pages_alloc(order);

        if (pages == 0)
            return false;
        guest_results.runs[i] = phys_to_virt(pages);
    }
    return true;
}

/* The samples are sorted where the guest left them: it does not need them any more. */
static void evaluate(const struct vcpu *vcpu)
{
    const uint32_t *has = vm_memory(vcpu->vm, GUEST_DATA, sizeof(*has));

    if (guest_of(vcpu) != &guest_bench || vcpu->end != GUEST_END_CALL)
        return;
    bench_evaluate(vm_memory(vcpu->vm, GUEST_ARRAY, BENCH_KINDS * BENCH_SAMPLES * sizeof(uint32_t)),
                   *has, &guest_results.bench);
    guest_results.bench_done = true;
}

/* Several CPUs may have a guest that has ended. */
static void keep_vmcs(const struct vcpu *vcpu)
{
    static atomic_bool busy;
    struct vmcs_kept *kept = &guest_results.vmcs;
    uint32_t cpu = this_cpu()->index;
    bool entry_failed =
        guest_end_is_no_entry(vcpu->end) && !guest_ends_well(guest_of(vcpu), vcpu->end);

    while (atomic_exchange(&busy, true))
        cpu_relax();
    if (vmcs_is_wanted(cpu, entry_failed)) {
        kept->guest = guest_of(vcpu)->name;
        kept->cpu = cpu;
        kept->entry_failed = entry_failed;
        kept->entry = guest_vm_of(vcpu)->run->entry;
        vmcs_image_read(&kept->image, &vcpu->capability);
    }
    atomic_store(&busy, false);
}

static void finished(const struct vcpu *vcpu)
{
    keep_vmcs(vcpu);
    evaluate(vcpu);
}

static void prepare(struct machine *machine)
{
    the_machine = machine;
    options = (struct vm_options){
        .random = guest_options.random,
        .check_entries = guest_options.check_entry == CHECK_ENTRY_ALWAYS,
        .image = machine->load_address,
        .bios = firmware_map(VM_BIOS, VM_BIOS_BYTES),
        .finished = finished,
        .trace = guest_options.trace_exits ? trace : NULL,
    };
}

/* Only CPUs without a preemption timer need an interrupt when a guest's time is up: by what the
 * CPUs have, as for guests, not by values that `pretend=` overrides. */
static void with_alarm(struct machine *machine, void (*work)(struct machine *machine))
{
    struct vmx_capability capability;
    bool needed = false;

    for (uint32_t i = 0; i < machine->cpu_count; i++) {
        vmx_capability_derive(&machine->cpus[i]->vmx->msrs, &capability);
        needed |= machine->cpus[i]->phase == CPU_READY && !vcpu_controls_have_timer(&capability);
    }
    if (needed)
        alarm_begin();
    work(machine);
    if (needed)
        alarm_end();
}

static void run_all(struct machine *machine)
{
    vmx_all_run(machine, run_on_this_cpu, WORK_US);
}

static void run_bench(struct machine *machine)
{
    guest_run(&guest_bench, machine->cpus[0]->vmx, &options, &guest_results.bench_run);
}

/* Names are checked with the other words; which CPUs there are is not known yet. */
static void check_names(struct machine *machine)
{
    const struct guest_choice *choice = &guest_results.choice;

    if (guest_options.names == NULL)
        return;
    guest_choose(guest_options.names, CPUS_MAX, &guest_results.choice);
    console_colour(COLOUR_WARNING);
    if (choice->unknown[0] != '\0')
        console_print("command line: no guest is named %s\n", choice->unknown);
    console_colour(COLOUR_PLAIN);
    check_guest_names(machine);
}

BOOT_STEP(100, .point = BOOT_COMMAND_LINE, .run = check_names);

/*
 * NMIs of the I/O APIC's timer end a guest's time where the preemption timer does not exist. No
 * other input of it may interrupt a guest: firmware may have left some unmasked.
 */
static void prepare_alarm(struct machine *machine)
{
    const struct acpi_cpus *named = &machine->firmware->cpus;

    for (uint32_t i = 0; i < machine_io_apics.count; i++)
        io_apic_mask(machine_io_apics.address[i]);
    alarm_prepare(machine_io_apics.timer_apic, machine_io_apics.timer_input,
                  named->lost == 0 ? named->count : 0);
}

BOOT_STEP(110, .point = BOOT_BEFORE_VMX, .run = prepare_alarm);

static void run_guests(struct machine *machine)
{
    bool another = machine->runs_guests; /* has a guest: a demonstration is not wanted */

    machine->runs_guests = true;
    if (machine->options.stop != VMX_STAGE_GUEST || (another && guest_options.names == NULL))
        return;
    guest_choose(guest_options.names, machine->cpu_count, &guest_results.choice);
    check_guest_choice(machine);
    if (guest_results.choice.count == 0 || !machine_all_loaded(machine))
        return;
    if (!make_room(machine)) {
        machine_add(machine, RULE_GUEST_MEMORY, 0, NULL);
        return;
    }
    prepare(machine);
    signal_sender_expect(runs_with_sender(machine, 0));
    with_alarm(machine, run_all);
    guest_results.done = true;
    check_guest_runs(machine);
}

BOOT_STEP(200, .point = BOOT_AFTER_VMX, .run = run_guests);

static void bench(struct machine *machine)
{
    if (guest_options.bench_exits == 0)
        return;
    console_print("  bench ...\n");
    if (!machine_all_loaded(machine))
        return;
    prepare(machine);
    options.trace = NULL; /* what is reported as it comes would be measured too */
    with_alarm(machine, run_bench);
    check_guest_run(machine, 0, &guest_results.bench_run);
}

BOOT_STEP(300, .point = BOOT_AFTER_VMX, .run = bench);
