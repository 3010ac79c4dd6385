#include "mm/memory.h"

#include "lib/x86.h"

#define MIB        (1ull << 20)
#define DEVICE_MAP 0xffffc00000000000ull
#define STACK_MAP  0xffffd00000000000ull

/* The widest physical address that the direct map has room for: half of the address space. */
#define DIRECT_MAP_END (1ull << 46)

#define CPUID_PAGES_OF_1GIB (1u << 26) /* in EDX */

extern const char image_start[], text_start[], text_end[], data_start[], data_end[];
extern const char boot_stack_guard[], boot_stack_bottom[], rodata_start[], rodata_end[];
extern const char image_end[];

static struct memory_map map;
static struct page_tables tables;
static uint64_t image_base; /* physical */
static uint64_t low_free_page;
static uint64_t device_next = DEVICE_MAP;
static uint64_t stack_next = STACK_MAP;

static uint64_t image_physical(const char *symbol)
{
    return image_base + (uint64_t)(symbol - image_start);
}

void memory_add(enum memory_kind kind, uint64_t base, uint64_t bytes)
{
    memory_map_add(&map, kind, base, bytes);
}

static uint64_t ram_bytes(void)
{
    uint32_t next = 0;
    uint64_t base, end, bytes = 0;

    while (memory_map_next_ram(&map, &next, &base, &end))
        bytes += end - base;
    return bytes;
}

/* Adds free memory within [from, to) to the pool; how many bytes that is. */
static uint64_t fill_pool(uint64_t from, uint64_t to)
{
    uint32_t next = 0;
    uint64_t base, end, bytes = 0;

    while (memory_map_next_free(&map, &next, &base, &end)) {
        if (base < from)
            base = from;
        if (end > to)
            end = to;
        if (base < end) {
            pages_add(base, end);
            bytes += end - base;
        }
    }
    return bytes;
}

static bool map_pages(uint64_t virt, uint64_t physical, uint64_t bytes, uint64_t flags)
{
    return paging_map(&tables, virt, physical, bytes, flags) == MAP_OK;
}

/* A part of the image, from one of its symbols up to another. */
static bool map_image_part(const char *start, const char *end, uint64_t flags)
{
    return start == end || map_pages((uint64_t)start, image_physical(start),
                                     (uint64_t)(end - start), flags | PAGING_GLOBAL);
}

static bool map_image(void)
{
    return map_image_part(text_start, text_end, PAGING_EXECUTE) &&
           map_image_part(data_start, boot_stack_guard, PAGING_WRITE) &&
           map_image_part(boot_stack_bottom, data_end, PAGING_WRITE) &&
           map_image_part(rodata_start, rodata_end, 0);
}

/* RAM without the image, whose pages must not be writable by a second name. */
static bool map_ram(void)
{
    uint64_t hole = image_base, hole_end = image_physical(image_end);
    uint32_t next = 0;
    uint64_t base, end;

    while (memory_map_next_ram(&map, &next, &base, &end)) {
        const struct {
            uint64_t base, end;
        } part[] = {{base, end < hole ? end : hole}, {base > hole_end ? base : hole_end, end}};

        for (unsigned i = 0; i < sizeof(part) / sizeof(part[0]); i++) {
            uint64_t last = part[i].end < RAM_END_MAX ? part[i].end : RAM_END_MAX;

            if (part[i].base < last &&
                !map_pages(DIRECT_MAP + part[i].base, part[i].base, last - part[i].base,
                           PAGING_WRITE | PAGING_GLOBAL | PAGING_PAT(PAT_INDEX_WB)))
                return false;
        }
    }
    return true;
}

/* Page tables of our own instead of the boot code's, in which everything can be executed. */
static bool build_tables(bool execute_disable)
{
    bool pages_of_1gib = (cpuid(CPUID_EXTENDED_FEATURES, 0).edx & CPUID_PAGES_OF_1GIB) != 0;

    return paging_init(&tables, pages_of_1gib, !execute_disable, NULL) && map_image() && map_ram();
}

