/*
 * Exits of single instructions, on the model CPU. Expectations are those of the instructions' pages
 * in SDM Vol. 2, and of vm/guests/guest.h for what a guest asks the hypervisor.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/host/set_controls.h"
#include "tests/host/guest_machine.h"
#include "vm/registers/registers.h"

static struct vcpu *vcpu;

static int in_long_mode(void **state)
{
    (void)state;
    vcpu = guest_machine_in(GUEST_LONG);
    return 0;
}

/* Served, with nothing injected, and the guest stands after the instruction. */
static void assert_done(uint32_t reason, uint32_t length, enum exit_done done)
{
    uint64_t rip = FIELD(GUEST_RIP);

    assert_int_equal(guest_machine_serve(reason, 0, length), done);
    assert_int_equal(FIELD(GUEST_RIP), rip + length);
    assert_int_equal(guest_machine_injected() >> 31, 0);
}

/* An exception instead, and the guest stands where it was. */
static void assert_faults(uint32_t reason, uint8_t vector)
{
    uint64_t rip = FIELD(GUEST_RIP);

    assert_int_equal(guest_machine_serve(reason, 0, 3), EXIT_INJECTED);
    assert_int_equal(FIELD(GUEST_RIP), rip);
    if (vector == X86_VECTOR_GP)
        assert_true(guest_machine_injects_error(vector, 0));
    else
        assert_true(guest_machine_injects(vector));
}

/* The ground on which everything else stands. */
static void the_first_entry_breaks_no_rule(void **state)
{
    struct vmentry_findings findings;

    (void)state;
    for (int mode = 0; mode < GUEST_MODE_COUNT; mode++) {
        guest_machine_in((enum guest_mode)mode);
        guest_machine_check(&findings);
        assert_int_equal(findings.count, 0);
    }
}

/* SDM Vol. 3, "Instruction-Breakpoint Exception Condition": "cleared … after the instruction". The
 * processor saves 0 with such an exit; what saves 1 all the same must not keep it. */
static void an_instruction_that_is_done_leaves_no_rf(void **state)
{
    (void)state;
    guest_machine_exit(EXIT_REASON_CPUID, 0, 2);
    FIELD(GUEST_RFLAGS) |= RFLAGS_RF;
    assert_int_equal(guest_machine_serve_now(), EXIT_EMULATED);
    assert_int_equal(FIELD(GUEST_RFLAGS), 2);
}

/* CPUID */

static struct cpuid_registers cpuid_of_guest(uint32_t leaf, uint32_t subleaf)
{
    vcpu->reg[VCPU_RAX] = 0xaaaaaaaa00000000 | leaf;
    vcpu->reg[VCPU_RCX] = 0xcccccccc00000000 | subleaf;
    vcpu->reg[VCPU_RBX] = vcpu->reg[VCPU_RDX] = UINT64_MAX;
    assert_done(EXIT_REASON_CPUID, 2, EXIT_EMULATED);
    for (int i = VCPU_RAX; i <= VCPU_RBX; i++) /* "the upper 32 bits are cleared" */
        assert_int_equal(vcpu->reg[i] >> 32, 0);
    return (struct cpuid_registers){(uint32_t)vcpu->reg[VCPU_RAX], (uint32_t)vcpu->reg[VCPU_RBX],
                                    (uint32_t)vcpu->reg[VCPU_RCX], (uint32_t)vcpu->reg[VCPU_RDX]};
}

static void cpuid_hides_vmx_and_smx_and_reports_of_a_hypervisor(void **state)
{
    uint32_t ecx;

    (void)state;
    assert_true((cpuid(1, 0).ecx & 0x60) == 0x60);
    ecx = cpuid_of_guest(1, 0).ecx;
    assert_int_equal(ecx & 0x60, 0);
    assert_int_equal(ecx >> 31, 1);
}

/* "SYSCALL … always enumerated as 0 when the processor is not in 64-bit mode"; in compatibility
 * mode neither. The hypervisor itself is, and sees 1. */
