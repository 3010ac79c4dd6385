/*
 * MSRs that a VM entry loads, as KVM lists them in a dump (vmx_dump_msrs() in
 * arch/x86/kvm/vmx/vmx.c): what is read, and what SDM Vol. 3, "Loading MSRs", says of it. Values
 * are ours.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tests/host/full_msrs.h"
#include "tools/entry/check_entry.h"

#define GUEST    "kvm_intel: *** Guest State ***\nkvm_intel: CR3 = 0x0000000000001000\n"
#define AUTOLOAD "kvm_intel: MSR guest autoload:\n"
#define HOST     "kvm_intel: *** Host State ***\nkvm_intel: CR3 = 0x0000000000002000\n"

static struct vmcs_text text;
static struct entry_check check;

static void read_list(const char *list, const char *after)
{
    char bytes[2048];
    static struct vmx_dump dump;
    static const struct entry_cpu cpu = {"full", &dump, 0};

    dump.msrs = full_msrs();
    vmcs_text_free(&text);
    snprintf(bytes, sizeof(bytes), GUEST AUTOLOAD "%s%s", list, after);
    vmcs_text_read(bytes, strlen(bytes), &text);
    assert_int_equal(text.count, 1);
    assert_int_equal(text.not_understood, 0);
    check_entry(&text.dump[0].image, &cpu, 1, &check);
    check_entry_msrs(&text.dump[0].image, &text.dump[0].entry_msrs, &check);
}

static enum rule_state state_of(enum vmentry_rule rule)
{
    return check.rule[rule].state;
}

/* A list to its end: LSTAR, STAR and PAT with values that any processor takes. */
static void a_list_that_is_right(void **state)
{
    const struct msr_list *list;

    (void)state;
    read_list("kvm_intel:    0: msr=0xc0000082 value=0xffffffff81a00000\n"
              "kvm_intel:    1: msr=0xc0000081 value=0x0023001000000000\n"
              "kvm_intel:    2: msr=0x00000277 value=0x0407050600070106\n",
              HOST);
    list = &text.dump[0].entry_msrs;
    assert_int_equal(list->count, 3);
    assert_true(list->whole);
    assert_int_equal(list->msr[0], 0xc0000082);
    assert_int_equal(list->value[0], 0xffffffff81a00000);
    assert_int_equal(list->number[2], 3);
    assert_int_equal(vmcs_image_get(&text.dump[0].image, VMCS_VM_ENTRY_MSR_LOAD_COUNT), 3);
    assert_int_equal(vmcs_image_get(&text.dump[0].image, VMCS_HOST_CR3), 0x2000);
    for (enum vmentry_rule rule = VMENTRY_MSR_RESERVED; rule < VMENTRY_RULE_COUNT; rule++)
        assert_int_equal(state_of(rule), RULE_KEPT);
    assert_int_equal(check.findings.count, 0);
    assert_int_equal(state_of(VMENTRY_ENTRY_MSR_LOAD_AREA), RULE_UNKNOWN); /* where it is */
}

