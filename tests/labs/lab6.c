/* Lab 6: extended page tables. docs/labs/6.md is its page. */
#include "tests/labs/lab.h"
#include "tests/labs/exit_done.h"

#include "tests/host/guest_machine.h"
#include "vm/exit.h"
#include "vm/guests/exits/guest_exits.h"
#include "vm/guests/guest_run.h"
#include "vm/memory/ept_walk.h"

enum { WIDTH = 40, LARGE = 1 << 7 };
#define KIB4    0x1000ull
#define MIB2    0x200000ull
#define GIB     0x40000000ull
#define ADDRESS 0x000ffffffffff000ull

static const struct vmx_capability everything = {.ept_2m_pages = true,
                                                 .ept_1g_pages = true,
                                                 .ept_execute_only = true,
                                                 .ept_accessed_dirty = true,
                                                 .ept_write_back = true};
static struct ept ept;

static int empty_tables(void **state)
{
    (void)state;
    model_cpu_reset();
    want(ept_init(&ept, &everything, WIDTH, NULL) == MAP_OK, "no memory for the first table");
    return 0;
}

/* The entry that ends the processor's walk, and its level. */
static uint64_t walked(uint64_t guest_physical, int *level)
{
    uint64_t entry = ept.radix.root | EPT_ALL;

    for (*level = LEVEL_PML4; *level >= LEVEL_PT; (*level)--) {
        entry =
            ((uint64_t *)phys_to_virt(entry & ADDRESS))[guest_physical >> (3 + 9 * *level) & 511];
        if ((entry & EPT_ALL) == 0 || *level == LEVEL_PT || (entry & LARGE) != 0)
            break;
    }
    return entry;
}

static void pointer(void **state)
{
    uint64_t eptp = ept_pointer(&ept);

    (void)state;
    want((eptp & ADDRESS) == ept.radix.root, "the EPTP 0x%llx has another first table than 0x%llx",
         ull(eptp), ull(ept.radix.root));
    want((eptp >> 3 & 7) == 3, "bits 5:3 of the EPTP are %llu: the length of a walk, 4, less 1",
         ull(eptp >> 3 & 7));
    want((eptp & 7) == 6,
         "bits 2:0 of the EPTP are %llu: this processor can have its tables write-back, 6",
         ull(eptp & 7));
    want((eptp & 1 << 6) != 0, "this processor keeps accessed and dirty flags, but bit 6 is 0");
    ept.capability.ept_write_back = false;
    ept.capability.ept_accessed_dirty = false;
    eptp = ept_pointer(&ept);
    want((eptp & 7) == 0, "bits 2:0 are %llu, but this processor has its tables uncacheable only",
         ull(eptp & 7));
    want((eptp & 1 << 6) == 0, "this processor keeps no accessed and dirty flags, but bit 6 is 1");
}

static void page(void **state)
{
    int level;
    uint64_t entry;

    (void)state;
    want(ept_map(&ept, 0x5000, 0x9000, KIB4, EPT_READ | EPT_EXECUTE, MEMORY_TYPE_WB) == MAP_OK,
         "a page is not mapped");
    entry = walked(0x5000, &level);
    want(level == LEVEL_PT, "a page of 4 KiB ends at level %d", level);
    want((entry & ADDRESS) == 0x9000, "guest-physical 0x5000 is at 0x%llx, not at 0x9000",
         ull(entry & ADDRESS));
    want((entry >> 3 & 7) == MEMORY_TYPE_WB,
         "bits 5:3 of the entry 0x%llx are %llu, not the memory type 6", ull(entry),
         ull(entry >> 3 & 7));
    want((entry & EPT_ALL) == (EPT_READ | EPT_EXECUTE), "its permissions are %llu, not 5",
         ull(entry & EPT_ALL));
}

