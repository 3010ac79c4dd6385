/* From a VM to its end: what is written for each CPU, and what comes to it from outside. */
#include "lib/host/clock.h"
#include "lib/string.h"
#include "mm/page_alloc.h"
#include "vm/registers/registers.h"
#include "vm/linux/icr.h"
#include "vm/linux/linux.h"
#include "vm/vm.h"
#include "vmx/entry/vmentry_rule.h"
#include "vmx/quirks.h"

/* Controls without which there is no such guest, by word, with what is said of the first missing.
 */
static const struct {
    enum vmx_control_word word;
    uint32_t mask;
    const char *name;
} needed[] = {
    {VMX_CONTROL_SECONDARY, SECONDARY_ENABLE_EPT, "EPT"},
    {VMX_CONTROL_SECONDARY, SECONDARY_UNRESTRICTED_GUEST, "unrestricted guest"},
    {VMX_CONTROL_PIN, PIN_NMI_EXITING | PIN_VIRTUAL_NMIS, "virtual NMIs"},
    {VMX_CONTROL_PRIMARY, PRIMARY_MSR_BITMAPS, "MSR bitmaps"},
    {VMX_CONTROL_PRIMARY, PRIMARY_IO_BITMAPS, "I/O bitmaps"},
    {VMX_CONTROL_EXIT, EXIT_SAVE_EFER | EXIT_LOAD_EFER, "saving and loading of IA32_EFER"},
    {VMX_CONTROL_ENTRY, ENTRY_LOAD_EFER, "loading of IA32_EFER"},
    {VMX_CONTROL_EXIT, EXIT_SAVE_PAT | EXIT_LOAD_PAT, "saving and loading of IA32_PAT"},
};

static struct linux_vm *the_vm; /* for NMIs */

enum { PATIENCE_US = 1000000 };

/*
 * Interrupts, HLT and ports are the guest's; nothing ends its time. A hypervisor below may get its
 * own interrupts at VM exits alone: then a CPU that spins for another, with IF = 0, must make some.
 */
static void adjust(const struct vm_policy *policy, struct vcpu *vcpu)
{
    uint32_t *controls = vcpu->controls;

    vcpu_controls_adjust(policy->controls, &vcpu->cpu->config, &vcpu->capability, controls);
    controls[VMX_CONTROL_PIN] &= ~(uint32_t)(PIN_EXTERNAL_INTERRUPT_EXITING | PIN_PREEMPTION_TIMER);
    controls[VMX_CONTROL_PRIMARY] &=
        ~(uint32_t)(PRIMARY_HLT_EXITING | PRIMARY_UNCONDITIONAL_IO_EXITING);
    controls[VMX_CONTROL_EXIT] &=
        ~(uint32_t)(EXIT_SAVE_PREEMPTION_TIMER | EXIT_ACKNOWLEDGE_INTERRUPT);
    controls[VMX_CONTROL_PRIMARY] |=
        (PRIMARY_IO_BITMAPS | (quirk(QUIRK_SPINS_WITHOUT_EXITS) ? PRIMARY_PAUSE_EXITING : 0)) &
        (uint32_t)vcpu->capability.primary_allowed1;
}

const char *linux_lacks(const struct vmx_cpu *cpu)
{
    static const struct vm_policy none;
    struct vcpu probe = {.cpu = cpu};

    vmx_capability_derive(&cpu->msrs, &probe.capability);
    adjust(&none, &probe);
    for (unsigned i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
        if ((probe.controls[needed[i].word] & needed[i].mask) != needed[i].mask)
            return needed[i].name;
    }
    return NULL;
}

static void watch_ports(struct linux_vm *linux_vm)
{
    struct linux_ports *ports = &linux_vm->ports;

    if (ports->pm1a != 0)
        vm_port_exits(&linux_vm->vm, (uint16_t)(ports->pm1a + 1), true);
    if (ports->pm1b != 0)
        vm_port_exits(&linux_vm->vm, (uint16_t)(ports->pm1b + 1), true);
    if (!linux_vm->announces_resets)
        linux_watch_resets(linux_vm);
    ports->cmos = linux_vm->cpu_count > 1 && !linux_vm->starts_by_exits;
    vm_port_exits(&linux_vm->vm, PORT_CMOS_DATA, ports->cmos);
}

bool linux_create(struct linux_vm *linux_vm, const struct vm_policy *policy,
                  const struct vmx_cpu *cpu, uint64_t ram_end)
{
    const uint64_t gib = 1ull << 30;
    uint64_t end = (ram_end + gib - 1) & ~(gib - 1);
    struct vmx_capability capability;
    struct vm *vm = &linux_vm->vm;

    vmx_capability_derive(&cpu->msrs, &capability);
    if (!vm_create(vm, policy) ||
        ept_init(&vm->ept, &capability, cpu->memory_types.physical_width, &vm->pages) != MAP_OK)
        return false;
    vm->eptp = ept_pointer(&vm->ept);
    vm->demand_bytes = UINT64_MAX; /* its memory is what EPT maps */
    vm_msr_exits(vm, MSR_X2APIC_ICR, false, false);
    linux_vm->starts_by_exits =
        capability.activity_wait_for_sipi && !quirk(QUIRK_INIT_STAYS_PENDING);
    watch_ports(linux_vm);
    linux_vm->types = cpu->memory_types;
    linux_vm->mapped_end = end < 4 * gib ? 4 * gib : end;
    the_vm = linux_vm;
    return linux_map(linux_vm);
}

struct linux_vcpu *linux_create_vcpu(struct linux_vm *linux_vm, struct cpu *cpu)
{
    uint64_t pages = pages_alloc(get_order(sizeof(struct linux_vcpu)));
    struct linux_vcpu *own = pages != 0 ? phys_to_virt(pages) : NULL;

