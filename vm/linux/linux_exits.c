/* The VM exits of a Linux guest that other guests have not, or serve otherwise. */
#include "lib/string.h"
#include "lib/x86_rooms.h"
#include "vm/events/guest_events.h"
#include "vm/exit.h"
#include "vm/linux/linux.h"
#include "vm/memory/ept_walk.h"

/* SDM Vol. 3, table "Exit Qualification for I/O Instructions". */
enum { IO_BYTES = 7, IO_IN = 1 << 3, IO_STRING = 1 << 4, IO_PORT_SHIFT = 16 };

/* In the BIOS data area: what the firmware is to do after a reset. */
enum { RESET_FLAG = 0x472 };

#define MIB2 (2ull << 20)

void linux_set_end(struct vcpu *vcpu, enum linux_end end)
{
    enum linux_end runs = LINUX_RUNS;

    if (atomic_compare_exchange_strong(&linux_of(vcpu)->end, &runs, end))
        linux_of(vcpu)->ended_by = vcpu;
}

enum exit_done linux_ended(struct vcpu *vcpu, enum linux_end end)
{
    linux_set_end(vcpu, end);
    return vcpu_end(vcpu, GUEST_END_CALL, 0, 0);
}

enum exit_done linux_exit_triple_fault(struct vcpu *vcpu)
{
    return linux_ended(vcpu, LINUX_TRIPLE_FAULT);
}

static uint32_t real_in(uint16_t port, unsigned bytes)
{
    return bytes == 1 ? in8(port) : bytes == 2 ? in16(port) : in32(port);
}

static void real_out(uint16_t port, unsigned bytes, uint32_t value)
{
    if (bytes == 1)
        out8(port, (uint8_t)value);
    else if (bytes == 2)
        out16(port, (uint16_t)value);
    else
        out32(port, value);
}

static enum exit_done serve_in(struct vcpu *vcpu, uint16_t port, unsigned bytes)
{
    uint64_t value = real_in(port, bytes);
    uint64_t kept = bytes == 4 ? 0 : UINT64_MAX << 8 * bytes;

    vcpu->reg[VCPU_RAX] = (vcpu->reg[VCPU_RAX] & kept) | value;
    return skip_emulated_instruction(EXIT_EMULATED);
}

/*
 * A sleep other than S5 would wake in the firmware, outside of VMX operation. INS and OUTS at one
 * of these ports, to and from memory, nobody has a use for: the guest's end, and no wrong byte.
 */
enum exit_done linux_exit_io(struct vcpu *vcpu)
{
    uint64_t qualification = vmcs_read_natural(VMCS_EXIT_QUALIFICATION);
    uint16_t port = (uint16_t)(qualification >> IO_PORT_SHIFT);
    unsigned bytes = (unsigned)(qualification & IO_BYTES) + 1;
    uint32_t value = (uint32_t)vcpu->reg[VCPU_RAX];

    if ((qualification & IO_STRING) != 0)
        return exit_unhandled(vcpu);
    if ((qualification & IO_IN) != 0)
        return serve_in(vcpu, port, bytes);
    switch (linux_out(&linux_of(vcpu)->ports, port, bytes, value)) {
    case LINUX_OUT_POWERS_OFF:
        return linux_ended(vcpu, LINUX_POWERED_OFF);
    case LINUX_OUT_RESETS:
        return linux_ended(vcpu, LINUX_RESET);
    case LINUX_OUT_SLEEPS:
        return skip_emulated_instruction(EXIT_REFUSED);
    case LINUX_OUT_STARTS_CPU:
        linux_watch_commands((struct linux_vcpu *)vcpu, true);
        break;
    case LINUX_OUT_HARMLESS:
        break;
    }
    real_out(port, bytes, value);
    return skip_emulated_instruction(EXIT_EMULATED);
}

/* SDM Vol. 2, "INVD": what is not written back is lost, the hypervisor's too; WBINVD loses none. */
enum exit_done linux_exit_invd(struct vcpu *vcpu)
{
    (void)vcpu;
    wbinvd();
    return skip_emulated_instruction(EXIT_EMULATED);
}