static void want_level(bool has_2m, bool has_1g, uint64_t guest_physical, uint64_t bytes,
                       int wanted)
{
    const struct vmx_capability has = {.ept_2m_pages = has_2m, .ept_1g_pages = has_1g};
    int level;

    want(ept_init(&ept, &has, WIDTH, NULL) == MAP_OK, "no memory");
    (void)ept_map(&ept, guest_physical, guest_physical, bytes, EPT_ALL, MEMORY_TYPE_UC);
    (void)walked(guest_physical, &level);
    want(level == wanted,
         "with%s pages of 2 MiB and with%s those of 1 GiB, 0x%llx bytes at 0x%llx end at level %d, "
         "not %d",
         has_2m ? "" : "out", has_1g ? "" : "out", ull(bytes), ull(guest_physical), level, wanted);
}

static void large_pages(void **state)
{
    (void)state;
    want_level(true, true, GIB, GIB, LEVEL_PDPT);
    want_level(true, false, GIB, 2 * MIB2, LEVEL_PD);
    want_level(true, true, MIB2, MIB2, LEVEL_PD);
    want_level(false, true, GIB, MIB2, LEVEL_PT);
    want_level(true, true, KIB4, MIB2 - KIB4, LEVEL_PT);
}

static void refused(void **state)
{
    enum map_result result = ept_map(&ept, 0, 0, KIB4, EPT_ALL, MEMORY_TYPE_WB);

    (void)state;
    want(result == MAP_OK, "a good page is refused: %d", result);
    result = ept_map(&ept, 0, 0, KIB4, EPT_WRITE, MEMORY_TYPE_WB);
    want(result == MAP_BAD_PERMISSIONS,
         "write without read gives %d, not MAP_BAD_PERMISSIONS: the processor would meet a "
         "misconfiguration",
         result);
    for (unsigned type = 0; type < 8; type++) {
        const bool good = type != 2 && type != 3 && type != 7;

        result = ept_map(&ept, 0, 0, KIB4, EPT_ALL, (enum memory_type)type);
        want(result == (good ? MAP_OK : MAP_BAD_MEMORY_TYPE),
             "memory type %u gives %d; 2, 3 and 7 are reserved, and MAP_BAD_MEMORY_TYPE", type,
             result);
    }
    ept.capability.ept_execute_only = false;
    result = ept_map(&ept, 0, 0, KIB4, EPT_EXECUTE, MEMORY_TYPE_WB);
    want(result == MAP_BAD_PERMISSIONS,
         "execute-only gives %d on a processor that has no such pages", result);
}

/* The first MiB is UC, one page at 1 GiB has no one type, the rest is WB. */
static enum memory_type some_types(const struct memory_types_state *state, uint64_t physical,
                                   uint64_t bytes)
{
    (void)state;
    if (physical < GIB + KIB4 && physical + bytes > GIB)
        return MEMORY_TYPE_MIXED;
    if (physical < 0x100000)
        return physical + bytes <= 0x100000 ? MEMORY_TYPE_UC : MEMORY_TYPE_MIXED;
    return MEMORY_TYPE_WB;
}

static void by_type(void **state)
{
    static const struct {
        uint64_t address;
        int level;
        unsigned type;
    } wanted[] = {{0, LEVEL_PT, MEMORY_TYPE_UC},
                  {0x100000, LEVEL_PT, MEMORY_TYPE_WB},
                  {MIB2, LEVEL_PD, MEMORY_TYPE_WB}};
    const struct ept_memory_types types = {some_types, NULL};
    uint64_t entry;
    int level;

    (void)state;
    want(ept_map_by_type(&ept, 0, 0, 2 * MIB2, EPT_ALL, &types) == MAP_OK,
         "the area is not mapped");
    for (unsigned i = 0; i < 3; i++) {
        entry = walked(wanted[i].address, &level);
        want(level == wanted[i].level && (entry >> 3 & 7) == wanted[i].type,
             "0x%llx: a page of level %d with memory type %llu, but level %d with type %u is "
             "right: a page "
             "is large only where all of it has one type",
             ull(wanted[i].address), level, ull(entry >> 3 & 7), wanted[i].level, wanted[i].type);
    }
    want(ept_map_by_type(&ept, GIB, GIB, KIB4, EPT_ALL, &types) == MAP_OK,
         "a page of mixed types is not mapped");
    entry = walked(GIB, &level);
    want((entry >> 3 & 7) == MEMORY_TYPE_UC,
         "a page of 4 KiB with two memory types gets %llu: UC, 0, is never wrong",
         ull(entry >> 3 & 7));
    want(ept_map_by_type(&ept, 2 * GIB, 2 * GIB, KIB4 + 1, EPT_ALL, &types) == MAP_MISALIGNED,
         "4097 bytes are mapped, or not refused as MAP_MISALIGNED: radix_check() tells before "
         "anything is mapped");
    (void)walked(2 * GIB, &level);
    want(level > LEVEL_PT, "4097 bytes were refused, but a part of them is mapped");
}

