/*
 * How a Linux guest's CPUs are made to exit, and how one asks another to wait for a start or to
 * start (SDM Vol. 3, "Interrupt Command Register (ICR)"): what is sent by the APIC, in which order,
 * and for how long it is waited. The other CPU is cpu_relax(): it acts while this one waits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "lib/host/apic.h"
#include "lib/host/clock.h"
#include "lib/x86_rooms.h"
#include "tests/host/guest_machine.h"
#include "vm/exit.h"
#include "vm/guests/guest_run.h"
#include "vm/linux/icr.h"
#include "vm/linux/linux.h"

enum { CPUS = 3, OWN_ID = 2, OTHER_ID = 7, THIRD_ID = 9 };
enum { NMI = 0x4400, SIPI = 0x4600, PENDING = 1 << 12 }; /* bit 14: assert */
enum { TICKS_IN_US = 10 };
enum { INIT_ASKED = 1 << 8, START_ASKED = 1 << 9 };

static struct linux_vm vm;
static struct linux_vcpu own, other, third;
static struct vcpu *const vcpu = &own.vcpu;

/* The APIC, how often a register was reached for, and what a send left in it on the way. */
static struct {
    uint32_t page[1024];
    unsigned reaches, sends;
    uint32_t high, low; /* as the last command was written */
    bool stays_pending;
} apic;

static void (*other_cpu)(void);
static unsigned relaxes;

#define ICR_LOW  apic.page[0x300 / 4]
#define ICR_HIGH apic.page[0x310 / 4]

/* What was written before is seen when the next register is reached for. */
volatile void *apic_registers(void)
{
    apic.reaches++;
    if (ICR_LOW != 0 && (ICR_LOW & ~(uint32_t)PENDING) != apic.low) {
        apic.sends++;
        apic.low = ICR_LOW;
        apic.high = ICR_HIGH;
        if (apic.stays_pending)
            ICR_LOW |= PENDING;
    }
    return apic.page;
}

uint64_t clock_deadline(uint64_t microseconds)
{
    return rdtsc() + TICKS_IN_US * microseconds;
}

void cpu_relax(void)
{
    relaxes++;
    if (other_cpu != NULL)
        other_cpu();
}

void wbinvd(void)
{
}

/* As firmware's tables name none. */
#define NO_PORT(width)                                    \
    void out##width(uint16_t port, uint##width##_t value) \
    {                                                     \
        (void)port;                                       \
        (void)value;                                      \
        fail();                                           \
    }                                                     \
    uint##width##_t in##width(uint16_t port)              \
    {                                                     \
        (void)port;                                       \
        fail();                                           \
        return 0;                                         \
    }
NO_PORT(8)
NO_PORT(16)
NO_PORT(32)

static void forget_apic(void)
{
    memset(&apic, 0, sizeof(apic));
    ICR_HIGH = 0x11000000; /* the guest's */
    relaxes = 0;
}

/* Three CPUs of a guest; this one's is flat and without paging. */
static int begin(void **state)
{
    const struct vcpu *guest = guest_machine_in(GUEST_PROTECTED);
    const struct vcpu_start flat = guest_start(GUEST_PROTECTED);

    (void)state;
    vm = (struct linux_vm){
        .kept = {0x200000, 0x400000}, .cpu_count = CPUS, .vcpus = {&own, &other, &third}};
    memset(&own, 0, sizeof(own));
    assert_true(vm_create(&vm.vm, &linux_policy_shown));
    assert_int_equal(ept_init(&vm.vm.ept, &guest->capability, 36, &vm.vm.pages), MAP_OK);
    vm.vm.eptp = ept_pointer(&vm.vm.ept);
    vm.vm.demand_bytes = UINT64_MAX; /* its memory is what EPT maps */
    vcpu_init(vcpu, &vm.vm, guest->cpu);
    memcpy(vcpu->controls, guest->controls, sizeof(vcpu->controls));
    assert_true(vcpu_create(vcpu));
    vcpu->exits_left = INT64_MAX;
    assert_true(vmx_ok(vcpu_load(vcpu, &flat)));
    memset(&other, 0, sizeof(other));
    memset(&third, 0, sizeof(third));
    other.vcpu.vm = third.vcpu.vm = &vm.vm;
    own.apic_id = OWN_ID;
    other.apic_id = OTHER_ID;
    third.apic_id = THIRD_ID;
    other_cpu = NULL;
    model_bios_data = NULL;
    forget_apic();
    return 0;
}

