/*
 * Memory operands of instructions that exit, on the model CPU, and the exits of LGDT and its kin,
 * of INVLPG and INVPCID. Expectations are those of their pages in SDM Vol. 2; operands are reported
 * as in Vol. 3, "Information for VM Exits Due to Instruction Execution".
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "vm/registers/registers.h"
#include "tests/host/operand_exits.h"

/* Addressing: seen through LGDT, which says what it has read. */

enum access { SGDT, SIDT, LGDT, LIDT };
#define TABLE(access) ((uint32_t)(access) << 28 | OPERAND_SIZE_32)

static void put_table(uint64_t address, uint16_t limit, uint64_t base)
{
    uint8_t *memory = guest_machine_memory(address);

    memcpy(memory, &limit, 2);
    memcpy(memory + 2, &base, 8);
}

static void assert_reads_at(uint64_t address, uint64_t displacement, uint32_t information)
{
    put_table(address, 0x1234, 0x56789a);
    FIELD(GUEST_GDTR_LIMIT) = FIELD(GUEST_GDTR_BASE) = 0;
    assert_done(EXIT_REASON_GDTR_IDTR_ACCESS, displacement, information | TABLE(LGDT));
    assert_int_equal(FIELD(GUEST_GDTR_LIMIT), 0x1234);
    assert_int_equal(FIELD(GUEST_GDTR_BASE), 0x56789a);
    memset(guest_machine_memory(address), 0, 10);
}

static void every_form_of_addressing_finds_its_operand(void **state)
{
    (void)state;
    assert_reads_at(PLACE, PLACE, PLAIN);
    for (unsigned reg = 0; reg < VCPU_REGISTERS; reg++) {
        vcpu_register_set(vcpu, reg, 0x40);
        assert_reads_at(PLACE, PLACE - 0x40, (PLAIN & ~(uint32_t)NO_BASE) | reg << 23);
        if (reg == VCPU_RSP)
            continue;
        for (unsigned scale = 0; scale < 4; scale++)
            assert_reads_at(PLACE, PLACE - (0x40ull << scale),
                            (PLAIN & ~(uint32_t)NO_INDEX) | reg << 18 | scale);
    }
    vcpu->reg[VCPU_RBX] = PLACE + 0x300;
    vcpu->reg[VCPU_R15] = (uint64_t)-0x40; /* times 8 */
    assert_reads_at(PLACE, (uint64_t)-0x100,
                    SIZE_64 | DS | VCPU_RBX << 23 | (uint32_t)VCPU_R15 << 18 | 3);
}

/* "RIP + displacement" is in the exit qualification whole; other sizes leave its upper bits. */
static void addresses_wrap_at_the_address_size(void **state)
{
    (void)state;
    vcpu->reg[VCPU_RBX] = 0xffffffff00000000 | PLACE;
    assert_reads_at(PLACE, 0, SIZE_32 | DS | NO_INDEX | VCPU_RBX << 23);
    assert_reads_at(PLACE, 0xffffffff00000000, SIZE_32 | DS | NO_INDEX | VCPU_RBX << 23);
    in_protected_mode();
    vcpu->reg[VCPU_RBX] = 0xabcdef018000;
    assert_reads_at(PLACE, 0xffff0000 + PLACE - 0x8000, SIZE_16 | DS | NO_INDEX | VCPU_RBX << 23);
}

static void segments_have_bases_outside_64_bit_mode_and_fs_and_gs_always(void **state)
{
    (void)state;
    for (unsigned segment = 0; segment <= 5; segment++)
        *model_field(VMCS_GUEST_ES_BASE + 2 * segment) = 0x100;
    for (unsigned segment = 0; segment <= 5; segment++)
        assert_reads_at(segment < 4 ? PLACE : PLACE + 0x100, PLACE,
                        (PLAIN & ~(7u << 15)) | segment << 15);
    in_protected_mode();
    for (unsigned segment = 0; segment <= 5; segment++) {
        *model_field(VMCS_GUEST_ES_BASE + 2 * segment) = 0x100 * segment;
        assert_reads_at(PLACE + 0x100 * segment, PLACE,
                        SIZE_32 | NO_INDEX | NO_BASE | segment << 15);
    }
}

