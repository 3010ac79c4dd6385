/*
 * What changes a vCPU's VMCS while its guest runs: controls, and the bitmaps of ports and MSRs, as
 * SDM Vol. 3, "I/O-Bitmap Addresses" and "MSR-Bitmap Address", lay them out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "mm/page_alloc.h"
#include "tests/host/guest_machine.h"
#include "vm/registers/registers.h"

static struct vcpu *vcpu;

static int in_long_mode(void **state)
{
    (void)state;
    vcpu = guest_machine_in(GUEST_LONG);
    return 0;
}

static void each_word_of_controls_has_its_field(void **state)
{
    static const struct {
        enum vmx_control_word word;
        uint32_t field;
    } words[] = {{VMX_CONTROL_PIN, 0x4000},
                 {VMX_CONTROL_PRIMARY, 0x4002},
                 {VMX_CONTROL_SECONDARY, 0x401e},
                 {VMX_CONTROL_EXIT, 0x400c},
                 {VMX_CONTROL_ENTRY, 0x4012}};
    uint64_t before[5];

    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        for (unsigned j = 0; j < 5; j++)
            before[j] = *model_field(words[j].field);
        for (unsigned on = 1; on < 2; on--) {
            before[i] = on ? before[i] | 0x90 : before[i] & ~0x90ull;
            vcpu_control_set(vcpu, words[i].word, 0x90, on);
            assert_int_equal(vcpu->controls[words[i].word], before[i]);
            for (unsigned j = 0; j < 5; j++)
                assert_int_equal(*model_field(words[j].field), before[j]);
        }
    }
}

/* A VM exit stores what the guest has made of "IA-32e mode guest", bit 9. */
static void the_mode_of_the_guest_stays_its_own(void **state)
{
    (void)state;
    FIELD(VM_ENTRY_CONTROLS) &= ~(1ull << 9);
    vcpu_control_set(vcpu, VMX_CONTROL_ENTRY, 1u << 15, true);
    assert_int_equal(FIELD(VM_ENTRY_CONTROLS) >> 9 & 1, 0);
    assert_int_equal(FIELD(VM_ENTRY_CONTROLS) >> 15 & 1, 1);
}

/* Of the bitmaps that are all 0 or all 1 only these bits have changed, to `on`. */
static void assert_bits(const uint8_t *bitmap, unsigned bytes, bool was, const uint32_t *bits,
                        const bool *on, unsigned count)
{
    for (unsigned bit = 0; bit < 8 * bytes; bit++) {
        bool wanted = was;

        for (unsigned i = 0; i < count; i++)
            wanted = bits[i] == bit ? on[i] : wanted;
        if ((bitmap[bit / 8] >> bit % 8 & 1) != wanted)
            fail_msg("bit %#x", bit);
    }
}

/* Bitmap A has ports 0000H to 7FFFH, bitmap B, after it here, 8000H to FFFFH. */
static void each_port_has_its_bit(void **state)
{
    static const uint16_t ports[] = {0, 7, 8, 0x80, 0x7fff, 0x8000, 0xffff};
    uint8_t *bitmap = phys_to_virt(vcpu->vm->io_bitmap);

    (void)state;
    assert_int_equal(FIELD(ADDRESS_OF_IO_BITMAP_B), FIELD(ADDRESS_OF_IO_BITMAP_A) + 0x1000);
    for (unsigned i = 0; i < 2 * sizeof(ports) / sizeof(*ports); i++) {
        bool on = i & 1;

        memset(bitmap, on ? 0 : 0xff, 0x2000);
        vm_port_exits(vcpu->vm, ports[i / 2], on);
        assert_bits(bitmap, 0x2000, !on, &(uint32_t){ports[i / 2]}, &on, 1);
    }
}

/* Reads of low MSRs (0 to 1FFFH) at 0, of high ones (from C0000000H) at 400H; writes 800H on. */
static void each_msr_has_its_bits(void **state)
{
    static const struct {
        uint32_t msr, bit; /* for reads; 4096 bytes: it has none */
    } msrs[] = {{0, 0},
                {0x17, 0x17},
                {0x1fff, 0x1fff},
                {0xc0000000, 0x400 * 8},
                {0xc0000081, 0x400 * 8 + 0x81},
                {0xc0001fff, 0x400 * 8 + 0x1fff},
                {0x2000, 4096 * 8},
                {0xbfffffff, 4096 * 8},
                {0xc0002000, 4096 * 8},
                {0xffffffff, 4096 * 8}};
    uint8_t *bitmap = phys_to_virt(vcpu->vm->msr_bitmap);

    (void)state;
    for (unsigned i = 0; i < 8 * sizeof(msrs) / sizeof(*msrs); i++) {
        const bool on[] = {i & 1, (i & 2) != 0}, was = i & 4;
        const uint32_t bits[] = {msrs[i / 8].bit, msrs[i / 8].bit + 0x800 * 8};

        memset(bitmap, was ? 0xff : 0, 0x1000);
        vm_msr_exits(vcpu->vm, msrs[i / 8].msr, on[0], on[1]);
        assert_bits(bitmap, 0x1000, was, bits, on, 2);
    }
}

/* SDM Vol. 3, "Conventions" of the VMX instructions: only VMfailValid has an error number. */
static void an_entry_that_fails_has_the_number_of_its_error(void **state)
{
    static const struct {
        enum vm_entry entry;
        uint32_t number;
    } rows[] = {{VM_ENTRY_LAUNCH_INVALID, 0},
                {VM_ENTRY_LAUNCH_VALID, 7},
                {VM_ENTRY_RESUME_INVALID, 0},
                {VM_ENTRY_RESUME_VALID, 7}};

    (void)state;
    for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        guest_machine.entry = rows[i].entry;
        FIELD(VM_INSTRUCTION_ERROR) = 7;
        vcpu->end_number = 99;
        vcpu_run(vcpu);
        assert_int_equal(vcpu->end, GUEST_END_ENTRY_ERROR);
        assert_int_equal(vcpu->end_number, rows[i].number);
        assert_int_equal(vcpu->end_value, rows[i].entry);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(each_word_of_controls_has_its_field, in_long_mode),
        cmocka_unit_test_setup(the_mode_of_the_guest_stays_its_own, in_long_mode),
        cmocka_unit_test_setup(each_port_has_its_bit, in_long_mode),
        cmocka_unit_test_setup(each_msr_has_its_bits, in_long_mode),
        cmocka_unit_test_setup(an_entry_that_fails_has_the_number_of_its_error, in_long_mode),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