static void cpuid_shows_syscall_in_64_bit_mode_alone(void **state)
{
    static const enum guest_mode without[] = {GUEST_REAL, GUEST_PROTECTED, GUEST_PAE};

    (void)state;
    model_cpu.more_features.edx |= 1 << 11;
    assert_int_equal(cpuid_of_guest(0x80000001, 0).edx >> 11 & 1, 1);
    assert_int_equal(cpuid_of_guest(0x80000001, 0).edx >> 20 & 1, 1);
    FIELD(GUEST_CS_ACCESS_RIGHTS) = 0xc09b;
    assert_int_equal(cpuid_of_guest(0x80000001, 0).edx >> 11 & 1, 0);
    assert_int_equal(cpuid_of_guest(0x80000001, 0).edx >> 20 & 1, 1); /* NX */
    for (unsigned i = 0; i < sizeof(without) / sizeof(without[0]); i++) {
        vcpu = guest_machine_in(without[i]);
        model_cpu.more_features.edx |= 1 << 11;
        assert_int_equal(cpuid_of_guest(0x80000001, 0).edx >> 11 & 1, 0);
        assert_int_equal(cpuid_of_guest(0x80000001, 0).edx >> 20 & 1, 1);
    }
}

/* "OSXSAVE: the OS has set CR4.OSXSAVE", the guest's; the host's is set all the while. */
static void cpuid_reports_the_guests_osxsave(void **state)
{
    (void)state;
    assert_int_equal(cpuid_of_guest(1, 0).ecx >> 27 & 1, 0);
    FIELD(GUEST_CR4) |= CR4_OSXSAVE;
    assert_int_equal(cpuid_of_guest(1, 0).ecx >> 27 & 1, 1);
}

/* "OSPKE: OS has set CR4.PKE", CPUID.7.0:ECX[4]. */
static void cpuid_reports_the_guests_ospke(void **state)
{
    (void)state;
    guest_machine_reset(GUEST_LONG);
    model_cpu.msrs.value[IA32_VMX_CR4_FIXED1 - VMX_MSR_FIRST] |= 1 << 22;
    model_cpu.features.ecx = 1u << 3 | 1u << 4; /* the host has set its own */
    vcpu = guest_machine_start();
    assert_int_equal(cpuid_of_guest(7, 0).ecx, 1u << 3);
    FIELD(GUEST_CR4) |= 1 << 22;
    assert_int_equal(cpuid_of_guest(7, 0).ecx, 1u << 3 | 1u << 4);
}

/*
 * SDM Vol. 3, "Changes to Instruction Behavior in VMX Non-Root Operation": without their controls
 * INVPCID, TPAUSE and its kin, PCONFIG, RDTSCP and XSAVES are #UD. CPUID must not promise them.
 */
static void cpuid_promises_no_instruction_that_a_control_forbids(void **state)
{
    (void)state;
    guest_machine_reset(GUEST_LONG);
    SET_CONTROLS(guest_machine.guest, OFF(SECONDARY, ENABLE_INVPCID));
    model_cpu.features =
        (struct cpuid_registers){.ebx = 1u << 10 | 1u << 7, .ecx = 1u << 5, .edx = 1u << 18};
    vcpu = guest_machine_start();
    assert_int_equal(cpuid_of_guest(7, 0).ebx, 1u << 7);
    assert_int_equal(cpuid_of_guest(7, 0).ecx, 0);
    assert_int_equal(cpuid_of_guest(7, 0).edx, 0);
    assert_int_equal(cpuid_of_guest(0x80000001, 0).edx >> 27 & 1, 1);
    vcpu_control_set(vcpu, VMX_CONTROL_SECONDARY, SECONDARY_ENABLE_INVPCID, true);
    vcpu_control_set(vcpu, VMX_CONTROL_SECONDARY, SECONDARY_ENABLE_RDTSCP, false);
    assert_int_equal(cpuid_of_guest(7, 0).ebx, 1u << 10 | 1u << 7);
    assert_int_equal(cpuid_of_guest(0x80000001, 0).edx >> 27 & 1, 0);
}

/*
 * SDM Vol. 2, "CPUID", leaf 7: what needs a bit of CR4 or MSRs that no guest here has. The rest of
 * the leaf stays: SMEP and SMAP, for two, are bits 7 and 20 of EBX.
 */
