/*
 * Where a Linux guest's parts go, and what is written for it: expected places are worked out by
 * hand from the rules in vm/linux/linux_plan.h; offsets are those of Linux's "Zero Page".
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vm/linux/boot_params.h"

#define MIB 0x100000ull

static struct memory_map map;
static struct linux_image image;
static struct linux_plan plan;

/* A PC of 512 MiB, the hypervisor at 2 MiB, modules right behind it as GRUB puts them. */
static int make(void **state)
{
    (void)state;
    map = (struct memory_map){0};
    memory_map_add(&map, MEMORY_AVAILABLE, 0, 0x9f000);
    memory_map_add(&map, MEMORY_RESERVED, 0x9f000, 0x1000);
    memory_map_add(&map, MEMORY_RESERVED, 0xe8000, 0x18000);
    memory_map_add(&map, MEMORY_AVAILABLE, MIB, 511 * MIB - 0x10000);
    memory_map_add(&map, MEMORY_ACPI_RECLAIMABLE, 512 * MIB - 0x10000, 0x10000);
    memory_map_add(&map, MEMORY_RESERVED, 0xfffc0000, 0x40000);
    image = (struct linux_image){
        .init_size = 52 * MIB,
        .kernel_bytes = 14 * MIB,
        .alignment = 2 * MIB,
        .initrd_last = 0x7fffffff,
        .preferred = 16 * MIB,
        .relocatable = true,
    };
    plan = (struct linux_plan){
        .places = {.map = &map, .image = {2 * MIB, 2 * MIB + 0xb3000}, .pool_bytes = MIB},
        .kernel_module = {4 * MIB - 0x1000, 18 * MIB},
        .initrd_module = {18 * MIB, 20 * MIB + 5},
    };
    return 0;
}

static void a_plain_pc(void **state)
{
    (void)state;
    assert_int_equal(linux_plan(&image, &plan), LINUX_PLAN_OK);
    assert_int_equal(plan.places.kept.base, 2 * MIB);
    assert_int_equal(plan.places.kept.end, 4 * MIB);
    assert_int_equal(plan.kernel.base, 16 * MIB);
    assert_int_equal(plan.kernel.end, 68 * MIB);
    /* 2 MiB and 5 bytes, below 512 MiB less 64 KiB */
    assert_int_equal(plan.initrd, 512 * MIB - 0x10000 - 2 * MIB - 0x1000);
    assert_int_equal(plan.handover, 0x9f000 - LINUX_HANDOVER_BYTES);
}

/* Loaded to the top of RAM, below the ACPI tables: these are the guest's to read. */
static void at_the_top_the_tables_stay_outside(void **state)
{
    (void)state;
    plan.places.image = (struct guest_range){510 * MIB, 510 * MIB + 0xbc000};
    assert_int_equal(linux_plan(&image, &plan), LINUX_PLAN_OK);
    assert_int_equal(plan.places.kept.base, 510 * MIB);
    assert_int_equal(plan.places.kept.end, 512 * MIB - 0x10000);
    assert_int_equal(plan.initrd, 510 * MIB - 2 * MIB - 0x1000);
    plan.places.pool_bytes = 2 * MIB; /* there is nothing above */
    assert_int_equal(linux_plan(&image, &plan), LINUX_PLAN_OK);
    assert_int_equal(plan.places.kept.base, 508 * MIB);
    assert_int_equal(plan.places.kept.end, 512 * MIB - 0x10000);
}

