/*
 * Random guests (vm/guests/measure/random_guests.c) in a VM such as Linux has: its policy, its
 * handlers and its controls, on the boot CPU. They have 256 KiB, and all the machine's RAM is kept
 * from them.
 *
 * Two things are done otherwise, or the machine itself would end: ports exit, and what a guest
 * would write to them is looked at and not done; and so it is with the few MSRs in `withheld`. And
 * time is limited, for a guest that halts would wait for ever.
 */
#include "kernel/boot_step.h"
#include "kernel/command_line.h"
#include "kernel/console/console.h"
#include "kernel/linux/linux_guest.h"
#include "kernel/linux/linux_results.h"
#include "lib/string.h"
#include "vm/registers/registers.h"
#include "vm/guests/guest_run.h"

static struct {
    uint32_t rounds; /* 0: the word was not there */
    uint64_t seed;
} wanted;

static enum word_outcome take(struct command_line *line, struct command_text value)
{
    uint64_t rounds, seed = 1;
    struct command_text rest = value;
    struct command_text head = command_text_cut(&rest, ',');

    (void)line;
    if (!command_text_number(head, 10, UINT32_MAX, &rounds) ||
        (head.length < value.length && !command_text_number(rest, 10, UINT64_MAX, &seed)))
        return WORD_BAD;
    wanted.rounds = (uint32_t)rounds;
    wanted.seed = seed;
    return WORD_TAKEN;
}

COMMAND_WORD(152, .name = "linux-chaos", .values = "ROUNDS[,SEED]", .take = take);

#define MIB2 (2ull << 20)

enum {
    ROUND_EXITS = 300,
    ROUND_TICKS = 20000, /* of the TSC */
    EVERY_ROUND_US = 600000000,
    PATTERN = 0xa5,
};

/* The clock, the APIC and the memory types are not the guest's alone. */
static const struct {
    uint32_t first, count;
} withheld[] = {{IA32_TIME_STAMP_COUNTER, 1},
                {IA32_APIC_BASE, 1},
                {0x3b /* IA32_TSC_ADJUST */, 1},
                {0x200, 0x100}};

struct chaos {
    struct linux_vm vm;
    struct linux_vcpu *own;
    uint8_t *memory; /* the guest's; before and behind it there is as much that is nobody's */
    uint32_t ends[GUEST_END_COUNT];
    uint32_t round;                               /* that comes next; the one that failed */
    const char *failure;                          /* NULL: none */
    const struct guest *guests[GUEST_MODE_COUNT]; /* the random ones */
    uint32_t guest_count;
};
static struct chaos *chaos; /* in pages of its own: the image has no room for it */

static bool is_withheld(uint32_t msr)
{
    for (unsigned i = 0; i < sizeof(withheld) / sizeof(withheld[0]); i++) {
        if (msr - withheld[i].first < withheld[i].count)
            return true;
    }
    return false;
}

static enum exit_done write_msr(struct vcpu *vcpu)
{
    return is_withheld((uint32_t)vcpu->reg[VCPU_RCX]) ? skip_emulated_instruction(EXIT_IGNORED)
                                                      : exit_wrmsr(vcpu);
}

static enum exit_done ignore_io(struct vcpu *vcpu)
{
    (void)vcpu;
    return skip_emulated_instruction(EXIT_IGNORED);
}

static void withhold(struct vm *vm, struct vcpu *vcpu)
{
    for (unsigned i = 0; i < sizeof(withheld) / sizeof(withheld[0]); i++) {
        for (uint32_t k = 0; k < withheld[i].count; k++)
            vm_msr_exits(vm, withheld[i].first + k, false, true);
    }
    memset(phys_to_virt(vm->io_bitmap), 0xff, 2 * PAGE_SIZE);
    vcpu->handlers[EXIT_REASON_WRMSR] = write_msr;
    vcpu->handlers[EXIT_REASON_IO_INSTRUCTION] = ignore_io;
}

/* A preemption timer that counts on over exits: of all rounds the same share. */
static bool limit_time(struct vcpu *vcpu)
{
    if (!vcpu_controls_have_timer(&vcpu->capability))
        return false;
    vcpu->controls[VMX_CONTROL_PIN] |= PIN_PREEMPTION_TIMER;
    vcpu->controls[VMX_CONTROL_EXIT] |= EXIT_SAVE_PREEMPTION_TIMER;
    vcpu->timer = ROUND_TICKS >> vcpu->capability.preemption_timer_shift;
    return true;
}

