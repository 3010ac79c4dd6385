/*
 * A VM is what its policy says, and several vCPUs may have one: vm/vm.h, on the model CPU. The
 * policy here is that of a guest which owns the machine, as far from the built-in guests' as can
 * be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "tests/host/guest_machine.h"
#include "vm/cpuid_mask.h"
#include "vm/exit.h"
#include "vm/guests/exits/guest_exits.h"
#include "vm/guests/guest_run.h"

static struct vcpu *vcpu;

static enum exit_done own_handler(struct vcpu *of)
{
    of->reg[VCPU_RBX] = 0x1234;
    return EXIT_STEPPED;
}

static enum exit_done read_locked(struct vcpu *of, const struct msr_rule *rule)
{
    of->reg[VCPU_RAX] = rule->field;
    of->reg[VCPU_RDX] = 0;
    return skip_emulated_instruction(EXIT_EMULATED);
}

/* IA32_FEATURE_CONTROL and 0x78 share a place in the table: n ^ n >> 5, modulo 64. */
static const struct cpuid_rule cpuid_rules[] = {
    {CPUID_LEAF_FEATURES,
     0,
     CPUID_EVERY_SUBLEAF,
     {UINT32_MAX, UINT32_MAX, ~(1u << 5), UINT32_MAX}, /* no VMX */
     {0}},
};
static const struct msr_rule msrs[] = {
    {0x3a, read_locked, msr_write_fault, 1},
    {0x78, read_locked, msr_write_fault, 2},
    {0x1b, msr_read_apic_base, msr_write_fault, 0},
};
static const struct port_rule ports[] = {{0xcf9, 0xcf9}, {0x3f8, 0x3ff}};
static const struct exit_rule exits[] = {{EXIT_REASON_VMCALL, own_handler}};

static const struct vm_policy machine_policy = {
    .owns_machine = true,
    .cpuid_mask = vm_policy_cpuid_mask,
    .cpuid = cpuid_rules,
    .cpuid_count = 1,
    .msrs = msrs,
    .msr_count = 3,
    .ports = ports,
    .port_count = 2,
    .exits = exits,
    .exit_count = 1,
    .cr4_guest = ~(1ull << 13 | 1ull << 14), /* VMXE, SMXE */
};

static struct guest_vm other;

/* Another VM with its vCPU on the same CPU, beside that of guest_machine. */
static void make_other(void)
{
    const struct vcpu_start start = guest_start(GUEST_LONG);

    other = (struct guest_vm){.guest = guest_of(vcpu), .options = guest_vm_of(vcpu)->options};
    assert_true(vm_create(&other.vm, &machine_policy));
    vcpu_init(&other.vcpu, &other.vm, vcpu->cpu);
    memcpy(other.vcpu.controls, vcpu->controls, sizeof(other.vcpu.controls));
    assert_true(vcpu_create(&other.vcpu));
    other.vcpu.exits_left = 1000;
    assert_true(guest_memory_create(&other.vcpu));
    assert_true(vmx_ok(vcpu_load(&other.vcpu, &start)));
}

static int in_long_mode(void **state)
{
    (void)state;
    vcpu = guest_machine_in(GUEST_LONG);
    make_other();
    return 0;
}

static bool bit(uint64_t bitmap, uint32_t number)
{
    return (((uint8_t *)phys_to_virt(bitmap))[number / 8] >> number % 8 & 1) != 0;
}

static enum exit_done serve(uint32_t reason, uint64_t qualification)
{
    FIELD(GUEST_RIP) = GUEST_CODE;
    guest_machine_exit(reason, qualification, 2);
    return vm_exit(&other.vcpu);
}

/* SDM Vol. 3, "MSR-Bitmap Address", "I/O-Bitmap Addresses". */
static void what_no_rule_names_does_not_exit(void **state)
{
    unsigned open_ports = 0, open_msrs = 0;

    (void)state;
    assert_int_equal(FIELD(ADDRESS_OF_MSR_BITMAPS), other.vm.msr_bitmap);
    for (uint32_t port = 0; port < 0x10000; port++)
        open_ports += !bit(other.vm.io_bitmap, port);
    for (uint32_t msr = 0; msr < 0x2000; msr++)
        open_msrs += !bit(other.vm.msr_bitmap, msr) && !bit(other.vm.msr_bitmap + 2048, msr);
    assert_int_equal(open_ports, 0x10000 - 9);
    assert_int_equal(open_msrs, 0x2000 - 3);
    assert_true(bit(other.vm.io_bitmap, 0xcf9) && bit(other.vm.msr_bitmap, 0x3a));
}

