/*
 * Exits of IN and OUT, INS and OUTS, on the model CPU: nothing is at any port. Expectations are
 * those of their pages in SDM Vol. 2; operands are reported as in Vol. 3, "Information for VM Exits
 * Due to Instruction Execution".
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "mm/page_alloc.h"
#include "tests/host/operand_exits.h"

enum { IN = 1 << 3, STRING = 1 << 4, REP = 1 << 5 };

static void in_reads_ones_of_its_size(void **state)
{
    static const uint64_t wanted[] = {0x11223344556677ff, 0x112233445566ffff, 0, 0xffffffff};

    (void)state;
    for (uint64_t size = 0; size < 4; size++) {
        vcpu->reg[VCPU_RAX] = 0x1122334455667788;
        if (size == 2)
            continue;
        assert_done(EXIT_REASON_IO_INSTRUCTION, IN | size, 0);
        assert_int_equal(vcpu->reg[VCPU_RAX], wanted[size]);
        vcpu->reg[VCPU_RAX] = 5;
        assert_int_equal(serve(EXIT_REASON_IO_INSTRUCTION, size, 0), EXIT_IGNORED);
        assert_int_equal(vcpu->reg[VCPU_RAX], 5);
    }
}

static void ins_fills_memory_and_moves_on(void **state)
{
    (void)state;
    for (uint64_t bytes = 1; bytes <= 4; bytes *= 2) {
        uint8_t *memory = guest_machine_memory(PLACE);

        memset(memory, 0, 8);
        vcpu->reg[VCPU_RDI] = PLACE;
        assert_done(EXIT_REASON_IO_INSTRUCTION, STRING | IN | (bytes - 1), SIZE_64);
        assert_int_equal(vcpu->reg[VCPU_RDI], PLACE + bytes);
        for (unsigned i = 0; i < 8; i++)
            assert_int_equal(memory[i], i < bytes ? 0xff : 0);
        FIELD(GUEST_RFLAGS) |= RFLAGS_DF;
        vcpu->reg[VCPU_RSI] = PLACE;
        assert_done(EXIT_REASON_IO_INSTRUCTION, STRING | (bytes - 1), SIZE_64 | DS);
        assert_int_equal(vcpu->reg[VCPU_RSI], PLACE - bytes);
        FIELD(GUEST_RFLAGS) &= ~RFLAGS_DF;
    }
}

/* Registers count with the address size: 16 bits leave the rest alone, 32 bits clear it. */
static void strings_count_with_the_address_size(void **state)
{
    (void)state;
    vcpu->reg[VCPU_RDI] = 0x1122334400000000 | PLACE;
    vcpu->reg[VCPU_RCX] = 0x5566778800000001;
    assert_done(EXIT_REASON_IO_INSTRUCTION, STRING | IN | REP, SIZE_32);
    assert_int_equal(vcpu->reg[VCPU_RDI], PLACE + 1);
    assert_int_equal(vcpu->reg[VCPU_RCX], 0);
    vcpu = guest_machine_in(GUEST_REAL);
    vcpu->reg[VCPU_RDI] = 0xabcdffff;
    vcpu->reg[VCPU_RCX] = 0x12340001;
    assert_done(EXIT_REASON_IO_INSTRUCTION, STRING | IN | REP, SIZE_16);
    assert_int_equal(vcpu->reg[VCPU_RDI], 0xabcd0000);
    assert_int_equal(vcpu->reg[VCPU_RCX], 0x12340000);
    assert_int_equal(*(uint8_t *)guest_machine_memory(0xffff), 0xff);
    vcpu->reg[VCPU_RDI] = 0xffff; /* two bytes do not fit below the limit */
    assert_int_equal(serve(EXIT_REASON_IO_INSTRUCTION, STRING | IN | 1, SIZE_16), EXIT_INJECTED);
    assert_true(guest_machine_injects(X86_VECTOR_GP));
}

/* The longest count there is: one element an exit, and the guest stays where it is. */
static void rep_does_one_element_an_exit(void **state)
{
    (void)state;
    vcpu->reg[VCPU_RDI] = PLACE;
    vcpu->reg[VCPU_RCX] = 0xffffffff;
    assert_int_equal(serve(EXIT_REASON_IO_INSTRUCTION, STRING | IN | REP, SIZE_32), EXIT_EMULATED);
    assert_int_equal(FIELD(GUEST_RIP), GUEST_CODE);
    assert_int_equal(vcpu->reg[VCPU_RCX], 0xfffffffe);
    assert_int_equal(vcpu->reg[VCPU_RDI], PLACE + 1);
    assert_true(FIELD(GUEST_RFLAGS) & RFLAGS_RF);
    vcpu->reg[VCPU_RCX] = 0xffffffff00000000;
    vcpu->reg[VCPU_RDI] = 1ull << 63; /* with a count of 0 nothing is touched */
    assert_done(EXIT_REASON_IO_INSTRUCTION, STRING | IN | REP, SIZE_32);
    assert_int_equal(vcpu->reg[VCPU_RDI], 1ull << 63);
}

/* "After each iteration" of a repeated string instruction comes the single-step trap. */
static void a_repeated_string_is_stepped_element_by_element(void **state)
{
    (void)state;
    FIELD(GUEST_RFLAGS) |= RFLAGS_TF;
    vcpu->reg[VCPU_RSI] = PLACE;
    vcpu->reg[VCPU_RCX] = 2;
    FIELD(GUEST_INTERRUPTIBILITY_STATE) = BLOCKING_BY_MOV_SS;
    assert_int_equal(serve(EXIT_REASON_IO_INSTRUCTION, STRING | REP, SIZE_64 | DS), EXIT_EMULATED);
    assert_int_equal(FIELD(GUEST_RIP), GUEST_CODE);
    assert_int_equal(FIELD(GUEST_PENDING_DEBUG_EXCEPTIONS), PENDING_DEBUG_BS);
    assert_int_equal(FIELD(GUEST_INTERRUPTIBILITY_STATE), 0);
}