static enum exit_done write_icr(uint64_t icr)
{
    static const struct msr_rule rule = {.msr = MSR_X2APIC_ICR};

    FIELD(GUEST_RIP) = 0x1000;
    guest_machine_exit(EXIT_REASON_WRMSR, 0, 2);
    return linux_write_x2apic_icr(vcpu, &rule, icr);
}

/* What the other CPU found when it acted. */
static struct {
    uint32_t asked, kicks, third_asked;
    unsigned after; /* how many rounds it is away from that */
} found;

static void act(void)
{
    if (relaxes <= found.after || atomic_load(&other.asked) == 0)
        return;
    found.asked = atomic_load(&other.asked);
    found.kicks = atomic_load(&other.kicks);
    found.third_asked = atomic_load(&third.asked);
    atomic_store(&other.asked, 0);
}

static void init_is_asked_for_by_an_nmi(void **state)
{
    (void)state;
    atomic_store(&other.running, true);
    memset(&found, 0, sizeof(found));
    other_cpu = act;
    assert_int_equal(write_icr(0x700004500), EXIT_EMULATED);
    assert_int_equal(FIELD(GUEST_RIP), 0x1002);
    assert_int_equal(found.asked, INIT_ASKED);
    assert_int_equal(found.kicks, 1);
    assert_int_equal(found.third_asked, 0);
    assert_int_equal(apic.sends, 1);
    assert_int_equal(apic.low, NMI);
    assert_int_equal(apic.high, OTHER_ID << 24);
    assert_int_equal(ICR_HIGH, 0x11000000);
    assert_int_equal(atomic_load(&third.asked), 0);
    assert_true(linux_take_kick(&other));
    assert_false(linux_take_kick(&other));
}

static void a_start_is_asked_for_with_its_vector(void **state)
{
    (void)state;
    atomic_store(&other.running, true);
    atomic_store(&other.waits, true);
    linux_watch_commands(&own, true);
    memset(&found, 0, sizeof(found));
    other_cpu = act;
    assert_int_equal(write_icr(0x7000046a5), EXIT_EMULATED);
    assert_int_equal(found.asked, START_ASKED | 0xa5);
    assert_true(vm.watches_commands); /* it still waits */
    atomic_store(&other.waits, false);
    assert_int_equal(write_icr(0x7000046a5), EXIT_EMULATED);
    assert_false(vm.watches_commands);
}

/* MultiProcessor Specification, "Using INIT IPI": it is said before each INIT. Xen does not. */
static void commands_are_watched_until_all_run_or_as_announced(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 2; round++) {
        vm.announces_starts = round == 1;
        atomic_store(&other.running, true);
        atomic_store(&other.waits, false);
        atomic_store(&third.waits, true);
        linux_watch_commands(&own, true);
        assert_int_equal(write_icr(0x7000046a5), EXIT_EMULATED);
        assert_int_equal(vm.watches_commands, !vm.announces_starts);
    }
}

/* Who waits by the activity state is made to exit by nothing but a SIPI; no NMI is to come. */
static void who_waits_for_a_sipi_gets_one(void **state)
{
    (void)state;
    vm.starts_by_exits = true;
    atomic_store(&other.running, true);
    atomic_store(&other.waits, true);
    memset(&found, 0, sizeof(found));
    other_cpu = act;
    (void)write_icr(0x700004500);
    assert_int_equal(apic.low, SIPI);
    assert_int_equal(found.kicks, 0);
    atomic_store(&other.waits, false);
    forget_apic();
    (void)write_icr(0x700004500);
    assert_int_equal(apic.low, NMI);
    assert_int_equal(found.kicks, 1);
}