static void operands_that_cannot_be_reached_fault(void **state)
{
    const uint32_t reason = EXIT_REASON_GDTR_IDTR_ACCESS;

    (void)state;
    assert_faults(reason, 1ull << 47, PLAIN | TABLE(LGDT), X86_VECTOR_GP, 0);
    assert_faults(reason, 0x7ffffffffff8, PLAIN | TABLE(SGDT), X86_VECTOR_GP, 0);
    assert_faults(reason, 1ull << 47, (PLAIN ^ (DS ^ 2 << 15)) | TABLE(LGDT), X86_VECTOR_SS, 0);
    in_protected_mode();
    FIELD(GUEST_DS_LIMIT) = PLACE + 4;
    FIELD(GUEST_DS_ACCESS_RIGHTS) = 0x4093;
    assert_faults(reason, PLACE, SIZE_32 | DS | NO_INDEX | NO_BASE | TABLE(LGDT), X86_VECTOR_GP, 0);
    FIELD(GUEST_DS_LIMIT) = PLACE + 5;
    assert_reads_at(PLACE, PLACE, SIZE_32 | DS | NO_INDEX | NO_BASE);
    FIELD(GUEST_DS_ACCESS_RIGHTS) = 0x4091; /* read-only */
    assert_reads_at(PLACE, PLACE, SIZE_32 | DS | NO_INDEX | NO_BASE);
    assert_faults(reason, PLACE, SIZE_32 | DS | NO_INDEX | NO_BASE | TABLE(SGDT), X86_VECTOR_GP, 0);
}

/* Each byte counts: it ends at the first that the guest does not have. No sum of address and length
 * wraps, and what the guest's paging does not map is a page fault. */
static void operands_outside_of_memory_end_the_guest(void **state)
{
    const uint32_t reason = EXIT_REASON_GDTR_IDTR_ACCESS;

    (void)state;
    assert_reads_at(GUEST_MEMORY_BYTES - 10, GUEST_MEMORY_BYTES - 10, PLAIN);
    for (uint64_t at = GUEST_MEMORY_BYTES - 9; at < GUEST_MEMORY_BYTES + 2; at++) {
        uint64_t first = at < GUEST_MEMORY_BYTES ? GUEST_MEMORY_BYTES : at;

        assert_ends(reason, at, PLAIN | TABLE(LGDT), first);
        assert_ends(reason, at, PLAIN | TABLE(SGDT), first);
    }
    assert_faults(reason, 0xffffffffffffffff - 9, PLAIN | TABLE(LGDT), X86_VECTOR_PF, 0);
    assert_int_equal(model_cpu.cr2, 0xffffffffffffffff - 9);
}

/* What EPT does not let the guest write, the hypervisor does not write for it. */
static void memory_that_ept_protects_stays_as_it_is(void **state)
{
    (void)state;
    put_table(PLACE, 0x77, 0x7777);
    assert_int_equal(ept_protect(&vcpu->vm->ept, 0x7000, 0x1000, EPT_READ), MAP_OK);
    assert_reads_at(PLACE, PLACE, PLAIN);
    put_table(PLACE, 0x77, 0x7777);
    assert_ends(EXIT_REASON_GDTR_IDTR_ACCESS, PLACE, PLAIN | TABLE(SGDT), PLACE);
    assert_ends(EXIT_REASON_GDTR_IDTR_ACCESS, 0x6ffe, PLAIN | TABLE(SGDT), 0x7000);
    assert_int_equal(*(uint16_t *)guest_machine_memory(PLACE), 0x77);
    FIELD(GUEST_LINEAR_ADDRESS) = PLACE;
    vcpu->reg[VCPU_RDI] = PLACE;
    assert_ends(EXIT_REASON_IO_INSTRUCTION, 1 << 4 | 1 << 3 | 3, SIZE_64, PLACE);
    assert_int_equal(*(uint16_t *)guest_machine_memory(PLACE), 0x77);
}

