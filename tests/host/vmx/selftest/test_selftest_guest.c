/*
 * The state of the self-test's guest and of its host, field by field: the guest is the host itself,
 * in 64-bit mode at CPL 0, as SDM Vol. 3, "Guest Register State", has its segments, with no control
 * but those that must be 1.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "mm/page_alloc.h"
#include "tests/host/model_cpu.h"
#include "vmx/selftest/selftest.h"
#include "vmx/vmcs_field.h"
#include "vmx/vmx_result.h"

#define FIELD(name) (*model_field(VMCS_##name))

static int with_a_vmcs(void **state)
{
    uint64_t vmcs;
    uint32_t revision;

    (void)state;
    model_cpu_reset();
    model_cpu.vmx_operation = true;
    vmcs = pages_alloc(0);
    revision = (uint32_t)vmx_msr_value(&model_cpu.msrs, IA32_VMX_BASIC) & 0x7fffffff;
    memcpy(phys_to_virt(vmcs), &revision, sizeof(revision));
    assert_true(vmx_ok(vmclear(vmcs)));
    assert_true(vmx_ok(vmptrld(vmcs)));
    return 0;
}

static struct vmx_result write(void)
{
    return selftest_guest_write(&model_cpu.msrs);
}

static void assert_segment(unsigned index, uint16_t selector, uint64_t base, uint32_t limit,
                           uint32_t rights)
{
    assert_int_equal(*model_field(VMCS_GUEST_ES_SELECTOR + 2 * index), selector);
    assert_int_equal(*model_field(VMCS_GUEST_ES_BASE + 2 * index), base);
    assert_int_equal(*model_field(VMCS_GUEST_ES_LIMIT + 2 * index), limit);
    assert_int_equal(*model_field(VMCS_GUEST_ES_ACCESS_RIGHTS + 2 * index), rights);
}

/* Accessed, present, DPL 0: code with L, data with D/B and G; a busy TSS; bit 16: unusable. */
static void the_guest_is_in_64_bit_mode(void **state)
{
    enum { CODE = 0xa09b, DATA = 0xc093, TSS = 0x8b, UNUSABLE = 0x10000 };

    (void)state;
    model_cpu.fs_base = 0xffff800011111000;
    model_cpu.gs_base = 0xffff800022222000;
    for (unsigned i = 0; i < 8; i++)
        assert_segment(i, 0, 0, 0, 0);
    assert_true(vmx_ok(write()));
    assert_segment(0, 0x10, 0, UINT32_MAX, DATA);
    assert_segment(1, 0x08, 0, UINT32_MAX, CODE);
    assert_segment(2, 0x10, 0, UINT32_MAX, DATA);
    assert_segment(3, 0x10, 0, UINT32_MAX, DATA);
    assert_segment(4, 0, 0xffff800011111000, UINT32_MAX, DATA);
    assert_segment(5, 0, 0xffff800022222000, UINT32_MAX, DATA);
    assert_segment(6, 0, 0, 0, UNUSABLE);
    assert_segment(7, 0x18, 0xffff800000202000, 0x67, TSS);
    assert_int_equal(FIELD(GUEST_CR0), model_cpu.cr0);
    assert_int_equal(FIELD(GUEST_CR3), model_cpu.cr3);
    assert_int_equal(FIELD(GUEST_CR4), model_cpu.cr4);
    assert_int_equal(FIELD(GUEST_DR7), 0x400);
    assert_ptr_equal((const void *)FIELD(GUEST_RIP), selftest_guest_code);
    assert_int_equal(FIELD(GUEST_RFLAGS), 2);
    assert_int_equal(FIELD(GUEST_GDTR_BASE), 0xffff800000200000);
    assert_int_equal(FIELD(GUEST_IDTR_BASE), 0xffff800000201000);
    assert_int_equal(FIELD(LINK_POINTER), UINT64_MAX);
}

