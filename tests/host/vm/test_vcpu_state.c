/*
 * The first state of a guest, as vm/guests/guest.h promises it by mode, and what INIT and SIPI make
 * of it: SDM Vol. 3, "Processor State After Reset", table "IA-32 and Intel 64 Processor States
 * Following Power-up, Reset, or INIT"; "Wait-for-SIPI" in "Guest Non-Register State".
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/host/set_controls.h"
#include "tests/host/guest_machine.h"
#include "vm/events/guest_events.h"
#include "vm/guests/guest_run.h"

/* SDM, "Guest Register State", table "Format of Access Rights"; accessed, present, DPL 0. */
enum {
    CODE_64 = 0xa09b,
    CODE_32 = 0xc09b,
    CODE_16 = 0x9b,
    DATA_32 = 0xc093,
    DATA_16 = 0x93,
    TSS_BUSY = 0x8b,
    LDT = 0x82,
    UNUSABLE = 1 << 16,
};

static struct vcpu *vcpu;

static void assert_segment(unsigned index, uint16_t selector, uint64_t base, uint32_t limit,
                           uint32_t rights)
{
    assert_int_equal(*model_field(VMCS_GUEST_ES_SELECTOR + 2 * index), selector);
    assert_int_equal(*model_field(VMCS_GUEST_ES_BASE + 2 * index), base);
    assert_int_equal(*model_field(VMCS_GUEST_ES_LIMIT + 2 * index), limit);
    assert_int_equal(*model_field(VMCS_GUEST_ES_ACCESS_RIGHTS + 2 * index), rights);
}

enum { ES, CS, SS, DS, FS, GS, LDTR, TR };

static void assert_common(void)
{
    assert_segment(LDTR, 0, 0, 0, UNUSABLE);
    assert_segment(TR, GUEST_TSS_SELECTOR, GUEST_TSS, 0x67, TSS_BUSY);
    assert_int_equal(FIELD(GUEST_DR7), 0x400);
    assert_int_equal(FIELD(GUEST_RFLAGS), 2);
    assert_int_equal(FIELD(GUEST_GDTR_LIMIT), 0xff);
    assert_int_equal(FIELD(GUEST_IA32_DEBUGCTL), 0);
    assert_int_equal(FIELD(GUEST_IA32_SYSENTER_CS), 0);
    assert_int_equal(FIELD(GUEST_IA32_SYSENTER_ESP), 0);
    assert_int_equal(FIELD(GUEST_IA32_SYSENTER_EIP), 0);
    assert_int_equal(FIELD(GUEST_INTERRUPTIBILITY_STATE), 0);
    assert_int_equal(FIELD(GUEST_ACTIVITY_STATE), 0);
    assert_int_equal(FIELD(GUEST_PENDING_DEBUG_EXCEPTIONS), 0);
    assert_int_equal(FIELD(LINK_POINTER), UINT64_MAX);
    assert_int_equal(FIELD(GUEST_IA32_PAT), 0x0007040600070406);
    assert_int_equal(FIELD(EXCEPTION_BITMAP), 1 << 1 | 1 << 17 | 1 << 18); /* #DB, #AC, #MC */
    assert_int_equal(FIELD(PAGE_FAULT_ERROR_CODE_MASK), 0);
    assert_int_equal(FIELD(PAGE_FAULT_ERROR_CODE_MATCH), 0);
    assert_int_equal(FIELD(CR3_TARGET_COUNT), 0);
    assert_int_equal(FIELD(VM_EXIT_MSR_STORE_COUNT), 0);
    assert_int_equal(FIELD(VM_EXIT_MSR_LOAD_COUNT), 0);
    assert_int_equal(FIELD(VM_ENTRY_MSR_LOAD_COUNT), 0);
    assert_int_equal(FIELD(TSC_OFFSET), 0);
    assert_int_equal(FIELD(ADDRESS_OF_IO_BITMAP_A), vcpu->vm->io_bitmap);
    assert_int_equal(FIELD(ADDRESS_OF_IO_BITMAP_B), vcpu->vm->io_bitmap + 0x1000);
    assert_int_equal(FIELD(ADDRESS_OF_MSR_BITMAPS), vcpu->vm->msr_bitmap);
    assert_int_equal(FIELD(VIRTUAL_PROCESSOR_IDENTIFIER), 1);
}