static void a_larger_pool_takes_more(void **state)
{
    (void)state;
    plan.places.pool_bytes = 2 * MIB;
    assert_int_equal(linux_plan(&image, &plan), LINUX_PLAN_OK);
    assert_int_equal(plan.places.kept.base, 2 * MIB);
    assert_int_equal(plan.places.kept.end, 6 * MIB);
    /* Downwards where there is nothing above. */
    make(state);
    plan.places.pool_bytes = 2 * MIB;
    plan.places.image = (struct guest_range){508 * MIB, 508 * MIB + 0xb3000};
    assert_int_equal(linux_plan(&image, &plan), LINUX_PLAN_OK);
    assert_int_equal(plan.places.kept.base, 506 * MIB);
    assert_int_equal(plan.places.kept.end, 510 * MIB);
    /* 510 to 512 MiB less 64 KiB does not hold the initrd. */
    assert_int_equal(plan.initrd, 506 * MIB - 2 * MIB - 0x1000);
    plan.places.pool_bytes = 600 * MIB;
    assert_int_equal(linux_plan(&image, &plan), LINUX_PLAN_NO_KEPT);
    assert_int_equal(plan.wanted, 600 * MIB);
}

/* A page or a byte more than there is room for takes more, or is too much. */
static void what_just_fits(void **state)
{
    (void)state;
    plan.places.pool_bytes = 2 * MIB - 0xb3000; /* in 2 MiB less the image */
    assert_int_equal(linux_plan(&image, &plan), LINUX_PLAN_OK);
    assert_int_equal(plan.places.kept.end, 4 * MIB);
    plan.places.pool_bytes++;
    assert_int_equal(linux_plan(&image, &plan), LINUX_PLAN_OK);
    assert_int_equal(plan.places.kept.end, 6 * MIB);
    memory_map_add(&map, MEMORY_RESERVED, 0, 0x9f000 - LINUX_HANDOVER_BYTES);
    assert_int_equal(linux_plan(&image, &plan), LINUX_PLAN_OK);
    assert_int_equal(plan.handover, 0x9f000 - LINUX_HANDOVER_BYTES);
    memory_map_add(&map, MEMORY_RESERVED, 0x9f000 - LINUX_HANDOVER_BYTES, 1);
    assert_int_equal(linux_plan(&image, &plan), LINUX_PLAN_NO_HANDOVER);
}

static void a_kernel_that_just_fits(void **state)
{
    (void)state;
    memory_map_add(&map, MEMORY_RESERVED, 68 * MIB, MIB); /* right behind its 52 MiB */
    assert_int_equal(linux_plan(&image, &plan), LINUX_PLAN_OK);
    assert_int_equal(plan.kernel.base, 16 * MIB);
    assert_int_equal(plan.kernel.end, 68 * MIB);
    image.init_size++;
    assert_int_equal(linux_plan(&image, &plan), LINUX_PLAN_OK);
    assert_int_equal(plan.kernel.base, 70 * MIB);
}

static void another_place_for_the_kernel(void **state)
{
    (void)state;
    image.preferred = 2 * MIB; /* where the hypervisor is */
    assert_int_equal(linux_plan(&image, &plan), LINUX_PLAN_OK);
    assert_int_equal(plan.kernel.base, 4 * MIB);
    memory_map_add(&map, MEMORY_RESERVED, 5 * MIB, 1);
    assert_int_equal(linux_plan(&image, &plan), LINUX_PLAN_OK);
    assert_int_equal(plan.kernel.base, 6 * MIB);
    image.relocatable = false;
    assert_int_equal(linux_plan(&image, &plan), LINUX_PLAN_NO_KERNEL);
    assert_int_equal(plan.wanted, 52 * MIB);
    image.relocatable = true;
    image.preferred = 500 * MIB; /* too high: then from 1 MiB on */
    assert_int_equal(linux_plan(&image, &plan), LINUX_PLAN_OK);
    assert_int_equal(plan.kernel.base, 6 * MIB);
    image.preferred = UINT64_MAX - 4095;
    image.alignment = 0x80000000;
    assert_int_equal(linux_plan(&image, &plan), LINUX_PLAN_NO_KERNEL);
    image.alignment = 2 * MIB;
    image.init_size = UINT32_MAX;
    assert_int_equal(linux_plan(&image, &plan), LINUX_PLAN_NO_KERNEL);
}

