/*
 * The order of a size: 2^order pages of 4 KiB are the smallest power-of-two run that holds it.
 *
 * The meaning is that of Linux's get_order(), with which KVM turns the size in IA32_VMX_BASIC into
 * the order of a VMCS region: 1 … 4096 bytes give 0, 4097 … 8192 give 1. Linux declares size 0
 * undefined and computes 52 for it (BITS_PER_LONG - PAGE_SHIFT); here 0 gives 52 by contract. No
 * allocator has blocks of that order, so a size of 0 that slips through is refused, not granted.
 */
#ifndef MM_GET_ORDER_H
#define MM_GET_ORDER_H

#include <stdint.h>

enum { PAGE_SHIFT = 12 };
#define PAGE_SIZE (1ull << PAGE_SHIFT)

static inline int get_order(uint64_t size)
{
    uint64_t above = (size - 1) >> PAGE_SHIFT;

    return above == 0 ? 0 : 64 - __builtin_clzll(above);
}

#endif
