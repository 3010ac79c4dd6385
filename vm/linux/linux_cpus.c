/*
 * The guest's CPUs, how one starts another: by INIT and SIPI.
 *
 * SDM Vol. 3, "Other Causes of VM Exits": a CPU in the wait-for-SIPI activity state exits with the
 * SIPI's vector, one that runs exits on INIT. Nothing has to be watched. Where an INIT would stay
 * pending (vmx/quirks.def), none may be sent: writes of interrupt commands exit then, and INIT and
 * SIPI are what one CPU asks another to do.
 */
#include "lib/host/apic.h"
#include "lib/host/clock.h"
#include "vm/access/guest_access.h"
#include "vm/events/guest_events.h"
#include "vm/exit.h"
#include "vm/linux/icr.h"
#include "vm/linux/linux.h"
#include "vm/registers/registers.h"
#include "vmx/quirks.h"

/* Of another CPU, which acts on it when it has left the guest. */
enum { ASK_INIT = 1 << 8, ASK_STARTUP = 1 << 9, ASK_LEAVE = 1 << 10, ASK_VECTOR = 0xff };

enum {
    KICK_US = 100, /* until another NMI is sent, for the one before may have met no guest */
    PATIENCE_US = 1000000,
};

enum { ICR_POLLS = 100000 };
enum { APIC_OFFSET = 0xff0 };

static volatile uint32_t *apic_register(unsigned offset)
{
    return (volatile uint32_t *)((volatile uint8_t *)apic_registers() + offset);
}

/* To one CPU, whatever mode the guest has its APIC in; what it has in the ICR's high half stays. */
static void send(uint32_t apic_id, uint32_t command)
{
    uint32_t high;

    if ((rdmsr(IA32_APIC_BASE) & APIC_BASE_EXTD) != 0) {
        (void)wrmsr_safe(MSR_X2APIC_ICR, (uint64_t)apic_id << 32 | command);
        return;
    }
    high = *apic_register(APIC_ICR_HIGH);
    *apic_register(APIC_ICR_HIGH) = apic_id << 24;
    *apic_register(APIC_ICR_LOW) = command;
    for (int i = 0; i < ICR_POLLS && (*apic_register(APIC_ICR_LOW) & ICR_PENDING) != 0; i++)
        cpu_relax();
    *apic_register(APIC_ICR_HIGH) = high;
}

/* Makes a VM exit there: in wait-for-SIPI nothing but a SIPI does. */
static void kick(struct linux_vcpu *target)
{
    if (atomic_load(&target->waits) && linux_of(&target->vcpu)->starts_by_exits) {
        send(target->apic_id, APIC_STARTUP | ICR_ASSERT);
        return;
    }
    atomic_fetch_add(&target->kicks, 1);
    send(target->apic_id, APIC_NMI | ICR_ASSERT);
}

bool linux_take_kick(struct linux_vcpu *own)
{
    uint32_t kicks = atomic_load(&own->kicks);

    while (kicks > 0) {
        if (atomic_compare_exchange_weak(&own->kicks, &kicks, kicks - 1))
            return true;
    }
    return false;
}

void linux_stop(struct linux_vcpu *target)
{
    uint64_t patience = clock_deadline(PATIENCE_US);

    while (atomic_load(&target->running) && !clock_passed(patience)) {
        uint64_t next = clock_deadline(KICK_US);

        kick(target);
        while (atomic_load(&target->running) && !clock_passed(next))
            cpu_relax();
    }
}

/* Returns when it is done, or when too much time has passed. */
static void ask(struct linux_vcpu *target, uint32_t request)
{
    uint64_t patience = clock_deadline(PATIENCE_US);
    uint32_t none = 0;

    while (!atomic_compare_exchange_weak(&target->asked, &none, request)) {
        if (clock_passed(patience))
            return;
        none = 0;
        cpu_relax();
    }
    while (atomic_load(&target->asked) != 0 && atomic_load(&target->running) &&
           !clock_passed(patience)) {
        uint64_t next = clock_deadline(KICK_US);

        kick(target);
        while (atomic_load(&target->asked) != 0 && !clock_passed(next))
            cpu_relax();
    }
}

/*
 * From a CPU's announcement that it starts another to the SIPI, and for a guest that announces none
 * from its beginning until all have started. (The second SIPI then goes its own way, to a CPU that
 * does not wait for one.) Another CPU may still remember the page as writable; but who sends the
 * INIT is who said so, or the boot CPU.
 */
