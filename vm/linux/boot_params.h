/*
 * What a kernel that is entered by the 64-bit boot protocol finds in memory: boot_params (the "zero
 * page"), its command line, and the tables of its entry. Pure.
 *
 * Linux, "The Linux/x86 Boot Protocol", "64-bit Boot Protocol"; "Zero Page".
 */
#ifndef VM_BOOT_PARAMS_H
#define VM_BOOT_PARAMS_H

#include <stdbool.h>

#include "boot/boot_info.h"
#include "vm/linux/linux_plan.h"
#include "vm/loader/guest_entry.h"

enum {
    LINUX_E820_MOST = 128,          /* entries of boot_params */
    LINUX_COMMAND_LINE_SIZE = 2048, /* with the zero */
};

/* Within what is handed over: offsets. */
enum {
    LINUX_BOOT_PARAMS = 0x0000,
    LINUX_COMMAND_LINE = 0x1000,
    LINUX_RSDP = 0x1900,
    LINUX_TABLES = 0x2000,
    LINUX_STACK_TOP = LINUX_HANDOVER_BYTES,
};

struct linux_handover {
    const struct linux_image *image;
    const struct linux_plan *plan;
    const struct boot_info *boot; /* framebuffer, RSDP */
    const char *command_line;     /* of less than LINUX_COMMAND_LINE_SIZE characters */
};

/*
 * Writes all of it to `to`, LINUX_HANDOVER_BYTES that will be at plan->handover; the initrd is at
 * its new place. False: the memory map has more ranges than boot_params have room for; the first
 * ones are there.
 */
bool linux_handover_write(const struct linux_handover *handover, uint8_t *to);

/* "64-bit Boot Protocol": paging on, flat segments, RSI the address of boot_params. */
void linux_entry(const struct linux_plan *plan, struct guest_entry *entry);

#endif
