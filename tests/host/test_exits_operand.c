/*
 * Exits of instructions with memory operands, on the model CPU: LGDT and its kin, LLDT and its kin,
 * IN and OUT, INS and OUTS, INVLPG and INVPCID. Expectations are those of their pages in SDM
 * Vol. 2; operands are told as in Vol. 3, "Information for VM Exits Due to Instruction Execution".
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "mm/direct_map.h"
#include "tests/host/guest_machine.h"
#include "vm/guest_state.h"

enum { PLACE = 0x7100, LENGTH = 4 };

/* Bits of the instruction information. */
enum {
    SIZE_16 = 0 << 7,
    SIZE_32 = 1 << 7,
    SIZE_64 = 2 << 7,
    IN_REGISTER = 1 << 10,
    OPERAND_SIZE_32 = 1 << 11,
    DS = 3 << 15,
    NO_INDEX = 1 << 22,
    NO_BASE = 1 << 27,
    PLAIN = SIZE_64 | DS | NO_INDEX | NO_BASE,
};

static struct vcpu *vcpu;

static int in_long_mode(void **state)
{
    (void)state;
    vcpu = guest_machine_in(GUEST_LONG);
    return 0;
}

static void in_protected_mode(void)
{
    vcpu = guest_machine_in(GUEST_PROTECTED);
}

static enum exit_done serve(uint32_t reason, uint64_t qualification, uint32_t information)
{
    FIELD(GUEST_RIP) = GUEST_CODE;
    FIELD(VM_EXIT_INSTRUCTION_INFORMATION) = information;
    return guest_machine_serve(reason, qualification, LENGTH);
}

static void assert_done(uint32_t reason, uint64_t qualification, uint32_t information)
{
    assert_int_equal(serve(reason, qualification, information), EXIT_EMULATED);
    assert_int_equal(FIELD(GUEST_RIP), GUEST_CODE + LENGTH);
}

static void assert_faults(uint32_t reason, uint64_t qualification, uint32_t information,
                          uint8_t vector, uint32_t error)
{
    assert_int_equal(serve(reason, qualification, information), EXIT_INJECTED);
    assert_true(guest_machine_injects_error(vector, error));
    assert_int_equal(FIELD(GUEST_RIP), GUEST_CODE);
}

static void assert_ends(uint32_t reason, uint64_t qualification, uint32_t information, uint64_t at)
{
    assert_int_equal(serve(reason, qualification, information), EXIT_ENDED);
    assert_int_equal(vcpu->end, GUEST_END_MEMORY);
    assert_int_equal(vcpu->end_number, reason);
    assert_int_equal(vcpu->end_value, at);
}

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

/* The last byte counts; and no sum of address and length wraps. */
static void operands_outside_of_memory_end_the_guest(void **state)
{
    const uint32_t reason = EXIT_REASON_GDTR_IDTR_ACCESS;

    (void)state;
    assert_reads_at(GUEST_MEMORY_BYTES - 10, GUEST_MEMORY_BYTES - 10, PLAIN);
    for (uint64_t at = GUEST_MEMORY_BYTES - 9; at < GUEST_MEMORY_BYTES + 2; at++) {
        assert_ends(reason, at, PLAIN | TABLE(LGDT), at);
        assert_ends(reason, at, PLAIN | TABLE(SGDT), at);
    }
    assert_ends(reason, 0xffffffffffffffff - 9, PLAIN | TABLE(LGDT), 0xffffffffffffffff - 9);
}

