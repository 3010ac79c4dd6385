/*
 * What a hasty reader of a VMCS takes for a fault, and is none: bits that do not count, fields that
 * are not loaded, guests in modes of old, hosts of 32 bits. Each is a VMCS that a processor enters
 * with, written in each format and read back: no rule is broken, on the CPU and without one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "lib/x86_registers.h"
#include "tests/host/full_msrs.h"
#include "tests/host/tools/vmcs_formats.h"
#include "tests/host/vmentry_ground.h"
#include "tools/entry/check_entry.h"
#include "tools/entry/read_vmcs.h"
#include "tools/entry/verdict_text.h"

static char buffer[1 << 16];
static struct vmcs_image image;
static struct entry_check check;

static int begin(void **state)
{
    (void)state;
    ground_reset(GROUND_ALL);
    return vmentry_base_image(&ground, VMENTRY_BASE_LONG_EPT, &image) ? 0 : -1;
}

static void set(enum vmcs_field field, uint64_t value)
{
    vmcs_image_set(&image, field, value);
}

static uint64_t get(enum vmcs_field field)
{
    return vmcs_image_get(&image, field);
}

static void clear_bit(enum vmcs_field word, uint64_t bits)
{
    set(word, get(word) & ~bits);
}

/* The image, written and read; by the rules alone, and as vmcheck has it. */
static void assert_enters(void)
{
    static struct vmentry_findings findings;
    struct vmx_dump dump = {.msrs = full_msrs()};
    struct entry_cpu cpu = {"full", &dump, 0};

    for (enum text_format format = 0; format < TEXT_FORMAT_COUNT; format++) {
        struct vmcs_text text = {.dump = NULL};
        struct text_buffer sink;

        text_buffer_init(&sink, buffer, sizeof(buffer));
        vmcs_text_write(format, &image, &sink.sink);
        assert_int_equal(sink.lost, 0);
        vmcs_text_read(buffer, sink.length, &text);
        assert_int_equal(text.count, 1);
        vmentry_check(&text.dump[0].image, &ground_context, &findings);
        for (uint32_t i = 0; i < findings.count; i++)
            fail_msg("format %u: %s", format, vmentry_rule_text(findings.item[i].rule).name);
        check_entry(&text.dump[0].image, &cpu, 1, &check);
        for (uint32_t i = 0; i < check.findings.count; i++)
            fail_msg("format %u, of vmcheck: %s", format,
                     vmentry_rule_text(check.findings.item[i].rule).name);
        vmcs_text_free(&text);
    }
}

/* SDM Vol. 3, "Checks on Guest Segment Registers": of a segment that is unusable little counts. */
static void access_rights_of_unusable_segments(void **state)
{
    static const unsigned segments[] = {SEGMENT_ES, SEGMENT_DS, SEGMENT_FS, SEGMENT_GS,
                                        SEGMENT_LDTR};

    (void)state;
    for (size_t i = 0; i < sizeof(segments) / sizeof(segments[0]); i++) {
        set(vmcs_of_segment(VMCS_GUEST_ES_ACCESS_RIGHTS, segments[i]), RIGHTS_UNUSABLE | 0xf6);
        set(vmcs_of_segment(VMCS_GUEST_ES_LIMIT, segments[i]), 0x12345678);
        set(vmcs_of_segment(VMCS_GUEST_ES_SELECTOR, segments[i]), 0x7b);
    }
    assert_enters();
}

/* "Checks on VM-Entry Control Fields": without bit 31 nothing is injected, and it is pointed out.
 */
static void event_without_its_valid_bit(void **state)
{
    enum vmcs_field field;
    const char *words;

    (void)state;
    set(VMCS_VM_ENTRY_INTERRUPTION_INFORMATION, 0x7fffff0d);
    set(VMCS_VM_ENTRY_EXCEPTION_ERROR_CODE, 0xffffffff);
    set(VMCS_VM_ENTRY_INSTRUCTION_LENGTH, 77);
    assert_enters();
    words = suspicion_of(&image, 0, &field);
    assert_non_null(words);
    assert_int_equal(field, VMCS_VM_ENTRY_INTERRUPTION_INFORMATION);
}

