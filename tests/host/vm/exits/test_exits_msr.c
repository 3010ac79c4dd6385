/*
 * RDMSR and WRMSR that exit, on the model CPU: SDM Vol. 2, "RDMSR", "WRMSR"; Vol. 4,
 * "Model-Specific Registers".
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

static enum exit_done access_msr(uint32_t reason, uint32_t msr)
{
    FIELD(GUEST_RIP) = GUEST_CODE;
    vcpu->reg[VCPU_RCX] = 0xffffffff00000000 | msr; /* "the high-order 32 bits are ignored" */
    return guest_machine_serve(reason, 0, 2);
}

static uint64_t read_msr(uint32_t msr)
{
    vcpu->reg[VCPU_RAX] = vcpu->reg[VCPU_RDX] = UINT64_MAX;
    assert_int_equal(access_msr(EXIT_REASON_RDMSR, msr), EXIT_EMULATED);
    assert_int_equal(FIELD(GUEST_RIP), GUEST_CODE + 2);
    assert_int_equal((vcpu->reg[VCPU_RAX] | vcpu->reg[VCPU_RDX]) >> 32, 0);
    return vcpu->reg[VCPU_RDX] << 32 | vcpu->reg[VCPU_RAX];
}

static enum exit_done try_write(uint32_t msr, uint64_t value)
{
    vcpu->reg[VCPU_RAX] = 0xaaaaaaaa00000000 | (uint32_t)value;
    vcpu->reg[VCPU_RDX] = 0xaaaaaaaa00000000 | value >> 32;
    return access_msr(EXIT_REASON_WRMSR, msr);
}

static void write_msr(uint32_t msr, uint64_t value)
{
    assert_int_equal(try_write(msr, value), EXIT_EMULATED);
    assert_int_equal(FIELD(GUEST_RIP), GUEST_CODE + 2);
}

static void assert_refused(uint32_t msr, uint64_t value)
{
    assert_int_equal(try_write(msr, value), EXIT_INJECTED);
    assert_true(guest_machine_injects_error(X86_VECTOR_GP, 0));
    assert_int_equal(FIELD(GUEST_RIP), GUEST_CODE);
}

/* Every MSR number there is room for on real processors: what is not the guest's is #GP. */
static void no_other_msr_is_there(void **state)
{
    static const uint32_t there[] = {
        IA32_TIME_STAMP_COUNTER,
        IA32_APIC_BASE,
        IA32_SYSENTER_CS,
        IA32_SYSENTER_ESP,
        IA32_SYSENTER_EIP,
        IA32_PAT,
        IA32_EFER,
        IA32_STAR,
        IA32_LSTAR,
        IA32_CSTAR,
        IA32_FMASK,
        IA32_FS_BASE,
        IA32_GS_BASE,
        IA32_KERNEL_GS_BASE,
        IA32_TSC_AUX,
    };

    (void)state;
    for (uint32_t n = 0; n < 0x4000; n++) {
        uint32_t msr = n < 0x2000 ? n : 0xc0000000 + n - 0x2000;
        bool known = false;

        for (unsigned i = 0; i < sizeof there / sizeof *there; i++)
            known |= there[i] == msr;
        vcpu->exits_left = 10;
        assert_int_equal(access_msr(EXIT_REASON_RDMSR, msr), known ? EXIT_EMULATED : EXIT_INJECTED);
        if (!known)
            assert_refused(msr, 0);
    }
    assert_refused(0xffffffff, 0);
    assert_refused(0x40000000, 0);
}

static void the_guests_own_msrs_are_the_processors(void **state)
{
    static const uint32_t own[] = {IA32_STAR,  IA32_LSTAR,          IA32_CSTAR,
                                   IA32_FMASK, IA32_KERNEL_GS_BASE, IA32_TSC_AUX};

    (void)state;
    for (unsigned i = 0; i < 6; i++) {
        write_msr(own[i], 0x1234 + i);
        assert_int_equal(*model_msr(own[i]), 0x1234 + i);
        assert_int_equal(read_msr(own[i]), 0x1234 + i);
    }
    assert_refused(IA32_LSTAR, 1ull << 47); /* the processor checks */
    assert_refused(IA32_FMASK, 1ull << 32);
}