static void want_reason(uint64_t entry, int level, enum ept_misconfiguration wanted,
                        const char *why)
{
    const enum ept_misconfiguration seen =
        ept_entry_misconfigured(entry, level, &everything, WIDTH);

    want(seen == wanted, "entry 0x%llx at level %d is %s; but %s: %s", ull(entry), level,
         ept_misconfiguration_text(seen), ept_misconfiguration_text(wanted), why);
}

static void misconfigured(void **state)
{
    struct vmx_capability fewer = everything;

    (void)state;
    want_reason(0x9000 | EPT_WRITE | 6 << 3, LEVEL_PT, EPT_WRITE_WITHOUT_READ, "bits 2:0 are 010");
    want_reason(0x9000 | EPT_WRITE | EPT_EXECUTE | 6 << 3, LEVEL_PT, EPT_WRITE_WITHOUT_READ,
                "bits 2:0 are 110");
    want_reason(0x9000 | EPT_ALL | 2 << 3, LEVEL_PT, EPT_RESERVED_TYPE, "bits 5:3 are 2");
    want_reason(1ull << WIDTH | EPT_ALL | 6 << 3, LEVEL_PT, EPT_BEYOND_WIDTH,
                "the width is 40 bits");
    want_reason(0x9000 | EPT_ALL | LARGE, LEVEL_PML4, EPT_RESERVED_BIT,
                "no page is larger than 1 GiB");
    want_reason(0x9000 | EPT_ALL | 6 << 3, LEVEL_PD, EPT_RESERVED_BIT,
                "bits 6:3 are reserved where an entry points to a table");
    want_reason(0x1000 | EPT_ALL | LARGE | 6 << 3, LEVEL_PD, EPT_RESERVED_BIT,
                "bits 20:12 of the address of a page of 2 MiB are reserved");
    fewer.ept_execute_only = false;
    want(ept_entry_misconfigured(0x9000 | EPT_EXECUTE | 6 << 3, LEVEL_PT, &fewer, WIDTH) ==
             EPT_EXECUTE_ONLY,
         "execute-only, on a processor without such pages, is not found");
    fewer.ept_1g_pages = false;
    want(ept_entry_misconfigured(GIB | EPT_ALL | LARGE | 6 << 3, LEVEL_PDPT, &fewer, WIDTH) ==
             EPT_RESERVED_BIT,
         "bit 7 at level 3, on a processor without pages of 1 GiB, is a reserved bit");
}

static void well_configured(void **state)
{
    (void)state;
    want_reason(0x9000 | EPT_ALL | 2 << 3, LEVEL_PT, EPT_RESERVED_TYPE, "bits 5:3 are 2");
    want_reason(1ull << WIDTH | 7 << 3 | LARGE, LEVEL_PML4, EPT_WELL_CONFIGURED,
                "bits 2:0 are 0, so it is not present, and nothing else of it counts");
    want_reason(0x9000 | EPT_ALL | 6 << 3 | LARGE, LEVEL_PT, EPT_WELL_CONFIGURED,
                "bit 7 is ignored at level 1");
    want_reason(0x9000 | EPT_EXECUTE | 6 << 3, LEVEL_PT, EPT_WELL_CONFIGURED,
                "this processor has execute-only pages");
    want_reason(MIB2 | EPT_ALL | LARGE | 6 << 3, LEVEL_PD, EPT_WELL_CONFIGURED, "a page of 2 MiB");
    want_reason(0x9000 | EPT_ALL, LEVEL_PDPT, EPT_WELL_CONFIGURED, "it points to a table");
}