void linux_watch_commands(struct linux_vcpu *own, bool watch)
{
    struct vm *vm = own->vcpu.vm;
    uint64_t page = own->vcpu.msr_apic_base & APIC_BASE_ADDRESS;

    spinlock_acquire(&vm->lock);
    vm_msr_exits(vm, MSR_X2APIC_ICR, false, watch);
    (void)ept_map(&vm->ept, page, page, PAGE_SIZE, watch ? EPT_READ : EPT_READ | EPT_WRITE,
                  MEMORY_TYPE_UC);
    linux_of(&own->vcpu)->watches_commands = watch;
    spinlock_release(&vm->lock);
    if (watch)
        (void)x86_invept(INVEPT_ALL_CONTEXTS, 0);
}

static uint32_t cpus_in_guest(const struct linux_vm *linux_vm)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < linux_vm->cpu_count; i++)
        count += !atomic_load(&linux_vm->vcpus[i]->waits);
    return count;
}

static void send_for_guest(struct linux_vcpu *own, uint64_t icr)
{
    struct linux_vm *linux_vm = linux_of(&own->vcpu);
    enum icr_command command = icr_command(icr);
    uint32_t request = command == ICR_INITS ? ASK_INIT : ASK_STARTUP | (icr & ASK_VECTOR);

    for (uint32_t i = 0; i < linux_vm->cpu_count && command != ICR_INIT_ENDS; i++) {
        struct linux_vcpu *target = linux_vm->vcpus[i];

        if (target == NULL || target == own || !icr_reaches(icr, own->apic_id, target->apic_id))
            continue;
        ask(target, request);
        if (command == ICR_STARTS && !atomic_load(&target->waits) &&
            (linux_vm->announces_starts || cpus_in_guest(linux_vm) == linux_vm->cpu_count))
            linux_watch_commands(own, false);
    }
}

enum exit_done linux_write_x2apic_icr(struct vcpu *vcpu, const struct msr_rule *rule,
                                      uint64_t value)
{
    if (icr_command(value) != ICR_INTERRUPTS)
        send_for_guest((struct linux_vcpu *)vcpu, value);
    else if (wrmsr_safe(rule->msr, value) != 0)
        return exit_protection(vcpu);
    return skip_emulated_instruction(EXIT_EMULATED);
}

/* The instruction may end a page behind which there is none, so first what is left of its own. */
enum exit_done linux_fetch_store(struct vcpu *vcpu, struct store *write, bool *known)
{
    uint64_t linear = vmcs_read_natural(VMCS_GUEST_CS_BASE) + vmcs_read_natural(VMCS_GUEST_RIP);
    unsigned left = PAGE_SIZE - (linear & (PAGE_SIZE - 1));
    uint8_t code[INSTRUCTION_BYTES];

    for (unsigned bytes = left < sizeof(code) ? left : sizeof(code);; bytes = sizeof(code)) {
        enum exit_done done = guest_access_linear(vcpu, linear, code, bytes, ACCESS_FETCH);

        *known = done == EXIT_EMULATED && store_decode(code, bytes, guest_is_64_bit(), write);
        if (*known && !write->has_value)
            write->value = (uint32_t)vcpu_register_get(vcpu, write->source);
        if (done != EXIT_EMULATED || *known || bytes == sizeof(code))
            return done;
    }
}

static void write_register(struct linux_vcpu *own, unsigned offset, uint32_t value)
{
    uint64_t icr = icr_of_xapic(*apic_register(APIC_ICR_HIGH), value);

    if (offset == APIC_ICR_LOW && icr_command(icr) != ICR_INTERRUPTS)
        send_for_guest(own, icr);
    else
        *apic_register(offset) = value;
}

enum exit_done linux_exit_apic_write(struct vcpu *vcpu, uint64_t address)
{
    unsigned offset = address & APIC_OFFSET;
    uint64_t rip = vmcs_read_natural(VMCS_GUEST_RIP);
    struct store write;
    enum exit_done done;
    bool known;

    done = linux_fetch_store(vcpu, &write, &known);
    if (done != EXIT_EMULATED)
        return done;
    if (!known || write.bytes != 4) {
        if (offset == APIC_ICR_LOW)
            return vcpu_end(vcpu, GUEST_END_MEMORY, EXIT_REASON_EPT_VIOLATION, address);
        linux_watch_commands((struct linux_vcpu *)vcpu, false); /* until it announces a start */
        return EXIT_MAPPED;
    }
    if (write.exchanges)
        vcpu_register_set(vcpu, write.source, *apic_register(offset));
    write_register((struct linux_vcpu *)vcpu, offset, write.value);
    return skip_emulated_instruction_slow(rip, rip + write.length, EXIT_EMULATED);
}

/* Whatever the guest was about is over. SDM Vol. 3, "Processor State After Reset". */
enum exit_done linux_wait_for_startup(struct linux_vcpu *own)
{
    struct vcpu *vcpu = &own->vcpu;
    struct vmx_result result = vcpu_state_init(vcpu);

