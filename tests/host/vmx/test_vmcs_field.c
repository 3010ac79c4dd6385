/*
 * The table of VMCS fields against the SDM: the encoding rule, the appendix' tables, and on which
 * processors each field exists.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "mm/page_alloc.h"
#include "tests/host/model_cpu.h"
#include "vmx/vmcs_field.h"
#include "vmx/vmcs_image.h"
#include "vmx/entry/vmentry_rule.h"

enum { W16, W64, W32, NATURAL };
enum { CONTROL, READ_ONLY, GUEST, HOST };

/* SDM, "Field Encoding in VMCS": each table's first and last row, and the encodings that it skips.
 */
static const struct {
    unsigned width, type, first, last, skipped[8];
} groups[] = {
    {W16, CONTROL, 0x0000, 0x000a, {0}},
    {W16, GUEST, 0x0800, 0x0814, {0}},
    {W16, HOST, 0x0c00, 0x0c0c, {0}},
    {W64, CONTROL, 0x2000, 0x2052, {0x2046, 0x2048, 0x2050}},
    {W64, READ_ONLY, 0x2400, 0x2406, {0}},
    {W64, GUEST, 0x2800, 0x2830, {0x282a, 0x282c}},
    {W64, HOST, 0x2c00, 0x2c1a, {0x2c18}},
    {W32, CONTROL, 0x4000, 0x4026, {0}},
    {W32, READ_ONLY, 0x4400, 0x440e, {0}},
    {W32, GUEST, 0x4800, 0x482e, {0x482c}},
    {W32, HOST, 0x4c00, 0x4c00, {0}},
    {NATURAL, CONTROL, 0x6000, 0x600e, {0}},
    {NATURAL, READ_ONLY, 0x6400, 0x640a, {0}},
    {NATURAL, GUEST, 0x6800, 0x682c, {0}},
    {NATURAL, HOST, 0x6c00, 0x6c1c, {0}},
};

static bool contains(const unsigned *list, unsigned count, unsigned wanted)
{
    for (unsigned i = 0; i < count; i++) {
        if (list[i] == wanted)
            return true;
    }
    return false;
}

static void the_table_has_the_encodings_of_the_appendix(void **state)
{
    unsigned row = 0;

    (void)state;
    for (unsigned i = 0; i < sizeof groups / sizeof *groups; i++) {
        for (unsigned encoding = groups[i].first; encoding <= groups[i].last; encoding += 2) {
            if (encoding != 0 && contains(groups[i].skipped, 8, encoding)) {
                assert_int_equal(vmcs_field_index((enum vmcs_field)encoding), VMCS_FIELD_COUNT);
                continue;
            }
            assert_true(row < VMCS_FIELD_COUNT);
            assert_int_equal(vmcs_field_table[row].field, encoding);
            assert_int_equal(vmcs_encoding_width(vmcs_field_table[row].field), groups[i].width);
            assert_int_equal(vmcs_encoding_type(vmcs_field_table[row].field), groups[i].type);
            assert_int_equal(vmcs_field_index((enum vmcs_field)encoding), row);
            row++;
        }
    }
    /* 24 of 16 bits, 79 of 64, 52 of 32, 52 of natural width. */
    assert_int_equal(row, 207);
    assert_int_equal(VMCS_FIELD_COUNT, 207);
}

