/*
 * A guest's memory before it runs: page tables, IDT, GDT and code. Expectations are the SDM's, or
 * the contract's in vm/guests/guest.h.
 */
#include "tests/host/plain_guest.h"
#include "vm/guests/guest_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static uint8_t memory[GUEST_MEMORY_BYTES];

static uint64_t word(uint64_t address)
{
    uint64_t value;

    memcpy(&value, memory + address, sizeof(value));
    return value;
}

static void write_image(const struct guest *guest)
{
    memset(memory, 0, sizeof(memory));
    assert_true(guest_image_write(guest, memory));
}

/* SDM, "4-Level Paging": follows the entries as the processor would. */
static uint64_t translate_long(uint64_t linear)
{
    uint64_t pml4e = word(GUEST_PAGE_TABLES + (linear >> 39 & 511) * 8), pdpte, pde;

    assert_int_equal(pml4e & 7, 7);
    pdpte = word((pml4e & ~0xfffull) + (linear >> 30 & 511) * 8);
    assert_int_equal(pdpte & 0x87, 7);
    pde = word((pdpte & ~0xfffull) + (linear >> 21 & 511) * 8);
    assert_int_equal(pde & 0x87, 0x87);
    return (pde & ~0x1fffffull) + (linear & 0x1fffff);
}