static void msrs_have_their_rules(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        other.vcpu.reg[VCPU_RCX] = msrs[i].msr;
        assert_int_equal(serve(EXIT_REASON_RDMSR, 0), EXIT_EMULATED);
        assert_int_equal(other.vcpu.reg[VCPU_RAX], i + 1);
        assert_int_equal(serve(EXIT_REASON_WRMSR, 0), EXIT_INJECTED);
    }
    other.vcpu.reg[VCPU_RCX] = 0xc0011029; /* in no bitmap, so it exits; the processor has none */
    assert_int_equal(serve(EXIT_REASON_RDMSR, 0), EXIT_INJECTED);
    other.vcpu.reg[VCPU_RCX] = IA32_TSC_AUX;
    assert_int_equal(serve(EXIT_REASON_RDMSR, 0), EXIT_EMULATED);
}

/* As where the processor has no such MSR: SDM Vol. 2, "RDMSR", "WRMSR", #GP(0). */
static void without_rules_every_msr_faults(void **state)
{
    static const struct vm_policy nothing;
    static const uint32_t numbers[] = {0, 0x10, IA32_EFER, UINT32_MAX};
    struct vm bare = {0};

    (void)state;
    assert_true(vm_create(&bare, &nothing));
    other.vcpu.vm = &bare;
    for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        other.vcpu.reg[VCPU_RCX] = numbers[i];
        assert_int_equal(serve(EXIT_REASON_RDMSR, 0), EXIT_INJECTED);
        assert_true(guest_machine_injects_error(X86_VECTOR_GP, 0));
        assert_int_equal(serve(EXIT_REASON_WRMSR, 0), EXIT_INJECTED);
        assert_true(guest_machine_injects_error(X86_VECTOR_GP, 0));
    }
    vm_free(&bare);
}

/* Each is found in its own place, the last of those that share one, without a search. */
static void msrs_have_their_places(void **state)
{
    (void)state;
    for (unsigned i = 1; i < 3; i++)
        assert_ptr_equal(*vm_msr_slot(&other.vm, msrs[i].msr), &msrs[i]);
}

static void cpuid_shows_what_no_rule_names(void **state)
{
    struct cpuid_registers processor = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX}, r;

    (void)state;
    r = vm_policy_cpuid(&machine_policy, 0x14, 0, processor, 0, 0);
    assert_int_equal(r.eax & r.ebx & r.ecx & r.edx, UINT32_MAX);
    assert_int_equal(vm_policy_cpuid(&machine_policy, 1, 0, processor, 0, 0).ecx,
                     ~(1u << 5 | 1u << 27)); /* OSXSAVE as in CR4 */
    r = vm_policy_cpuid(&machine_policy, 0x40000000, 0, processor, 0, 0);
    assert_int_equal(r.eax | r.ebx | r.ecx | r.edx, 0); /* nobody's leaves but a hypervisor's */
    assert_int_equal(other.vcpu.cpuid_mask & 1, 1);
    assert_int_equal(other.vcpu.cpuid_mask & 0x80000006, 0);
}

static void its_own_handlers_come_first(void **state)
{
    (void)state;
    assert_int_equal(serve(EXIT_REASON_VMCALL, 0), EXIT_STEPPED);
    assert_int_equal(other.vcpu.reg[VCPU_RBX], 0x1234);
    assert_int_equal(serve(EXIT_REASON_PAUSE, 0), EXIT_IGNORED);
    assert_int_equal(FIELD(GUEST_RIP), GUEST_CODE + 2);
}