static void clear_of_the_first_mib(void **state)
{
    (void)state;
    image.preferred = 0x1000;
    image.alignment = 0x1000;
    image.init_size = image.kernel_bytes = 0x10000;
    assert_int_equal(linux_plan(&image, &plan), LINUX_PLAN_OK);
    assert_int_equal(plan.kernel.base, MIB);
}

static void clear_of_the_kernel_that_is_to_be_moved(void **state)
{
    uint64_t end = 512 * MIB - 0x10000;

    (void)state;
    plan.kernel_module = (struct guest_range){end - 14 * MIB, end};
    assert_int_equal(linux_plan(&image, &plan), LINUX_PLAN_OK);
    assert_int_equal(plan.initrd, end - 16 * MIB - 0x1000);
    plan.initrd_module = (struct guest_range){0, 0};
    assert_int_equal(linux_plan(&image, &plan), LINUX_PLAN_OK);
    assert_int_equal(plan.initrd, 0);
}

static void below_what_the_kernel_can_take(void **state)
{
    (void)state;
    image.initrd_last = 0x0fffffff;
    assert_int_equal(linux_plan(&image, &plan), LINUX_PLAN_OK);
    assert_int_equal(plan.initrd, 256 * MIB - 2 * MIB - 0x1000);
    image.initrd_last = 0x4fffff; /* no room between 4 MiB and the kernel module, nor below */
    assert_int_equal(linux_plan(&image, &plan), LINUX_PLAN_NO_INITRD);
    assert_int_equal(plan.wanted, 2 * MIB + 5);
}

static void without_low_memory(void **state)
{
    (void)state;
    memory_map_add(&map, MEMORY_RESERVED, 0x11000, 0x8e000);
    assert_int_equal(linux_plan(&image, &plan), LINUX_PLAN_NO_HANDOVER);
}

static void moves(void **state)
{
    enum { SIZE = 100000 };
    uint8_t *bytes = malloc(2 * SIZE), *expected = malloc(SIZE);
    static const int distances[] = {0, 1, 4095, 4096, 5000, SIZE - 1, SIZE, -1, -5000};

    (void)state;
    for (size_t i = 0; i < sizeof(distances) / sizeof(distances[0]); i++) {
        uint8_t *from = bytes + SIZE / 10;

        for (size_t k = 0; k < 2 * SIZE; k++)
            bytes[k] = (uint8_t)(k * 7 + k / 256);
        memcpy(expected, from, SIZE - SIZE / 10);
        places_move(from + distances[i], from, SIZE - SIZE / 10);
        assert_memory_equal(from + distances[i], expected, SIZE - SIZE / 10);
    }
    free(bytes);
    free(expected);
}

/* What is handed over. */

static uint8_t header[LINUX_HEADER_MOST];
static struct boot_info *boot;
static uint8_t *handed;
static struct boot_efi efi;

static uint64_t at(uint32_t offset, size_t width)
{
    uint64_t value = 0;

    memcpy(&value, handed + offset, width);
    return value;
}

static int hand_over(void **state)
{
    struct linux_handover handover = {&image, &plan, NULL, &efi, "console=ttyS0 quiet"};

    make(state);
    efi = (struct boot_efi){0};
    boot_framebuffer = (struct boot_framebuffer){0};
    boot = calloc(1, sizeof(*boot));
    handed = malloc(LINUX_HANDOVER_BYTES);
    boot->rsdp_length = 36;
    memcpy(boot->rsdp, "RSD PTR ", 8);
    memset(header, 0x77, sizeof(header));
    image.bytes = header;
    image.header_end = 0x268;
    handover.boot = boot;
    assert_int_equal(linux_plan(&image, &plan), LINUX_PLAN_OK);
    assert_true(linux_handover_write(&handover, handed));
    return 0;
}

static int drop(void **state)
{
    (void)state;
    free(boot);
    free(handed);
    return 0;
}