/* All but itself, and who is not there; nobody is waited for that is not running. */
static void everyone_else_is_asked(void **state)
{
    (void)state;
    vm.cpu_count = 4;
    (void)write_icr(0xc4500); /* shorthand: all but self */
    assert_int_equal(atomic_load(&own.asked), 0);
    assert_int_equal(atomic_load(&other.asked), INIT_ASKED);
    assert_int_equal(atomic_load(&third.asked), INIT_ASKED);
    assert_int_equal(apic.reaches, 0);
    assert_int_equal(relaxes, 0);
    atomic_store(&other.asked, 0);
    (void)write_icr(0xffffffff00008500); /* level-triggered, not asserted: the end of an INIT */
    assert_int_equal(atomic_load(&other.asked), 0);
}

/*
 * In all 1 s, and 100 us until the next NMI: 100,000 looks at the model's clock, and 10; beside
 * these one at the beginning of each round, and one for patience.
 */
enum { SECOND = TICKS_IN_US * 1000000, KICKS = 1000000 / 120 };

static void patience_has_an_end(void **state)
{
    uint64_t begun = model_cpu.tsc;

    (void)state;
    atomic_store(&other.running, true);
    (void)write_icr(0x700004500);
    assert_in_range(model_cpu.tsc - begun, SECOND, SECOND + 2000);
    assert_int_equal(atomic_load(&other.asked), INIT_ASKED);
    assert_in_range(atomic_load(&other.kicks), KICKS, KICKS + 1);

    /* What was asked before is not done: nothing is put over it. */
    forget_apic();
    atomic_store(&other.kicks, 0);
    begun = model_cpu.tsc;
    (void)write_icr(0x7000046a5);
    assert_in_range(model_cpu.tsc - begun, SECOND, SECOND + 2000);
    assert_int_equal(atomic_load(&other.asked), INIT_ASKED);
    assert_int_equal(atomic_load(&other.kicks), 0);
    assert_true(relaxes > 100);
}

static void take_what_was_asked_before(void)
{
    if (relaxes == 3)
        atomic_store(&other.asked, 0);
}

static void one_thing_is_asked_after_the_other(void **state)
{
    (void)state;
    atomic_store(&other.asked, INIT_ASKED);
    other_cpu = take_what_was_asked_before;
    (void)write_icr(0x7000046a5);
    assert_int_equal(relaxes, 3);
    assert_int_equal(atomic_load(&other.asked), START_ASKED | 0xa5);
}

static unsigned stops_after;

static void stop_running(void)
{
    if (relaxes == stops_after)
        atomic_store(&other.running, false);
}

static void deliver(void)
{
    if ((ICR_LOW & PENDING) != 0)
        assert_int_equal(ICR_HIGH, OTHER_ID << 24);
    if (relaxes == 5)
        ICR_LOW &= ~(uint32_t)PENDING;
    if (relaxes == 6)
        atomic_store(&other.running, false);
}

/* The ICR's high half is the guest's again when the command has gone out, or will not: no CPU is
 * stopped by an APIC that never sends. */
static void a_command_is_waited_for(void **state)
{
    (void)state;
    atomic_store(&other.running, true);
    apic.stays_pending = true;
    other_cpu = deliver;
    linux_stop(&other);
    assert_int_equal(relaxes, 6);
    assert_int_equal(ICR_HIGH, 0x11000000);
    forget_apic();
    apic.stays_pending = true;
    atomic_store(&other.running, true);
    other_cpu = stop_running;
    stops_after = 100001;
    linux_stop(&other);
    assert_int_equal(relaxes, 100001);
    assert_int_equal(ICR_HIGH, 0x11000000);
    forget_apic();
    linux_stop(&other);
    assert_int_equal(apic.reaches, 0); /* who does not run is not stopped */
}