static void walk(void **state)
{
    struct ept_walk seen;
    uint64_t *table;

    (void)state;
    (void)ept_map(&ept, MIB2, 4 * MIB2, MIB2, EPT_ALL, MEMORY_TYPE_WB);
    seen = ept_walk(&ept, MIB2 + 0x12345);
    want(seen.mapped && seen.level == LEVEL_PD, "a page of 2 MiB: mapped %d at level %d",
         seen.mapped, seen.level);
    want(seen.size == MIB2 && seen.guest_physical == MIB2 && seen.physical == 4 * MIB2,
         "guest-physical 0x%llx is in a page of 0x%llx bytes from 0x%llx on, at 0x%llx",
         ull(MIB2 + 0x12345), ull(seen.size), ull(seen.guest_physical), ull(seen.physical));
    want(seen.type == MEMORY_TYPE_WB, "its memory type is %d, not 6", seen.type);
    table = phys_to_virt(ept.radix.root);
    table[0] &= ~(uint64_t)EPT_WRITE;
    seen = ept_walk(&ept, MIB2);
    want(seen.permissions == (EPT_READ | EPT_EXECUTE),
         "the PML4 entry denies writes, but the permissions are %u: all levels together give them",
         seen.permissions);
    seen = ept_walk(&ept, GIB);
    want(!seen.mapped && seen.misconfiguration == EPT_WELL_CONFIGURED,
         "1 GiB is not mapped, but it is said to be");
    want(seen.permissions == 0 && seen.physical == 0,
         "nothing is mapped at 1 GiB, but it has permissions %u, at 0x%llx", seen.permissions,
         ull(seen.physical));
    seen = ept_walk(&ept, 1ull << 48 | MIB2);
    want(!seen.mapped, "an address of 49 bits is said to be mapped: four levels translate 48");
    *radix_find(&ept.radix, MIB2).entry |= EPT_ACCESSED | EPT_DIRTY;
    want(ept_walk(&ept, MIB2).accessed && ept_walk(&ept, MIB2).dirty,
         "bits 8 and 9 of the leaf are 1, but the page is not said to be accessed and dirty");
    ept.capability.ept_accessed_dirty = false;
    want(!ept_walk(&ept, MIB2).accessed && !ept_walk(&ept, MIB2).dirty,
         "bits 8 and 9 are ignored where the processor does not keep such flags");
    table[0] |= LARGE;
    seen = ept_walk(&ept, MIB2);
    want(!seen.mapped && seen.misconfiguration == EPT_RESERVED_BIT && seen.level == LEVEL_PML4,
         "a misconfigured PML4 entry ends the walk at level 4; here it is level %d", seen.level);
}

static struct vcpu *vcpu;

static int with_demand(void **state)
{
    (void)state;
    vcpu = guest_machine_in(GUEST_LONG);
    guest_machine_demand(&guest_machine.own);
    return 0;
}

/* The first touch of a page, as the processor tells it; `allowed`: bits 5:3 of the qualification.
 */
static enum exit_done touch(uint64_t address, unsigned allowed, uint32_t vectoring)
{
    guest_machine_exit(EXIT_REASON_EPT_VIOLATION, EPT_WRITE | allowed << 3, 3);
    FIELD(GUEST_PHYSICAL_ADDRESS) = address;
    FIELD(IDT_VECTORING_INFORMATION) = vectoring;
    return exit_demand(vcpu);
}

static void violation(void **state)
{
    const uint64_t rip = FIELD(GUEST_RIP), address = GUEST_TOUCH_BASE + 0x1234;
    enum exit_done done = touch(address, 0, 0);
    const struct ept_walk seen = ept_walk(&vcpu->vm->ept, address);

    (void)state;
    want(done == EXIT_MAPPED,
         "the first touch of a page that the guest may have gives %s, not EXIT_MAPPED",
         done_name(done));
    want(seen.mapped && seen.permissions == EPT_ALL,
         "after it the page is not mapped with all permissions");
    want(FIELD(GUEST_RIP) == rip, "RIP has moved: the guest executes the same instruction again");
    want(touch(address, 0, 0) == EXIT_MAPPED &&
             ept_walk(&vcpu->vm->ept, address).physical == seen.physical,
         "a page that is there already, by another vCPU's touch, is mapped anew: what was written "
         "is lost");
}