/*
 * What the hypervisor keeps is reserved in the guest's memory map. Whoever reaches for it all the
 * same gets #GP; an access that delivers an event cannot. SDM Vol. 3, "Special Features of VM
 * Entry", "Interruptibility State": IRET unblocks NMIs even where it faults, and the #GP is its
 * fault, so they stay as the exit has left them.
 */
static enum exit_done refuse(struct vcpu *vcpu, uint64_t address)
{
    linux_of(vcpu)->accesses_refused++;
    if ((vmcs_read32(VMCS_IDT_VECTORING_INFORMATION) & EVENT_INFORMATION_VALID) == 0)
        return exit_protection(vcpu);
    return vcpu_end(vcpu, GUEST_END_MEMORY, EXIT_REASON_EPT_VIOLATION, address);
}

bool linux_map(struct linux_vm *linux_vm)
{
    const struct ept_memory_types types = {memory_type_mtrr, &linux_vm->types};
    uint64_t base = linux_vm->kept.base, end = linux_vm->kept.end, all = linux_vm->mapped_end;
    struct ept *ept = &linux_vm->vm.ept;
    uint32_t bios_data = linux_vm->announces_resets ? EPT_READ | EPT_EXECUTE : EPT_ALL;

    return ept_map_by_type(ept, 0, 0, base, EPT_ALL, &types) == MAP_OK &&
           ept_map_by_type(ept, end, end, all - end, EPT_ALL, &types) == MAP_OK &&
           ept_map_by_type(ept, 0, 0, PAGE_SIZE, bios_data, &types) == MAP_OK;
}

/* What a guest can change of them. */
static bool same_types(const struct memory_types_state *a, const struct memory_types_state *b)
{
    return a->def_type == b->def_type && memcmp(a->fixed, b->fixed, sizeof(a->fixed)) == 0 &&
           memcmp(a->physbase, b->physbase, sizeof(a->physbase)) == 0 &&
           memcmp(a->physmask, b->physmask, sizeof(a->physmask)) == 0;
}

/*
 * SDM Vol. 3, "MTRR Considerations in MP Systems": every CPU changes its MTRRs with its caches off,
 * and turns them on again by this MSR. With EPT they do not count for the guest: the first CPU with
 * others gives EPT their types, and each forgets what it remembers.
 */
enum exit_done linux_write_mtrr_type(struct vcpu *vcpu, const struct msr_rule *rule, uint64_t value)
{
    struct linux_vm *linux_vm = linux_of(vcpu);
    struct memory_types_state now;
    bool mapped = true;

    if (wrmsr_safe(rule->msr, value) != 0)
        return exit_protection(vcpu);
    if ((value & MTRR_DEF_TYPE_E) != 0) {
        memory_types_read(&now);
        spinlock_acquire(&linux_vm->vm.lock);
        if (!same_types(&now, &linux_vm->types)) {
            linux_vm->types = now;
            mapped = linux_map(linux_vm);
        }
        spinlock_release(&linux_vm->vm.lock);
        (void)x86_invept(INVEPT_ALL_CONTEXTS, 0);
    }
    return mapped ? skip_emulated_instruction(EXIT_EMULATED)
                  : vcpu_end(vcpu, GUEST_END_MEMORY, EXIT_REASON_WRMSR, value);
}

void linux_watch_resets(struct linux_vm *linux_vm)
{
    const struct ept_memory_types types = {memory_type_mtrr, &linux_vm->types};
    const uint16_t watched[] = {PORT_KEYBOARD_COMMAND, PORT_RESET_CONTROL, linux_vm->ports.reset};
    struct vm *vm = &linux_vm->vm;

    spinlock_acquire(&vm->lock);
    for (unsigned i = 0; i < sizeof(watched) / sizeof(watched[0]); i++) {
        if (watched[i] != 0)
            vm_port_exits(vm, watched[i], true);
    }
    if (linux_vm->announces_resets)
        (void)ept_map_by_type(&vm->ept, 0, 0, PAGE_SIZE, EPT_ALL, &types);
    linux_vm->announces_resets = false;
    spinlock_release(&vm->lock);
}