static void a_cpu_is_stopped_by_nmis(void **state)
{
    uint64_t begun;

    (void)state;
    atomic_store(&other.running, true);
    stops_after = 1;
    other_cpu = stop_running;
    linux_stop(&other);
    assert_int_equal(atomic_load(&other.kicks), 1);
    assert_int_equal(relaxes, 1);
    atomic_store(&other.kicks, 0);
    atomic_store(&other.running, true);
    other_cpu = NULL;
    begun = model_cpu.tsc;
    linux_stop(&other);
    assert_in_range(model_cpu.tsc - begun, SECOND, SECOND + 2000);
    assert_in_range(atomic_load(&other.kicks), KICKS, KICKS + 1);
}

static unsigned icr_writes_exit(void)
{
    /* MSRs 0 to 1FFFH, writes: the third KiB of the bitmap. */
    const uint8_t *bitmap = phys_to_virt(vm.vm.msr_bitmap);

    return bitmap[2048 + 0x830 / 8] >> 0x830 % 8 & 1;
}

static void commands_are_watched_in_both_modes(void **state)
{
    (void)state;
    vcpu->msr_apic_base = 0xfee00900;
    for (unsigned round = 0; round < 2; round++) {
        linux_watch_commands(&own, true);
        assert_int_equal(ept_walk(&vm.vm.ept, 0xfee00300).permissions, EPT_READ);
        assert_int_equal(ept_walk(&vm.vm.ept, 0xfee00000).physical, 0xfee00000);
        assert_int_equal(ept_walk(&vm.vm.ept, 0xfee00300).type, MEMORY_TYPE_UC);
        assert_false(ept_walk(&vm.vm.ept, 0xfee01000).mapped);
        assert_int_equal(icr_writes_exit(), 1);
        assert_true(vm.watches_commands);
        linux_watch_commands(&own, false);
        assert_int_equal(ept_walk(&vm.vm.ept, 0xfee00300).permissions, EPT_READ | EPT_WRITE);
        assert_int_equal(icr_writes_exit(), 0);
        assert_false(vm.watches_commands);
    }
}

/* Other commands are the APIC's own matter: #GP where the processor says so. */
static void interrupts_go_their_way(void **state)
{
    (void)state;
    assert_int_equal(write_icr(0x7000040fd), EXIT_INJECTED);
    assert_true(guest_machine_injects_error(X86_VECTOR_GP, 0));
    model_cpu.every_feature = true; /* any MSR may be written */
    assert_int_equal(write_icr(0x7000040fd), EXIT_EMULATED);
    model_cpu.every_feature = false;
    assert_int_equal(atomic_load(&other.asked), 0);
}

/* A page for the guest's code, where it is; what lies behind it is not mapped. */
static uint8_t *code_page(void)
{
    uint64_t page = pages_alloc(0);

    assert_int_equal(ept_map(&vm.vm.ept, page, page, PAGE_SIZE, EPT_ALL, MEMORY_TYPE_WB), MAP_OK);
    FIELD(GUEST_CS_BASE) = page;
    return phys_to_virt(page);
}

static enum exit_done apic_write(uint32_t rip, unsigned offset)
{
    FIELD(GUEST_RIP) = rip;
    guest_machine_exit(EXIT_REASON_EPT_VIOLATION, 2, 0);
    FIELD(GUEST_RIP) = rip;
    return linux_exit_apic_write(vcpu, 0xfee00000 + offset);
}