static void not_the_guests(void **state)
{
    (void)state;
    want(touch(GUEST_TOUCH_BASE, 0, 0) == EXIT_MAPPED,
         "the first page that the guest may have is not mapped");
    want(touch(GUEST_TOUCH_END, 0, 0) == EXIT_ENDED && vcpu->end == GUEST_END_MEMORY,
         "the page behind the guest's memory is given to it: reach for no more than demand_bytes");
    want(touch(GUEST_TOUCH_BASE - 1, 0, 0) == EXIT_ENDED && vcpu->end == GUEST_END_MEMORY,
         "the byte before the guest's memory is given to it");
    want(touch(GUEST_TOUCH_BASE + KIB4, EPT_READ, 0) == EXIT_ENDED,
         "the page is there and allows reads only (bits 5:3): the guest may not write, and ends");
}

static void no_page(void **state)
{
    enum exit_done done;

    (void)state;
    want(touch(GUEST_TOUCH_BASE, 0, 0) == EXIT_MAPPED, "a touch gives no page");
    want(!vcpu->vm->lock.held, "the page is mapped, and vm->lock is still held");
    while (vcpu->vm->pages.count > 0)
        (void)page_cache_alloc(&vcpu->vm->pages);
    model_pages_limit(0);
    done = touch(GUEST_TOUCH_BASE + KIB4, 0, 0);
    want(done == EXIT_ENDED && vcpu->end == GUEST_END_MEMORY,
         "there is no page any more: a touch gives %s, and does not end the guest",
         done_name(done));
    want(!ept_walk(&vcpu->vm->ept, GUEST_TOUCH_BASE + KIB4).mapped,
         "there is no page any more, and something is mapped all the same: physical address 0?");
    want(!vcpu->vm->lock.held, "there is no page any more, and vm->lock is still held");
}

/* An IRET in the guest's NMI handler touches a stack that is not there. */
static void nmi(void **state)
{
    (void)state;
    guest_machine_exit(EXIT_REASON_EPT_VIOLATION, EPT_READ | 1 << 12, 2);
    FIELD(GUEST_PHYSICAL_ADDRESS) = GUEST_TOUCH_BASE;
    want(exit_demand(vcpu) == EXIT_MAPPED, "a touch gives no page");
    want(
        (FIELD(GUEST_INTERRUPTIBILITY_STATE) & BLOCKING_BY_NMI) != 0,
        "bit 12 of the exit qualification: IRET had unblocked NMIs and will be executed again, but "
        "they are not blocked (event_nmi_blocked_again())");
}

static void event(void **state)
{
    (void)state;
    want(touch(GUEST_TOUCH_BASE, 0, 0x80000020) == EXIT_MAPPED, "a touch gives no page");
    want(guest_machine_injected() == 0x80000020,
         "the page was touched while interrupt 0x20 was delivered (IDT-vectoring information), and "
         "the "
         "interrupt is lost: 0x%x is injected",
         guest_machine_injected());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(pointer, empty_tables),
        cmocka_unit_test_setup(page, empty_tables),
        cmocka_unit_test_setup(large_pages, empty_tables),
        cmocka_unit_test_setup(refused, empty_tables),
        cmocka_unit_test_setup(by_type, empty_tables),
        cmocka_unit_test_setup(misconfigured, empty_tables),
        cmocka_unit_test_setup(well_configured, empty_tables),
        cmocka_unit_test_setup(walk, empty_tables),
        cmocka_unit_test_setup(violation, with_demand),
        cmocka_unit_test_setup(not_the_guests, with_demand),
        cmocka_unit_test_setup(event, with_demand),
        cmocka_unit_test_setup(nmi, with_demand),
        cmocka_unit_test_setup(no_page, with_demand),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