bool memory_init(uint64_t load_address, bool execute_disable, struct memory_sizes *sizes)
{
    *sizes = (struct memory_sizes){0};
    image_base = load_address;
    memory_add(MEMORY_TAKEN, image_base, image_physical(image_end) - image_base);
    low_free_page = memory_map_low_page(&map);
    memory_add(MEMORY_TAKEN, 0, MIB);
    sizes->ram_bytes = ram_bytes();
    if (map.full || sizes->ram_bytes == 0)
        return false;

    sizes->pool_bytes = fill_pool(0, BOOT_MAP_END);
    if (!build_tables(execute_disable))
        return false;
    write_cr3(tables.radix.root);
    sizes->pool_bytes += fill_pool(BOOT_MAP_END, RAM_END_MAX);
    return true;
}

bool memory_is_image(uint64_t base, uint64_t end)
{
    return base < image_physical(image_end) && end > image_base;
}

const struct memory_map *memory_layout(void)
{
    return &map;
}

const struct page_tables *kernel_tables(void)
{
    return &tables;
}

uint64_t low_page(void)
{
    return low_free_page;
}

volatile void *device_map(uint64_t physical, size_t bytes, unsigned pat)
{
    uint64_t offset = physical & (PAGE_SIZE - 1);
    uint64_t size = (offset + bytes + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
    uint64_t virt = device_next;

    /* Large pages fit only where both addresses are alike in their low bits. */
    if (size >= 2 * MIB)
        virt = ((virt + 2 * MIB - 1) & ~(2 * MIB - 1)) + ((physical - offset) & (2 * MIB - 1));
    if (!map_pages(virt, physical - offset, size, PAGING_WRITE | PAGING_GLOBAL | PAGING_PAT(pat)))
        return NULL;
    device_next = virt + size;
    return (volatile void *)(virt + offset);
}

const void *firmware_map(uint64_t physical, size_t bytes)
{
    uint64_t page = physical & ~(PAGE_SIZE - 1);
    uint64_t end = physical + bytes;

    if (bytes == 0 || end < physical || end > DIRECT_MAP_END)
        return NULL;
    for (; page < end; page += PAGE_SIZE) {
        if (!paging_is_mapped(&tables, DIRECT_MAP + page) &&
            !map_pages(DIRECT_MAP + page, page, PAGE_SIZE, PAGING_PAT(PAT_INDEX_WB)))
            return NULL;
    }
    return phys_to_virt(physical);
}

uint64_t stack_create(unsigned pages)
{
    uint64_t bottom = stack_next + PAGE_SIZE; /* above the guard page */
    uint64_t top = bottom + pages * PAGE_SIZE;
    uint64_t physical = pages_alloc(get_order(pages * PAGE_SIZE));

    if (physical == 0 ||
        !map_pages(bottom, physical, pages * PAGE_SIZE, PAGING_WRITE | PAGING_GLOBAL))
        return 0;
    stack_next = top;
    return top;
}

/* The direct map's name for a page of code must not be writable while the other one executes. */
static bool map_low_page(uint64_t page, uint64_t flags)
{
    bool done = map_pages(DIRECT_MAP + page, page, PAGE_SIZE,
                          flags | PAGING_GLOBAL | PAGING_PAT(PAT_INDEX_WB));

    invlpg(DIRECT_MAP + page);
    return done;
}

bool identity_map_code(uint64_t page)
{
    return map_low_page(page, 0) && map_pages(page, page, PAGE_SIZE, PAGING_EXECUTE);
}

void identity_unmap_code(uint64_t page)
{
    BUG_ON(radix_map(&tables.radix, page, 0, PAGE_SIZE, 0) != MAP_OK ||
           !map_low_page(page, PAGING_WRITE));
    invlpg(page);
}
