/*
 * Which values control registers may get. The reference is the list of #GP conditions of SDM Vol.
 * 2, "MOV - Move to/from Control Registers", and of SDM Vol. 3, "Initializing IA-32e Mode", one
 * sentence a line, tried with every combination of the bits that they name.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/host/random.h"
#include "vm/registers/registers.h"

enum {
    PE = 0,
    WP = 16,
    CET = 23,
    NW = 29,
    CD = 30,
    PG = 31,
    PSE = 4,
    PAE = 5,
    PGE = 7,
    LA57 = 12,
    PCIDE = 17,
    SMEP = 20,
    LME = 8,
    LMA = 10,
    L = 13
};

static bool bit(uint64_t value, unsigned number)
{
    return value >> number & 1;
}

static uint64_t bit_if(unsigned condition, unsigned number)
{
    return (uint64_t)(condition & 1) << number;
}

/* By the bits of `n`: a state that a processor can be in. */
static bool state_of(unsigned n, struct control_registers *now)
{
    *now = (struct control_registers){
        .cr0 = 0x10 | bit_if(n, PE) | bit_if(n >> 1, PG) | bit_if(n >> 2, CD) | bit_if(n >> 11, WP),
        .cr3 = n >> 3 & 1 ? 0x3001 : 0x3000,
        .cr4 = bit_if(n >> 4, PAE) | bit_if(n >> 5, PCIDE) | bit_if(n >> 6, LA57) |
               bit_if(n >> 7, PGE) | bit_if(n >> 12, CET),
        .efer = bit_if(n >> 8, LME),
        .cs_rights = (uint32_t)(0x9b | bit_if(n >> 9, L)),
        .tr_rights = n >> 10 & 1 ? 0x83 : 0x8b,
    };
    if (bit(now->cr0, PG) && bit(now->efer, LME))
        now->efer |= 1 << LMA;
    return (!bit(now->cr0, PG) || bit(now->cr0, PE)) &&
           (!bit(now->efer, LMA) || bit(now->cr4, PAE)) &&
           (!bit(now->cr4, PCIDE) || bit(now->efer, LMA)) &&
           (!bit(now->cr4, CET) || bit(now->cr0, WP));
}

enum { STATES = 1 << 13 };

static bool cr0_faults(const struct control_registers *now, uint64_t value)
{
    bool turns_paging_on = bit(value, PG) && !bit(now->cr0, PG);
    bool turns_paging_off = !bit(value, PG) && bit(now->cr0, PG);

    return /* "an attempt is made to write a 1 to any reserved bit": 63:32 */
        value >> 32 != 0 ||
        /* "setting the PG flag to 1 when the PE flag is set to 0" */
        (bit(value, PG) && !bit(value, PE)) ||
        /* "setting the CD flag to 0 when the NW flag is set to 1" */
        (!bit(value, CD) && bit(value, NW)) ||
        /* "setting CR0.PG while CR4.PAE = 0 and IA32_EFER.LME = 1" */
        (turns_paging_on && bit(now->efer, LME) && !bit(now->cr4, PAE)) ||
        /* "the current CS has the L-bit set on an attempt to activate IA-32e mode" */
        (turns_paging_on && bit(now->efer, LME) && bit(now->cs_rights, L)) ||
        /* "the TR contains a 16-bit TSS": available or busy */
        (turns_paging_on && bit(now->efer, LME) &&
         ((now->tr_rights & 15) == 1 || (now->tr_rights & 15) == 3)) ||
        /* 64-bit mode: "an attempt is made to clear CR0.PG" */
        (turns_paging_off && bit(now->efer, LMA) && bit(now->cs_rights, L)) ||
        /* "clearing CR0.PG while CR4.PCIDE = 1" */
        (turns_paging_off && bit(now->cr4, PCIDE)) ||
        /* "an attempt is made to clear CR0.WP[bit 16] while CR4.CET = 1" */
        (!bit(value, WP) && bit(now->cr4, CET));
}

static void cr0_faults_where_the_manual_says_so(void **state)
{
    struct control_registers now;

    (void)state;
    for (unsigned n = 0; n < STATES; n++) {
        if (!state_of(n, &now))
            continue;
        for (unsigned v = 0; v < 64; v++) {
            uint64_t value = 0x10 | bit_if(v, PE) | bit_if(v >> 1, PG) | bit_if(v >> 2, CD) |
                             bit_if(v >> 3, NW) | bit_if(v >> 4, 32) | bit_if(v >> 5, WP);

            assert_int_equal(cr0_may_become(&now, value), !cr0_faults(&now, value));
        }
    }
}

