/* Where the image, here of 1 MiB, moves to: maps of memory as firmware gives them, and modules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "boot/pvh.h"
#include "kernel/boot_step.h"

#define MIB 0x100000ull

__asm__(".section .bss.image\n"
        ".globl image_start, image_end\n"
        "image_start: .skip 0x100000\n"
        "image_end:\n"
        ".text");

static struct machine machine;
static uint64_t moved_from, moved_to;

void image_move(uint64_t from, uint64_t to)
{
    moved_from = from;
    moved_to = to;
}

static void memory(uint32_t i, uint64_t base, uint64_t end, enum memory_kind kind)
{
    machine.boot.memory[i] = (struct memory_range){base, end, kind};
    machine.boot.memory_count = i + 1;
}

/* As QEMU and Bochs have it: the last 128 KiB below `end` are the firmware's. */
static void machine_of(uint64_t end)
{
    machine = (struct machine){.load_address = 2 * MIB, .boot.as_linked = true};
    memory(0, 0, 0x9fc00, MEMORY_AVAILABLE);
    memory(1, MIB, end - 0x20000, MEMORY_AVAILABLE);
    memory(2, end - 0x20000, end, MEMORY_RESERVED);
}

static void module(uint32_t i, uint64_t start, uint64_t end)
{
    machine.boot.modules[i] = (struct boot_module){.start = (uint32_t)start, .end = (uint32_t)end};
    machine.boot.module_count = i + 1;
}

/* Runs the step on the image at `from`; `to` is where it is afterwards. */
static void expect_place(uint64_t from, uint64_t to)
{
    machine.load_address = from;
    moved_from = moved_to = 0;
    boot_steps_run(BOOT_PLAN_MEMORY, &machine);
    assert_int_equal(machine.load_address, to);
    assert_int_equal(moved_from, from == to ? 0 : from);
    assert_int_equal(moved_to, from == to ? 0 : to);
}

static void it_is_the_top_of_memory(void **state)
{
    (void)state;
    machine_of(256 * MIB);
    expect_place(2 * MIB, 254 * MIB);
    machine_of(256 * MIB - 0x60000); /* up to 255.5 MiB */
    expect_place(2 * MIB, 254 * MIB);
    machine_of(255 * MIB + 0x20000);
    expect_place(2 * MIB, 254 * MIB);
    machine_of(255 * MIB + 0x1f000);
    expect_place(2 * MIB, 252 * MIB);
    machine_of(8 * MIB);
    expect_place(2 * MIB, 6 * MIB);
}

/* GRUB has put it where the header asked for. */
static void only_an_image_as_linked_moves(void **state)
{
    (void)state;
    machine_of(256 * MIB);
    machine.boot.as_linked = false;
    expect_place(2 * MIB, 2 * MIB);
}

static void memory_above_4_gib_is_not_for_it(void **state)
{
    (void)state;
    machine_of(3072 * MIB);
    memory(3, 4096 * MIB, 6144 * MIB, MEMORY_AVAILABLE);
    expect_place(2 * MIB, 3070 * MIB);
    memory(1, MIB, 6144 * MIB, MEMORY_AVAILABLE);
    expect_place(2 * MIB, 4094 * MIB);
}

/* No place is touched by a byte of a module. */
static void modules_are_gone_round(void **state)
{
    (void)state;
    machine_of(256 * MIB);
    module(0, 254 * MIB + 0x1000, 255 * MIB);
    expect_place(2 * MIB, 252 * MIB);
    module(0, 255 * MIB, 255 * MIB + 1);
    expect_place(2 * MIB, 254 * MIB);
    module(0, 255 * MIB - 1, 255 * MIB);
    expect_place(2 * MIB, 252 * MIB);
    module(0, 253 * MIB, 254 * MIB);
    expect_place(2 * MIB, 254 * MIB);
    module(0, 253 * MIB, 254 * MIB + 1);
    module(1, 10 * MIB, 253 * MIB);
    expect_place(2 * MIB, 8 * MIB);
    module(2, 4 * MIB, 9 * MIB);
    expect_place(2 * MIB, 2 * MIB);
}

static void it_stays_where_nothing_better_is_free(void **state)
{
    (void)state;
    machine_of(4 * MIB);
    expect_place(2 * MIB, 2 * MIB);
    machine_of(256 * MIB);
    expect_place(254 * MIB, 254 * MIB);
    machine.boot.memory_count = 0;
    expect_place(2 * MIB, 2 * MIB);
    memory(0, 0, MIB / 2, MEMORY_AVAILABLE);
    expect_place(2 * MIB, 2 * MIB);
}

static void it_is_not_copied_over_itself(void **state)
{
    (void)state;
    machine_of(8 * MIB);
    expect_place(5 * MIB, 6 * MIB);
    expect_place(5 * MIB + 1, 5 * MIB + 1);
}

static void memory_that_is_not_available_is_not_taken(void **state)
{
    (void)state;
    machine_of(256 * MIB);
    memory(3, 512 * MIB, 1024 * MIB, MEMORY_ACPI_RECLAIMABLE);
    expect_place(2 * MIB, 254 * MIB);
    memory(3, 512 * MIB + 1, 514 * MIB, MEMORY_AVAILABLE);
    expect_place(2 * MIB, 254 * MIB); /* its first byte is missing */
    memory(3, 512 * MIB, 513 * MIB, MEMORY_AVAILABLE);
    expect_place(2 * MIB, 512 * MIB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_the_top_of_memory),
        cmocka_unit_test(only_an_image_as_linked_moves),
        cmocka_unit_test(memory_above_4_gib_is_not_for_it),
        cmocka_unit_test(modules_are_gone_round),
        cmocka_unit_test(it_stays_where_nothing_better_is_free),
        cmocka_unit_test(it_is_not_copied_over_itself),
        cmocka_unit_test(memory_that_is_not_available_is_not_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