static void the_zero_page(void **state)
{
    const uint64_t rsdp = 0x9f000 - LINUX_HANDOVER_BYTES + 0x1900;

    (void)state;
    for (uint32_t i = 0; i < 0x1e8; i++) /* zeros but for the RSDP's address */
        assert_int_equal(handed[i], i < 0x70 || i >= 0x78 ? 0 : rsdp >> 8 * (i - 0x70) & 0xff);
    assert_int_equal(at(0x1ef, 1), 0); /* sentinel */
    assert_int_equal(at(0x1f1, 1), 0x77);
    assert_int_equal(at(0x1fa, 2), 0xffff); /* vid_mode: normal */
    assert_int_equal(at(0x210, 1), 0xff);   /* type_of_loader: no number assigned */
    assert_int_equal(at(0x218, 4), plan.initrd);
    assert_int_equal(at(0x21c, 4), 2 * MIB + 5);
    assert_int_equal(at(0x228, 4), plan.handover + 0x1000); /* cmd_line_ptr */
    assert_int_equal(at(0x250, 8), 0);                      /* setup_data */
    assert_int_equal(at(0x267, 1), 0x77);
    assert_int_equal(at(0x268, 1), 0);
    assert_string_equal((char *)handed + 0x1000, "console=ttyS0 quiet");
    assert_memory_equal(handed + 0x1900, "RSD PTR ", 8);
}

static void e820_has_what_is_kept_reserved(void **state)
{
    static const struct {
        uint64_t base, bytes, type;
    } rows[] = {
        {0, 0x9f000, 1},
        {0x9f000, 0x1000, 2},
        {0xe8000, 0x18000, 2},
        {MIB, MIB, 1},
        {2 * MIB, 2 * MIB, 2},
        {4 * MIB, 508 * MIB - 0x10000, 1},
        {512 * MIB - 0x10000, 0x10000, 3},
        {0xfffc0000, 0x40000, 2},
    };

    (void)state;
    assert_int_equal(at(0x1e8, 1), 8);
    for (uint32_t i = 0; i < 8; i++) {
        assert_int_equal(at(0x2d0 + 20 * i, 8), rows[i].base);
        assert_int_equal(at(0x2d8 + 20 * i, 8), rows[i].bytes);
        assert_int_equal(at(0x2e0 + 20 * i, 4), rows[i].type);
    }
}

static void tables_for_the_entry(void **state)
{
    uint64_t base = plan.handover;
    struct guest_entry entry;

    (void)state;
    assert_int_equal(at(0x8010, 8), 0x00af9b000000ffff); /* 64-bit code at 0x10 */
    assert_int_equal(at(0x8018, 8), 0x00cf93000000ffff); /* data at 0x18 */
    assert_int_equal(at(0x2000, 8), base + 0x3003);
    assert_int_equal(at(0x3018, 8), base + 0x7003);
    assert_int_equal(at(0x3020, 8), 0);
    assert_int_equal(at(0x4000, 8), 0x83);
    assert_int_equal(at(0x7ff8, 8), 0xffe00083);
    linux_entry(&plan, &entry);
    assert_int_equal(entry.reg[VCPU_RSI], base); /* boot_params */
    assert_int_equal(entry.start.rip, 16 * MIB + 0x200);
    assert_int_equal(entry.start.cr3, base + 0x2000);
    assert_int_equal(entry.start.gdt_base, base + 0x8000);
    assert_int_equal(entry.start.code.selector, 0x10);
    assert_int_equal(entry.start.data.selector, 0x18);
}

static void more_ranges_than_there_is_room_for(void **state)
{
    struct linux_handover handover = {&image, &plan, boot, &efi, ""};

    (void)state;
    for (uint64_t i = 0; i < 130; i++)
        memory_map_add(&map, MEMORY_RESERVED, (1ull << 32) + 2 * i * MIB, MIB);
    assert_false(linux_handover_write(&handover, handed));
    assert_int_equal(at(0x1e8, 1), 128);
    assert_int_equal(at(0x2d0 + 128 * 20, 8), 0);
}

