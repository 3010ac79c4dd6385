/*
 * What kernel/linux/linux_guest.c knows of the machine that a guest will own.
 */
#ifndef KERNEL_LINUX_GUEST_H
#define KERNEL_LINUX_GUEST_H

#include <stdint.h>

/* Also of the RAM above what the map calls available. */
uint64_t linux_ram_end(void);

/* Of the hypervisor's code and constants. */
uint64_t linux_image_checksum(void);

#endif
