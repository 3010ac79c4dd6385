/*
 * The kernel's memory: the page pool, the page tables it runs on, mappings made later.
 *
 * Virtual addresses: the image at its link address (KERNEL_BASE + offset), all RAM at DIRECT_MAP +
 * physical address (write-back, never executable), devices from DEVICE_MAP up (uncached or
 * write-combining), stacks from STACK_MAP up with an unmapped guard page below each.
 */
#ifndef KERNEL_MEMORY_H
#define KERNEL_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mm/direct_map.h"

/* 2^order contiguous pages, zeroed; physical address, 0 when there are none. Any CPU. */
uint64_t pages_alloc(int order);
void pages_free(uint64_t address, int order);

/* A device's registers, uncached; NULL when it cannot be mapped. */
volatile void *device_map(uint64_t physical, size_t bytes);

/* A frame buffer, write-combining. */
volatile void *framebuffer_map(uint64_t physical, size_t bytes);

/* `pages` pages of stack with a guard page below; the virtual address of its top, 0 for none. */
uint64_t stack_create(unsigned pages);

/* One page mapped where it is physically, executable and not writable, for CPUs that start. */
bool identity_map_code(uint64_t page);
void identity_unmap_code(uint64_t page);

/* What CR3 holds on every CPU; below 4 GiB. */
uint64_t kernel_cr3(void);

#endif
