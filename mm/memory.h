/*
 * The kernel's memory: the page pool, the page tables it runs on, mappings made later.
 *
 * Virtual addresses: the image at its link address (KERNEL_BASE + offset), all RAM at DIRECT_MAP +
 * physical address (write-back, never executable), devices from DEVICE_MAP up (uncached or
 * write-combining), stacks from STACK_MAP up with an unmapped guard page below each.
 */
#ifndef MM_MEMORY_H
#define MM_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mm/page_alloc.h"
#include "mm/memory_map.h"
#include "mm/memory_type.h"
#include "mm/paging.h"

/* What the boot page tables map; the tables that follow them are made from memory below it. */
#define BOOT_MAP_END (1ull << 32)

struct memory_sizes {
    uint64_t ram_bytes;  /* in the memory map, of whatever use */
    uint64_t pool_bytes; /* given to the page pool */
};

/* Before memory_init(), on the boot CPU: what the loader says is there, and what of it is in use.
 */
void memory_add(enum memory_kind kind, uint64_t base, uint64_t bytes);

/*
 * From that and the boot page tables to the pool and the tables of our own, on which this CPU runs
 * on return. The image, at the physical `load_address`, stays out of the pool, and so does the
 * first MiB. False when there is too little memory; then the boot page tables are still in use.
 * Boot CPU, once.
 */
bool memory_init(uint64_t load_address, bool execute_disable, struct memory_sizes *sizes);

/*
 * A device's registers, uncached; NULL when it cannot be mapped. What was mapped before
 * memory_init() has to be mapped anew after it.
 */
volatile void *device_map(uint64_t physical, size_t bytes);

/* A frame buffer, write-combining. */
volatile void *framebuffer_map(uint64_t physical, size_t bytes);

/* `pages` pages of stack with a guard page below; the virtual address of its top, 0 for none. */
uint64_t stack_create(unsigned pages);

/*
 * Firmware's tables, read-only, wherever they are; NULL when they cannot be mapped. Not for
 * registers of devices.
 */
const void *firmware_map(uint64_t physical, size_t bytes);

/* A free page below 1 MiB for code that starts in real mode; 0 when there is none. */
uint64_t low_page(void);

/*
 * What of the hypervisor lies in the page of a physical address, in words ("its image"); NULL:
 * nothing, the page is the firmware's, a device's, or nobody's.
 */
const char *memory_owned(uint64_t physical);

/* The next such memory that is not RAM: mm/memory_map.h, memory_map_next_non_ram(). */
bool memory_next_non_ram(uint64_t *next, uint64_t *base, uint64_t *end);

/*
 * The memory type in which a guest may see memory that is not RAM: as these MTRRs have
 * it in the first MiB, of which they speak in detail, and where the firmware has RAM; UC elsewhere,
 * for there may be devices, and firmware that types them WB: what a processor then reads ahead
 * could do something.
 */
enum memory_type memory_non_ram_type(const struct memory_types_state *types, uint64_t physical,
                                     uint64_t bytes);

/*
 * Copies `bytes` of RAM from a physical address, for who wants to see what a processor saw there;
 * false where that is not RAM, lies in the hypervisor's image, or is not looked after.
 */
bool memory_read(uint64_t physical, void *to, size_t bytes);

/* One page mapped where it is physically, executable and not writable, for CPUs that start. */
bool identity_map_code(uint64_t page);
void identity_unmap_code(uint64_t page);

/* What CR3 holds on every CPU; below 4 GiB. */
uint64_t kernel_cr3(void);

/* Counts what the page tables in use allow, for the proof that nothing is writable and executable.
 */
void memory_audit(struct paging_audit *audit);

#endif