/* CR0: PE 0, ET 4, NE 5 (fixed to 1), PG 31. CR4: PSE 4, PAE 5, VMXE 13 (fixed to 1). */
static void assert_flat(enum guest_mode mode, uint64_t cr0, uint64_t cr4, uint32_t code,
                        uint64_t efer)
{
    vcpu = guest_machine_in(mode);
    assert_common();
    for (unsigned i = ES; i <= GS; i++) {
        if (i != CS)
            assert_segment(i, 0x10, 0, UINT32_MAX, DATA_32);
    }
    assert_segment(CS, 0x08, 0, UINT32_MAX, code);
    assert_int_equal(FIELD(GUEST_RIP), GUEST_CODE);
    assert_int_equal(FIELD(GUEST_RSP), GUEST_STACK_TOP);
    assert_int_equal(FIELD(GUEST_GDTR_BASE), GUEST_GDT);
    assert_int_equal(FIELD(GUEST_IDTR_BASE), GUEST_IDT);
    assert_int_equal(FIELD(GUEST_IDTR_LIMIT), 0xfff);
    assert_int_equal(FIELD(CR0_READ_SHADOW), cr0);
    assert_int_equal(FIELD(GUEST_CR0), cr0 | 1 << 5);
    assert_int_equal(FIELD(CR4_READ_SHADOW), cr4);
    assert_int_equal(FIELD(GUEST_CR4), cr4 | 1 << 13);
    assert_int_equal(FIELD(GUEST_CR3), GUEST_PAGE_TABLES);
    assert_int_equal(vcpu->cr3_seen, GUEST_PAGE_TABLES);
    assert_int_equal(FIELD(GUEST_IA32_EFER), efer);
    assert_int_equal(FIELD(VM_ENTRY_CONTROLS) >> 9 & 1, mode == GUEST_LONG);
}

static void flat_guests_begin_as_promised(void **state)
{
    (void)state;
    assert_flat(GUEST_PROTECTED, 0x11, 0, CODE_32, 0);
    assert_flat(GUEST_PAGED, 0x80000011, 1 << 4, CODE_32, 0);
    assert_flat(GUEST_PAE, 0x80000011, 1 << 5, CODE_32, 0);
    assert_flat(GUEST_LONG, 0x80000011, 1 << 5, CODE_64, 1 << 8 | 1 << 10);
}

/* With EPT and PAE paging the PDPTEs are fields. */
static void a_pae_guest_has_its_pdptes(void **state)
{
    const uint64_t *pdpt;

    (void)state;
    vcpu = guest_machine_in(GUEST_PAE);
    pdpt = guest_machine_memory(GUEST_PAGE_TABLES);
    assert_int_not_equal(pdpt[0], 0);
    assert_int_equal(FIELD(GUEST_PDPTE0), pdpt[0]);
    assert_int_equal(FIELD(GUEST_PDPTE1), pdpt[1]);
    assert_int_equal(FIELD(GUEST_PDPTE2), pdpt[2]);
    assert_int_equal(FIELD(GUEST_PDPTE3), pdpt[3]);
}

/* They may be the last 32 bytes of the guest's memory. */
static void pdptes_at_the_end_of_memory(void **state)
{
    struct vcpu_start start = guest_start(GUEST_PAE);
    uint64_t *pdpt;

    (void)state;
    vcpu = guest_machine_in(GUEST_PAE);
    start.cr3 = GUEST_MEMORY_BYTES - 32;
    pdpt = guest_machine_memory(start.cr3);
    for (unsigned i = 0; i < 4; i++)
        pdpt[i] = 0x1001 * (i + 1ull) & ~0x1e6ull;
    assert_true(vmx_ok(vcpu_state_write(vcpu, &start)));
    assert_int_equal(FIELD(GUEST_PDPTE0), pdpt[0]);
    assert_int_equal(FIELD(GUEST_PDPTE3), pdpt[3]);
}