static void control_registers_are_its_own_but_for_what_vmx_takes(void **state)
{
    (void)state;
    assert_int_equal(FIELD(CR0_GUEST_HOST_MASK) & (CR0_CD | CR0_NW), 0);
    assert_int_equal(FIELD(EXCEPTION_BITMAP), 0);
    assert_int_equal(FIELD(CR4_GUEST_HOST_MASK) & 1ull << 13, 1ull << 13);
}

static enum exit_done touch(struct vcpu *by, uint64_t address)
{
    assert_true(vmx_ok(vmptrld(by->vmcs.address)));
    guest_machine_exit(EXIT_REASON_EPT_VIOLATION, 0x181, 2);
    FIELD(GUEST_PHYSICAL_ADDRESS) = address;
    return vm_exit(by);
}

/* All of it, to its last byte and not one further; nothing at its end is still within it. */
static void memory_has_an_end(void **state)
{
    const struct vm *vm = vcpu->vm;
    uint64_t end = vm->memory_bytes;

    (void)state;
    assert_non_null(vm_memory(vm, 0, end));
    assert_null(vm_memory(vm, 0, end + 1));
    assert_null(vm_memory(vm, 1, end));
    assert_ptr_equal(vm_memory(vm, end - 1, 1), (uint8_t *)vm_memory(vm, 0, end) + end - 1);
    assert_ptr_equal(vm_memory(vm, end, 0), (uint8_t *)vm_memory(vm, 0, end) + end);
    assert_null(vm_memory(vm, end + 1, 0));
    assert_null(vm_memory(vm, UINT64_MAX, 2));
}

/*
 * Two vCPUs of one VM touch the same page, both before either has it; as on two CPUs, where the
 * second exit comes before the first has been served. It is mapped once.
 */
static void two_vcpus_share_memory_and_policy(void **state)
{
    const struct vcpu_start start = guest_start(GUEST_LONG);
    struct vm *vm = vcpu->vm;
    struct guest_vm own = {0};
    struct vcpu *second = &own.vcpu;
    uint64_t physical;
    uint32_t left;

    (void)state;
    vcpu_init(second, vm, vcpu->cpu);
    memcpy(second->controls, vcpu->controls, sizeof(second->controls));
    assert_true(vcpu_create(second));
    second->exits_left = 10;
    assert_true(vmx_ok(vcpu_load(second, &start)));
    assert_int_equal(FIELD(EPT_POINTER), vm->eptp);
    assert_int_equal(FIELD(ADDRESS_OF_MSR_BITMAPS), vm->msr_bitmap);
    assert_memory_equal(second->handlers, vcpu->handlers, sizeof(second->handlers));

    guest_machine_demand(&guest_machine.own);
    guest_machine_demand(&own);
    page_cache_fill(&vm->pages);
    for (uint64_t address = GUEST_TOUCH_BASE; address <= GUEST_TOUCH_BASE + 0x400000;
         address += 0x200000) {
        assert_int_equal(touch(vcpu, address), EXIT_MAPPED);
        physical = ept_walk(&vm->ept, address).physical;
        left = vm->pages.count;
        assert_int_equal(touch(second, address), EXIT_MAPPED);
        assert_int_equal(touch(second, address + 0x1000), EXIT_MAPPED);
        assert_int_equal(touch(vcpu, address + 0x1000), EXIT_MAPPED);
        assert_int_equal(ept_walk(&vm->ept, address).physical, physical);
        assert_int_equal(vm->pages.count, left - 1);
        assert_false(atomic_load(&vm->lock.held));
    }
    assert_int_equal(vcpu->exit_count[EXIT_REASON_EPT_VIOLATION], 6);
    assert_int_equal(second->exit_count[EXIT_REASON_EPT_VIOLATION], 6);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, in_long_mode)
    const struct CMUnitTest tests[] = {
        TEST(what_no_rule_names_does_not_exit),
        TEST(msrs_have_their_rules),
        TEST(msrs_have_their_places),
        TEST(without_rules_every_msr_faults),
        TEST(cpuid_shows_what_no_rule_names),
        TEST(its_own_handlers_come_first),
        TEST(control_registers_are_its_own_but_for_what_vmx_takes),
        TEST(memory_has_an_end),
        TEST(two_vcpus_share_memory_and_policy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