static void screens(void **state)
{
    struct linux_handover handover = {&image, &plan, boot, &efi, ""};

    (void)state;
    boot_framebuffer = (struct boot_framebuffer){
        .is_given = true, .address = 0xb8000, .width = 80, .height = 25, .type = 2};
    assert_true(linux_handover_write(&handover, handed));
    assert_int_equal(at(0x06, 1), 3); /* orig_video_mode */
    assert_int_equal(at(0x07, 1), 80);
    assert_int_equal(at(0x0e, 1), 25);
    assert_int_equal(at(0x0f, 1), 1); /* VIDEO_TYPE_VGAC */
    assert_int_equal(at(0x10, 2), 16);

    boot_framebuffer = (struct boot_framebuffer){.is_given = true,
                                                 .address = 0x4080000000,
                                                 .pitch = 4096,
                                                 .width = 1024,
                                                 .height = 768,
                                                 .bpp = 32,
                                                 .type = 1,
                                                 .red_position = 16,
                                                 .red_size = 8,
                                                 .green_position = 8,
                                                 .green_size = 8,
                                                 .blue_size = 8};
    boot->uefi = true;
    assert_true(linux_handover_write(&handover, handed));
    assert_int_equal(at(0x0f, 1), 0x70); /* VIDEO_TYPE_EFI */
    assert_int_equal(at(0x12, 2), 1024);
    assert_int_equal(at(0x14, 2), 768);
    assert_int_equal(at(0x16, 2), 32);
    assert_int_equal(at(0x18, 4), 0x80000000);
    assert_int_equal(at(0x1c, 4), 4096 * 768);
    assert_int_equal(at(0x24, 2), 4096);
    assert_int_equal(at(0x26, 6), 0x000808081008);
    assert_int_equal(at(0x36, 4), 2); /* VIDEO_CAPABILITY_64BIT_BASE */
    assert_int_equal(at(0x3a, 4), 0x40);

    boot->uefi = false;
    assert_true(linux_handover_write(&handover, handed));
    assert_int_equal(at(0x0f, 1), 0x23); /* VIDEO_TYPE_VLFB: sizes in units of 64 KiB */
    assert_int_equal(at(0x1c, 4), 48);
}

/* Descriptors of 48 bytes, as firmware has them: larger than the fields that are known. */
struct descriptor_48 {
    struct efi_descriptor known;
    uint64_t more;
};

static struct boot_efi efi_of(const struct descriptor_48 *list, uint32_t count)
{
    return (struct boot_efi){0x123456789a, (const uint8_t *)list, count * 48, 48, 1};
}

static void under_uefi(void **state)
{
    const struct descriptor_48 list[] = {
        {{7, 0, 0, 0, 0x9f, 15}, 0x11},                   /* below what is kept */
        {{2, 0, MIB, 0, 0x200, 15}, 0x22},                /* 1 to 3 MiB: its upper half is kept */
        {{7, 0, 3 * MIB, 0, 0x1000, 15}, 0x33},           /* 3 to 19 MiB: its first MiB */
        {{6, 0, 0xffc00000, 0, 0x400, 1ull << 63}, 0x44}, /* run-time services */
    };
    static const struct {
        uint32_t type;
        uint64_t base, pages, more;
    } rows[] = {{7, 0, 0x9f, 0x11},        {2, MIB, 0x100, 0x22},     {0, 2 * MIB, 0x100, 0x22},
                {0, 3 * MIB, 0x100, 0x33}, {7, 4 * MIB, 0xf00, 0x33}, {6, 0xffc00000, 0x400, 0x44}};
    struct linux_handover handover = {&image, &plan, boot, &efi, ""};
    uint32_t place;

    (void)state;
    efi = efi_of(list, 4);
    assert_true(linux_handover_write(&handover, handed));
    assert_int_equal(at(0x1c0, 4), 0x34364c45); /* "EL64" */
    assert_int_equal(at(0x1c4, 4), 0x3456789a);
    assert_int_equal(at(0x1d8, 4), 0x12);
    assert_int_equal(at(0x1c8, 4), 48);
    assert_int_equal(at(0x1cc, 4), 1);
    assert_int_equal(at(0x1dc, 4), 0);
    assert_int_equal(at(0x1d4, 4), 6 * 48);
    place = (uint32_t)(at(0x1d0, 4) - plan.handover);
    for (unsigned i = 0; i < 6; i++, place += 48) {
        assert_int_equal(at(place, 4), rows[i].type);
        assert_int_equal(at(place + 8, 8), rows[i].base);
        assert_int_equal(at(place + 24, 8), rows[i].pages);
        assert_int_equal(at(place + 40, 8), rows[i].more);
    }
    assert_int_equal(at(0x1e8, 1), 8); /* e820 as ever */
}