/* SDM Vol. 3, "Paging-Mode Enabling": PAE paging is CR0.PG = 1, CR4.PAE = 1 and IA32_EFER.LME = 0.
 */
static void only_pae_paging_has_pdptes(void **state)
{
    struct vcpu_start start = guest_start(GUEST_PAE);

    (void)state;
    vcpu = guest_machine_in(GUEST_PAE);
    for (unsigned i = 0; i < 8; i++) {
        uint64_t present = *(uint64_t *)guest_machine_memory(GUEST_PAGE_TABLES);

        start.cr0 = i & 1 ? start.cr0 | CR0_PG : start.cr0 & ~(uint64_t)CR0_PG;
        start.cr4 = i & 2 ? start.cr4 | CR4_PAE : start.cr4 & ~(uint64_t)CR4_PAE;
        start.efer = i & 4 ? EFER_LME | EFER_LMA : 0;
        FIELD(GUEST_PDPTE0) = 0;
        assert_true(vmx_ok(vcpu_state_write(vcpu, &start)));
        assert_int_equal(FIELD(GUEST_PDPTE0), i == 3 ? present : 0);
    }
}

static void a_real_mode_guest_begins_as_promised(void **state)
{
    static const unsigned others[] = {ES, DS, FS, GS};

    (void)state;
    vcpu = guest_machine_in(GUEST_REAL);
    assert_common();
    for (unsigned i = 0; i < 4; i++)
        assert_segment(others[i], 0, 0, 0xffff, DATA_16);
    assert_segment(CS, GUEST_CODE >> 4, GUEST_CODE, 0xffff, CODE_16);
    assert_segment(SS, 0x1000, 0x10000, 0xffff, DATA_16);
    assert_int_equal(FIELD(GUEST_RIP), 0);
    assert_int_equal(FIELD(GUEST_RSP), 0xfff0);
    assert_int_equal(FIELD(GUEST_GDTR_BASE), 0);
    assert_int_equal(FIELD(GUEST_IDTR_BASE), 0);
    assert_int_equal(FIELD(GUEST_IDTR_LIMIT), 0x3ff);
    assert_int_equal(FIELD(CR0_READ_SHADOW), 0x10);
    assert_int_equal(FIELD(GUEST_CR0), 0x30);
    assert_int_equal(FIELD(CR4_READ_SHADOW), 0);
    assert_int_equal(FIELD(GUEST_CR4), 1 << 13);
    assert_int_equal(FIELD(GUEST_IA32_EFER), 0);
}

/* A fixed bit is one that the guest cannot have as it wants; CD 30 and NW 29 of CR0 are the host's.
 */
static void the_guest_owns_what_nothing_fixes(void **state)
{
    (void)state;
    vcpu = guest_machine_in(GUEST_REAL);
    assert_int_equal(FIELD(CR0_GUEST_HOST_MASK), ~0xffffffffull | 1 << 5 | 3u << 29);
    vcpu = guest_machine_in(GUEST_LONG);
    assert_int_equal(FIELD(CR0_GUEST_HOST_MASK), ~0xffffffffull | 1 << 5 | 3u << 29);
    assert_int_equal(FIELD(CR4_GUEST_HOST_MASK) >> 13 & 1, 1);
    assert_int_equal(FIELD(CR4_GUEST_HOST_MASK) & (3 << 4), 0);     /* PSE, PAE */
    assert_int_equal(FIELD(CR4_GUEST_HOST_MASK) >> 32, 0xffffffff); /* not in FIXED1 */
    assert_int_equal(vcpu->cr0_fixed, FIELD(CR0_GUEST_HOST_MASK));
    assert_int_equal(vcpu->cr4_fixed, FIELD(CR4_GUEST_HOST_MASK));
    /* Without unrestricted guest PE and PG are fixed as well. */
    guest_machine_reset(GUEST_LONG);
    SET_CONTROLS(guest_machine.guest, OFF(SECONDARY, UNRESTRICTED_GUEST));
    vcpu = guest_machine_start();
    assert_int_equal(FIELD(CR0_GUEST_HOST_MASK), ~0xffffffffull | 1 << 5 | 3u << 29 | 1u << 31 | 1);
}

