/* A room: whose memory a physical address is, for guests that see the machine's own. */
#pragma once

#include "mm/memory.h"

/*
 * What is not ours to use: the firmware's RAM, the reserved, and where nothing is said to be, which
 * is where devices are; whole pages, up to the end of the address space, and never a page of which
 * a byte is available, taken or bad. Call with *next = 0 first (or
 * where to begin, a multiple of 4096), until it returns false.
 */
bool memory_map_next_non_ram(const struct memory_map *map, uint64_t *next, uint64_t *base,
                             uint64_t *end);

/*
 * Does all of [address, address + bytes) lie in one range, or all of it where nothing is said to
 * be? Then *range is that range, or NULL.
 */
bool memory_map_find(const struct memory_map *map, uint64_t address, uint64_t bytes,
                     const struct memory_range **range);

/* Is every byte of [address, address + bytes) RAM, of whatever kind but bad? */
bool memory_map_is_ram(const struct memory_map *map, uint64_t address, uint64_t bytes);

/*
 * What of the hypervisor lies in the page of a physical address, in words ("its image"); NULL:
 * nothing, the page is the firmware's, a device's, or nobody's.
 */
const char *memory_owned(uint64_t physical);

/* memory_map_next_non_ram() of this machine's. */
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