/* GDTR and IDTR */

static void tables_are_stored_with_bases_of_the_modes_width(void **state)
{
    uint8_t *memory;

    (void)state;
    FIELD(GUEST_GDTR_LIMIT) = 0x7f;
    FIELD(GUEST_GDTR_BASE) = 0xffff800012345678;
    FIELD(GUEST_IDTR_LIMIT) = 0xfff;
    FIELD(GUEST_IDTR_BASE) = 0x9abcdef0;
    assert_done(EXIT_REASON_GDTR_IDTR_ACCESS, PLACE, PLAIN | TABLE(SGDT));
    memory = guest_machine_memory(PLACE);
    assert_memory_equal(memory, "\x7f\x00\x78\x56\x34\x12\x00\x80\xff\xff\x00", 11);
    in_protected_mode();
    FIELD(GUEST_IDTR_LIMIT) = 0xfff;
    FIELD(GUEST_IDTR_BASE) = 0x9abcdef0;
    for (uint32_t size = 0; size < 2; size++) { /* "full 32-bit base", whatever the operand size */
        memory = guest_machine_memory(PLACE);
        memset(memory, 0, 16);
        assert_done(EXIT_REASON_GDTR_IDTR_ACCESS, PLACE,
                    SIZE_32 | DS | NO_INDEX | NO_BASE | SIDT << 28 | size << 11);
        assert_memory_equal(memory, "\xff\x0f\xf0\xde\xbc\x9a\x00\x00", 8);
    }
}

/* "If the operand-size attribute is 16 bits, the high-order byte of the base is not used". */
static void of_16_bit_operands_the_base_has_24_bits(void **state)
{
    const uint32_t plain = SIZE_32 | DS | NO_INDEX | NO_BASE;

    (void)state;
    in_protected_mode();
    put_table(PLACE, 0xff, 0xffffffff);
    assert_done(EXIT_REASON_GDTR_IDTR_ACCESS, PLACE, plain | LIDT << 28);
    assert_int_equal(FIELD(GUEST_IDTR_BASE), 0xffffff);
    put_table(PLACE, 0xff, 0x12345678);
    assert_done(EXIT_REASON_GDTR_IDTR_ACCESS, PLACE, plain | LIDT << 28);
    assert_int_equal(FIELD(GUEST_IDTR_BASE), 0x345678);
    assert_memory_equal(guest_machine_memory(PLACE), "\xff\x00\x78\x56\x34\x12", 6);
    assert_done(EXIT_REASON_GDTR_IDTR_ACCESS, PLACE, plain | TABLE(LIDT));
    assert_int_equal(FIELD(GUEST_IDTR_BASE), 0x12345678);
    assert_int_equal(FIELD(GUEST_IDTR_LIMIT), 0xff);
}

/* 64-bit mode: the size bit is undefined, and the base must be canonical. */
static void in_64_bit_mode_the_base_must_be_canonical(void **state)
{
    (void)state;
    put_table(PLACE, 0xff, 0xffff800000000000);
    assert_done(EXIT_REASON_GDTR_IDTR_ACCESS, PLACE, PLAIN | LGDT << 28);
    assert_int_equal(FIELD(GUEST_GDTR_BASE), 0xffff800000000000);
    put_table(PLACE, 0xff, 0x800000000000);
    assert_faults(EXIT_REASON_GDTR_IDTR_ACCESS, PLACE, PLAIN | LGDT << 28, X86_VECTOR_GP, 0);
    assert_faults(EXIT_REASON_GDTR_IDTR_ACCESS, PLACE, PLAIN | (uint32_t)LIDT << 28, X86_VECTOR_GP,
                  0);
    assert_int_equal(FIELD(GUEST_GDTR_BASE), 0xffff800000000000);
}