/* SDM, table "Structure of VMCS Component Encoding". */
static void each_row_keeps_to_the_encoding_rule(void **state)
{
    (void)state;
    for (unsigned i = 0; i < VMCS_FIELD_COUNT; i++) {
        const struct vmcs_field_row *row = &vmcs_field_table[i];
        unsigned encoding = (unsigned)row->field;

        assert_int_equal(encoding & 0xffff9001, 0); /* reserved bits, and full access */
        assert_int_equal(vmcs_encoding_width(encoding) << 13 | vmcs_encoding_type(encoding) << 10 |
                             vmcs_encoding_index(encoding) << 1,
                         encoding);
        assert_true(strlen(row->name) > 5);
        for (unsigned j = 0; j < i; j++)
            assert_string_not_equal(row->name, vmcs_field_table[j].name);
    }
    /* 0110_1100_0001_0111: natural width, host, index 11, and high access. */
    assert_int_equal(vmcs_encoding_width(0x6c17), NATURAL);
    assert_int_equal(vmcs_encoding_type(0x6c17), HOST);
    assert_int_equal(vmcs_encoding_index(0x6c17), 11);
    assert_int_equal(vmcs_encoding_index(0x6ffe), 511);
}

/* High access, reserved bits and undefined indexes are no rows. */
static void other_encodings_have_no_row(void **state)
{
    static const unsigned encodings[] = {0x2001, 0x1000, 0x8000,  0x6ffe,    0x0400,
                                         0x000c, 0x681f, 0x10000, 0x80006800};

    (void)state;
    for (unsigned i = 0; i < sizeof encodings / sizeof *encodings; i++) {
        struct vmx_capability all;

        memset(&all, 0xff, sizeof all);
        assert_int_equal(vmcs_field_index((enum vmcs_field)encodings[i]), VMCS_FIELD_COUNT);
        assert_false(vmcs_field_exists((enum vmcs_field)encodings[i], &all));
    }
}

/* Names against encodings as the SDM and Linux' asm/vmx.h give them, some of each table. */
static void names_have_their_encodings(void **state)
{
    static const struct {
        unsigned encoding;
        const char *name;
    } known[] = {
        {0x0000, "Virtual-processor identifier (VPID)"},
        {0x0802, "Guest CS selector"},
        {0x0812, "PML index"},
        {0x0c0c, "Host TR selector"},
        {0x2004, "Address of MSR bitmaps"},
        {0x2010, "TSC offset"},
        {0x2014, "APIC-access address"},
        {0x201a, "EPT pointer (EPTP)"},
        {0x2026, "VMREAD-bitmap address"},
        {0x202c, "XSS-exiting bitmap"},
        {0x2032, "TSC multiplier"},
        {0x2034, "Tertiary processor-based VM-execution controls"},
        {0x203c, "SEAM shared EPT pointer"},
        {0x2044, "Secondary VM-exit controls"},
        {0x204c, "IA32_SPEC_CTRL shadow"},
        {0x2052, "Injected-event data"},
        {0x2400, "Guest-physical address"},
        {0x2402, "MSR data"},
        {0x2800, "VMCS link pointer"},
        {0x2806, "Guest IA32_EFER"},
        {0x2810, "Guest PDPTE3"},
        {0x2816, "Guest IA32_LBR_CTL"},
        {0x282e, "Guest IA32_SPEC_CTRL"},
        {0x2c02, "Host IA32_EFER"},
        {0x2c06, "Host IA32_PKRS"},
        {0x4004, "Exception bitmap"},
        {0x4016, "VM-entry interruption-information field"},
        {0x401c, "TPR threshold"},
        {0x401e, "Secondary processor-based VM-execution controls"},
        {0x2c1a, "Host IA32_SPEC_CTRL"},
        {0x4026, "SEAM-guest KeyID"},
        {0x4400, "VM-instruction error"},
        {0x4408, "IDT-vectoring information field"},
        {0x440e, "VM-exit instruction information"},
        {0x4822, "Guest TR access rights"},
        {0x482a, "Guest IA32_SYSENTER_CS"},
        {0x482e, "VMX-preemption timer value"},
        {0x4c00, "Host IA32_SYSENTER_CS"},
        {0x6006, "CR4 read shadow"},
        {0x6400, "Exit qualification"},
        {0x640a, "Guest-linear address"},
        {0x6816, "Guest GDTR base"},
        {0x681e, "Guest RIP"},
        {0x6828, "Guest IA32_S_CET"},
        {0x6c06, "Host FS base"},
        {0x6c16, "Host RIP"},
        {0x6c1a, "Host SSP"},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof known / sizeof *known; i++) {
        unsigned row = vmcs_field_index((enum vmcs_field)known[i].encoding);

        assert_true(row < VMCS_FIELD_COUNT);
        assert_string_equal(vmcs_field_table[row].name, known[i].name);
    }
}

