/*
 * Where a Multiboot guest's parts go, how it is entered and what it is told: places are worked out
 * by hand from vm/multiboot/multiboot_plan.h; offsets are those of "Boot information format".
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "boot/multiboot2_rest.h"
#include "vm/multiboot/multiboot_plan.h"

#define MIB 0x100000ull
#define TOP (512 * MIB - 0x10000) /* ACPI's tables begin there */

enum { INFO = 0x9f000 - 0x16000 };

static struct memory_map map;
static struct boot_info *boot;
static struct multiboot_image image;
static struct multiboot_plan plan;
static uint8_t *handed;
static const uint8_t bytes[0x2000];

/* A PC of 512 MiB, the hypervisor at its top, a flat image of 8 KiB for 1 MiB, two modules. */
static int make(void **state)
{
    (void)state;
    map = (struct memory_map){0};
    memory_map_add(&map, MEMORY_AVAILABLE, 0, 0x9f000);
    memory_map_add(&map, MEMORY_RESERVED, 0x9f000, 0x1000);
    memory_map_add(&map, MEMORY_AVAILABLE, MIB, TOP - MIB);
    memory_map_add(&map, MEMORY_ACPI_RECLAIMABLE, TOP, 0x10000);
    boot_framebuffer = (struct boot_framebuffer){0};
    boot = calloc(1, sizeof(*boot));
    handed = malloc(MULTIBOOT_HANDOVER_BYTES);
    boot->module_count = 3;
    boot->modules[0] = (struct boot_module){.start = 0x400000, .end = 0x402000, .string = "a b"};
    boot->modules[1] = (struct boot_module){.start = 0x402000, .end = 0x402800, .string = "one"};
    boot->modules[2] = (struct boot_module){.start = 0x101000, .end = 0x101001};
    strcpy(boot->loader, "GRUB");
    plan = (struct multiboot_plan){
        .places = {.map = &map, .image = {510 * MIB, 510 * MIB + 0xb3000}, .pool_bytes = MIB},
        .boot = boot,
    };
    return multiboot_image_flat(bytes, sizeof(bytes), ENTRY_32, &image) == MULTIBOOT_OK ? 0 : 1;
}

static int drop(void **state)
{
    (void)state;
    free(boot);
    free(handed);
    return 0;
}

static void modules_stay_or_go_high(void **state)
{
    (void)state;
    assert_int_equal(multiboot_plan(&image, &plan), MULTIBOOT_OK);
    assert_int_equal(plan.places.kept.base, 510 * MIB);
    assert_int_equal(plan.places.kept.end, TOP);
    assert_int_equal(plan.module[0], 0x400000);
    assert_int_equal(plan.module[1], 0x402000);
    assert_int_equal(plan.module[2], 510 * MIB - 0x1000); /* the image's last page is to be there */
    assert_int_equal(plan.handover, INFO);
    boot->modules[1].start = 0x402004; /* not on a page */
    boot->modules[0].start = 0x1ff000; /* clear of the image, but not of the first */
    boot->modules[2].start = 0x9000;   /* in the first MiB */
    boot->modules[2].end = 0x9000 + 0x1001;
    assert_int_equal(multiboot_plan(&image, &plan), MULTIBOOT_OK);
    assert_int_equal(plan.module[0], 0x1ff000);
    assert_int_equal(plan.module[1], 510 * MIB - 0x1000);
    assert_int_equal(plan.module[2], 510 * MIB - 0x3000);
}

/* A boot loader may leave them in what the hypervisor keeps. */
static void modules_leave_what_is_kept(void **state)
{
    (void)state;
    boot->modules[1].start = (uint32_t)(511 * MIB);
    boot->modules[1].end = (uint32_t)(511 * MIB + 1);
    assert_int_equal(multiboot_plan(&image, &plan), MULTIBOOT_OK);
    assert_int_equal(plan.module[1], 510 * MIB - 0x1000);
    assert_int_equal(plan.module[2], 510 * MIB - 0x2000);
    memory_map_add(&map, MEMORY_RESERVED, MIB + 0x2000, 509 * MIB - 0x2000);
    assert_int_equal(multiboot_plan(&image, &plan), MULTIBOOT_NO_PLACE);
    assert_int_equal(image.seen, 1);
    assert_int_equal(image.wanted, 1);
}