/*
 * Who writes the reset flag is about to reset. Linux does so on every way but that of a triple
 * fault; and to the same page, where a CPU is to begin that it starts. What is not understood is
 * taken for the flag.
 */
static enum exit_done write_bios_data(struct vcpu *vcpu, uint64_t address)
{
    uint64_t rip = vmcs_read_natural(VMCS_GUEST_RIP);
    struct store write = {0};
    bool known = false;

    if (address != RESET_FLAG &&
        (vmcs_read_natural(VMCS_EXIT_QUALIFICATION) & EPT_VIOLATION_GVA_TRANSLATED) != 0 &&
        (vmcs_read32(VMCS_IDT_VECTORING_INFORMATION) & EVENT_INFORMATION_VALID) == 0) {
        enum exit_done done = linux_fetch_store(vcpu, &write, &known);

        if (done != EXIT_EMULATED)
            return done;
    }
    if (known && !write.exchanges && write.bytes <= PAGE_SIZE - address &&
        (address > RESET_FLAG || address + write.bytes <= RESET_FLAG)) {
        memcpy(phys_to_virt(address), &write.value, write.bytes);
        return skip_emulated_instruction_slow(rip, rip + write.length, EXIT_EMULATED);
    }
    linux_watch_resets(linux_of(vcpu));
    event_requeue();
    return EXIT_MAPPED;
}

/* A device's memory beyond what was mapped at first: in pieces of 2 MiB. Nothing to do where this
 * CPU remembered what is no more. */
static enum map_result map_late(struct vcpu *vcpu, uint64_t address)
{
    const struct ept_memory_types types = {memory_type_mtrr, &linux_of(vcpu)->types};
    uint64_t piece = address & ~(MIB2 - 1);
    enum map_result result = MAP_OK;

    spinlock_acquire(&vcpu->vm->lock);
    if (!ept_walk(&vcpu->vm->ept, address).mapped)
        result = ept_map_by_type(&vcpu->vm->ept, piece, piece, MIB2, EPT_ALL, &types);
    spinlock_release(&vcpu->vm->lock);
    return result;
}

enum exit_done linux_exit_ept_violation(struct vcpu *vcpu)
{
    struct linux_vm *linux_vm = linux_of(vcpu);
    uint64_t address = vmcs_read64(VMCS_GUEST_PHYSICAL_ADDRESS);

    if (address >= linux_vm->kept.base && address < linux_vm->kept.end)
        return refuse(vcpu, address);
    if (linux_vm->watches_commands &&
        address - (vcpu->msr_apic_base & APIC_BASE_ADDRESS) < PAGE_SIZE)
        return linux_exit_apic_write(vcpu, address);
    if (linux_vm->announces_resets && address < PAGE_SIZE)
        return write_bios_data(vcpu, address);
    if (map_late(vcpu, address) != MAP_OK)
        return vcpu_end(vcpu, GUEST_END_MEMORY, EXIT_REASON_EPT_VIOLATION, address);
    if ((vmcs_read_natural(VMCS_EXIT_QUALIFICATION) & EPT_VIOLATION_NMI_UNBLOCKING) != 0)
        event_nmi_blocked_again(vcpu);
    event_requeue();
    return EXIT_MAPPED;
}

/*
 * The guest can take an NMI. One that comes while this runs (take_nmi()) turns the window on again:
 * before the look at the count behind it was turned off, or after that.
 */
enum exit_done linux_exit_nmi_window(struct vcpu *vcpu)
{
    struct linux_vcpu *own = (struct linux_vcpu *)vcpu;

    vcpu_inject(vcpu, EVENT_NMI, X86_VECTOR_NMI);
    if (atomic_fetch_sub(&own->nmis_pending, 1) > 1)
        return EXIT_INJECTED;
    vcpu_control_set(vcpu, VMX_CONTROL_PRIMARY, PRIMARY_NMI_WINDOW_EXITING, false);
    if (atomic_load(&own->nmis_pending) > 0)
        vcpu_control_set(vcpu, VMX_CONTROL_PRIMARY, PRIMARY_NMI_WINDOW_EXITING, true);
    return EXIT_INJECTED;
}