/*
 * The notes of the appendix' tables, by bit position: which fields exist where only this one
 * control may be 1, beyond those that exist everywhere.
 */
#define BIT(word, bit) offsetof(struct vmx_capability, word##_allowed1), (bit)
static const struct {
    size_t offset;
    unsigned bit;
    unsigned fields[10];
} notes[] = {
    {BIT(pin, 6), {0x482e}},
    {BIT(pin, 7), {0x0002, 0x2016}},
    {BIT(primary, 17), {0x2034}},
    {BIT(primary, 21), {0x2012, 0x401c}},
    {BIT(primary, 28), {0x2004}},
    {BIT(primary, 31), {0x401e}},
    {BIT(secondary, 0), {0x2014}},
    {BIT(secondary, 1), {0x201a, 0x2400, 0x280a, 0x280c, 0x280e, 0x2810}},
    {BIT(secondary, 5), {0x10000 /* VPID, 0 */}},
    {BIT(secondary, 9), {0x0810, 0x201c, 0x201e, 0x2020, 0x2022}},
    {BIT(secondary, 10), {0x4020, 0x4022}},
    {BIT(secondary, 13), {0x2018}},
    {BIT(secondary, 14), {0x2026, 0x2028}},
    {BIT(secondary, 15), {0x202e}},
    {BIT(secondary, 17), {0x0812, 0x200e}},
    {BIT(secondary, 18), {0x0004, 0x202a}},
    {BIT(secondary, 20), {0x202c}},
    {BIT(secondary, 21), {0x2038, 0x203a}},
    {BIT(secondary, 23), {0x2030}},
    {BIT(secondary, 25), {0x2032}},
    {BIT(secondary, 27), {0x203e}},
    {BIT(secondary, 28), {0x2036}},
    {BIT(secondary, 31), {0x4024}},
    {BIT(tertiary, 1), {0x0006, 0x2040}},
    {BIT(tertiary, 4), {0x0008, 0x2042}},
    {BIT(tertiary, 5), {0x203c, 0x4026}},
    {BIT(tertiary, 6), {0x2402}},
    {BIT(tertiary, 7), {0x204a, 0x204c}},
    {BIT(tertiary, 8), {0x000a, 0x204e, 0x2830}},
    {BIT(exit, 12), {0x2c04}},
    {BIT(exit, 18), {0x2804}},
    {BIT(exit, 19), {0x2c00}},
    {BIT(exit, 20), {0x2806}},
    {BIT(exit, 21), {0x2c02}},
    {BIT(exit, 23), {0x2812}},
    {BIT(exit, 25), {0x2814}},
    {BIT(exit, 26), {0x2816}},
    {BIT(exit, 27), {0x0814}},
    {BIT(exit, 28), {0x6c18, 0x6c1a, 0x6c1c}},
    {BIT(exit, 29), {0x2c06}},
    {BIT(exit, 31), {0x2044}},
    {BIT(secondary_exit, 0), {0x281a, 0x281c, 0x281e, 0x2820, 0x2822, 0x2824, 0x2826, 0x2828}},
    {BIT(secondary_exit, 1), {0x2c08, 0x2c0a, 0x2c0c, 0x2c0e, 0x2c10, 0x2c12, 0x2c14, 0x2c16}},
    {BIT(secondary_exit, 2), {0x2c1a}},
    {BIT(entry, 13), {0x2808}},
    {BIT(entry, 14), {0x2804}},
    {BIT(entry, 15), {0x2806}},
    {BIT(entry, 16), {0x2812}},
    {BIT(entry, 18), {0x2814}},
    {BIT(entry, 19), {0x0814}},
    {BIT(entry, 20), {0x6828, 0x682a, 0x682c}},
    {BIT(entry, 21), {0x2816}},
    {BIT(entry, 22), {0x2818}},
    {BIT(entry, 23),
     {0x2052, 0x2404, 0x281a, 0x281c, 0x281e, 0x2820, 0x2822, 0x2824, 0x2826, 0x2828}},
    {BIT(entry, 24), {0x282e}},
    {offsetof(struct vmx_capability, vm_functions), 0, {0x2024}},
};

