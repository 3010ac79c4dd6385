/* A room: changes to what is mapped, for guests that watch what comes of it. */
#pragma once

#include "mm/radix.h"

/*
 * Gives a mapped area other attributes beside those of `keep`, a mask that has no bit of an address
 * and not the format's `pat`. Changes nothing when MAP_NOT_MAPPED.
 */
enum map_result radix_protect(struct radix *radix, uint64_t address, uint64_t bytes, uint64_t keep,
                              uint64_t attributes);

/* Unmaps; what is not mapped stays so, without an error. */
enum map_result radix_unmap(struct radix *radix, uint64_t address, uint64_t bytes);