/* What the model CPU has: lib/x86.h's functions. */
static void the_host_comes_back_as_it_was(void **state)
{
    (void)state;
    model_cpu.fs_base = 0xffff800011111000;
    model_cpu.gs_base = 0xffff800022222000;
    assert_true(vmx_ok(write()));
    assert_int_equal(FIELD(HOST_CR0), model_cpu.cr0);
    assert_int_equal(FIELD(HOST_CR3), model_cpu.cr3);
    assert_int_equal(FIELD(HOST_CR4), model_cpu.cr4);
    assert_int_equal(FIELD(HOST_ES_SELECTOR), 0x10);
    assert_int_equal(FIELD(HOST_CS_SELECTOR), 0x08);
    assert_int_equal(FIELD(HOST_SS_SELECTOR), 0x10);
    assert_int_equal(FIELD(HOST_DS_SELECTOR), 0x10);
    assert_int_equal(FIELD(HOST_TR_SELECTOR), 0x18);
    assert_int_equal(FIELD(HOST_FS_BASE), 0xffff800011111000);
    assert_int_equal(FIELD(HOST_GS_BASE), 0xffff800022222000);
    assert_int_equal(FIELD(HOST_TR_BASE), 0xffff800000202000);
    assert_int_equal(FIELD(HOST_GDTR_BASE), 0xffff800000200000);
    assert_int_equal(FIELD(HOST_IDTR_BASE), 0xffff800000201000);
}

/*
 * SDM, "Reserved Controls and Default Settings": where bit 55 of IA32_VMX_BASIC is 0, the MSRs
 * without TRUE report which controls must be 1. Bit 9 of the exits' and of the entry's controls are
 * the 64-bit host and guest.
 */
static void only_what_must_be_is_on(void **state)
{
    static const struct {
        uint32_t field, msr, true_msr, more;
    } words[] = {{0x4000, 0x481, 0x48d, 0},
                 {0x4002, 0x482, 0x48e, 0},
                 {0x400c, 0x483, 0x48f, 0x200},
                 {0x4012, 0x484, 0x490, 0x200}};

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        model_cpu.msrs.value[words[i].msr - VMX_MSR_FIRST] = UINT64_MAX << 32 | (0x16 + i);
        model_cpu.msrs.value[words[i].true_msr - VMX_MSR_FIRST] = UINT64_MAX << 32 | (0x80 + i);
    }
    assert_true(vmx_ok(write()));
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(*model_field(words[i].field), (0x80 + i) | words[i].more);
    model_cpu.msrs.present &= (1u << (IA32_VMX_TRUE_PINBASED_CTLS - VMX_MSR_FIRST)) - 1;
    assert_true(vmx_ok(write()));
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(*model_field(words[i].field), (0x16 + i) | words[i].more);
}

/* What an earlier guest left: none of it reaches this one. */
static void what_others_left_is_0(void **state)
{
    static const uint32_t fields[] = {
        0x4004, 0x4006, 0x4008, 0x400a, 0x400e, 0x4010, 0x4014, 0x4016, 0x6000, 0x6002,
        0x2802, 0x482a, 0x4824, 0x4826, 0x6822, 0x6824, 0x6826, 0x4c00, 0x6c10, 0x6c12,
    };

    (void)state;
    for (unsigned i = 0; i < sizeof(fields) / sizeof(*fields); i++)
        *model_field(fields[i]) = 1;
    assert_true(vmx_ok(write()));
    for (unsigned i = 0; i < sizeof(fields) / sizeof(*fields); i++)
        assert_int_equal(*model_field(fields[i]), 0);
}

/* Each VMWRITE that fails is reported, and none is tried after it. */
static void the_first_failure_is_reported(void **state)
{
    unsigned writes = model_cpu.executed[MODEL_VMWRITE];

    (void)state;
    assert_true(vmx_ok(write()));
    writes = model_cpu.executed[MODEL_VMWRITE] - writes;
    for (unsigned after = 0; after < writes; after++) {
        unsigned before = model_cpu.executed[MODEL_VMWRITE];
        struct vmx_result result;

        model_cpu_inject((struct model_injection){
            .effect = MODEL_FAIL_VALID, .operation = MODEL_VMWRITE, .after = after, .number = 13});
        result = write();
        assert_int_equal(result.outcome, VMX_FAIL_VALID);
        assert_int_equal(result.number, 13);
        assert_int_equal(model_cpu.executed[MODEL_VMWRITE], before + after + 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_guest_is_in_64_bit_mode, with_a_vmcs),
        cmocka_unit_test_setup(the_host_comes_back_as_it_was, with_a_vmcs),
        cmocka_unit_test_setup(only_what_must_be_is_on, with_a_vmcs),
        cmocka_unit_test_setup(what_others_left_is_0, with_a_vmcs),
        cmocka_unit_test_setup(the_first_failure_is_reported, with_a_vmcs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