static const size_t words[] = {
    offsetof(struct vmx_capability, pin_allowed1),
    offsetof(struct vmx_capability, primary_allowed1),
    offsetof(struct vmx_capability, secondary_allowed1),
    offsetof(struct vmx_capability, tertiary_allowed1),
    offsetof(struct vmx_capability, exit_allowed1),
    offsetof(struct vmx_capability, secondary_exit_allowed1),
    offsetof(struct vmx_capability, entry_allowed1),
    offsetof(struct vmx_capability, vm_functions),
};

static bool noted(size_t offset, unsigned bit, unsigned encoding)
{
    for (unsigned i = 0; i < sizeof notes / sizeof *notes; i++) {
        if (notes[i].offset == offset && notes[i].bit == bit)
            return contains(notes[i].fields, 10, encoding ? encoding : 0x10000);
    }
    return false;
}

/* Every bit of every word of capabilities alone, and every field under it. */
static void each_field_exists_with_its_controls_and_no_other(void **state)
{
    struct vmx_capability none = {0};

    (void)state;
    for (unsigned w = 0; w < sizeof words / sizeof *words; w++) {
        for (unsigned bit = 0; bit < 64; bit++) {
            struct vmx_capability one = {0};
            uint64_t mask = 1ull << bit;

            memcpy((uint8_t *)&one + words[w], &mask, sizeof mask);
            for (unsigned i = 0; i < VMCS_FIELD_COUNT; i++) {
                enum vmcs_field field = vmcs_field_table[i].field;
                bool wanted =
                    vmcs_field_exists(field, &none) || noted(words[w], bit, (unsigned)field);

                if (vmcs_field_exists(field, &one) != wanted)
                    fail_msg("field %#x, word %u, bit %u", (unsigned)field, w, bit);
            }
        }
    }
}

/* The fields with no note: those of the first processors with VMX, all of them. */
static void the_rest_exists_everywhere(void **state)
{
    struct vmx_capability none = {0}, all;
    unsigned everywhere = 0, somewhere = 0;

    (void)state;
    memset(&all, 0xff, sizeof all);
    for (unsigned i = 0; i < VMCS_FIELD_COUNT; i++) {
        everywhere += vmcs_field_exists(vmcs_field_table[i].field, &none);
        somewhere += vmcs_field_exists(vmcs_field_table[i].field, &all);
    }
    /*
     * 15 selectors; 2 I/O bitmaps, 3 MSR lists, executive VMCS, TSC offset, link, DEBUGCTL; 14
     * controls, 8 of exit information, 22 of the guest, 1 of the host; 8 masks, shadows and
     * targets, 6, 20, 12.
     */
    assert_int_equal(everywhere, 15 + 9 + 14 + 8 + 22 + 1 + 8 + 6 + 20 + 12);
    /* No capability describes APX' extended-instruction information. */
    assert_int_equal(somewhere, 207 - 1);
    assert_false(vmcs_field_exists((enum vmcs_field)0x2406, &all));
}

