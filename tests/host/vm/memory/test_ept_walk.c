/*
 * Which entries of the extended page tables a processor refuses: SDM Vol. 3, "EPT
 * Misconfigurations" and the tables of entry formats in "EPT Translation Mechanism".
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "tests/host/ept_machine.h"

#define RWX  7ull
#define PAGE (1ull << 7)

enum { PT = 1, PD, PDPT, PML4 };

static const struct vmx_capability least;

static void each_reason_by_name(void **state)
{
    static const struct {
        uint64_t entry;
        int level;
        enum ept_misconfiguration with_everything, with_least;
    } rows[] = {
        {0x1000 | RWX, PT, EPT_WELL_CONFIGURED, EPT_WELL_CONFIGURED},
        {0x1000 | 1, PT, EPT_WELL_CONFIGURED, EPT_WELL_CONFIGURED},
        {0x1000 | 2, PT, EPT_WRITE_WITHOUT_READ, EPT_WRITE_WITHOUT_READ},
        {0x1000 | 6, PML4, EPT_WRITE_WITHOUT_READ, EPT_WRITE_WITHOUT_READ},
        {0x1000 | 4, PT, EPT_WELL_CONFIGURED, EPT_EXECUTE_ONLY},
        {0x1000 | 4, PML4, EPT_WELL_CONFIGURED, EPT_EXECUTE_ONLY},
        /* bits 7:3 of a PML4E, 6:3 of an entry that points to a table */
        {0x1000 | PAGE | RWX, PML4, EPT_RESERVED_BIT, EPT_RESERVED_BIT},
        {0x1000 | 1 << 3 | RWX, PML4, EPT_RESERVED_BIT, EPT_RESERVED_BIT},
        {0x1000 | 1 << 6 | RWX, PDPT, EPT_RESERVED_BIT, EPT_RESERVED_BIT},
        {0x1000 | 6 << 3 | RWX, PD, EPT_RESERVED_BIT, EPT_RESERVED_BIT},
        /* large pages that there are not, and address bits below their size */
        {GIB | PAGE | RWX, PDPT, EPT_WELL_CONFIGURED, EPT_RESERVED_BIT},
        {MIB2 | PAGE | RWX, PD, EPT_WELL_CONFIGURED, EPT_RESERVED_BIT},
        {GIB | 1 << 29 | PAGE | RWX, PDPT, EPT_RESERVED_BIT, EPT_RESERVED_BIT},
        {MIB2 | 1 << 12 | PAGE | RWX, PD, EPT_RESERVED_BIT, EPT_RESERVED_BIT},
        {0x1000 | PAGE | RWX, PT, EPT_WELL_CONFIGURED, EPT_WELL_CONFIGURED}, /* ignored in a PTE */
        /* the width: bits 51:40 here */
        {1ull << 39 | RWX, PML4, EPT_WELL_CONFIGURED, EPT_WELL_CONFIGURED},
        {1ull << 40 | RWX, PML4, EPT_BEYOND_WIDTH, EPT_BEYOND_WIDTH},
        {1ull << 51 | RWX, PT, EPT_BEYOND_WIDTH, EPT_BEYOND_WIDTH},
        {1ull << 52 | 1ull << 63 | RWX, PT, EPT_WELL_CONFIGURED, EPT_WELL_CONFIGURED},
        /* memory types */
        {0x1000 | 2 << 3 | RWX, PT, EPT_RESERVED_TYPE, EPT_RESERVED_TYPE},
        {0x1000 | 3 << 3 | RWX, PT, EPT_RESERVED_TYPE, EPT_RESERVED_TYPE},
        {MIB2 | 7 << 3 | PAGE | RWX, PD, EPT_RESERVED_TYPE, EPT_RESERVED_BIT},
        {GIB | 2 << 3 | PAGE | RWX, PDPT, EPT_RESERVED_TYPE, EPT_RESERVED_BIT},
        {0x1000 | 1 << 6 | 6 << 3 | RWX, PT, EPT_WELL_CONFIGURED, EPT_WELL_CONFIGURED},
        /* not present: whatever else it holds */
        {~RWX, PT, EPT_WELL_CONFIGURED, EPT_WELL_CONFIGURED},
        {~RWX, PML4, EPT_WELL_CONFIGURED, EPT_WELL_CONFIGURED},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(ept_entry_misconfigured(rows[i].entry, rows[i].level, &everything, WIDTH),
                         rows[i].with_everything);
        assert_int_equal(ept_entry_misconfigured(rows[i].entry, rows[i].level, &least, WIDTH),
                         rows[i].with_least);
    }
}

static void assert_same_verdict(uint64_t entry, int level, const struct vmx_capability *capability,
                                unsigned width)
{
    bool refused = ept_entry_misconfigured(entry, level, capability, width) != EPT_WELL_CONFIGURED;

    if (refused != processor_refuses(entry, level, capability, width))
        fail_msg("entry %#lx at level %d: refused: %d", entry, level, refused);
}

/* All values of bits 11:0, with no bit of 63:12 and with each of them, at every level. */
static void every_bit_at_every_level(void **state)
{
    (void)state;
    for (unsigned has = 0; has < 8; has++) {
        struct vmx_capability capability = {.ept_2m_pages = has & 1,
                                            .ept_1g_pages = has >> 1 & 1,
                                            .ept_execute_only = has >> 2 & 1};
        unsigned width = has % 2 ? 52 : 36;

        for (int level = PT; level <= PML4; level++)
            for (uint64_t low = 0; low < 4096; low++) {
                assert_same_verdict(low, level, &capability, width);
                for (unsigned bit = 12; bit < 64; bit++)
                    assert_same_verdict(low | 1ull << bit, level, &capability, width);
            }
    }
}

/* Whatever this processor has reserved: three ways, all different, and an entry that was well. */
static void each_processor_refuses_each_way_to_misconfigure(void **state)
{
    const uint64_t well = 0x12345000 | 6 << 3 | RWX;

    (void)state;
    for (unsigned width = 32; width <= 52; width++) {
        for (unsigned execute_only = 0; execute_only < 2; execute_only++) {
            const struct vmx_capability capability = {.ept_execute_only = execute_only != 0};
            uint64_t entry[EPT_WAYS_TO_MISCONFIGURE];

            assert_false(processor_refuses(well, PT, &capability, width));
            for (unsigned way = 0; way < EPT_WAYS_TO_MISCONFIGURE; way++) {
                entry[way] = ept_misconfigure(well, way, &capability, width);
                assert_true(processor_refuses(entry[way], PT, &capability, width));
                for (unsigned other = 0; other < way; other++)
                    assert_int_not_equal(entry[way], entry[other]);
            }
        }
    }
}

/* Each reason says something, and something of its own. */
static void reasons_in_words(void **state)
{
    (void)state;
    for (int i = 0; i < EPT_MISCONFIGURATION_COUNT; i++)
        for (int j = 0; j < i; j++)
            assert_string_not_equal(ept_misconfiguration_text((enum ept_misconfiguration)i),
                                    ept_misconfiguration_text((enum ept_misconfiguration)j));
    assert_non_null(strstr(ept_misconfiguration_text(EPT_WRITE_WITHOUT_READ), "not reads"));
    assert_non_null(strstr(ept_misconfiguration_text(EPT_RESERVED_TYPE), "memory type"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_reason_by_name),
        cmocka_unit_test(every_bit_at_every_level),
        cmocka_unit_test(each_processor_refuses_each_way_to_misconfigure),
        cmocka_unit_test(reasons_in_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