/* Which entry it is stands in the exit qualification. */
static void entries_that_no_vm_entry_loads(void **state)
{
    static const struct {
        unsigned msr;
        unsigned long value;
        enum vmentry_rule rule;
    } wrong[] = {
        {0xc0000100, 0x1000, VMENTRY_MSR_FS_GS_BASE},
        {0xc0000101, 0x1000, VMENTRY_MSR_FS_GS_BASE},
        {0x80b, 0, VMENTRY_MSR_X2APIC},
        {0x9b, 0, VMENTRY_MSR_SMM},
        {0x79, 0, VMENTRY_MSR_MICROCODE},
        {0x277, 0x2, VMENTRY_MSR_WRITE_FAULT}, /* no memory type */
        {0x277, 0x0900000000000000, VMENTRY_MSR_WRITE_FAULT},
        {0xc0000082, 0x8000000000000000, VMENTRY_MSR_WRITE_FAULT}, /* not canonical */
        {0x175, 0x0200000000000000, VMENTRY_MSR_WRITE_FAULT},
        {0xc0000084, 0x100000000, VMENTRY_MSR_WRITE_FAULT}, /* bits 63:32 are reserved */
        {0xc0000103, 0x100000000, VMENTRY_MSR_WRITE_FAULT},
        {0xc0000080, 0x2, VMENTRY_MSR_WRITE_FAULT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char list[256];

        snprintf(list, sizeof(list),
                 "kvm_intel:    0: msr=0xc0000081 value=0x0000000000000000\n"
                 "kvm_intel:    1: msr=0x%08x value=0x%016lx\n",
                 wrong[i].msr, wrong[i].value);
        read_list(list, HOST);
        if (state_of(wrong[i].rule) != RULE_BROKEN)
            fail_msg("MSR %#x = %#lx", wrong[i].msr, wrong[i].value);
        assert_int_equal(check.findings.count, 1);
        assert_int_equal(check.verdict, VERDICT_REFUSED);
        assert_int_equal(check.outcome.class, VMENTRY_MSR_LOAD);
        assert_int_equal(check.outcome.qualification, 2);
    }
}

/* What WRMSR makes of most MSRs depends on the processor. */
static void an_msr_of_which_nothing_is_known(void **state)
{
    (void)state;
    read_list("kvm_intel:    0: msr=0x0000038f value=0x0000000000000003\n", HOST);
    assert_int_equal(state_of(VMENTRY_MSR_WRITE_FAULT), RULE_UNKNOWN);
    assert_int_equal(state_of(VMENTRY_MSR_FS_GS_BASE), RULE_KEPT);
    read_list("kvm_intel:    0: msr=0xc0000080 value=0x0000000000000d01\n", HOST);
    assert_int_equal(state_of(VMENTRY_MSR_WRITE_FAULT), RULE_UNKNOWN); /* LME, by CR0.PG */
}

/* Of a list that is cut, or of which a line is missing, what it shows counts, and no more. */
static void a_list_that_is_cut(void **state)
{
    (void)state;
    read_list("kvm_intel:    0: msr=0xc0000081 value=0x0000000000000000\n", "");
    assert_false(text.dump[0].entry_msrs.whole);
    assert_false(vmcs_image_has(&text.dump[0].image, VMCS_VM_ENTRY_MSR_LOAD_COUNT));
    assert_int_equal(state_of(VMENTRY_MSR_FS_GS_BASE), RULE_UNKNOWN);
    read_list("kvm_intel:    2: msr=0xc0000101 value=0x0000000000000000\n", HOST);
    assert_false(text.dump[0].entry_msrs.whole);
    assert_int_equal(state_of(VMENTRY_MSR_FS_GS_BASE), RULE_BROKEN);
    assert_int_equal(check.outcome.qualification, 3);
    assert_int_equal(state_of(VMENTRY_MSR_X2APIC), RULE_UNKNOWN);
}

/* The lists of what VM exits store and load are others. */
static void other_lists(void **state)
{
    (void)state;
    read_list("kvm_intel:    0: msr=0xc0000081 value=0x0000000000000000\n"
              "kvm_intel: MSR autostore:\n"
              "kvm_intel:    0: msr=0xc0000101 value=0x0000000000000000\n",
              HOST "kvm_intel: MSR host autoload:\n"
                   "kvm_intel:    0: msr=0xc0000100 value=0x0000000000000000\n");
    assert_int_equal(text.dump[0].entry_msrs.count, 1);
    assert_int_equal(check.findings.count, 0);
    assert_int_equal(state_of(VMENTRY_MSR_FS_GS_BASE), RULE_KEPT);
}

/* A list without end does no harm. */
static void more_entries_than_there_is_room_for(void **state)
{
    char list[2048] = "";

    (void)state;
    for (unsigned i = 0; i < ENTRY_MSRS_MAX + 2; i++)
        snprintf(list + strlen(list), sizeof(list) - strlen(list),
                 "kvm_intel:   %2u: msr=0x277 value=0x%x\n", i, i);
    vmcs_text_free(&text);
    vmcs_text_read(list, strlen(list), &text);
    assert_int_equal(text.count, 0);
    read_list(list, "");
    assert_int_equal(text.dump[0].entry_msrs.count, ENTRY_MSRS_MAX);
}

static int end(void **state)
{
    (void)state;
    vmcs_text_free(&text);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_that_is_right),
        cmocka_unit_test(entries_that_no_vm_entry_loads),
        cmocka_unit_test(an_msr_of_which_nothing_is_known),
        cmocka_unit_test(a_list_that_is_cut),
        cmocka_unit_test(other_lists),
        cmocka_unit_test(more_entries_than_there_is_room_for),
    };

    return cmocka_run_group_tests(tests, NULL, end);
}