static void writes_to_the_page(void **state)
{
    static const uint8_t code[] = {
        0x89, 0x07,                         /* 0: mov %eax,(%edi) */
        0x87, 0x0f,                         /* 2: xchg %ecx,(%edi) */
        0xc7, 0x07, 0x00, 0x45, 0x00, 0x00, /* 4: movl $0x4500,(%edi) */
        0x01, 0x07,                         /* 10: add %eax,(%edi) */
        0x66, 0x89, 0x07,                   /* 12: mov %ax,(%edi) */
    };
    uint8_t *page = code_page();

    (void)state;
    memcpy(page, code, sizeof(code));
    memcpy(page + 4094, code, 2);
    vcpu->reg[VCPU_RAX] = 0xffffffff12345678;
    vcpu->reg[VCPU_RCX] = 0xffffffff000000aa;
    assert_int_equal(apic_write(0, 0x80), EXIT_EMULATED);
    assert_int_equal(FIELD(GUEST_RIP), 2);
    assert_int_equal(apic.page[0x80 / 4], 0x12345678);
    assert_int_equal(apic_write(2, 0x80), EXIT_EMULATED);
    assert_int_equal(FIELD(GUEST_RIP), 4);
    assert_int_equal(apic.page[0x80 / 4], 0xaa);
    assert_int_equal(vcpu->reg[VCPU_RCX], 0x12345678);

    /* To the ICR: the destination is what stands in its high half. */
    ICR_HIGH = OTHER_ID << 24;
    assert_int_equal(apic_write(4, 0x300), EXIT_EMULATED);
    assert_int_equal(FIELD(GUEST_RIP), 10);
    assert_int_equal(atomic_load(&other.asked), INIT_ASKED);
    assert_int_equal(ICR_LOW, 0);
    vcpu->reg[VCPU_RAX] = 0x40fd;
    assert_int_equal(apic_write(0, 0x300), EXIT_EMULATED);
    assert_int_equal(ICR_LOW, 0x40fd);
    vcpu->reg[VCPU_RAX] = 0x4500;
    assert_int_equal(apic_write(0, 0x320), EXIT_EMULATED); /* INIT's bits in another register */
    assert_int_equal(apic.page[0x320 / 4], 0x4500);
    assert_int_equal(atomic_load(&third.asked), 0);

    vcpu->reg[VCPU_RAX] = 0x55;
    assert_int_equal(apic_write(4094, 0x80), EXIT_EMULATED); /* the last two bytes of the page */
    assert_int_equal(apic.page[0x80 / 4], 0x55);
    assert_int_equal(FIELD(GUEST_RIP), 4096);
    assert_int_equal(apic_write(10, 0x300), EXIT_ENDED);
    assert_int_equal(vcpu->end, GUEST_END_MEMORY);
    assert_int_equal(vcpu->end_value, 0xfee00300);
    assert_int_equal(apic_write(12, 0x300), EXIT_ENDED);
}

/* That is no command: the guest itself does it, and the next start has to be announced. */
static void another_register_by_another_instruction_is_the_guests(void **state)
{
    (void)state;
    memcpy(code_page(), (const uint8_t[]){0x01, 0x07}, 2); /* add %eax,(%edi) */
    linux_watch_commands(&own, true);
    assert_int_equal(apic_write(0, 0x80), EXIT_MAPPED);
    assert_int_equal(FIELD(GUEST_RIP), 0);
    assert_false(vm.watches_commands);
    assert_int_equal(ept_walk(&vm.vm.ept, 0xfee00080).permissions, EPT_READ | EPT_WRITE);
}

static enum exit_done bios_write(uint32_t rip, uint64_t address, uint64_t qualification)
{
    FIELD(GUEST_PHYSICAL_ADDRESS) = address;
    FIELD(GUEST_RIP) = rip;
    guest_machine_exit(EXIT_REASON_EPT_VIOLATION, qualification, 0);
    FIELD(GUEST_RIP) = rip;
    return linux_exit_ept_violation(vcpu);
}

static bool watches(uint16_t port)
{
    const uint8_t *bitmap = phys_to_virt(vm.vm.io_bitmap);

    return bitmap[port / 8] >> port % 8 & 1;
}

enum { OPERAND = 1 << 7 | 1 << 8 | 1 << 1, PAGE_WALK = 1 << 7 | 1 << 1 }; /* a write */

static uint8_t bios_data[4096];

/* Until the guest says that it will reset the machine, none of the ways to do so is looked at. */
static void announce(void)
{
    model_bios_data = bios_data;
    memset(phys_to_virt(vm.vm.io_bitmap), 0, 2 * PAGE_SIZE);
    memset(bios_data, 0x55, sizeof(bios_data));
    memory_types_read(&vm.types);
    vm.ports.reset = 0x604;
    vm.mapped_end = 8u << 20;
    vm.announces_resets = true;
    assert_true(linux_map(&vm));
    assert_int_equal(ept_walk(&vm.vm.ept, 0xfff).permissions, EPT_READ | EPT_EXECUTE);
    assert_int_equal(ept_walk(&vm.vm.ept, 0x1000).permissions, EPT_ALL);
    assert_false(watches(0x64) || watches(0xcf9) || watches(0x604));
}