/* NULL, or what is missing. */
static const char *create(struct cpu *cpu)
{
    int order = get_order(4 * GUEST_MEMORY_BYTES);
    uint64_t pages = pages_alloc(order), memory = pages + GUEST_MEMORY_BYTES;
    struct linux_vm *vm = &chaos->vm;

    vm->cpu_count = 1;
    vm->kept.base = GUEST_MEMORY_BYTES;
    vm->kept.end = (linux_ram_end() + MIB2 - 1) & ~(MIB2 - 1);
    if (pages == 0 || !linux_create(vm, &linux_policy_shown, cpu->vmx, linux_ram_end()) ||
        ept_map(&vm->vm.ept, 0, memory, GUEST_MEMORY_BYTES, EPT_ALL, MEMORY_TYPE_WB) != MAP_OK)
        return "memory";
    vm->vm.memory = memory;
    vm->vm.memory_bytes = GUEST_MEMORY_BYTES;
    chaos->memory = phys_to_virt(memory);
    memset(phys_to_virt(pages), PATTERN, 4 * GUEST_MEMORY_BYTES);
    chaos->own = linux_create_vcpu(vm, cpu);
    vm->vcpus[0] = chaos->own;
    if (chaos->own == NULL)
        return "memory";
    withhold(&vm->vm, &chaos->own->vcpu);
    return limit_time(&chaos->own->vcpu) ? NULL : "a preemption timer";
}

static bool find_guests(void)
{
    SET_FOR_EACH(guests, guest) {
        if ((*guest)->any_end && chaos->guest_count < GUEST_MODE_COUNT)
            chaos->guests[chaos->guest_count++] = *guest;
    }
    return chaos->guest_count > 0;
}

static void run_round(void)
{
    const struct guest *guest = chaos->guests[chaos->round % chaos->guest_count];
    struct vcpu *vcpu = &chaos->own->vcpu;
    struct guest_entry entry = {.start = guest_start(guest->mode)};
    uint64_t state = random_guest_state(wanted.seed, guest->mode, 0, chaos->round);

    memset(chaos->memory, 0, GUEST_MEMORY_BYTES);
    (void)guest_image_write(guest, chaos->memory);
    random_guest_fill(guest, state, chaos->memory, entry.reg);
    vcpu->exits_left = ROUND_EXITS;
    chaos->vm.end = LINUX_RUNS;
    if (!vmx_ok(linux_load(vcpu, &entry)))
        vcpu_end(vcpu, GUEST_END_ENTRY_ERROR, 0, 0);
    else
        vcpu_run(vcpu);
    chaos->ends[vcpu->end]++;
}

/* What stands before and behind the guest's memory. */
static bool is_untouched(void)
{
    const uint8_t *before = chaos->memory - GUEST_MEMORY_BYTES;

    for (uint32_t i = 0; i < GUEST_MEMORY_BYTES; i++) {
        if (before[i] != PATTERN || chaos->memory[GUEST_MEMORY_BYTES + i] != PATTERN)
            return false;
    }
    return true;
}

static void run_rounds(void)
{
    uint64_t image = linux_image_checksum();

    for (chaos->round = 0; chaos->round < wanted.rounds; chaos->round++) {
        run_round();
        if (guest_end_is_no_entry(chaos->own->vcpu.end)) {
            chaos->failure = "a VM entry failed";
            return;
        }
    }
    if (linux_image_checksum() != image || !is_untouched())
        chaos->failure = "memory that is not the guest's has changed";
}

static void work(struct cpu *cpu)
{
    struct host_registers host = {0};

    if (cpu->index != 0)
        return;
    chaos->failure = find_guests() ? create(cpu) : "random guests";
    if (chaos->failure != NULL)
        return;
    host_registers_keep(&host);
    atomic_store(&chaos->own->running, true);
    run_rounds();
    atomic_store(&chaos->own->running, false);
    (void)vmclear(chaos->own->vcpu.vmcs.address);
    (void)vmptrld(cpu->vmx->vmcs_region.address);
    host_registers_restore(&host);
}

static void say_ends(void)
{
    static const char *const names[GUEST_END_COUNT] = {
        [GUEST_END_CALL] = "triple fault or INIT",

        [GUEST_END_MEMORY] = "memory it has not",
        [GUEST_END_TIME] = "time",
        [GUEST_END_EXITS] = "exits",
        [GUEST_END_UNHANDLED] = "unserved exit",
    };

    console_print("  %u random guests under a Linux VM's policy; ended by", chaos->round);
    for (unsigned i = 0; i < GUEST_END_COUNT; i++) {
        if (chaos->ends[i] != 0)
            console_print(" %s %u,", names[i] != NULL ? names[i] : "another end", chaos->ends[i]);
    }
    console_print(" %u accesses refused\n", chaos->vm.accesses_refused);
}

static void run(struct machine *machine)
{
    uint64_t pages;

    if (wanted.rounds == 0 || !machine_all_loaded(machine) ||
        !check_linux_cpu(machine, linux_lacks(machine->cpus[0]->vmx)))
        return;
    pages = pages_alloc(get_order(sizeof(*chaos)));
    if (pages == 0)
        return;
    chaos = phys_to_virt(pages);
    vmx_all_run(machine, work, EVERY_ROUND_US);
    say_ends();
    if (chaos->failure != NULL)
        machine_add_finding(machine, (struct finding){.rule = RULE_GUEST_DIED,
                                                      .high = -1,
                                                      .low = -1,
                                                      .seen = chaos->round,
                                                      .wanted = wanted.rounds,
                                                      .detail = chaos->failure});
}

BOOT_STEP(420, .point = BOOT_AFTER_VMX, .run = run);