/* CR4.MCE is as the host has it. */
static void machine_checks_stay_the_hosts(void **state)
{
    (void)state;
    for (unsigned mce = 0; mce < 2; mce++) {
        guest_machine_reset(GUEST_LONG);
        model_cpu.cr4 |= mce << 6;
        vcpu = guest_machine_start();
        assert_int_equal(FIELD(GUEST_CR4) >> 6 & 1, mce);
        assert_int_equal(FIELD(CR4_GUEST_HOST_MASK) >> 6 & 1, mce);
        assert_int_equal(FIELD(CR4_READ_SHADOW) >> 6 & 1, 0);
    }
}

/* What the model CPU has: lib/x86.h's functions. */
static void the_host_comes_back_as_it_was(void **state)
{
    (void)state;
    vcpu = guest_machine_in(GUEST_LONG);
    assert_int_equal(FIELD(HOST_CR0), model_cpu.cr0);
    assert_int_equal(FIELD(HOST_CR3), model_cpu.cr3);
    assert_int_equal(FIELD(HOST_CR4), model_cpu.cr4);
    assert_int_equal(FIELD(HOST_ES_SELECTOR), 0x10);
    assert_int_equal(FIELD(HOST_CS_SELECTOR), 0x08);
    assert_int_equal(FIELD(HOST_SS_SELECTOR), 0x10);
    assert_int_equal(FIELD(HOST_DS_SELECTOR), 0x10);
    assert_int_equal(FIELD(HOST_FS_SELECTOR), 0);
    assert_int_equal(FIELD(HOST_GS_SELECTOR), 0);
    assert_int_equal(FIELD(HOST_TR_SELECTOR), 0x18);
    assert_int_equal(FIELD(HOST_TR_BASE), 0xffff800000202000);
    assert_int_equal(FIELD(HOST_GDTR_BASE), 0xffff800000200000);
    assert_int_equal(FIELD(HOST_IDTR_BASE), 0xffff800000201000);
    assert_int_equal(FIELD(HOST_IA32_PAT), *model_msr(IA32_PAT));
    assert_int_equal(FIELD(HOST_IA32_EFER), *model_msr(IA32_EFER));
    assert_int_equal(FIELD(HOST_IA32_SYSENTER_CS), 0);
    assert_int_equal(FIELD(HOST_IA32_SYSENTER_ESP), 0);
    assert_int_equal(FIELD(HOST_IA32_SYSENTER_EIP), 0);
}

/* Bitmaps of what XSAVES and XRSTORS, ENCLS and ENCLV do exit on all, where their controls are on.
 */
static void with_optional_bitmaps(uint32_t controls)
{
    const struct vcpu_start start = guest_start(GUEST_LONG);

    vcpu = guest_machine_in(GUEST_LONG);
    model_cpu.all_fields = true;
    vcpu->controls[VMX_CONTROL_SECONDARY] |= controls;
    vcpu->capability.secondary_allowed1 |= controls;
    assert_true(vmx_ok(vcpu_state_write(vcpu, &start)));
    assert_int_equal(FIELD(XSS_EXITING_BITMAP), controls & 1 << 20 ? UINT64_MAX : 0);
    assert_int_equal(FIELD(ENCLS_EXITING_BITMAP), controls & 1 << 15 ? UINT64_MAX : 0);
    assert_int_equal(FIELD(ENCLV_EXITING_BITMAP), controls & 1 << 28 ? UINT64_MAX : 0);
}

static void bitmaps_of_what_is_on_are_full(void **state)
{
    (void)state;
    with_optional_bitmaps(0);
    with_optional_bitmaps(1 << 20);
    with_optional_bitmaps(1 << 15);
    with_optional_bitmaps(1 << 28);
}

