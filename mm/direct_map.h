/*
 * From physical addresses to pointers and back. The kernel maps all RAM at DIRECT_MAP; in a hosted
 * build the test says where a physical address is (tests/host/model_cpu.c).
 */
#ifndef MM_DIRECT_MAP_H
#define MM_DIRECT_MAP_H

#include <stdint.h>

#define DIRECT_MAP 0xffff800000000000ull

#if __STDC_HOSTED__
void *phys_to_virt(uint64_t physical);
#else
static inline void *phys_to_virt(uint64_t physical)
{
    return (void *)(DIRECT_MAP + physical);
}
#endif

#endif