static void strings_in_memory_that_is_not_there_end_the_guest(void **state)
{
    (void)state;
    for (uint64_t at = GUEST_MEMORY_BYTES - 3; at < GUEST_MEMORY_BYTES + 2; at++) {
        uint64_t first = at < GUEST_MEMORY_BYTES ? GUEST_MEMORY_BYTES : at;

        vcpu->reg[VCPU_RDI] = vcpu->reg[VCPU_RSI] = at;
        assert_ends(EXIT_REASON_IO_INSTRUCTION, STRING | IN | 3, SIZE_64, first);
        assert_ends(EXIT_REASON_IO_INSTRUCTION, STRING | 3, SIZE_64 | DS, first);
    }
    vcpu->reg[VCPU_RDI] = 1ull << 47;
    assert_faults(EXIT_REASON_IO_INSTRUCTION, STRING | IN, SIZE_64, X86_VECTOR_GP, 0);
    vcpu->reg[VCPU_RSI] = 1ull << 47;
    assert_faults(EXIT_REASON_IO_INSTRUCTION, STRING, SIZE_64 | 2 << 15, X86_VECTOR_SS, 0);
}

/* INS writes to ES whatever prefix; there the segment in the information is undefined. */
static void ins_writes_to_es_and_outs_reads_where_it_is_reported(void **state)
{
    (void)state;
    in_protected_mode();
    FIELD(GUEST_ES_BASE) = 0x1000;
    FIELD(GUEST_FS_BASE) = 0x50000;
    vcpu->reg[VCPU_RDI] = PLACE - 0x1000;
    assert_done(EXIT_REASON_IO_INSTRUCTION, STRING | IN, SIZE_32 | 7 << 15);
    assert_int_equal(*(uint8_t *)guest_machine_memory(PLACE), 0xff);
    vcpu->reg[VCPU_RSI] = 0;
    assert_ends(EXIT_REASON_IO_INSTRUCTION, STRING, SIZE_32 | 4 << 15, 0x50000);
    FIELD(GUEST_ES_ACCESS_RIGHTS) = 0xc091;
    assert_faults(EXIT_REASON_IO_INSTRUCTION, STRING | IN, SIZE_32, X86_VECTOR_GP, 0);
}

/* Without IA32_VMX_BASIC[54] the information says nothing: the mode's own size is taken. */
static void without_information_strings_have_the_modes_size(void **state)
{
    (void)state;
    vcpu->capability.ins_outs_information = 0;
    vcpu->reg[VCPU_RDI] = PLACE;
    assert_done(EXIT_REASON_IO_INSTRUCTION, STRING | IN, 0);
    assert_int_equal(vcpu->reg[VCPU_RDI], PLACE + 1);
    in_protected_mode();
    vcpu->capability.ins_outs_information = 0;
    vcpu->reg[VCPU_RDI] = 0xffffffff00000000 | PLACE;
    assert_done(EXIT_REASON_IO_INSTRUCTION, STRING | IN, 0);
    assert_int_equal(vcpu->reg[VCPU_RDI], PLACE + 1);
    FIELD(GUEST_CS_ACCESS_RIGHTS) = 0x9b;
    FIELD(GUEST_CS_LIMIT) = 0xffff;
    vcpu->reg[VCPU_RDI] = 0x10000 | PLACE;
    assert_done(EXIT_REASON_IO_INSTRUCTION, STRING | IN, SIZE_64);
    assert_int_equal(vcpu->reg[VCPU_RDI], 0x10000 | (PLACE + 1));
}

/*
 * SDM Vol. 3, "I/O-Bitmap Addresses": A has one bit for each port from 0 to 7FFFH, B from 8000H to
 * FFFFH; here B is the page after A.
 */
static void each_port_has_its_bit(void **state)
{
    static const uint8_t all[2 * MODEL_PAGE];
    uint8_t *bitmap = phys_to_virt(vcpu->vm->io_bitmap), wanted;

    (void)state;
    memset(bitmap, 0, sizeof(all));
    for (unsigned port = 0; port < 0x10000; port++) {
        uint8_t *page = bitmap + (port >= 0x8000 ? MODEL_PAGE : 0);

        vm_port_exits(vcpu->vm, (uint16_t)port, true);
        wanted = (uint8_t)(1u << (port & 7));
        assert_int_equal(page[(port & 0x7fff) >> 3], wanted);
        page[(port & 0x7fff) >> 3] = 0;
        assert_memory_equal(page, all, MODEL_PAGE);
        memset(bitmap, 0xff, 1);
        vm_port_exits(vcpu->vm, (uint16_t)(port & 7), false);
        assert_int_equal(bitmap[0], (uint8_t)~wanted);
        bitmap[0] = 0;
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, in_long_mode)
    const struct CMUnitTest tests[] = {
        TEST(in_reads_ones_of_its_size),
        TEST(ins_fills_memory_and_moves_on),
        TEST(strings_count_with_the_address_size),
        TEST(rep_does_one_element_an_exit),
        TEST(a_repeated_string_is_stepped_element_by_element),
        TEST(strings_in_memory_that_is_not_there_end_the_guest),
        TEST(ins_writes_to_es_and_outs_reads_where_it_is_reported),
        TEST(without_information_strings_have_the_modes_size),
        TEST(each_port_has_its_bit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