static void bases_and_entry_points_must_be_canonical(void **state)
{
    static const struct {
        uint32_t msr, field;
    } addresses[] = {{IA32_FS_BASE, VMCS_GUEST_FS_BASE},
                     {IA32_GS_BASE, VMCS_GUEST_GS_BASE},
                     {IA32_SYSENTER_ESP, VMCS_GUEST_IA32_SYSENTER_ESP},
                     {IA32_SYSENTER_EIP, VMCS_GUEST_IA32_SYSENTER_EIP}};

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        write_msr(addresses[i].msr, 0xffff800000000000);
        assert_int_equal(*model_field(addresses[i].field), 0xffff800000000000);
        assert_int_equal(read_msr(addresses[i].msr), 0xffff800000000000);
        write_msr(addresses[i].msr, 0x7fffffffffff);
        assert_refused(addresses[i].msr, 0x800000000000);
        assert_refused(addresses[i].msr, 0xffff7fffffffffff);
        assert_refused(addresses[i].msr, 1ull << 63);
        assert_int_equal(read_msr(addresses[i].msr), 0x7fffffffffff);
    }
    write_msr(IA32_SYSENTER_CS, 0x10);
    assert_int_equal(read_msr(IA32_SYSENTER_CS), 0x10);
}

/* "0, 1, 4, 5, 6, 7"; the others and bits 7:3 are reserved: each byte in each place. */
static void a_pat_has_defined_memory_types_only(void **state)
{
    (void)state;
    for (unsigned place = 0; place < 64; place += 8) {
        for (uint64_t type = 0; type < 256; type++) {
            vcpu->exits_left = 10;
            if (type < 8 && type != 2 && type != 3)
                write_msr(IA32_PAT, type << place);
            else
                assert_refused(IA32_PAT, type << place);
        }
    }
    write_msr(IA32_PAT, 0x0606060606060606);
    assert_int_equal(FIELD(GUEST_IA32_PAT), 0x0606060606060606);
    assert_int_equal(read_msr(IA32_PAT), 0x0606060606060606);
}

/* "LMA is read-only, LME can be changed while paging is off only", and reserved bits are #GP. */
static void efer_follows_its_rules(void **state)
{
    const uint64_t sce = 1;

    (void)state;
    write_msr(IA32_EFER, EFER_LME | EFER_NXE | sce);
    assert_int_equal(read_msr(IA32_EFER), EFER_LME | EFER_LMA | EFER_NXE | sce);
    assert_refused(IA32_EFER, 0);
    for (unsigned bit = 0; bit < 64; bit++) {
        if (bit != 0 && bit != 8 && bit != 10 && bit != 11)
            assert_refused(IA32_EFER, EFER_LME | 1ull << bit);
    }
    guest_machine_reset(GUEST_LONG); /* a processor without the execute-disable bit */
    model_cpu.more_features.edx = 0;
    *model_msr(IA32_EFER) = EFER_LME | EFER_LMA;
    vcpu = guest_machine_start();
    assert_refused(IA32_EFER, EFER_LME | EFER_NXE);
    vcpu = guest_machine_in(GUEST_PROTECTED);
    write_msr(IA32_EFER, EFER_LME | EFER_LMA);
    assert_int_equal(read_msr(IA32_EFER), EFER_LME);
    vcpu = guest_machine_in(GUEST_PAE);
    assert_refused(IA32_EFER, EFER_LME);
}

/* Without the control that loads it, LME and LMA are what the mode has, whatever the host's are. */
static void without_its_control_efer_is_as_the_mode(void **state)
{
    (void)state;
    guest_machine_reset(GUEST_PAE);
    SET_CONTROLS(guest_machine.guest, OFF(ENTRY, LOAD_EFER), OFF(ENTRY, LOAD_PAT));
    vcpu = guest_machine_start();
    assert_int_equal(read_msr(IA32_EFER), EFER_NXE);
    assert_refused(IA32_EFER, EFER_NXE);
    write_msr(IA32_PAT, 0x0606060606060606); /* remembered */
    assert_int_equal(read_msr(IA32_PAT), 0x0606060606060606);
    assert_int_equal(*model_msr(IA32_PAT), 0x0007040600070406);
}

static void the_time_has_the_guests_offset(void **state)
{
    (void)state;
    FIELD(TSC_OFFSET) = 0x100000000000;
    vcpu_control_set(vcpu, VMX_CONTROL_PRIMARY, PRIMARY_TSC_OFFSETTING, true);
    model_cpu.tsc = 0;
    assert_int_equal(read_msr(IA32_TIME_STAMP_COUNTER), 0x100000000064);
    assert_refused(IA32_TIME_STAMP_COUNTER, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, in_long_mode)
    const struct CMUnitTest tests[] = {
        TEST(no_other_msr_is_there),
        TEST(the_guests_own_msrs_are_the_processors),
        TEST(bases_and_entry_points_must_be_canonical),
        TEST(a_pat_has_defined_memory_types_only),
        TEST(efer_follows_its_rules),
        TEST(without_its_control_efer_is_as_the_mode),
        TEST(the_time_has_the_guests_offset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