static void expect_announced(enum exit_done done)
{
    assert_int_equal(done, EXIT_MAPPED);
    assert_false(vm.announces_resets);
    assert_true(watches(0x64) && watches(0xcf9) && watches(0x604));
    assert_int_equal(ept_walk(&vm.vm.ept, 0).permissions, EPT_ALL);
    assert_int_equal(bios_data[0x472], 0x55); /* the guest itself will write it */
}

static void a_reset_is_announced(void **state)
{
    (void)state;
    announce();
    expect_announced(bios_write(0, 0x472, OPERAND));
    assert_int_equal(bios_write(0, 0x472, OPERAND),
                     EXIT_MAPPED); /* another CPU, which remembered */
}

/* Linux's words where a CPU begins, 0x467 and 0x469, are written for it. */
static void what_else_is_written_there(void **state)
{
    static const uint8_t code[] = {
        0x66, 0x89, 0x07,                   /* 0: mov %ax,(%edi) */
        0xc7, 0x07, 0x00, 0x00, 0x00, 0x00, /* 3: movl $0,(%edi) */
        0x87, 0x0f,                         /* 9: xchg %ecx,(%edi) */
    };
    uint64_t pages;

    (void)state;
    announce();
    memcpy(code_page(), code, sizeof(code));
    vcpu->reg[VCPU_RAX] = 0x12349a00;
    assert_int_equal(bios_write(0, 0x469, OPERAND), EXIT_EMULATED);
    assert_int_equal(FIELD(GUEST_RIP), 3);
    memcpy(&pages, bios_data + 0x466, sizeof(pages));
    assert_int_equal(pages, 0x5555559a00555555);
    assert_int_equal(bios_write(3, 0x467, OPERAND), EXIT_EMULATED);
    assert_int_equal(FIELD(GUEST_RIP), 9);
    memcpy(&pages, bios_data + 0x466, sizeof(pages));
    assert_int_equal(pages, 0x5555550000000055);
    assert_true(vm.announces_resets);
    assert_false(watches(0x64));
    expect_announced(bios_write(9, 0x467, OPERAND));
}

/* The flag is the word at 0x472: four bytes at 0x470 have it, those at 0x46e end before it. */
static void a_wider_write_has_the_flag(void **state)
{
    static const uint8_t code[] = {0xc7, 0x07, 0x00, 0x00, 0x00, 0x00}; /* movl $0,(%edi) */

    (void)state;
    announce();
    memcpy(code_page(), code, sizeof(code));
    assert_int_equal(bios_write(0, 0x46e, OPERAND), EXIT_EMULATED);
    expect_announced(bios_write(0, 0x470, OPERAND));
}

/* What is not plain is taken for an announcement: nothing is lost. */
static void what_is_not_understood(void **state)
{
    static const uint8_t code[] = {0x89, 0x07}; /* mov %eax,(%edi) */

    (void)state;
    announce();
    memcpy(code_page(), code, sizeof(code));
    expect_announced(bios_write(0, 0xffe, OPERAND)); /* over the page's end */
    announce();
    expect_announced(bios_write(0, 0x467, PAGE_WALK));
    announce();
    guest_machine_exit(EXIT_REASON_EPT_VIOLATION, OPERAND, 0);
    FIELD(GUEST_PHYSICAL_ADDRESS) = 0x467;
    FIELD(IDT_VECTORING_INFORMATION) = 0x80000030;
    expect_announced(linux_exit_ept_violation(vcpu));
    assert_int_equal(FIELD(VM_ENTRY_INTERRUPTION_INFORMATION), 0x80000030);
}

static enum exit_done write_leave(uint64_t number)
{
    static const struct msr_rule rule = {.msr = MSR_LINUX_LEAVES};

