#include "vm/run.h"

#include "lib/format.h"
#include "lib/string.h"
#include "mm/direct_map.h"
#include "mm/memory_type.h"
#include "mm/page_alloc.h"
#include "vm/entry_failure.h"
#include "vm/guest_controls.h"
#include "vm/guests/guest_check.h"
#include "vm/host/alarm.h"
#include "vm/host/clock.h"
#include "vm/host/cpu.h"
#include "vm/host/signal_sender.h"
#include "vm/memory/guest_memory.h"
#include "vm/host_registers.h"
#include "vm/memory/translation.h"
#include "vm/vcpu_state.h"
#include "vmx/vmcs_field.h"

#include "lib/x86.h"

/* A VM with its only vCPU. */
struct guest_vm {
    struct vcpu vcpu;
    struct vm vm;
};

static uint64_t ticks_max(const struct vcpu *vcpu)
{
    uint32_t time = vcpu->guest->time_max_us;

    return time_budget_ticks(time != 0 ? time : GUEST_TIME_MAX_US, clock_tsc_per_ms());
}

static bool create(struct vcpu *vcpu, const struct vmx_cpu *cpu)
{
    struct findings findings = {0}; /* what it says is said already: the CPU's own region stands */

    vcpu->exits_left = vcpu->guest->exits_max != 0 ? vcpu->guest->exits_max : GUEST_EXITS_MAX;
    vcpu->watched = !vcpu->guest->unwatched || vcpu->options->trace != NULL ||
                    vcpu->options->check_entries || cpu->says_smi_blocked;
    vcpu->time = time_budget_of(ticks_max(vcpu), (unsigned)vcpu->capability.preemption_timer_shift);
    vcpu->msr_pat = PAT_RESET;
    vcpu->revision_id = cpu->config.revision_id;
    (void)rdmsr_safe(IA32_APIC_BASE, &vcpu->msr_apic_base);
    return vm_create(vcpu->vm) && guest_memory_create(vcpu) &&
           vmx_region_create(&vcpu->vmcs, cpu, "guest's VMCS", &findings);
}

static void destroy(struct vcpu *vcpu)
{
    guest_memory_free(vcpu);
    vm_free(vcpu->vm);
    vmx_region_free(&vcpu->vmcs);
}

/* The guest's time begins. */
static void start_time(struct vcpu *vcpu)
{
    uint64_t ticks = ticks_max(vcpu);

    vcpu->deadline = 0;
    if ((vcpu->controls[VMX_CONTROL_PIN] & PIN_PREEMPTION_TIMER) != 0)
        return;
    vcpu->deadline = rdtsc() + ticks;
    alarm_set(ticks);
}

static void stop_time(const struct vcpu *vcpu)
{
    if (vcpu->deadline != 0)
        alarm_set(0);
}

/* From VMPTRLD to the guest's end. False: the VMCS could not be made, `result` says why. */
static struct vmx_result launch(struct vcpu *vcpu)
{
    struct vmx_result result = vmclear(vcpu->vmcs.address);
    enum vm_entry entry;
    uint64_t error = 0;

    if (vmx_ok(result))
        result = vmptrld(vcpu->vmcs.address);
    if (vmx_ok(result))
        result = vcpu_state_write(vcpu);
    if (!vmx_ok(result))
        return result;
    translation_flush_all(vcpu);
    if (vcpu->guest->setup != NULL)
        vcpu->guest->setup(vcpu);
    if (vcpu->options->check_entries && !entry_is_sound(vcpu)) {
        vcpu_end(vcpu, GUEST_END_RULES, 0, 0);
        return result;
    }
    start_time(vcpu);
    entry = vcpu_enter(vcpu);
    stop_time(vcpu);
    if (entry == VM_ENTRY_LAUNCH_VALID || entry == VM_ENTRY_RESUME_VALID)
        (void)vmread(VMCS_VM_INSTRUCTION_ERROR, &error);
    if (entry != VM_ENTRY_ENDED)
        vcpu_end(vcpu, GUEST_END_ENTRY_ERROR, (uint32_t)error, entry);
    return result;
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

static void fill(const struct vcpu *vcpu, struct guest_run *run)
{
    run->end = vcpu->end;
    memcpy(run->exits, vcpu->exit_count, sizeof(run->exits));
    guest_check(vcpu, run);
    entry_failure_explain(vcpu, run);
    if (vcpu->options->finished != NULL)
        vcpu->options->finished(vcpu);
}

void guest_run(const struct guest *guest, struct vmx_cpu *cpu, const struct vm_options *options,
               struct guest_run *run)
{
    const int order = get_order(sizeof(struct guest_vm));
    uint64_t pages = pages_alloc(order);
    struct guest_vm *machine = pages != 0 ? phys_to_virt(pages) : NULL;
    struct vcpu *vcpu = machine != NULL ? &machine->vcpu : NULL;
    struct host_registers host = {0};
    struct vmx_result result;
    const char *missing;

    *run = (struct guest_run){.guest = guest, .result = GUEST_NO_MEMORY};
    if (vcpu == NULL)
        return;
    vcpu->vm = &machine->vm;
    vcpu->guest = guest;
    vcpu->options = options;
    vcpu->cpu = cpu;
    vmx_capability_derive(&cpu->msrs, &vcpu->capability);
    missing = guest_controls_adjust(guest, &cpu->config, &vcpu->capability, vcpu->controls);
    if (missing == NULL && guest->lacks != NULL)
        missing = guest->lacks(&vcpu->capability);
    if (missing == NULL)
        missing = engage_sender(guest);
    if (missing != NULL) {
        run->result = GUEST_SKIPPED;
        format_text(run->detail, sizeof(run->detail), "this CPU does not offer: %s", missing);
    } else if (create(vcpu, cpu)) {
        host_registers_keep(&host);
        result = launch(vcpu);
        if (!vmx_ok(result))
            vcpu_end(vcpu, GUEST_END_ENTRY_ERROR, result.number, result.outcome);
        fill(vcpu, run);
        cpu->says_smi_blocked |= vcpu->says_smi_blocked;
        (void)vmclear(vcpu->vmcs.address);
        (void)vmptrld(cpu->vmcs_region.address);
        host_registers_restore(&host);
    }
    if (missing == NULL && guest->needs_sender)
        signal_sender_release();
    destroy(vcpu);
    pages_free(pages, order);
}