static void what_has_no_place(void **state)
{
    (void)state;
    image.entry = 510 * MIB - 0x1000;
    assert_int_equal(multiboot_plan(&image, &plan), MULTIBOOT_OVER_KEPT);
    assert_int_equal(image.seen, 510 * MIB - 0x1000);
    assert_int_equal(image.wanted, TOP);
    image.entry = 510 * MIB - 0x2000; /* right below it */
    assert_int_equal(multiboot_plan(&image, &plan), MULTIBOOT_OK);
    assert_int_equal(plan.module[2], 0x101000);
    image.entry = 0x9e000; /* half of it */
    assert_int_equal(multiboot_plan(&image, &plan), MULTIBOOT_NO_RAM);
    assert_int_equal(image.seen, 0x9e000);
    assert_int_equal(image.wanted, 0x2000);
    image.entry = 0x9d000; /* what is handed over goes below it */
    assert_int_equal(multiboot_plan(&image, &plan), MULTIBOOT_OK);
    assert_int_equal(plan.handover, 0x9d000 - 0x16000);
    memory_map_add(&map, MEMORY_RESERVED, 0x20000, 0x68000);
    assert_int_equal(multiboot_plan(&image, &plan), MULTIBOOT_NO_HANDOVER);
    assert_int_equal(image.wanted, 0x16000);
    plan.places.pool_bytes = 600 * MIB;
    assert_int_equal(multiboot_plan(&image, &plan), MULTIBOOT_NO_KEPT);
    assert_int_equal(image.wanted, 600 * MIB);
}

static uint64_t at(uint32_t offset, size_t width)
{
    uint64_t value = 0;

    memcpy(&value, handed + offset, width);
    return value;
}

static const char *string_at(uint32_t offset)
{
    return (const char *)handed + at(offset, 4) - INFO;
}

static void the_information(void **state)
{
    uint32_t mods;

    (void)state;
    assert_int_equal(multiboot_plan(&image, &plan), MULTIBOOT_OK);
    multiboot_handover_write(&image, &plan, handed);
    assert_int_equal(at(0, 4), 0x24d); /* memory, command line, modules, map, loader */
    assert_int_equal(at(4, 4), 0x9f000 / 1024);
    assert_int_equal(at(8, 4), 509 * 1024); /* from 1 MiB up to what is kept */
    assert_string_equal(string_at(16), "a b");
    assert_int_equal(at(20, 4), 2);
    assert_string_equal(string_at(64), "GRUB");
    mods = (uint32_t)at(24, 4) - INFO;
    assert_int_equal(at(mods, 4), 0x402000);
    assert_int_equal(at(mods + 4, 4), 0x402800);
    assert_string_equal(string_at(mods + 8), "one");
    assert_int_equal(at(mods + 16, 4), 510 * MIB - 0x1000);
    assert_int_equal(at(mods + 20, 4), 510 * MIB - 0x1000 + 1);
    assert_string_equal(string_at(mods + 24), "");
    assert_int_equal(at(mods + 28, 4), 0);
}

static void the_map(void **state)
{
    static const struct {
        uint64_t base, end;
        uint32_t type;
    } rows[] = {
        {0, 0x9f000, 1},     {0x9f000, 0xa0000, 2}, {MIB, 510 * MIB, 1},
        {510 * MIB, TOP, 2}, {TOP, 512 * MIB, 3},
    };
    uint32_t entry;

    (void)state;
    assert_int_equal(multiboot_plan(&image, &plan), MULTIBOOT_OK);
    multiboot_handover_write(&image, &plan, handed);
    entry = (uint32_t)at(48, 4) - INFO;
    assert_int_equal(at(44, 4), 5 * 24);
    for (unsigned i = 0; i < 5; i++, entry += 24) {
        assert_int_equal(at(entry, 4), 20);
        assert_int_equal(at(entry + 4, 8), rows[i].base);
        assert_int_equal(at(entry + 12, 8), rows[i].end - rows[i].base);
        assert_int_equal(at(entry + 20, 4), rows[i].type);
    }
}

/* The longest strings, all modules and all ranges that there can be have room. */
static void the_most_that_can_be_told(void **state)
{
    (void)state;
    boot->module_count = BOOT_MODULES_MAX;
    for (unsigned i = 0; i < BOOT_MODULES_MAX; i++) {
        boot->modules[i].start = boot->modules[i].end = 0x400000;
        memset(boot->modules[i].string, 'x', BOOT_STRING_SIZE - 1);
    }
    memset(boot->loader, 'y', BOOT_STRING_SIZE - 1);
    for (uint64_t i = 0; i < MEMORY_RANGES_MAX - 5; i++)
        memory_map_add(&map, i % 2 == 0 ? MEMORY_RESERVED : MEMORY_BAD, 4096 * MIB + i * 4096,
                       4096);
    assert_false(map.full);
    assert_int_equal(multiboot_plan(&image, &plan), MULTIBOOT_OK);
    multiboot_handover_write(&image, &plan, handed);
    assert_in_range(at(48, 4) + at(44, 4), INFO, at(16, 4)); /* the map ends before the strings */
    assert_int_equal(strlen(string_at(64)), BOOT_STRING_SIZE - 1);
    assert_in_range(at(64, 4) + BOOT_STRING_SIZE, INFO, INFO + MULTIBOOT_TABLES);
}