/* Each VMWRITE that fails is reported, and none is tried after it. */
static void the_first_failure_is_reported(void **state)
{
    const struct vcpu_start start = guest_start(GUEST_PAE);
    unsigned writes;

    (void)state;
    vcpu = guest_machine_in(GUEST_PAE);
    model_cpu.all_fields = true;
    vcpu->capability.secondary_allowed1 |= 1 << 15 | 1 << 20 | 1 << 28;
    writes = model_cpu.executed[MODEL_VMWRITE];
    assert_true(vmx_ok(vcpu_state_write(vcpu, &start)));
    writes = model_cpu.executed[MODEL_VMWRITE] - writes;
    for (unsigned after = 0; after < writes; after++) {
        unsigned before = model_cpu.executed[MODEL_VMWRITE];
        struct vmx_result result;

        model_cpu_inject((struct model_injection){
            .effect = MODEL_FAIL_VALID, .operation = MODEL_VMWRITE, .after = after, .number = 13});
        result = vcpu_state_write(vcpu, &start);
        assert_int_equal(result.outcome, VMX_FAIL_VALID);
        assert_int_equal(result.number, 13);
        assert_int_equal(model_cpu.executed[MODEL_VMWRITE], before + after + 1);
    }
}

static void soil(void)
{
    for (unsigned i = 0; i < VCPU_REGISTERS; i++)
        vcpu->reg[i] = 0x1111;
    for (unsigned i = 0; i < 4; i++)
        model_cpu.dr[i] = 0x2222;
    model_cpu.dr6 = 0xffff0fff;
    model_cpu.cr2 = 0x3333;
    FIELD(GUEST_RSP) = FIELD(GUEST_GDTR_BASE) = FIELD(GUEST_IDTR_BASE) = 0x4444;
    FIELD(GUEST_GDTR_LIMIT) = FIELD(GUEST_IDTR_LIMIT) = 0x55;
    FIELD(GUEST_RFLAGS) = 0x202;
    FIELD(GUEST_DR7) = 0x401;
    FIELD(GUEST_INTERRUPTIBILITY_STATE) = 8;
    FIELD(GUEST_PENDING_DEBUG_EXCEPTIONS) = 0x4000;
}

static void init_resets_and_waits(void **state)
{
    (void)state;
    vcpu = guest_machine_in(GUEST_LONG);
    soil();
    assert_true(vmx_ok(vcpu_state_init(vcpu)));
    assert_int_equal(FIELD(GUEST_ACTIVITY_STATE), 3);
    for (unsigned i = 0; i < VCPU_REGISTERS; i++)
        assert_int_equal(vcpu->reg[i], i == VCPU_RDX ? cpuid(1, 0).eax : 0);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(model_cpu.dr[i], 0);
    assert_int_equal(model_cpu.dr6 & 0xe00f, 0);
    assert_int_equal(model_cpu.cr2, 0);
    assert_int_equal(FIELD(GUEST_CR3), 0);
    assert_int_equal(FIELD(CR0_READ_SHADOW), 0x10);
    assert_int_equal(FIELD(CR4_READ_SHADOW), 0);
    assert_int_equal(FIELD(GUEST_CR0) & 0x80000001, 0);
    assert_int_equal(FIELD(VM_ENTRY_CONTROLS) >> 9 & 1, 0);
    assert_int_equal(FIELD(GUEST_IA32_EFER), 0);
    assert_int_equal(FIELD(GUEST_DR7), 0x400);
    assert_int_equal(FIELD(GUEST_RFLAGS), 2);
    assert_int_equal(FIELD(GUEST_RIP), 0xfff0);
    assert_int_equal(FIELD(GUEST_RSP), 0);
    assert_int_equal(FIELD(GUEST_GDTR_BASE), 0);
    assert_int_equal(FIELD(GUEST_GDTR_LIMIT), 0xffff);
    assert_int_equal(FIELD(GUEST_IDTR_BASE), 0);
    assert_int_equal(FIELD(GUEST_IDTR_LIMIT), 0xffff);
    assert_int_equal(FIELD(GUEST_INTERRUPTIBILITY_STATE), 0);
    assert_int_equal(FIELD(GUEST_PENDING_DEBUG_EXCEPTIONS), 0);
    for (unsigned i = ES; i <= GS; i++) {
        if (i != CS)
            assert_segment(i, 0, 0, 0xffff, DATA_16);
    }
    assert_segment(CS, 0xf000, 0xffff0000, 0xffff, CODE_16);
    assert_segment(LDTR, 0, 0, 0xffff, LDT);
    assert_segment(TR, 0, 0, 0xffff, TSS_BUSY);
}