/* What EPT does not let the guest write, the hypervisor does not write for it. */
static void memory_that_ept_protects_stays_as_it_is(void **state)
{
    (void)state;
    put_table(PLACE, 0x77, 0x7777);
    assert_int_equal(ept_protect(&vcpu->ept, 0x7000, 0x1000, EPT_READ), EPT_OK);
    assert_reads_at(PLACE, PLACE, PLAIN);
    put_table(PLACE, 0x77, 0x7777);
    assert_ends(EXIT_REASON_GDTR_IDTR_ACCESS, PLACE, PLAIN | TABLE(SGDT), PLACE);
    assert_ends(EXIT_REASON_GDTR_IDTR_ACCESS, 0x6ffe, PLAIN | TABLE(SGDT), 0x6ffe);
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

/* LDTR and TR */

enum selector_access { SLDT, STR, LLDT, LTR };
#define SELECTOR(access) ((uint32_t)(access) << 28)
#define FROM(reg)        (IN_REGISTER | (reg) << 3)

enum { INDEX = 0x40, LDT = 0x82, TSS = 0x89, TSS_BUSY = 0x8b, TSS_16 = 0x81 };

/* A descriptor of `bytes` in the guest's GDT: base 0x12345000, limit 0x67. */
static void put_descriptor(uint16_t selector, uint64_t type, uint64_t high)
{
    uint64_t *gdt = guest_machine_memory(GUEST_GDT);

    gdt[selector / 8] = 0x1200003450000067 | type << 40;
    gdt[selector / 8 + 1] = high;
}

static enum exit_done load(enum selector_access access, uint16_t selector)
{
    vcpu->reg[VCPU_RBX] = 0xffffffffffff0000 | selector;
    return serve(EXIT_REASON_LDTR_TR_ACCESS, 0, FROM(VCPU_RBX) | SELECTOR(access));
}

static void assert_load_faults(enum selector_access access, uint16_t selector, uint8_t vector)
{
    assert_int_equal(load(access, selector), EXIT_INJECTED);
    assert_true(guest_machine_injects_error(vector, selector & 0xfffc));
    assert_int_equal(FIELD(GUEST_RIP), GUEST_CODE);
}

static void a_task_register_is_loaded_and_its_tss_becomes_busy(void **state)
{
    (void)state;
    put_descriptor(INDEX, TSS, 0xffff8000);
    assert_int_equal(load(LTR, INDEX | 3), EXIT_EMULATED);
    assert_int_equal(FIELD(GUEST_TR_SELECTOR), INDEX | 3);
    assert_int_equal(FIELD(GUEST_TR_BASE), 0xffff800012345000);
    assert_int_equal(FIELD(GUEST_TR_LIMIT), 0x67);
    assert_int_equal(FIELD(GUEST_TR_ACCESS_RIGHTS), TSS_BUSY);
    assert_int_equal(((uint8_t *)guest_machine_memory(GUEST_GDT + INDEX))[5], TSS_BUSY);
    assert_load_faults(LTR, INDEX, X86_VECTOR_GP); /* busy now */
}

static void a_task_register_is_not_loaded_with_anything_else(void **state)
{
    (void)state;
    assert_load_faults(LTR, 0, X86_VECTOR_GP);
    assert_load_faults(LTR, 3, X86_VECTOR_GP);
    put_descriptor(INDEX, TSS, 0);
    assert_load_faults(LTR, INDEX | 4, X86_VECTOR_GP); /* in the LDT */
    put_descriptor(INDEX, TSS & ~0x80, 0);
    assert_load_faults(LTR, INDEX, X86_VECTOR_NP);
    for (uint64_t type = 0; type < 32; type++) {
        put_descriptor(INDEX, 0x80 | type, 0);
        if (type != 9)
            assert_load_faults(LTR, INDEX, X86_VECTOR_GP);
    }
    put_descriptor(INDEX, TSS, 0x8000); /* a base that is not canonical */
    assert_load_faults(LTR, INDEX, X86_VECTOR_GP);
    put_descriptor(INDEX, TSS, 1ull << 40); /* "the upper type field is not 0" */
    assert_load_faults(LTR, INDEX, X86_VECTOR_GP);
    put_descriptor(INDEX, TSS, 0);
    FIELD(GUEST_GDTR_LIMIT) = INDEX + 14;
    assert_load_faults(LTR, INDEX, X86_VECTOR_GP);
    FIELD(GUEST_GDTR_LIMIT) = INDEX + 15;
    assert_int_equal(load(LTR, INDEX), EXIT_EMULATED);
}

/* Outside IA-32e mode descriptors have 8 bytes, and a TSS may be of 16 bits. */
static void in_protected_mode_a_tss_may_have_16_bits(void **state)
{
    (void)state;
    in_protected_mode();
    put_descriptor(INDEX, TSS_16, UINT64_MAX);
    FIELD(GUEST_GDTR_LIMIT) = INDEX + 7;
    assert_int_equal(load(LTR, INDEX), EXIT_EMULATED);
    assert_int_equal(FIELD(GUEST_TR_ACCESS_RIGHTS), 0x83);
    assert_int_equal(FIELD(GUEST_TR_BASE), 0x12345000);
    assert_load_faults(LTR, INDEX, X86_VECTOR_GP);
    FIELD(GUEST_GDTR_LIMIT) = INDEX + 6;
    put_descriptor(INDEX, TSS, 0);
    assert_load_faults(LTR, INDEX, X86_VECTOR_GP);
}

static void an_ldt_is_loaded_or_none(void **state)
{
    (void)state;
    put_descriptor(INDEX, LDT, 0);
    assert_int_equal(load(LLDT, INDEX), EXIT_EMULATED);
    assert_int_equal(FIELD(GUEST_LDTR_SELECTOR), INDEX);
    assert_int_equal(FIELD(GUEST_LDTR_BASE), 0x12345000);
    assert_int_equal(FIELD(GUEST_LDTR_ACCESS_RIGHTS), LDT);
    assert_load_faults(LLDT, INDEX | 4, X86_VECTOR_GP);
    put_descriptor(INDEX, TSS, 0);
    assert_load_faults(LLDT, INDEX, X86_VECTOR_GP);
    put_descriptor(INDEX, LDT & ~0x80, 0);
    assert_load_faults(LLDT, INDEX, X86_VECTOR_NP);
    put_descriptor(INDEX, LDT, 0x8000);
    assert_load_faults(LLDT, INDEX, X86_VECTOR_GP);
    assert_int_equal(FIELD(GUEST_LDTR_SELECTOR), INDEX);
    assert_int_equal(load(LLDT, 2), EXIT_EMULATED); /* a null selector */
    assert_int_equal(FIELD(GUEST_LDTR_SELECTOR), 2);
    assert_int_equal(FIELD(GUEST_LDTR_ACCESS_RIGHTS), 0x10000);
}

/* A GDT in memory that is not there: what the processor would meet is an EPT violation. */
static void a_gdt_outside_of_memory_ends_the_guest(void **state)
{
    (void)state;
    FIELD(GUEST_GDTR_BASE) = GUEST_MEMORY_BYTES - 8;
    FIELD(GUEST_GDTR_LIMIT) = 0xffff;
    assert_int_equal(load(LTR, 8), EXIT_ENDED);
    assert_int_equal(vcpu->end, GUEST_END_MEMORY);
    FIELD(GUEST_GDTR_BASE) = 0xfffffffffffffff8;
    assert_int_equal(load(LLDT, 8), EXIT_INJECTED);
    assert_true(guest_machine_injects_error(X86_VECTOR_GP, 8)); /* it wraps to 0: no LDT there */
}

static void selectors_are_stored_and_read_from_memory(void **state)
{
    (void)state;
    FIELD(GUEST_TR_SELECTOR) = 0x1230;
    FIELD(GUEST_LDTR_SELECTOR) = 0x5678;
    vcpu->reg[VCPU_R8] = UINT64_MAX;
    assert_done(EXIT_REASON_LDTR_TR_ACCESS, 0, FROM(VCPU_R8) | SELECTOR(STR));
    assert_int_equal(vcpu->reg[VCPU_R8], 0x1230);
    memset(guest_machine_memory(PLACE), 0xff, 4);
    assert_done(EXIT_REASON_LDTR_TR_ACCESS, PLACE, PLAIN | SELECTOR(SLDT));
    assert_memory_equal(guest_machine_memory(PLACE), "\x78\x56\xff\xff", 4);
    memcpy(guest_machine_memory(PLACE), "\x78\x00", 2);
    put_descriptor(0x78, LDT, 0);
    assert_done(EXIT_REASON_LDTR_TR_ACCESS, PLACE, PLAIN | SELECTOR(LLDT));
    assert_int_equal(FIELD(GUEST_LDTR_SELECTOR), 0x78);
    assert_ends(EXIT_REASON_LDTR_TR_ACCESS, GUEST_MEMORY_BYTES - 1, PLAIN | SELECTOR(STR),
                GUEST_MEMORY_BYTES - 1);
    assert_faults(EXIT_REASON_LDTR_TR_ACCESS, 1ull << 63, PLAIN | SELECTOR(STR), X86_VECTOR_GP, 0);
}

/* IN and OUT: nothing is behind any port */

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
        vcpu->reg[VCPU_RDI] = vcpu->reg[VCPU_RSI] = at;
        assert_ends(EXIT_REASON_IO_INSTRUCTION, STRING | IN | 3, SIZE_64, at);
        assert_ends(EXIT_REASON_IO_INSTRUCTION, STRING | 3, SIZE_64 | DS, at);
    }
    vcpu->reg[VCPU_RDI] = 1ull << 47;
    assert_faults(EXIT_REASON_IO_INSTRUCTION, STRING | IN, SIZE_64, X86_VECTOR_GP, 0);
    vcpu->reg[VCPU_RSI] = 1ull << 47;
    assert_faults(EXIT_REASON_IO_INSTRUCTION, STRING, SIZE_64 | 2 << 15, X86_VECTOR_SS, 0);
}

/* INS writes to ES whatever prefix; there the segment in the information is undefined. */
static void ins_writes_to_es_and_outs_reads_where_it_is_told(void **state)
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
                GUEST_MEMORY_BYTES - 15);
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
        TEST(a_task_register_is_loaded_and_its_tss_becomes_busy),
        TEST(a_task_register_is_not_loaded_with_anything_else),
        TEST(in_protected_mode_a_tss_may_have_16_bits),
        TEST(an_ldt_is_loaded_or_none),
        TEST(a_gdt_outside_of_memory_ends_the_guest),
        TEST(selectors_are_stored_and_read_from_memory),
        TEST(in_reads_ones_of_its_size),
        TEST(ins_fills_memory_and_moves_on),
        TEST(strings_count_with_the_address_size),
        TEST(rep_does_one_element_an_exit),
        TEST(a_repeated_string_is_stepped_element_by_element),
        TEST(strings_in_memory_that_is_not_there_end_the_guest),
        TEST(ins_writes_to_es_and_outs_reads_where_it_is_told),
        TEST(without_information_strings_have_the_modes_size),
        TEST(invalidation_forgets_all_translations),
        TEST(invpcid_faults_where_the_manual_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