static void a_frame_buffer(void **state)
{
    (void)state;
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
                                                 .green_size = 7,
                                                 .blue_size = 6};
    assert_int_equal(multiboot_plan(&image, &plan), MULTIBOOT_OK);
    multiboot_handover_write(&image, &plan, handed);
    assert_int_equal(at(0, 4), 0x124d);
    assert_int_equal(at(88, 8), 0x4080000000);
    assert_int_equal(at(96, 4), 4096);
    assert_int_equal(at(100, 4), 1024);
    assert_int_equal(at(104, 4), 768);
    assert_int_equal(at(108, 1), 32);
    assert_int_equal(at(109, 1), 1);
    assert_int_equal(at(110, 6), 0x060007080810);
    boot_framebuffer.type = 2; /* text has no colours of its own */
    multiboot_handover_write(&image, &plan, handed);
    assert_int_equal(at(110, 6), 0);
}

/* "Machine state". */
static void how_it_is_entered(void **state)
{
    struct guest_entry entry;

    (void)state;
    assert_int_equal(multiboot_plan(&image, &plan), MULTIBOOT_OK);
    multiboot_entry(&image, &plan, &entry);
    assert_int_equal(entry.reg[VCPU_RAX], 0x2badb002);
    assert_int_equal(entry.reg[VCPU_RBX], INFO);
    assert_int_equal(entry.start.rip, 0x100000);
    assert_int_equal(entry.start.cr0 & (CR0_PE | CR0_PG), CR0_PE);
    assert_int_equal(entry.start.efer, 0);
    assert_int_equal(entry.start.code.limit, UINT32_MAX);
    assert_int_equal(entry.start.code.base, 0);
    assert_int_equal(entry.start.code.rights, 0xc09b);
    assert_int_equal(entry.start.data.rights, 0xc093);
    multiboot_handover_write(&image, &plan, handed);
    assert_int_equal(at((uint32_t)entry.start.gdt_base - INFO + entry.start.code.selector, 8),
                     0x00cf9b000000ffff); /* a selector that is loaded again is the same */
}

static void in_other_modes(void **state)
{
    struct guest_entry entry;

    (void)state;
    assert_int_equal(multiboot_plan(&image, &plan), MULTIBOOT_OK);
    image.mode = ENTRY_64;
    multiboot_entry(&image, &plan, &entry);
    assert_int_equal(entry.reg[VCPU_RBX], INFO);
    assert_int_equal(entry.start.efer, EFER_LME | EFER_LMA);
    assert_int_equal(entry.start.cr0 & (CR0_PE | CR0_PG), CR0_PE | CR0_PG);
    multiboot_handover_write(&image, &plan, handed);
    assert_int_equal(at((uint32_t)entry.start.cr3 - INFO, 8), entry.start.cr3 + 0x1003);

    assert_int_equal(multiboot_image_flat(bytes, sizeof(bytes), ENTRY_REAL, &image), MULTIBOOT_OK);
    assert_int_equal(multiboot_plan(&image, &plan), MULTIBOOT_OK);
    multiboot_entry(&image, &plan, &entry);
    assert_int_equal(entry.reg[VCPU_RDX], 0x80); /* the disk that it came from */
    assert_int_equal(entry.start.cr0 & (CR0_PE | CR0_PG), 0);
    assert_int_equal(entry.start.code.selector, 0);
    assert_int_equal(entry.start.code.limit, 0xffff);
    assert_int_equal(entry.start.idt_limit, 0x3ff);
    assert_int_equal(entry.start.rip, 0x7c00);
    assert_int_equal(entry.start.rsp, 0x7c00);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(modules_stay_or_go_high, make, drop),
        cmocka_unit_test_setup_teardown(modules_leave_what_is_kept, make, drop),
        cmocka_unit_test_setup_teardown(what_has_no_place, make, drop),
        cmocka_unit_test_setup_teardown(the_information, make, drop),
        cmocka_unit_test_setup_teardown(the_map, make, drop),
        cmocka_unit_test_setup_teardown(the_most_that_can_be_told, make, drop),
        cmocka_unit_test_setup_teardown(a_frame_buffer, make, drop),
        cmocka_unit_test_setup_teardown(how_it_is_entered, make, drop),
        cmocka_unit_test_setup_teardown(in_other_modes, make, drop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