static void an_image_holds_what_it_is_given(void **state)
{
    static struct vmcs_image image;

    (void)state;
    memset(&image, 0, sizeof image);
    assert_false(vmcs_image_has(&image, VMCS_GUEST_RIP));
    assert_int_equal(vmcs_image_get(&image, VMCS_GUEST_RIP), 0);
    vmcs_image_set(&image, VMCS_GUEST_RIP, 0x123456789abcdef0);
    vmcs_image_set(&image, VMCS_EPT_POINTER, 0xfedcba987654321e);
    vmcs_image_set(&image, VMCS_GUEST_CS_LIMIT, 0xfedcba9876543210);
    vmcs_image_set(&image, VMCS_GUEST_CS_SELECTOR, 0xfedcba9876543210);
    assert_true(vmcs_image_has(&image, VMCS_GUEST_RIP));
    assert_false(vmcs_image_has(&image, VMCS_GUEST_RSP));
    assert_true(vmcs_image_get(&image, VMCS_GUEST_RIP) == 0x123456789abcdef0);
    assert_true(vmcs_image_get(&image, VMCS_EPT_POINTER) == 0xfedcba987654321e);
    assert_true(vmcs_image_get(&image, VMCS_GUEST_CS_LIMIT) == 0x76543210);
    assert_true(vmcs_image_get(&image, VMCS_GUEST_CS_SELECTOR) == 0x3210);
    vmcs_image_set(&image, (enum vmcs_field)0x6ffe, 1);
    assert_false(vmcs_image_has(&image, (enum vmcs_field)0x6ffe));
}

/* A region, a VMCS in it, and the capabilities of the model CPU. */
static void load_vmcs(struct vmx_capability *capability)
{
    uint64_t regions = (model_cpu_reset(), pages_alloc(1));
    uint32_t revision = (uint32_t)model_cpu.msrs.value[0] & 0x7fffffff;

    memcpy(phys_to_virt(regions), &revision, sizeof revision);
    memcpy(phys_to_virt(regions + MODEL_PAGE), &revision, sizeof revision);
    assert_int_equal(write_cr0_safe(model_cpu.cr0 | CR0_NE), 0);
    assert_int_equal(write_cr4_safe(model_cpu.cr4 | CR4_VMXE), 0);
    assert_int_equal(x86_vmxon(regions).vector, 0);
    assert_false(x86_vmptrld(regions + MODEL_PAGE).zero);
    vmx_capability_derive(&model_cpu.msrs, capability);
}

static void fields_are_read_and_written_by_their_width(void **state)
{
    struct vmx_capability capability;

    (void)state;
    load_vmcs(&capability);
    vmcs_write16(VMCS_GUEST_CS_SELECTOR, 0x12345678);
    vmcs_write32(VMCS_EXCEPTION_BITMAP, 0x123456789abcdef0);
    vmcs_write64(VMCS_LINK_POINTER, 0x123456789abcdef0);
    vmcs_write_natural(VMCS_GUEST_RIP, 0xfedcba9876543210);
    assert_true(vmcs_read16(VMCS_GUEST_CS_SELECTOR) == 0x5678);
    assert_true(vmcs_read32(VMCS_EXCEPTION_BITMAP) == 0x9abcdef0);
    assert_true(vmcs_read64(VMCS_LINK_POINTER) == 0x123456789abcdef0);
    assert_true(vmcs_read_natural(VMCS_GUEST_RIP) == 0xfedcba9876543210);
}

static void an_image_is_read_from_the_processor(void **state)
{
    static struct vmcs_image image;
    struct vmx_capability capability;

    (void)state;
    load_vmcs(&capability);
    vmcs_write_natural(VMCS_GUEST_RIP, 0xfedcba9876543210);
    capability.secondary_allowed1 = 0; /* as if there were no EPT */
    vmcs_image_read(&image, &capability);
    assert_true(vmcs_image_get(&image, VMCS_GUEST_RIP) == 0xfedcba9876543210);
    assert_true(vmcs_image_has(&image, VMCS_HOST_RIP));
    assert_false(vmcs_image_has(&image, VMCS_EPT_POINTER));
    /* Promised, and yet VMREAD fails: the image reports what there is. */
    model_cpu_inject((struct model_injection){
        .effect = MODEL_FAIL_VALID, .operation = MODEL_VMREAD, .after = 0, .number = 12});
    capability.secondary_allowed1 = 1u << 5; /* VPID is the table's first row */
    vmcs_image_read(&image, &capability);
    assert_false(vmcs_image_has(&image, VMCS_VIRTUAL_PROCESSOR_IDENTIFIER));
    assert_true(vmcs_image_has(&image, VMCS_HOST_RIP));
}