    if (own == NULL)
        return NULL;
    vcpu_init(&own->vcpu, &linux_vm->vm, cpu->vmx);
    adjust(linux_vm->vm.policy, &own->vcpu);
    own->vcpu.exits_left = INT64_MAX;
    own->apic_id = cpu->apic_id;
    return vcpu_create(&own->vcpu) ? own : NULL;
}

struct vmx_result linux_load(struct vcpu *vcpu, const struct guest_entry *entry)
{
    uint32_t *entry_controls = &vcpu->controls[VMX_CONTROL_ENTRY];
    struct vmx_result result;

    *entry_controls &= ~(uint32_t)ENTRY_IA32E_MODE_GUEST;
    if ((entry->start.efer & EFER_LMA) != 0)
        *entry_controls |= ENTRY_IA32E_MODE_GUEST;
    result = vcpu_load(vcpu, &entry->start);
    memcpy(vcpu->reg, entry->reg, sizeof(vcpu->reg));
    if (vmx_ok(result) && (vcpu->controls[VMX_CONTROL_SECONDARY] & SECONDARY_ENABLE_XSAVES) != 0)
        vmcs_write64(VMCS_XSS_EXITING_BITMAP, 0);
    return result;
}

/* The boot CPU would start a CPU that is not there yet. False: one does not come. */
static bool wait_for_all(struct linux_vm *linux_vm)
{
    uint64_t patience = clock_deadline(PATIENCE_US);

    while (atomic_load(&linux_vm->cpus_ready) < linux_vm->cpu_count) {
        if (clock_passed(patience))
            return false;
        cpu_relax();
    }
    return true;
}

/* Would a VM exit load what this CPU has? */
static bool host_state_is_sound(struct vcpu *vcpu)
{
    struct vmcs_image image;
    uint64_t here;
    uint32_t row;

    vmcs_image_read(&image, &vcpu->capability);
    row = vmcs_host_difference(&image, 0, &here);
    if (row < VMCS_FIELD_COUNT)
        vcpu_end(vcpu, GUEST_END_RULES, row, here);
    return row == VMCS_FIELD_COUNT;
}

/* Others wait for SIPI from the beginning. */
static bool prepare(struct linux_vcpu *own, const struct guest_entry *entry)
{
    bool is_boot_cpu = own->vcpu.cpu->cpu == 0;

    own->has_started = is_boot_cpu;
    if (!vmx_ok(linux_load(&own->vcpu, entry)) ||
        (!is_boot_cpu && linux_wait_for_startup(own) == EXIT_ENDED)) {
        vcpu_end(&own->vcpu, GUEST_END_ENTRY_ERROR, 0, 0);
        return false;
    }
    return host_state_is_sound(&own->vcpu);
}

static void run_vcpu(struct linux_vm *linux_vm, struct linux_vcpu *own,
                     const struct guest_entry *entry)
{
    bool prepared = prepare(own, entry);

    atomic_store(&own->running, true);
    atomic_fetch_add(&linux_vm->cpus_ready, 1);
    if (own->vcpu.cpu->cpu == 0) {
        prepared = wait_for_all(linux_vm) && prepared;
        if (linux_vm->ports.cmos && !linux_vm->announces_starts)
            linux_watch_commands(own, true);
        linux_vm->handover_tsc = rdtsc();
    }
    if (prepared)
        vcpu_run(&own->vcpu);
    if (!prepared || own->vcpu.end != GUEST_END_CALL)
        linux_set_end(&own->vcpu, LINUX_BROKEN);
    atomic_store(&own->running, false);
}

void linux_run(struct linux_vm *linux_vm, struct cpu *cpu, const struct guest_entry *entry)
{
    struct linux_vcpu *own = linux_create_vcpu(linux_vm, cpu);
    struct host_registers host = {0};

    if (own == NULL)
        return; /* without this CPU the boot CPU does not enter the guest */
    linux_vm->vcpus[cpu->index] = own;
    host_registers_keep(&host);
    run_vcpu(linux_vm, own, entry);
    /* SDM Vol. 3, "Loading Host Control Registers …": CD and NW stay as the guest had them. */
    (void)write_cr0_safe(read_cr0() & ~(uint64_t)(CR0_CD | CR0_NW));
    for (uint32_t i = 0; i < linux_vm->cpu_count; i++) {
        if (linux_vm->vcpus[i] != NULL)
            linux_stop(linux_vm->vcpus[i]);
    }
    (void)vmclear(own->vcpu.vmcs.address);
    (void)vmptrld(cpu->vmx->vmcs_region.address);
    host_registers_restore(&host);
}

/*
 * An NMI that came in root operation, or that made a VM exit. The handler of the window looks again
 * after it has turned it off: none is lost.
 */
static bool take_nmi(void)
{
    struct linux_vcpu *own = the_vm != NULL ? the_vm->vcpus[this_cpu()->index] : NULL;

    if (own == NULL)
        return false;
    if (atomic_load(&own->leaves)) {
        atomic_store(&own->running, false);
        leave_to_guest(&own->vcpu, &the_vm->leave);
    }
    if (linux_take_kick(own) || (atomic_load(&own->running) && atomic_load(&own->waits)))
        return true;
    if (!atomic_load(&own->running))
        return false;
    if (atomic_load(&own->nmis_pending) < 2)
        atomic_fetch_add(&own->nmis_pending, 1);
    vcpu_control_set(&own->vcpu, VMX_CONTROL_PRIMARY, PRIMARY_NMI_WINDOW_EXITING, true);
    return true;
}

SET_MEMBER(nmi_owners, 10, nmi_owner, take_nmi);