/* EFER, PAT and others that no control loads; PDPTEs outside PAE paging. */
static void fields_that_are_not_loaded(void **state)
{
    (void)state;
    clear_bit(VMCS_VM_ENTRY_CONTROLS,
              ENTRY_LOAD_EFER | ENTRY_LOAD_PAT | ENTRY_LOAD_BNDCFGS | ENTRY_LOAD_PERF_GLOBAL_CTRL);
    clear_bit(VMCS_PRIMARY_VM_EXIT_CONTROLS,
              EXIT_LOAD_EFER | EXIT_LOAD_PAT | EXIT_LOAD_PERF_GLOBAL_CTRL);
    set(VMCS_HOST_IA32_EFER, 0);
    set(VMCS_GUEST_IA32_EFER, ~0ull);
    set(VMCS_GUEST_IA32_PAT, ~0ull);
    set(VMCS_GUEST_IA32_BNDCFGS, ~0ull);
    set(VMCS_GUEST_IA32_PERF_GLOBAL_CTRL, ~0ull);
    set(VMCS_HOST_IA32_PAT, ~0ull);
    set(VMCS_HOST_IA32_PERF_GLOBAL_CTRL, ~0ull);
    for (unsigned i = 0; i < 4; i++)
        set((enum vmcs_field)(VMCS_GUEST_PDPTE0 + 2 * i), ~0ull);
    assert_enters();
}

/* Addresses and words of features that are off. */
static void fields_of_features_that_are_off(void **state)
{
    (void)state;
    set(VMCS_VIRTUAL_APIC_ADDRESS, 0x123);
    set(VMCS_APIC_ACCESS_ADDRESS, 0x123);
    set(VMCS_ADDRESS_OF_IO_BITMAP_A, 0x123);
    set(VMCS_PML_ADDRESS, 0x123);
    set(VMCS_TPR_THRESHOLD, 0xffff);
    set(VMCS_VIRTUALIZATION_EXCEPTION_INFORMATION_ADDRESS, 0x123);
    set(VMCS_TSC_MULTIPLIER, 0);
    clear_bit(VMCS_PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS,
              PRIMARY_TPR_SHADOW | PRIMARY_IO_BITMAPS);
    clear_bit(VMCS_SECONDARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS,
              SECONDARY_VIRTUALIZE_APIC_ACCESSES | SECONDARY_ENABLE_PML |
                  SECONDARY_EPT_VIOLATION_VE | SECONDARY_TSC_SCALING);
    assert_enters();
}

/* The guest sees CR4 without VMXE and CR0 without NE: read shadows are what it sees, no more. */
static void what_the_guest_sees_is_not_the_field(void **state)
{
    (void)state;
    set(VMCS_CR0_READ_SHADOW, 0x10);
    set(VMCS_CR4_READ_SHADOW, 0);
    set(VMCS_CR0_GUEST_HOST_MASK, ~0ull);
    set(VMCS_CR4_GUEST_HOST_MASK, ~0ull);
    assert_enters();
}

/* A real-mode guest without "unrestricted guest": KVM runs it in virtual-8086 mode. */
static void real_mode_as_virtual_8086(void **state)
{
    (void)state;
    assert_true(vmentry_base_image(&ground, VMENTRY_BASE_V8086, &image));
    assert_true(get(VMCS_GUEST_RFLAGS) & RFLAGS_VM);
    set(VMCS_GUEST_CS_SELECTOR, 0xf003); /* no RPL there */
    set(VMCS_GUEST_CS_BASE, 0xf0030);
    assert_enters();
}

/* A 32-bit host has no EFER to load, and addresses of 32 bits; nothing of it needs IA-32e mode. */
static void a_host_of_32_bits(void **state)
{
    static const struct {
        enum vmcs_field field;
        uint64_t value;
    } values[] = {
        {VMCS_HOST_CR4, CR4_VMXE},         {VMCS_HOST_IA32_EFER, 0},
        {VMCS_HOST_RIP, 0xc0401000},       {VMCS_HOST_RSP, 0xf5a01d60},
        {VMCS_HOST_GDTR_BASE, 0xf7e00000}, {VMCS_HOST_IDTR_BASE, 0xfffba000},
        {VMCS_HOST_TR_BASE, 0xf7e01000},   {VMCS_HOST_GS_BASE, 0},
    };

    (void)state;
    assert_true(vmentry_base_image(&ground, VMENTRY_BASE_PAE_EPT, &image));
    ground_context.ia32e_mode = false;
    clear_bit(VMCS_PRIMARY_VM_EXIT_CONTROLS, EXIT_HOST_ADDRESS_SPACE_SIZE | EXIT_LOAD_EFER);
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        set(values[i].field, values[i].value);
    assert_enters();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(access_rights_of_unusable_segments, begin),
        cmocka_unit_test_setup(event_without_its_valid_bit, begin),
        cmocka_unit_test_setup(fields_that_are_not_loaded, begin),
        cmocka_unit_test_setup(fields_of_features_that_are_off, begin),
        cmocka_unit_test_setup(what_the_guest_sees_is_not_the_field, begin),
        cmocka_unit_test_setup(real_mode_as_virtual_8086, begin),
        cmocka_unit_test_setup(a_host_of_32_bits, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