static void an_image_is_written_but_for_its_read_only_fields(void **state)
{
    static struct vmcs_image image;
    struct vmx_capability capability;

    (void)state;
    load_vmcs(&capability);
    /* MISC[29] is 0: VMWRITE of a read-only field fails, as on the processors that do not allow it.
     */
    model_cpu.msrs.value[IA32_VMX_MISC - VMX_MSR_FIRST] &= ~(1ull << 29);
    memset(&image, 0, sizeof image);
    vmcs_image_set(&image, VMCS_GUEST_RIP, 0x1234);
    vmcs_image_set(&image, VMCS_EXIT_REASON, 0x5678);
    vmcs_write_natural(VMCS_GUEST_RSP, 0x9abc);
    assert_true(vmx_ok(vmcs_image_write(&image)));
    assert_true(vmcs_read_natural(VMCS_GUEST_RIP) == 0x1234);
    assert_true(vmcs_read_natural(VMCS_GUEST_RSP) == 0x9abc);
    assert_true(vmcs_read32(VMCS_EXIT_REASON) == 0);
    /* A field that this processor has not: missed only with a value. */
    vmcs_image_set(&image, VMCS_PML_ADDRESS, 0);
    assert_true(vmx_ok(vmcs_image_write(&image)));
    vmcs_image_set(&image, VMCS_PML_ADDRESS, 0x1000);
    assert_int_equal(vmcs_image_write(&image).number, 12);
    assert_int_equal(vmcs_image_write(&image).field, 0x200e); /* PML address */
    /* Any other failure is reported whatever the value is, and nothing is written after it. */
    vmcs_image_set(&image, VMCS_PML_ADDRESS, 0);
    vmcs_image_set(&image, VMCS_GUEST_RIP, 0x4321);
    for (unsigned i = 0; i < 2; i++) {
        model_cpu_inject((struct model_injection){.effect = i ? MODEL_FAULT : MODEL_FAIL_VALID,
                                                  .operation = MODEL_VMWRITE,
                                                  .number = 13});
        assert_int_equal(vmcs_image_write(&image).outcome, i ? VMX_FAULT : VMX_FAIL_VALID);
        assert_true(vmcs_read_natural(VMCS_GUEST_RIP) == 0x1234);
    }
}

/* Of a processor outside VMX operation there is nothing to be read, whatever was there before. */
static void without_a_vmcs_the_image_is_empty(void **state)
{
    static struct vmcs_image image;
    static const struct vmx_capability capability;

    (void)state;
    model_cpu_reset();
    memset(&image, 1, sizeof(image));
    vmcs_image_read(&image, &capability);
    for (uint32_t row = 0; row < VMCS_FIELD_COUNT; row++)
        assert_false(image.present[row]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_has_the_encodings_of_the_appendix),
        cmocka_unit_test(without_a_vmcs_the_image_is_empty),
        cmocka_unit_test(each_row_keeps_to_the_encoding_rule),
        cmocka_unit_test(other_encodings_have_no_row),
        cmocka_unit_test(names_have_their_encodings),
        cmocka_unit_test(each_field_exists_with_its_controls_and_no_other),
        cmocka_unit_test(the_rest_exists_everywhere),
        cmocka_unit_test(an_image_holds_what_it_is_given),
        cmocka_unit_test(fields_are_read_and_written_by_their_width),
        cmocka_unit_test(an_image_is_read_from_the_processor),
        cmocka_unit_test(an_image_is_written_but_for_its_read_only_fields),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
