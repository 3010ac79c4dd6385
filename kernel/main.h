/* Where boot/entry.S calls C: the one jump up. */
#ifndef KERNEL_MAIN_H
#define KERNEL_MAIN_H

#include <stdint.h>

/*
 * information, load_address: physical, below 4 GiB; entry_tsc: at the kernel's first instruction.
 * On the boot stack, with interrupts off and the boot page tables.
 */
_Noreturn void kernel_main(uint64_t information, uint64_t load_address, uint64_t entry_tsc);

#endif