static void cpuid_promises_nothing_that_cr4_or_an_msr_denies(void **state)
{
    (void)state;
    guest_machine_reset(GUEST_LONG);
    model_cpu.features = (struct cpuid_registers){
        .ebx = 1u << 2 | 1u << 25 | 1u << 7 | 1u << 20,
        .ecx = 1u << 7 | 1u << 23 | 1u << 29 | 1u << 30 | 1u << 31 | 1u << 2,
        .edx = 1u << 5 | 1u << 19 | 1u << 20 | 0x3fu << 26 | 1u << 4,
    };
    vcpu = guest_machine_start();
    assert_int_equal(cpuid_of_guest(7, 0).ebx, 1u << 7 | 1u << 20);
    assert_int_equal(cpuid_of_guest(7, 0).ecx, 1u << 2); /* UMIP */
    assert_int_equal(cpuid_of_guest(7, 0).edx, 1u << 4); /* fast short REP MOVSB */
    model_cpu.features.eax = 1u << 6 | 1u << 17 | 1u << 18 | 1u << 26 | 1u << 27 | 1u << 4;
    assert_int_equal(cpuid_of_guest(7, 1).eax, 1u << 4); /* AVX-VNNI */
}

/*
 * XSAVES is bit 3 of CPUID.0DH.1:EAX: its MSR, IA32_XSS, no guest here has, and it is #UD where it
 * is on. Nor has one those of XFD, bit 4.
 */
static void cpuid_leaf_0d_hides_xsaves_and_xfd(void **state)
{
    (void)state;
    model_cpu.xsave_features.eax = 0x1f;
    assert_int_equal(cpuid_of_guest(0xd, 1).eax, 7);
    vcpu->controls[VMX_CONTROL_SECONDARY] |= SECONDARY_ENABLE_XSAVES;
    assert_int_equal(cpuid_of_guest(0xd, 1).eax, 7);
}

/* The makers' agreement: leaf 40000000H has the highest leaf and a signature. */
static void cpuid_names_the_hypervisor_and_hides_the_one_below(void **state)
{
    struct cpuid_registers r;

    (void)state;
    model_cpu.hypervisor = true;
    r = cpuid_of_guest(0x40000000, 0);
    assert_int_equal(r.eax, 0x40000000);
    assert_memory_equal(&r.ebx, "RootmodeVMX ", 12);
    for (uint32_t leaf = 0x40000001; leaf <= 0x400000ff; leaf++) {
        r = cpuid_of_guest(leaf, 0);
        assert_true(r.eax == 0 && r.ebx == 0 && r.ecx == 0 && r.edx == 0);
    }
    assert_int_equal(cpuid_of_guest(0, 0).eax, cpuid(0, 0).eax);
}

/* HLT */

static void hlt_with_interrupts_off_ends_the_guest(void **state)
{
    (void)state;
    assert_int_equal(guest_machine_serve(EXIT_REASON_HLT, 0, 1), EXIT_ENDED);
    assert_int_equal(vcpu->end, GUEST_END_HALT);
    assert_int_equal(vcpu->end_value, GUEST_CODE);
}

/* STI; HLT: what STI blocks is blocked until the end of HLT, no longer. */
static void hlt_with_interrupts_on_goes_on_and_ends_blocking_by_sti(void **state)
{
    (void)state;
    FIELD(GUEST_RFLAGS) |= RFLAGS_IF;
    FIELD(GUEST_INTERRUPTIBILITY_STATE) = 1;
    assert_done(EXIT_REASON_HLT, 1, EXIT_IGNORED);
    assert_int_equal(FIELD(GUEST_INTERRUPTIBILITY_STATE), 0);
    assert_int_equal(vcpu->vm->pages.count, 0);
    guest_machine_demand(&guest_machine.own);
    assert_done(EXIT_REASON_HLT, 1, EXIT_IGNORED);
    assert_int_equal(vcpu->vm->pages.count, PAGE_CACHE_SIZE);
}

/* VMCALL */

static void vmcall_ends_the_guest_or_does_nothing(void **state)
{
    (void)state;
    vcpu->reg[VCPU_RAX] = 0x12345678;
    assert_done(EXIT_REASON_VMCALL, 3, EXIT_EMULATED);
    assert_int_equal(vcpu->reg[VCPU_RAX], 0x12345678);
    vcpu->reg[VCPU_RAX] = 0xffffffff00000000 | VM_CALL_END; /* EAX counts */
    assert_int_equal(guest_machine_serve(EXIT_REASON_VMCALL, 0, 3), EXIT_ENDED);
    assert_int_equal(vcpu->end, GUEST_END_CALL);
}

