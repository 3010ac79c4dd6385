/*
 * Where INT 15h's handler goes and what it is given to answer: worked out by hand from the
 * functions' description in vm/loader/bios_memory.h. tests/boot/boot_sector.py calls it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vm/loader/bios_memory.h"

#define KIB 0x400ull
#define MIB 0x100000ull

enum { CODE = 148, BASE_MEMORY = 0x413, VECTOR_15 = 0x54 };

static struct memory_map map;
static struct places places;
static uint8_t *memory;
static uint8_t code[CODE];

/* A PC of 64 MiB with 639 KiB of low memory; 2 MiB at 2 MiB are kept. */
static int make(void **state)
{
    (void)state;
    map = (struct memory_map){0};
    memory_map_add(&map, MEMORY_AVAILABLE, 0, 0x9fc00);
    memory_map_add(&map, MEMORY_RESERVED, 0x9fc00, 0x400);
    memory_map_add(&map, MEMORY_AVAILABLE, MIB, 63 * MIB);
    places = (struct places){.map = &map, .kept = {2 * MIB, 4 * MIB}};
    memory = calloc(1, MIB);
    memcpy(memory + BASE_MEMORY, (uint16_t[]){639}, 2);
    memcpy(memory + VECTOR_15, (uint16_t[]){0xf859, 0xf000}, 4);
    memset(code, 0x90, CODE);
    return memory == NULL;
}

static int drop(void **state)
{
    (void)state;
    free(memory);
    return 0;
}

static struct guest_range take(void)
{
    struct guest_range place = bios_memory_place(&map, CODE);

    memory_map_add(&map, MEMORY_TAKEN, place.base, place.end - place.base);
    return place;
}

static struct bios_memory_answers *answers_at(struct guest_range place)
{
    bios_memory_write(&places, place, code, CODE, memory);
    return (struct bios_memory_answers *)(memory + place.base + CODE);
}

static void at_the_end_of_low_memory(void **state)
{
    struct guest_range place = bios_memory_place(&map, CODE);

    (void)state;
    assert_int_equal(place.base, 638 * KIB);
    assert_int_equal(place.end, 639 * KIB);
    memory_map_add(&map, MEMORY_RESERVED, 0x9f801, 1); /* from here on in whole KiB */
    assert_int_equal(bios_memory_place(&map, CODE).base, 637 * KIB);
    assert_int_equal(bios_memory_place(&map, KIB).base, 636 * KIB);
    memory_map_add(&map, MEMORY_AVAILABLE, 0xa0000, 0x10000); /* video memory, whatever is said */
    assert_int_equal(bios_memory_place(&map, CODE).base, 637 * KIB);
}

/* (1024 - 148 - 12) / 20 = 43 ranges fit into 1 KiB, of which 4 are for what comes to the map. */
static void as_large_as_the_map(void **state)
{
    (void)state;
    for (uint64_t i = 0; map.count < 39; i++)
        memory_map_add(&map, i % 2 == 0 ? MEMORY_RESERVED : MEMORY_BAD, 128 * MIB + i * KIB, KIB);
    assert_int_equal(bios_memory_place(&map, CODE).base, 638 * KIB);
    memory_map_add(&map, MEMORY_ACPI_NVS, 256 * MIB, KIB);
    assert_int_equal(bios_memory_place(&map, CODE).base, 637 * KIB);
}

static void there_is_none(void **state)
{
    (void)state;
    memory_map_add(&map, MEMORY_RESERVED, 0x10000, 0x8fc00);
    assert_int_equal(bios_memory_place(&map, CODE).end, 0); /* not below 64 KiB */
}

static void the_bios_is_behind_it(void **state)
{
    struct guest_range place = take();
    const struct bios_memory_answers *answers = answers_at(place);
    uint16_t word[2];

    (void)state;
    assert_int_equal(answers->next_offset, 0xf859);
    assert_int_equal(answers->next_segment, 0xf000);
    memcpy(word, memory + VECTOR_15, 4);
    assert_int_equal(word[0], 0);
    assert_int_equal(word[1], 638 * KIB / 16);
    memcpy(word, memory + BASE_MEMORY, 2);
    assert_int_equal(word[0], 638);
    assert_memory_equal(memory + place.base, code, CODE);
}

/* Firmware may keep some of it without saying so in the map. */
static void low_memory_does_not_grow(void **state)
{
    uint16_t word;

    (void)state;
    memcpy(memory + BASE_MEMORY, (uint16_t[]){600}, 2);
    (void)answers_at(take());
    memcpy(&word, memory + BASE_MEMORY, 2);
    assert_int_equal(word, 600);
}

static void the_ranges(void **state)
{
    static const struct e820_entry rows[] = {
        {0, 638 * KIB, 1},     {638 * KIB, 2 * KIB, 2}, {MIB, MIB, 1},
        {2 * MIB, 2 * MIB, 2}, {4 * MIB, 60 * MIB, 1},
    };
    const struct bios_memory_answers *answers = answers_at(take());

    (void)state;
    assert_int_equal(answers->count, 5);
    assert_memory_equal(answers->range, rows, sizeof(rows));
    assert_int_equal(answers->kib_extended, 1024);
    assert_int_equal(answers->kib_below_16_mib, 1024);
    assert_int_equal(answers->units_above_16_mib, 48 * 16);
}

/* What the older functions have no room for: 63 MiB, 15 MiB, and 16 bits. */
static void their_most(void **state)
{
    const struct bios_memory_answers *answers;

    (void)state;
    memory_map_add(&map, MEMORY_AVAILABLE, 64 * MIB, 6000 * MIB);
    places.kept = (struct guest_range){5000 * MIB, 5002 * MIB};
    answers = answers_at(take());
    assert_int_equal(answers->kib_extended, 63 * 1024);
    assert_int_equal(answers->kib_below_16_mib, 15 * 1024);
    assert_int_equal(answers->units_above_16_mib, 0xffff);
    places.kept = (struct guest_range){16 * MIB, 18 * MIB};
    answers = answers_at(take());
    assert_int_equal(answers->kib_extended, 15 * 1024);
    assert_int_equal(answers->units_above_16_mib, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(at_the_end_of_low_memory, make, drop),
        cmocka_unit_test_setup_teardown(as_large_as_the_map, make, drop),
        cmocka_unit_test_setup_teardown(there_is_none, make, drop),
        cmocka_unit_test_setup_teardown(the_bios_is_behind_it, make, drop),
        cmocka_unit_test_setup_teardown(low_memory_does_not_grow, make, drop),
        cmocka_unit_test_setup_teardown(the_ranges, make, drop),
        cmocka_unit_test_setup_teardown(their_most, make, drop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