static bool cr4_faults(const struct control_registers *now, uint64_t value, uint64_t supported)
{
    return /* "an attempt is made to write a 1 to any reserved bit in CR4" */
        (value & ~supported) != 0 ||
        /* "an attempt is made to leave IA-32e mode by clearing CR4.PAE" */
        (bit(now->efer, LMA) && !bit(value, PAE)) ||
        /* "an attempt is made to change CR4.PCIDE from 0 to 1 while CR3[11:0] is not 000H" */
        (bit(value, PCIDE) && !bit(now->cr4, PCIDE) && (now->cr3 & 0xfff) != 0) ||
        /* "in IA-32e mode only" can it be 1 at all */
        (bit(value, PCIDE) && !bit(now->efer, LMA)) ||
        /* "an attempt is made to change CR4.LA57 while in IA-32e mode" */
        (bit(now->efer, LMA) && bit(value, LA57) != bit(now->cr4, LA57)) ||
        /* "an attempt is made to set CR4.CET while CR0.WP is 0" */
        (bit(value, CET) && !bit(now->cr0, WP));
}

static void cr4_faults_where_the_manual_says_so(void **state)
{
    const uint64_t supported = 1 << PAE | 1 << PGE | 1 << PCIDE | 1 << LA57 | 1 << CET;
    struct control_registers now;

    (void)state;
    for (unsigned n = 0; n < STATES; n++) {
        if (!state_of(n, &now))
            continue;
        for (unsigned v = 0; v < 64; v++) {
            uint64_t value = bit_if(v, PAE) | bit_if(v >> 1, PGE) | bit_if(v >> 2, PCIDE) |
                             bit_if(v >> 3, LA57) | bit_if(v >> 4, SMEP) | bit_if(v >> 5, CET);

            assert_int_equal(cr4_may_become(&now, value, supported),
                             !cr4_faults(&now, value, supported));
        }
    }
}

/* "Bits 63:MAXPHYADDR are reserved"; bit 63 is not with CR4.PCIDE = 1. */
static void cr3_faults_at_reserved_bits(void **state)
{
    struct control_registers now = {.cr4 = 1 << PAE};

    (void)state;
    for (unsigned width = 36; width <= 52; width++) {
        for (unsigned number = 0; number < 64; number++) {
            now.cr4 = 1 << PAE;
            assert_int_equal(cr3_may_become(&now, 1ull << number, width), number < width);
            now.cr4 |= 1 << PCIDE;
            assert_int_equal(cr3_may_become(&now, 1ull << number, width),
                             number < width || number == 63);
        }
    }
}

/* "PAE Paging": CR0.PG = 1, CR4.PAE = 1 and IA32_EFER.LMA = 0. A write to CR0 or CR4 that leads
 * there loads the PDPTEs if it changes CD, NW, PG; PAE, PGE, PSE, SMEP. */
static void pdptes_are_loaded_where_the_manual_says_so(void **state)
{
    static const unsigned cr0_bits[] = {CD, NW, PG}, cr4_bits[] = {PAE, PGE, PSE, SMEP};
    struct control_registers before, after;
    uint64_t seed = 3;

    (void)state;
    for (unsigned round = 0; round < 100000; round++) {
        bool pae, changed = false;

        before = (struct control_registers){.cr0 = random_next(&seed), .cr4 = random_next(&seed)};
        after = before;
        after.cr0 ^= 1ull << random_below(&seed, 32);
        after.cr4 ^= random_below(&seed, 2) << random_below(&seed, 32);
        after.efer = random_below(&seed, 2) << LMA;
        for (unsigned i = 0; i < 3; i++)
            changed |= bit(before.cr0 ^ after.cr0, cr0_bits[i]);
        for (unsigned i = 0; i < 4; i++)
            changed |= bit(before.cr4 ^ after.cr4, cr4_bits[i]);
        pae = bit(after.cr0, PG) && bit(after.cr4, PAE) && !bit(after.efer, LMA);
        assert_int_equal(control_registers_pae(&after), pae);
        assert_int_equal(control_registers_load_pdptes(&before, &after), pae && changed);
    }
}

/* Table "Format of a PAE Page-Directory-Pointer-Table Entry": 2:1, 8:5 and 63:MAXPHYADDR. */
static void a_present_pdpte_keeps_reserved_bits_0(void **state)
{
    (void)state;
    for (unsigned number = 1; number < 64; number++) {
        bool reserved = number <= 2 || (number >= 5 && number <= 8) || number >= 40;

        assert_int_equal(pdpte_is_valid(1ull << number | 1, 40), !reserved);
        assert_true(pdpte_is_valid(1ull << number, 40));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cr0_faults_where_the_manual_says_so),
        cmocka_unit_test(cr4_faults_where_the_manual_says_so),
        cmocka_unit_test(cr3_faults_at_reserved_bits),
        cmocka_unit_test(pdptes_are_loaded_where_the_manual_says_so),
        cmocka_unit_test(a_present_pdpte_keeps_reserved_bits_0),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