static void a_long_mode_guest_has_the_first_gib_as_it_is(void **state)
{
    static const uint64_t addresses[] = {0, GUEST_CODE, 0x1fffff, 0x200000, 0x3fffffff};

    (void)state;
    write_image(&plain);
    for (unsigned i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
        assert_int_equal(translate_long(addresses[i]), addresses[i]);
    assert_int_equal(word(GUEST_PAGE_TABLES + 8), 0);
    assert_int_equal(word(GUEST_PAGE_TABLES + 0x1000 + 8), 0);
    assert_memory_equal(memory + GUEST_CODE, code, sizeof(code));
}

/* SDM, "PAE Paging": PDPTEs have reserved bits 2:1 and 8:5. */
static void a_pae_guest_has_pdptes_without_reserved_bits(void **state)
{
    struct guest guest = plain;
    uint64_t pdpte;

    (void)state;
    guest.mode = GUEST_PAE;
    write_image(&guest);
    pdpte = word(GUEST_PAGE_TABLES);
    assert_int_equal(pdpte & 0x1e7, 1);
    assert_int_equal(word((pdpte & ~0xfffull) + 511 * 8), 511ull << 21 | 0x87);
    assert_int_equal(word(GUEST_PAGE_TABLES + 8), 0);
}

static void a_32_bit_guest_has_4_mib_pages(void **state)
{
    struct guest guest = plain;

    (void)state;
    guest.mode = GUEST_PAGED;
    write_image(&guest);
    for (uint32_t i = 0; i < 256; i++)
        assert_int_equal((uint32_t)word(GUEST_PAGE_TABLES + i * 4), i << 22 | 0x87);
    assert_int_equal((uint32_t)word(GUEST_PAGE_TABLES + 256 * 4), 0);
}

/* SDM, "IDT Descriptors" and "64-Bit Mode IDT"; in real mode an entry is offset and segment. */
static void handlers_stand_where_the_mode_looks_for_them(void **state)
{
    static const struct guest_code with_handler = {code, sizeof(code), 1, {{13, 2}}};
    struct guest guest = plain;
    const uint64_t gate = 0x0000ee0000088002; /* present, DPL 3, interrupt gate, 8:0x8002 */

    (void)state;
    guest.code = &with_handler;
    write_image(&guest);
    assert_int_equal(word(GUEST_IDT + 13 * 16), gate);
    assert_int_equal(word(GUEST_IDT + 13 * 16 + 8), 0);
    guest.mode = GUEST_PROTECTED;
    write_image(&guest);
    assert_int_equal(word(GUEST_IDT + 13 * 8), gate);
    guest.mode = GUEST_REAL;
    write_image(&guest);
    assert_int_equal((uint32_t)word(13 * 4), 0x08000002);
}

/* Instructions stand anywhere; of the address's two halves each has its own place in a gate. */
static void a_handler_may_stand_at_any_address(void **state)
{
    static const uint8_t much[GUEST_CODE_BYTES];
    static const unsigned offsets[] = {1, 3, 0x1235, GUEST_CODE_BYTES - 1};
    static struct guest_code with_handler = {much, sizeof(much), 1, {{255, 0}}};
    struct guest guest = plain;

    (void)state;
    guest.code = &with_handler;
    for (unsigned i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
        with_handler.handlers[0].offset = (uint16_t)offsets[i];
        guest.mode = GUEST_LONG;
        write_image(&guest);
        assert_int_equal(word(GUEST_IDT + 255 * 16), 0x0000ee0000088000 + offsets[i]);
        guest.mode = GUEST_PAGED;
        write_image(&guest);
        assert_int_equal(word(GUEST_IDT + 255 * 8), 0x0000ee0000088000 + offsets[i]);
        guest.mode = GUEST_REAL;
        write_image(&guest);
        assert_int_equal((uint32_t)word(255 * 4), 0x08000000 | offsets[i]);
    }
}

/*
 * SDM, "Segment Descriptors", "Task-State Segment (TSS)", "TSS in 64-bit Mode": present, DPL 0,
 * accessed (busy); base 0; limits of 4 GiB (granularity, bit 55) or 64 KiB; the TSS's own 104 bytes
 * at 1800H, whose stack pointer for ring 0 stands at offset 4, SS0 at 8, the I/O map's base at 102.
 */
static void every_descriptor_is_whole(void **state)
{
    struct guest guest = plain;

    (void)state;
    write_image(&guest);
    assert_int_equal(word(GUEST_GDT), 0);
    assert_int_equal(word(GUEST_GDT + 0x08), 0x00af9b000000ffff);
    assert_int_equal(word(GUEST_GDT + 0x10), 0x00cf93000000ffff);
    assert_int_equal(word(GUEST_GDT + 0x18), 0x00008b0018000067);
    assert_int_equal(word(GUEST_GDT + 0x20), 0); /* the TSS's high half */
    assert_int_equal(word(GUEST_GDT + 0x28), 0x00cf9b000000ffff);
    assert_int_equal(word(GUEST_GDT + 0x30), 0x00009b000000ffff);
    assert_int_equal(word(GUEST_GDT + 0x38), 0x000093000000ffff);
    assert_int_equal(word(GUEST_TSS + 4), GUEST_STACK_TOP);
    assert_int_equal(word(GUEST_TSS + 102) & 0xffff, 104);
    guest.mode = GUEST_PROTECTED;
    write_image(&guest);
    assert_int_equal(word(GUEST_GDT + 0x08), 0x00cf9b000000ffff);
    assert_int_equal(word(GUEST_TSS + 4), GUEST_STACK_TOP | 0x10ull << 32); /* ESP0, SS0 */
    assert_int_equal(word(GUEST_TSS + 102) & 0xffff, 104);
}

/* SDM, "Segment Descriptors": the L bit is bit 53, D is bit 54. */
static void the_code_segment_is_the_modes(void **state)
{
    struct guest guest = plain;

    (void)state;
    write_image(&guest);
    assert_int_equal(word(GUEST_GDT + GUEST_CODE_SELECTOR) >> 53 & 3, 1);
    guest.mode = GUEST_PROTECTED;
    write_image(&guest);
    assert_int_equal(word(GUEST_GDT + GUEST_CODE_SELECTOR) >> 53 & 3, 2);
    assert_int_equal(word(GUEST_GDT + GUEST_CODE16_SELECTOR) >> 53 & 3, 0);
}

static void code_that_is_too_long_is_refused(void **state)
{
    static const uint8_t much[GUEST_CODE_BYTES + 1];
    struct guest_code long_code = {.start = much, .bytes = GUEST_CODE_BYTES};
    struct guest guest = plain;

    (void)state;
    guest.code = &long_code;
    assert_true(guest_image_write(&guest, memory));
    long_code.bytes++;
    assert_false(guest_image_write(&guest, memory));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_long_mode_guest_has_the_first_gib_as_it_is),
        cmocka_unit_test(a_pae_guest_has_pdptes_without_reserved_bits),
        cmocka_unit_test(a_32_bit_guest_has_4_mib_pages),
        cmocka_unit_test(handlers_stand_where_the_mode_looks_for_them),
        cmocka_unit_test(a_handler_may_stand_at_any_address),
        cmocka_unit_test(every_descriptor_is_whole),
        cmocka_unit_test(the_code_segment_is_the_modes),
        cmocka_unit_test(code_that_is_too_long_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