    FIELD(GUEST_RIP) = 0x1000;
    guest_machine_exit(EXIT_REASON_WRMSR, 0, 2);
    return linux_write_leave(vcpu, &rule, number);
}

static void be_in_64_bit_mode(void)
{
    FIELD(VM_ENTRY_CONTROLS) |= ENTRY_IA32E_MODE_GUEST;
    FIELD(GUEST_CS_ACCESS_RIGHTS) |= RIGHTS_L;
    FIELD(GUEST_IA32_EFER) = EFER_LME | EFER_LMA | EFER_NXE;
}

/* What lies between the guest's page tables and the hypervisor's has four levels: vm/leave/leave.h.
 */
static void not_every_mode_can_be_left(void **state)
{
    (void)state;
    model_cpu.cr3 = pages_alloc(0);
    atomic_store(&other.waits, true);
    atomic_store(&third.waits, true);
    assert_int_equal(write_leave(1), EXIT_INJECTED);
    be_in_64_bit_mode();
    vcpu->cr4_fixed = CR4_VMXE;
    FIELD(GUEST_CR4) |= CR4_LA57;
    assert_int_equal(write_leave(1), EXIT_INJECTED);
    FIELD(GUEST_CR4) &= ~(uint64_t)CR4_LA57;
    assert_int_equal(write_leave(1), EXIT_EMULATED);
}

/* CPUs that the guest has not started are no part of its number, and are asked if they wait. */
static void who_waits_is_asked_to_leave(void **state)
{
    (void)state;
    be_in_64_bit_mode();
    model_cpu.cr3 = pages_alloc(0);
    atomic_store(&other.running, true);
    atomic_store(&other.waits, true);
    atomic_store(&third.waits, true); /* but is not there any more */
    for (uint64_t number = 0; number <= CPUS; number++) {
        if (number != 1)
            assert_int_equal(write_leave(number), EXIT_INJECTED);
        assert_int_equal(atomic_load(&other.asked), 0);
    }
    other_cpu = act;
    memset(&found, 0, sizeof(found));
    assert_int_equal(write_leave(1), EXIT_EMULATED);
    assert_int_equal(FIELD(GUEST_RIP), 0x1002);
    assert_int_equal(found.asked, 1 << 10);
    assert_int_equal(atomic_load(&third.asked), 0);
    assert_int_equal(atomic_load(&own.asked), 0);

    /* One that runs the guest is no other's to ask. */
    atomic_store(&other.waits, false);
    memset(&found, 0, sizeof(found));
    assert_int_equal(write_leave(2), EXIT_EMULATED);
    assert_int_equal(found.asked, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(init_is_asked_for_by_an_nmi, begin),
        cmocka_unit_test_setup(a_start_is_asked_for_with_its_vector, begin),
        cmocka_unit_test_setup(commands_are_watched_until_all_run_or_as_announced, begin),
        cmocka_unit_test_setup(who_waits_for_a_sipi_gets_one, begin),
        cmocka_unit_test_setup(everyone_else_is_asked, begin),
        cmocka_unit_test_setup(patience_has_an_end, begin),
        cmocka_unit_test_setup(one_thing_is_asked_after_the_other, begin),
        cmocka_unit_test_setup(a_command_is_waited_for, begin),
        cmocka_unit_test_setup(a_cpu_is_stopped_by_nmis, begin),
        cmocka_unit_test_setup(commands_are_watched_in_both_modes, begin),
        cmocka_unit_test_setup(interrupts_go_their_way, begin),
        cmocka_unit_test_setup(writes_to_the_page, begin),
        cmocka_unit_test_setup(another_register_by_another_instruction_is_the_guests, begin),
        cmocka_unit_test_setup(a_reset_is_announced, begin),
        cmocka_unit_test_setup(what_else_is_written_there, begin),
        cmocka_unit_test_setup(a_wider_write_has_the_flag, begin),
        cmocka_unit_test_setup(what_is_not_understood, begin),
        cmocka_unit_test_setup(not_every_mode_can_be_left, begin),
        cmocka_unit_test_setup(who_waits_is_asked_to_leave, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