/* RDTSC and RDTSCP */

static uint64_t edx_eax(void)
{
    assert_int_equal(vcpu->reg[VCPU_RAX] >> 32, 0);
    assert_int_equal(vcpu->reg[VCPU_RDX] >> 32, 0);
    return vcpu->reg[VCPU_RDX] << 32 | vcpu->reg[VCPU_RAX];
}

static void rdtsc_gives_all_64_bits(void **state)
{
    (void)state;
    model_cpu.tsc = 0x123456789abc;
    vcpu->reg[VCPU_RAX] = vcpu->reg[VCPU_RDX] = UINT64_MAX;
    assert_done(EXIT_REASON_RDTSC, 2, EXIT_EMULATED);
    assert_int_equal(edx_eax(), 0x123456789abc + 100);
}

/* "The value returned is the sum of the counter and the TSC offset", which is signed. */
static void the_offset_counts_where_the_control_is_on(void **state)
{
    (void)state;
    model_cpu.tsc = 5000;
    FIELD(TSC_OFFSET) = (uint64_t)-3000;
    assert_done(EXIT_REASON_RDTSC, 2, EXIT_EMULATED);
    assert_int_equal(edx_eax(), 5100);
    vcpu_control_set(vcpu, VMX_CONTROL_PRIMARY, PRIMARY_TSC_OFFSETTING, true);
    assert_done(EXIT_REASON_RDTSC, 2, EXIT_EMULATED);
    assert_int_equal(edx_eax(), 2200);
    *model_msr(IA32_TSC_AUX) = 0x1234;
    vcpu->reg[VCPU_RCX] = UINT64_MAX;
    assert_done(EXIT_REASON_RDTSCP, 3, EXIT_EMULATED);
    assert_int_equal(edx_eax(), 2300);
    assert_int_equal(vcpu->reg[VCPU_RCX], 0x1234);
}

/* RDRAND and RDSEED: CF = 0 and a destination of 0 say that none is at hand. */

/* SDM Vol. 3, table "Format of the VM-Exit Instruction-Information Field as Used for RDRAND and
 * RDSEED": bits 6:3 destination, 12:11 size (0: 16 bits, 1: 32, 2: 64). */
static void assert_random(unsigned reg, unsigned size, uint64_t kept)
{
    const uint64_t arithmetic = 0x8d5;

    vcpu_register_set(vcpu, reg, UINT64_MAX);
    FIELD(GUEST_RFLAGS) |= arithmetic;
    FIELD(VM_EXIT_INSTRUCTION_INFORMATION) = reg << 3 | size << 11;
    assert_done(EXIT_REASON_RDRAND, 4, EXIT_EMULATED);
    assert_int_equal(vcpu_register_get(vcpu, reg), kept);
    assert_int_equal(FIELD(GUEST_RFLAGS) & arithmetic, 0);
    assert_int_equal(FIELD(GUEST_RFLAGS) & 2, 2);
}

static void no_random_number_is_at_hand(void **state)
{
    (void)state;
    for (unsigned reg = 0; reg < VCPU_REGISTERS; reg++) {
        assert_random(reg, 0, 0xffffffffffff0000); /* 16 bits leave the others alone */
        assert_random(reg, 1, 0);                  /* 32 bits clear the upper half */
        assert_random(reg, 2, 0);
    }
}

/* XSETBV */

static void xsetbv_of(uint32_t ecx, uint64_t value)
{
    vcpu->reg[VCPU_RCX] = 0xffffffff00000000 | ecx; /* the upper halves are ignored */
    vcpu->reg[VCPU_RDX] = 0xffffffff00000000 | value >> 32;
    vcpu->reg[VCPU_RAX] = 0xffffffff00000000 | (uint32_t)value;
}

static void xsetbv_writes_what_the_processor_takes(void **state)
{
    static const uint64_t good[] = {1, 3, 7};

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        xsetbv_of(0, good[i]);
        assert_done(EXIT_REASON_XSETBV, 3, EXIT_EMULATED);
        assert_int_equal(model_cpu.xcr0, good[i]);
    }
}

/* "If the current CPL is 0 … an invalid XCR is specified in ECX; a reserved bit is set; bit 0 is
 * clear; XCR0[2:1] is 10b." */