/* An EFI map that there is no room for is not handed over, but e820 is; nor is half of one. */
static void an_efi_map_that_cannot_be(void **state)
{
    static struct descriptor_48 list[700];
    struct linux_handover handover = {&image, &plan, boot, &efi, ""};

    (void)state;
    for (uint32_t i = 0; i < 700; i++)
        list[i].known = (struct efi_descriptor){7, 0, 16 * MIB + i * 4096, 0, 1, 15};
    efi = efi_of(list, 680); /* 32 KiB hold 682, and each might become three */
    assert_true(linux_handover_write(&handover, handed));
    assert_int_equal(at(0x1d4, 4), 680 * 48);
    efi = efi_of(list, 681);
    assert_false(linux_handover_write(&handover, handed));
    assert_int_equal(at(0x1c0, 4), 0);
    assert_int_equal(at(0x1e8, 1), 8);
    efi = efi_of(list, 2);
    efi.map_bytes--;
    assert_true(linux_handover_write(&handover, handed));
    assert_int_equal(at(0x1c0, 4), 0);
    efi = efi_of(list, 2);
    efi.system_table = 0;
    assert_true(linux_handover_write(&handover, handed));
    assert_int_equal(at(0x1c0, 4), 0);
    efi = efi_of(list, 2);
    efi.descriptor_bytes = 32;
    assert_true(linux_handover_write(&handover, handed));
    assert_int_equal(at(0x1c0, 4), 0);
}

static void handed_over_clear_of_the_efi_map(void **state)
{
    (void)state;
    plan.efi_map = (struct guest_range){0x9e000, 0x9f000};
    assert_int_equal(linux_plan(&image, &plan), LINUX_PLAN_OK);
    assert_int_equal(plan.handover, 0x9e000 - LINUX_HANDOVER_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_plain_pc, make),
        cmocka_unit_test_setup(at_the_top_the_tables_stay_outside, make),
        cmocka_unit_test_setup(a_larger_pool_takes_more, make),
        cmocka_unit_test_setup(what_just_fits, make),
        cmocka_unit_test_setup(a_kernel_that_just_fits, make),
        cmocka_unit_test_setup(another_place_for_the_kernel, make),
        cmocka_unit_test_setup(clear_of_the_first_mib, make),
        cmocka_unit_test_setup(clear_of_the_kernel_that_is_to_be_moved, make),
        cmocka_unit_test_setup(below_what_the_kernel_can_take, make),
        cmocka_unit_test_setup(without_low_memory, make),
        cmocka_unit_test(moves),
        cmocka_unit_test_setup_teardown(the_zero_page, hand_over, drop),
        cmocka_unit_test_setup_teardown(e820_has_what_is_kept_reserved, hand_over, drop),
        cmocka_unit_test_setup_teardown(tables_for_the_entry, hand_over, drop),
        cmocka_unit_test_setup_teardown(more_ranges_than_there_is_room_for, hand_over, drop),
        cmocka_unit_test_setup_teardown(screens, hand_over, drop),
        cmocka_unit_test_setup_teardown(under_uefi, hand_over, drop),
        cmocka_unit_test_setup_teardown(an_efi_map_that_cannot_be, hand_over, drop),
        cmocka_unit_test_setup(handed_over_clear_of_the_efi_map, make),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