/* "CS:IP is VV00H:0000H": the vector is the page's number. */
static void sipi_starts_at_a_page(void **state)
{
    (void)state;
    vcpu = guest_machine_in(GUEST_LONG);
    assert_true(vmx_ok(vcpu_state_init(vcpu)));
    FIELD(GUEST_INTERRUPTIBILITY_STATE) = 8;
    assert_true(vmx_ok(vcpu_state_startup(vcpu, 0x9f)));
    assert_int_equal(FIELD(GUEST_ACTIVITY_STATE), 0);
    assert_int_equal(FIELD(GUEST_INTERRUPTIBILITY_STATE), 0);
    assert_segment(CS, 0x9f00, 0x9f000, 0xffff, CODE_16);
    assert_int_equal(FIELD(GUEST_RIP), 0);
}

/* Real mode needs unrestricted guest: without it the guest waits, and goes on, as it is. */
static void without_real_mode_it_stays_as_it_is(void **state)
{
    uint64_t rip;

    (void)state;
    guest_machine_reset(GUEST_LONG);
    SET_CONTROLS(guest_machine.guest, OFF(SECONDARY, UNRESTRICTED_GUEST));
    vcpu = guest_machine_start();
    rip = FIELD(GUEST_RIP);
    vcpu->reg[VCPU_RBX] = 0x1111;
    assert_true(vmx_ok(vcpu_state_init(vcpu)));
    assert_int_equal(FIELD(GUEST_ACTIVITY_STATE), 3);
    assert_int_equal(FIELD(GUEST_RIP), rip);
    assert_int_equal(vcpu->reg[VCPU_RBX], 0x1111);
    assert_int_equal(FIELD(VM_ENTRY_CONTROLS) >> 9 & 1, 1);
    assert_true(vmx_ok(vcpu_state_startup(vcpu, 0x9f)));
    assert_int_equal(FIELD(GUEST_ACTIVITY_STATE), 0);
    assert_int_equal(FIELD(GUEST_RIP), rip);
    assert_segment(CS, 0x08, 0, UINT32_MAX, CODE_64);
}

/* Likewise of what INIT and SIPI write. */
static void a_failure_to_start_is_reported(void **state)
{
    (void)state;
    vcpu = guest_machine_in(GUEST_LONG);
    for (unsigned step = 0; step < 2; step++) {
        unsigned writes = model_cpu.executed[MODEL_VMWRITE];

        assert_true(vmx_ok(step == 0 ? vcpu_state_init(vcpu) : vcpu_state_startup(vcpu, 1)));
        writes = model_cpu.executed[MODEL_VMWRITE] - writes;
        for (unsigned after = 0; after < writes; after++) {
            if (step == 0 && after == 0)
                continue; /* the VM-entry controls, by an instruction that may not fail */
            model_cpu_inject((struct model_injection){.effect = MODEL_FAIL_VALID,
                                                      .operation = MODEL_VMWRITE,
                                                      .after = after,
                                                      .number = 13});
            assert_false(vmx_ok(step == 0 ? vcpu_state_init(vcpu) : vcpu_state_startup(vcpu, 1)));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flat_guests_begin_as_promised),
        cmocka_unit_test(a_pae_guest_has_its_pdptes),
        cmocka_unit_test(pdptes_at_the_end_of_memory),
        cmocka_unit_test(only_pae_paging_has_pdptes),
        cmocka_unit_test(a_real_mode_guest_begins_as_promised),
        cmocka_unit_test(the_guest_owns_what_nothing_fixes),
        cmocka_unit_test(machine_checks_stay_the_hosts),
        cmocka_unit_test(the_host_comes_back_as_it_was),
        cmocka_unit_test(bitmaps_of_what_is_on_are_full),
        cmocka_unit_test(the_first_failure_is_reported),
        cmocka_unit_test(init_resets_and_waits),
        cmocka_unit_test(sipi_starts_at_a_page),
        cmocka_unit_test(without_real_mode_it_stays_as_it_is),
        cmocka_unit_test(a_failure_to_start_is_reported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
