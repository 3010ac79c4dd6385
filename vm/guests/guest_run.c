#include "vm/guests/guest_run.h"
#include "vm/guests/probe.h"

#include "lib/string.h"
#include "vm/host/alarm.h"
#include "lib/host/clock.h"
#include "lib/host/cpu.h"
#include "vm/host/signal_sender.h"

/* What guests have in common: the code is in vm/guests/support.S. */
extern const struct guest_code code_probe_support, code_recorder_64, code_recorder_32;
const struct guest_kind guests_of_probes = {{&code_probe_support}, .compare = probe_check};
const struct guest_kind guests_of_events = {{&code_recorder_64, &code_recorder_32},
                                            .compare = check_events};
const struct guest_kind guests_of_memory = {.compare = check_left};

static uint64_t ticks_max(const struct guest *guest)
{
    return time_budget_ticks(guest->time_max_us != 0 ? guest->time_max_us : GUEST_TIME_MAX_US,
                             clock_tsc_per_ms());
}

/* Without a preemption timer the host's alarm ends the guest's time. */
static void run_in_time(struct guest_vm *machine)
{
    uint64_t ticks = ticks_max(machine->guest);

    if ((machine->vcpu.controls[VMX_CONTROL_PIN] & PIN_PREEMPTION_TIMER) == 0) {
        machine->deadline = rdtsc() + ticks;
        alarm_set(ticks);
    }
    vcpu_run(&machine->vcpu);
    if (machine->deadline != 0)
        alarm_set(0);
}

static bool create(struct guest_vm *machine)
{
    const struct guest *guest = machine->guest;
    const struct vm_options *options = machine->options;
    struct vcpu *vcpu = &machine->vcpu;
    bool watched = !guest->unwatched || options->trace != NULL || options->check_entries ||
                   vcpu->cpu->says_smi_blocked;

    if (!vm_create(&machine->vm, &guest_policy))
        return false;
    if (!vcpu_create(vcpu) || !guest_memory_create(vcpu))
        return false;
    guest_begin(machine, ticks_max(guest));
    if (watched)
        vcpu_watch(vcpu);
    vcpu->exits_left = guest->exits_max != 0 ? guest->exits_max : GUEST_EXITS_MAX;
    return true;
}

/*
 * SDM Vol. 3, "VMCS Region": software writes the revision id, VMCLEAR what the processor needs
 * besides. Ones in all the rest show a VMCLEAR that is left out: the launch state is not "clear".
 */
static void fill_vmcs(const struct vcpu *vcpu)
{
    uint8_t *region = phys_to_virt(vcpu->vmcs.address);

    memset(region + sizeof(uint32_t), 0xff, vcpu->cpu->config.size - sizeof(uint32_t));
}

/* To the guest's end, with its VMCS current. */
static void run_vcpu(struct guest_vm *machine)
{
    struct vcpu *vcpu = &machine->vcpu;
    const struct vcpu_start start = guest_start(machine->guest->mode);
    struct vmx_result result;

    fill_vmcs(vcpu);
    result = vcpu_load(vcpu, &start);
    if (!vmx_ok(result)) {
        vcpu_end(vcpu, GUEST_END_ENTRY_ERROR, result.number, result.field);
        return;
    }
    check_controls(vcpu);
    if (machine->guest->setup != NULL)
        machine->guest->setup(vcpu);
    if (machine->options->check_entries && !entry_is_sound(vcpu))
        vcpu_end(vcpu, GUEST_END_RULES, 0, 0);
    else if (!host_state_is_sound(vcpu))
        vcpu_end(vcpu, GUEST_END_RULES, HOST_STATE_DIFFERS, 0);
    else
        run_in_time(machine);
}

/* What else the guest cannot do without. NULL: nothing; then a sender that it needs is engaged. */
static const char *engage_sender(const struct guest *guest)
{
    if (!guest->needs_sender)
        return NULL;
    if (cpus_ready() <= 1)
        return "another CPU, which would send INIT and SIPI";
    return signal_sender_engage() ? NULL : "another CPU that has time to send INIT and SIPI";
}

static void fill(struct guest_vm *machine, struct guest_run *run)
{
    const struct vcpu *vcpu = &machine->vcpu;

    run->end = vcpu->end;
    memcpy(run->exits, vcpu->exit_count, sizeof(run->exits));
    guest_check(vcpu, run);
    if (machine->options->finished != NULL)
        machine->options->finished(vcpu);
}

/* NULL, or what this CPU lacks. */
static const char *prepare(struct guest_vm *machine)
{
    const struct guest *guest = machine->guest;
    struct vcpu *vcpu = &machine->vcpu;
    const char *missing =
        guest_controls_adjust(guest, &vcpu->cpu->config, &vcpu->capability, vcpu->controls);

    if (missing == NULL && guest->lacks != NULL)
        missing = guest->lacks(&vcpu->capability);
    return missing != NULL ? missing : engage_sender(guest);
}

void guest_run(const struct guest *guest, struct vmx_cpu *cpu, const struct vm_options *options,
               struct guest_run *run)
{
    const int order = get_order(sizeof(struct guest_vm));
    uint64_t pages = pages_alloc(order);
    struct guest_vm *machine = pages != 0 ? phys_to_virt(pages) : NULL;
    struct host_registers host = {0};
    const char *missing;

    *run = (struct guest_run){.guest = guest, .result = GUEST_NO_MEMORY};
    if (machine == NULL)
        return;
    machine->guest = guest;
    machine->options = options;
    machine->run = run;
    vcpu_init(&machine->vcpu, &machine->vm, cpu);
    missing = prepare(machine);
    if (missing != NULL) {
        run->result = GUEST_SKIPPED;
        format_text(run->detail, sizeof(run->detail), "this CPU does not offer: %s", missing);
    } else if (create(machine)) {
        host_registers_keep(&host);
        run_vcpu(machine);
        fill(machine, run);
        cpu->says_smi_blocked |= machine->vcpu.says_smi_blocked;
        (void)vmclear(machine->vcpu.vmcs.address);
        (void)vmptrld(cpu->vmcs_region.address);
        host_registers_restore(&host);
    }
    if (missing == NULL && guest->needs_sender)
        signal_sender_release();
    vm_free(&machine->vm);
    vmx_region_free(&machine->vcpu.vmcs);
    pages_free(pages, order);
}
