/*
 * The kernel's memory: the page pool, the page tables it runs on, mappings made later.
 *
 * Virtual addresses: the image at its link address (KERNEL_BASE + offset), all RAM at DIRECT_MAP +
 * physical address (write-back, never executable), devices from DEVICE_MAP up (uncached or
 * write-combining), stacks from STACK_MAP up with an unmapped guard page below each.
 */
#pragma once

#include <stddef.h>

#include "mm/memory_map.h"
#include "mm/memory_type.h"
#include "mm/radix.h"

/* What the boot page tables map; the tables that follow them are made from memory below it. */
#define BOOT_MAP_END (1ull << 32)

/* More RAM than this is left alone: its page tables and its pool would cost time for no one. */
#define RAM_END_MAX (64ull << 30)

struct memory_sizes {
    uint64_t ram_bytes;  /* in the memory map, of whatever use */
    uint64_t pool_bytes; /* given to the page pool */
};

/* Before memory_init(), on the boot CPU: what the loader says is there, and what is in use. */
void memory_add(enum memory_kind kind, uint64_t base, uint64_t bytes);

/*
 * From that and the boot page tables to the pool and the tables of our own, on which this CPU runs
 * on return. The image, at the physical `load_address`, stays out of the pool, and so does the
 * first MiB. False when there is too little memory; then the boot page tables are still in use.
 * Boot CPU, once.
 */
bool memory_init(uint64_t load_address, bool execute_disable, struct memory_sizes *sizes);

/* A device's memory, cached as an entry of the PAT says; NULL when it cannot be mapped. */
volatile void *device_map(uint64_t physical, size_t bytes, unsigned pat);

/* `pages` pages of stack with a guard page below; the virtual address of its top, 0 for none. */
uint64_t stack_create(unsigned pages);

/* Firmware's tables, read-only, wherever they are; NULL when they cannot be mapped. */
const void *firmware_map(uint64_t physical, size_t bytes);

/* A free page below 1 MiB for code that starts in real mode; 0 when there is none. */
uint64_t low_page(void);

/* One page mapped where it is physically, executable and not writable, for CPUs that start. */
bool identity_map_code(uint64_t page);
void identity_unmap_code(uint64_t page);

/* What is known of the machine's memory; does the image lie in [base, end), physical? */
const struct memory_map *memory_layout(void);
bool memory_is_image(uint64_t base, uint64_t end);

/* What every CPU runs on; the root lies below 4 GiB. */
const struct page_tables *kernel_tables(void);