static void xsetbv_faults_as_the_processor_does(void **state)
{
    static const uint64_t bad[] = {0, 2, 5, 0xf, 1ull << 63 | 1, 1ull << 32 | 1};

    (void)state;
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        xsetbv_of(0, bad[i]);
        assert_faults(EXIT_REASON_XSETBV, X86_VECTOR_GP);
    }
    xsetbv_of(1, 1);
    assert_faults(EXIT_REASON_XSETBV, X86_VECTOR_GP);
    assert_int_equal(model_cpu.xcr0, 1);
}

/* What is left */

static void the_machines_caches_are_left_alone(void **state)
{
    (void)state;
    assert_done(EXIT_REASON_INVD, 2, EXIT_IGNORED);
    assert_done(EXIT_REASON_WBINVD, 2, EXIT_IGNORED);
}

static void waiting_instructions_do_nothing(void **state)
{
    (void)state;
    assert_done(EXIT_REASON_MWAIT, 3, EXIT_IGNORED);
    assert_done(EXIT_REASON_MONITOR, 3, EXIT_IGNORED);
    assert_done(EXIT_REASON_PAUSE, 2, EXIT_IGNORED);
}

/* CPUID says that there is neither VMX nor SMX; CR4.PCE or not, RDPMC reports nothing. */
static void what_the_guest_does_not_have_is_undefined(void **state)
{
    static const uint32_t undefined[] = {
        EXIT_REASON_GETSEC,   EXIT_REASON_SEAMCALL, EXIT_REASON_TDCALL,  EXIT_REASON_VMCLEAR,
        EXIT_REASON_VMLAUNCH, EXIT_REASON_VMPTRLD,  EXIT_REASON_VMPTRST, EXIT_REASON_VMREAD,
        EXIT_REASON_VMRESUME, EXIT_REASON_VMWRITE,  EXIT_REASON_VMXOFF,  EXIT_REASON_VMXON,
        EXIT_REASON_INVEPT,   EXIT_REASON_INVVPID,  EXIT_REASON_VMFUNC,  EXIT_REASON_XSAVES,
        EXIT_REASON_XRSTORS,
    };

    (void)state;
    for (unsigned i = 0; i < sizeof undefined / sizeof *undefined; i++)
        assert_faults(undefined[i], X86_VECTOR_UD);
    assert_faults(EXIT_REASON_RDPMC, X86_VECTOR_GP);
}

/* SDM Vol. 2, "Exceptions and Interrupts" in real-address mode: without error codes. */
static void in_real_mode_no_exception_has_an_error_code(void **state)
{
    (void)state;
    vcpu = guest_machine_in(GUEST_REAL);
    assert_int_equal(guest_machine_serve(EXIT_REASON_RDPMC, 0, 2), EXIT_INJECTED);
    assert_true(guest_machine_injects(X86_VECTOR_GP));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, in_long_mode)
    const struct CMUnitTest tests[] = {
        TEST(the_first_entry_breaks_no_rule),
        TEST(an_instruction_that_is_done_leaves_no_rf),
        TEST(cpuid_hides_vmx_and_smx_and_reports_of_a_hypervisor),
        TEST(cpuid_shows_syscall_in_64_bit_mode_alone),
        TEST(cpuid_reports_the_guests_osxsave),
        TEST(cpuid_reports_the_guests_ospke),
        TEST(cpuid_promises_no_instruction_that_a_control_forbids),
        TEST(cpuid_promises_nothing_that_cr4_or_an_msr_denies),
        TEST(cpuid_leaf_0d_hides_xsaves_and_xfd),
        TEST(cpuid_names_the_hypervisor_and_hides_the_one_below),
        TEST(hlt_with_interrupts_off_ends_the_guest),
        TEST(hlt_with_interrupts_on_goes_on_and_ends_blocking_by_sti),
        TEST(vmcall_ends_the_guest_or_does_nothing),
        TEST(rdtsc_gives_all_64_bits),
        TEST(the_offset_counts_where_the_control_is_on),
        TEST(no_random_number_is_at_hand),
        TEST(xsetbv_writes_what_the_processor_takes),
        TEST(xsetbv_faults_as_the_processor_does),
        TEST(the_machines_caches_are_left_alone),
        TEST(waiting_instructions_do_nothing),
        TEST(what_the_guest_does_not_have_is_undefined),
        TEST(in_real_mode_no_exception_has_an_error_code),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
