/*
 * Exits of LLDT, LTR, SLDT and STR, on the model CPU. Expectations are those of their pages in SDM
 * Vol. 2; operands are reported as in Vol. 3, "Information for VM Exits Due to Instruction
 * Execution".
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "tests/host/operand_exits.h"

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
    for (uint16_t null = 0; null < 4; null++)
        assert_load_faults(LTR, null, X86_VECTOR_GP);
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

/* What the processor reads by itself has 64-bit addresses in compatibility mode, too. */
static void in_compatibility_mode_the_gdt_may_lie_high(void **state)
{
    (void)state;
    FIELD(GUEST_CS_ACCESS_RIGHTS) = 0xc09b;
    put_descriptor(INDEX, TSS, 0);
    assert_int_equal(load(LTR, INDEX), EXIT_EMULATED);
    put_descriptor(INDEX, TSS, 0);
    FIELD(GUEST_GDTR_BASE) += 1ull << 32; /* where nothing is mapped */
    assert_int_equal(load(LTR, INDEX), EXIT_INJECTED);
    assert_true(guest_machine_injects_error(X86_VECTOR_PF, 0));
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
    memset(guest_machine_memory(PLACE), 0xff, 4);
    assert_done(EXIT_REASON_LDTR_TR_ACCESS, PLACE, PLAIN | SELECTOR(SLDT));
    assert_memory_equal(guest_machine_memory(PLACE), "\x78\x56\xff\xff", 4);
    memcpy(guest_machine_memory(PLACE), "\x78\x00", 2);
    put_descriptor(0x78, LDT, 0);
    assert_done(EXIT_REASON_LDTR_TR_ACCESS, PLACE, PLAIN | SELECTOR(LLDT));
    assert_int_equal(FIELD(GUEST_LDTR_SELECTOR), 0x78);
    assert_ends(EXIT_REASON_LDTR_TR_ACCESS, GUEST_MEMORY_BYTES - 1, PLAIN | SELECTOR(STR),
                GUEST_MEMORY_BYTES);
    assert_faults(EXIT_REASON_LDTR_TR_ACCESS, 1ull << 63, PLAIN | SELECTOR(STR), X86_VECTOR_GP, 0);
}

/* RAX, all ones before, after SLDT or STR with that code. */
static uint64_t stored_by(const char *code)
{
    memcpy(guest_machine_memory(GUEST_CODE), code, LENGTH);
    vcpu->reg[VCPU_RAX] = UINT64_MAX;
    assert_done(EXIT_REASON_LDTR_TR_ACCESS, 0, FROM(VCPU_RAX) | SELECTOR(STR));
    return vcpu->reg[VCPU_RAX];
}

/*
 * "In 64-bit mode [...] the high-order 16 bits [...] are cleared" of 32 bits, and a write of 32
 * bits clears 63:32 (Vol. 1, "General-Purpose Registers in 64-Bit Mode"); one of 16 changes no
 * others. Which of them it is the exit does not report: a prefix 66H chooses the other one than the
 * code segment's, and REX.W (Vol. 2, "REX Prefixes"), behind it, overrides both. The codes are STR,
 * of four bytes.
 */
static void what_a_register_gets_is_as_wide_as_the_operand(void **state)
{
    const uint64_t whole = 0x1230, kept = 0xffffffffffff1230;

    (void)state;
    FIELD(GUEST_TR_SELECTOR) = 0x1230;
    assert_int_equal(stored_by("\x40\x0f\x00\xc8"), whole);
    assert_int_equal(stored_by("\x48\x0f\x00\xc8"), whole);
    assert_int_equal(stored_by("\x64\x0f\x00\xc8"), whole);
    assert_int_equal(stored_by("\x66\x0f\x00\xc8"), kept);
    FIELD(GUEST_RIP) = GUEST_CODE;
    FIELD(VM_EXIT_INSTRUCTION_INFORMATION) = FROM(VCPU_RAX) | SELECTOR(STR);
    memcpy(guest_machine_memory(GUEST_CODE), "\x66\x48\x0f\x00\xc8", 5);
    assert_int_equal(guest_machine_serve(EXIT_REASON_LDTR_TR_ACCESS, 0, 5), EXIT_EMULATED);
    assert_int_equal(vcpu->reg[VCPU_RAX], whole);
    in_protected_mode(); /* 32-bit code: 48H is no prefix there, and the register of 32 bits */
    FIELD(GUEST_TR_SELECTOR) = 0x1230;
    assert_int_equal((uint32_t)stored_by("\x64\x0f\x00\xc8"), whole);
    assert_int_equal((uint32_t)stored_by("\x66\x0f\x00\xc8"), (uint32_t)kept);
    FIELD(GUEST_CS_ACCESS_RIGHTS) &= ~(uint64_t)RIGHTS_DB; /* 16-bit code */
    assert_int_equal((uint32_t)stored_by("\x64\x0f\x00\xc8"), (uint32_t)kept);
    assert_int_equal((uint32_t)stored_by("\x66\x0f\x00\xc8"), whole);
}

/* Without a prefix nothing is read, so that it may stand where the guest cannot read. */
static void an_instruction_without_a_prefix_is_not_read(void **state)
{
    (void)state;
    FIELD(GUEST_TR_SELECTOR) = 0x1230;
    FIELD(GUEST_CS_BASE) = FIELD(GUEST_RIP) = GUEST_MEMORY_BYTES;
    FIELD(VM_EXIT_INSTRUCTION_INFORMATION) = FROM(VCPU_RBX) | SELECTOR(STR);
    assert_int_equal(guest_machine_serve(EXIT_REASON_LDTR_TR_ACCESS, 0, 3), EXIT_EMULATED);
    assert_int_equal(vcpu->reg[VCPU_RBX], 0x1230);
    assert_int_equal(guest_machine_serve(EXIT_REASON_LDTR_TR_ACCESS, 0, 4), EXIT_ENDED);
    assert_int_equal(vcpu->end, GUEST_END_MEMORY);
}

/* A processor tells 3 to 15 bytes; what is below may be a hypervisor that tells another number. */
static void a_length_that_none_has_brings_no_prefix(void **state)
{
    static const uint32_t lengths[] = {0, 2, 16, 255};

    (void)state;
    FIELD(GUEST_TR_SELECTOR) = 0x1230;
    FIELD(VM_EXIT_INSTRUCTION_INFORMATION) = FROM(VCPU_RBX) | SELECTOR(STR);
    for (unsigned i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        FIELD(GUEST_RIP) = GUEST_CODE;
        memset(guest_machine_memory(GUEST_CODE), 0x66, 256);
        vcpu->reg[VCPU_RBX] = UINT64_MAX;
        assert_int_equal(guest_machine_serve(EXIT_REASON_LDTR_TR_ACCESS, 0, lengths[i]),
                         EXIT_EMULATED);
        assert_int_equal(vcpu->reg[VCPU_RBX], 0x1230);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, in_long_mode)
    const struct CMUnitTest tests[] = {
        TEST(a_task_register_is_loaded_and_its_tss_becomes_busy),
        TEST(a_task_register_is_not_loaded_with_anything_else),
        TEST(in_compatibility_mode_the_gdt_may_lie_high),
        TEST(in_protected_mode_a_tss_may_have_16_bits),
        TEST(an_ldt_is_loaded_or_none),
        TEST(a_gdt_outside_of_memory_ends_the_guest),
        TEST(selectors_are_stored_and_read_from_memory),
        TEST(what_a_register_gets_is_as_wide_as_the_operand),
        TEST(an_instruction_without_a_prefix_is_not_read),
        TEST(a_length_that_none_has_brings_no_prefix),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