    atomic_store(&own->nmis_pending, 0);
    vcpu_control_set(vcpu, VMX_CONTROL_PRIMARY, PRIMARY_NMI_WINDOW_EXITING, false);
    vmcs_write32(VMCS_VM_ENTRY_INTERRUPTION_INFORMATION, 0);
    if (!linux_of(vcpu)->starts_by_exits) /* with IF = 0 it waits for an NMI, which exits */
        vmcs_write32(VMCS_GUEST_ACTIVITY_STATE, ACTIVITY_HLT);
    atomic_store(&own->waits, true);
    return vmx_ok(result) ? EXIT_STATE : vcpu_end(vcpu, GUEST_END_ENTRY_ERROR, 0, 0);
}

static enum exit_done startup(struct linux_vcpu *own, uint8_t vector)
{
    struct vmx_result result = vcpu_state_startup(&own->vcpu, vector);

    atomic_store(&own->waits, false);
    own->has_started = true;
    return vmx_ok(result) ? EXIT_STATE : vcpu_end(&own->vcpu, GUEST_END_ENTRY_ERROR, 0, 0);
}

/* The boot CPU begins at the reset vector after an INIT: the machine is reset. */
enum exit_done linux_exit_init(struct vcpu *vcpu)
{
    return vcpu->cpu->cpu == 0 || linux_of(vcpu)->end != LINUX_RUNS
               ? linux_ended(vcpu, LINUX_RESET)
               : linux_wait_for_startup((struct linux_vcpu *)vcpu);
}

/* The guest has not started this CPU: when it does, it may find it as after a reset. */
static void leave_if_asked(struct linux_vcpu *own)
{
    if ((atomic_load(&own->asked) & ASK_LEAVE) == 0)
        return;
    atomic_store(&own->running, false);
    atomic_store(&own->asked, 0);
    leave_and_halt(&own->vcpu);
}

enum exit_done linux_exit_sipi(struct vcpu *vcpu)
{
    leave_if_asked((struct linux_vcpu *)vcpu);
    if (linux_of(vcpu)->end != LINUX_RUNS)
        return vcpu_end(vcpu, GUEST_END_CALL, 0, 0);
    return startup((struct linux_vcpu *)vcpu, (uint8_t)vmcs_read_natural(VMCS_EXIT_QUALIFICATION));
}

/* Of what exits so NMIs alone do. A SIPI to who does not wait for one is nothing. */
enum exit_done linux_exit_exception(struct vcpu *vcpu)
{
    struct linux_vcpu *own = (struct linux_vcpu *)vcpu;
    enum exit_done done = exit_exception(vcpu);
    uint32_t asked = atomic_load(&own->asked);

    if (done == EXIT_ENDED)
        return done;
    if (linux_of(vcpu)->end != LINUX_RUNS)
        return vcpu_end(vcpu, GUEST_END_CALL, 0, 0);
    if ((asked & ASK_INIT) != 0)
        done = linux_exit_init(vcpu);
    else if ((asked & ASK_STARTUP) != 0 && atomic_load(&own->waits))
        done = startup(own, asked & ASK_VECTOR);
    else
        leave_if_asked(own);
    atomic_store(&own->asked, 0);
    return done;
}

/* MOV to CR3. Within the NMI's handler no other one can come: see take_nmi(). */
static enum exit_done leave(struct vcpu *vcpu)
{
    struct linux_vcpu *own = (struct linux_vcpu *)vcpu;

    if (!leave_is_possible(vcpu))
        return exit_control_register(vcpu);
    atomic_store(&own->leaves, true);
    send(own->apic_id, APIC_NMI | ICR_ASSERT);
    for (;;)
        cpu_relax();
}

enum exit_done linux_write_leave(struct vcpu *vcpu, const struct msr_rule *rule, uint64_t value)
{
    struct linux_vm *linux_vm = linux_of(vcpu);
    bool ready;

    (void)rule;
    spinlock_acquire(&linux_vm->vm.lock);
    ready = value == cpus_in_guest(linux_vm) && leave_mode_allows(vcpu) &&
            leave_prepare(&linux_vm->leave, &linux_vm->vm, linux_vm->kept.base, linux_vm->kept.end);
    spinlock_release(&linux_vm->vm.lock);
    if (!ready)
        return exit_protection(vcpu);
    for (uint32_t i = 0; i < linux_vm->cpu_count; i++) {
        if (atomic_load(&linux_vm->vcpus[i]->waits) && atomic_load(&linux_vm->vcpus[i]->running))
            ask(linux_vm->vcpus[i], ASK_LEAVE);
    }
    leave_watch(vcpu, leave);
    return skip_emulated_instruction(EXIT_EMULATED);
}
