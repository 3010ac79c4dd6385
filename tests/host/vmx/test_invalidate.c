/*
 * INVEPT and INVVPID, with their outcomes, against the model CPU. SDM Vol. 3, appendix "VPID and
 * EPT Capabilities"; "INVEPT", "INVVPID".
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "lib/x86_vmx.h"
#include "mm/page_alloc.h"
#include "tests/host/model_cpu.h"
#include "vmx/vmx_result.h"

#define VPID 7

static struct vmx_result invept_all(void)
{
    return vmx_result_of(x86_invept(INVEPT_ALL_CONTEXTS, 0));
}

static struct vmx_result invvpid(uint64_t type, uint16_t vpid)
{
    return vmx_result_of(x86_invvpid(type, vpid, 0));
}

/* Bits of IA32_VMX_EPT_VPID_CAP. */
enum { CAP_INVEPT = 20, CAP_INVEPT_ALL = 26, CAP_INVVPID = 32, CAP_INVVPID_TYPE_0 = 40 };

/* In VMX operation with a current VMCS, on a Haswell without these bits. */
static void processor_without(uint64_t bits)
{
    uint32_t revision = 0x12;
    uint64_t region[2];

    model_cpu_reset();
    model_cpu.msrs.value[IA32_VMX_EPT_VPID_CAP - VMX_MSR_FIRST] &= ~bits;
    model_cpu.cr0 |= CR0_NE;
    model_cpu.cr4 |= CR4_VMXE;
    for (int i = 0; i < 2; i++) {
        region[i] = pages_alloc(0);
        memcpy(phys_to_virt(region[i]), &revision, sizeof revision);
    }
    assert_true(vmx_ok(vmxon(region[0])));
    assert_true(vmx_ok(vmptrld(region[1])));
}

static void assert_invalidated(struct vmx_result result, uint64_t type, uint64_t context)
{
    assert_int_equal(result.outcome, VMX_SUCCEED);
    assert_int_equal(model_cpu.invalidated.type, type);
    if (type != 2) /* all contexts: the operand does not count */
        assert_int_equal(model_cpu.invalidated.context, context);
}

static void assert_outcome(struct vmx_result result, enum vmx_outcome outcome, uint32_t number)
{
    assert_int_equal(result.outcome, outcome);
    assert_int_equal(result.number, number);
}

static void invept_of_all_contexts(void **state)
{
    (void)state;
    processor_without(0);
    assert_invalidated(invept_all(), 2, 0);
}

static void invvpid_of_one_context_and_of_all(void **state)
{
    (void)state;
    processor_without(0);
    assert_invalidated(invvpid(INVVPID_SINGLE_CONTEXT, VPID), 1, VPID);
    assert_invalidated(invvpid(INVVPID_ALL_CONTEXTS, 0), 2, 0);
    processor_without(1ull << (CAP_INVVPID_TYPE_0 + 1));
    assert_invalidated(invvpid(INVVPID_ALL_CONTEXTS, 0), 2, 0);
    assert_outcome(invvpid(INVVPID_SINGLE_CONTEXT, VPID), VMX_FAIL_VALID, 28);
}

static void what_the_processor_refuses_is_reported(void **state)
{
    (void)state;
    processor_without(1ull << CAP_INVEPT | 1ull << CAP_INVVPID);
    assert_outcome(invept_all(), VMX_FAULT, X86_VECTOR_UD);
    assert_outcome(invvpid(INVVPID_SINGLE_CONTEXT, VPID), VMX_FAULT, X86_VECTOR_UD);
    assert_outcome(invvpid(INVVPID_ALL_CONTEXTS, 0), VMX_FAULT, X86_VECTOR_UD);

    /* error 28: "Invalid operand to INVEPT/INVVPID" */
    processor_without(1ull << CAP_INVEPT_ALL);
    assert_outcome(invept_all(), VMX_FAIL_VALID, 28);
    processor_without(0);
    assert_outcome(invvpid(INVVPID_SINGLE_CONTEXT, 0), VMX_FAIL_VALID, 28);

    model_cpu_inject(
        (struct model_injection){.effect = MODEL_FAIL_INVALID, .operation = MODEL_INVEPT});
    assert_outcome(invept_all(), VMX_FAIL_INVALID, 0);
    model_cpu_inject((struct model_injection){
        .effect = MODEL_FAULT, .operation = MODEL_INVVPID, .number = X86_VECTOR_GP});
    assert_outcome(invvpid(INVVPID_SINGLE_CONTEXT, VPID), VMX_FAULT, X86_VECTOR_GP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(invept_of_all_contexts),
        cmocka_unit_test(invvpid_of_one_context_and_of_all),
        cmocka_unit_test(what_the_processor_refuses_is_reported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