/* INVLPG, INVPCID */

static enum exit_done invpcid(uint64_t type, uint64_t low, uint64_t high)
{
    uint64_t *descriptor = guest_machine_memory(PLACE);

    descriptor[0] = low;
    descriptor[1] = high;
    vcpu->reg[VCPU_R15] = type;
    model_cpu.executed[MODEL_INVVPID] = 0;
    return serve(EXIT_REASON_INVPCID, PLACE, PLAIN | (uint32_t)VCPU_R15 << 28);
}

static void invalidation_forgets_all_translations(void **state)
{
    (void)state;
    model_cpu.executed[MODEL_INVVPID] = 0;
    assert_done(EXIT_REASON_INVLPG, 0x123456, 0);
    assert_int_equal(model_cpu.executed[MODEL_INVVPID], 1);
    for (uint64_t type = 0; type < 4; type++) {
        assert_int_equal(invpcid(type, 0, 0xffff800000000000), EXIT_EMULATED);
        assert_int_equal(model_cpu.executed[MODEL_INVVPID], 1);
    }
}

/* "If an invalid type is specified; if bits 63:12 of the descriptor are not all zero; if the type
 * is 0 or 1, and CR4.PCIDE = 0 and a PCID is given; if the type is 0 and the address not
 * canonical." */
static void invpcid_faults_where_the_manual_says_so(void **state)
{
    const uint64_t wrong = 0x800000000000;

    (void)state;
    for (int pcide = 0; pcide < 2; pcide++) {
        FIELD(GUEST_CR4) = (FIELD(GUEST_CR4) & ~CR4_PCIDE) | (pcide ? CR4_PCIDE : 0);
        for (uint64_t type = 0; type < 6; type++) {
            enum exit_done bad = EXIT_INJECTED, good = type < 4 ? EXIT_EMULATED : bad;

            assert_int_equal(invpcid(type, 0, 0), good);
            assert_int_equal(invpcid(type, 1 << 12, 0), bad);
            assert_int_equal(invpcid(type, 1ull << 63, 0), bad);
            assert_int_equal(invpcid(type, 5, 0), type < 2 && !pcide ? bad : good);
            assert_int_equal(invpcid(type, 0, wrong), type == 0 ? bad : good);
        }
    }
    assert_int_equal(invpcid(1ull << 32, 0, 0), EXIT_INJECTED);
    assert_ends(EXIT_REASON_INVPCID, GUEST_MEMORY_BYTES - 15, PLAIN | VCPU_RAX << 28,
                GUEST_MEMORY_BYTES);
    in_protected_mode(); /* there, the type has 32 bits */
    vcpu->reg[VCPU_RAX] = 1ull << 32 | 2;
    assert_done(EXIT_REASON_INVPCID, PLACE,
                SIZE_32 | DS | NO_INDEX | NO_BASE | (uint32_t)VCPU_RAX << 28);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, in_long_mode)
    const struct CMUnitTest tests[] = {
        TEST(every_form_of_addressing_finds_its_operand),
        TEST(addresses_wrap_at_the_address_size),
        TEST(segments_have_bases_outside_64_bit_mode_and_fs_and_gs_always),
        TEST(operands_that_cannot_be_reached_fault),
        TEST(operands_outside_of_memory_end_the_guest),
        TEST(memory_that_ept_protects_stays_as_it_is),
        TEST(tables_are_stored_with_bases_of_the_modes_width),
        TEST(of_16_bit_operands_the_base_has_24_bits),
        TEST(in_64_bit_mode_the_base_must_be_canonical),
        TEST(invalidation_forgets_all_translations),
        TEST(invpcid_faults_where_the_manual_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
