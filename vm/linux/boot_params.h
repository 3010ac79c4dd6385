/*
 * What a kernel that is entered by the 64-bit boot protocol finds in memory: boot_params (the "zero
 * page"), its command line, and the tables of its entry. Pure.
 *
 * Linux, "The Linux/x86 Boot Protocol", "64-bit Boot Protocol"; "Zero Page".
 */
#pragma once

#include "boot/multiboot2_rest.h"
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
    LINUX_EFI_MAP = 0x9000,
    LINUX_EFI_MAP_MOST = 0x8000,
    LINUX_STACK_TOP = LINUX_HANDOVER_BYTES,
};

struct linux_handover {
    const struct linux_image *image;
    const struct linux_plan *plan;
    const struct boot_info *boot; /* RSDP */
    const struct boot_efi *efi;   /* of what the handover's place is clear */
    const char *command_line;     /* of less than LINUX_COMMAND_LINE_SIZE characters */
};

/*
 * Writes all of it to `to`, LINUX_HANDOVER_BYTES that will be at plan->handover; the initrd is at
 * its new place. False: the memory map has more ranges than boot_params have room for, and the
 * first ones are there; or the EFI memory map has, and there is none.
 */
bool linux_handover_write(const struct linux_handover *handover, uint8_t *to);

/*
 * The firmware's memory map as Linux is handed it under UEFI, so that it can use the run-time
 * services: with what the hypervisor keeps reserved in it. UEFI Specification,
 * "EFI_BOOT_SERVICES.GetMemoryMap()".
 */
/* Is there all that Linux needs, in a form that is known? */
bool efi_is_usable(const struct boot_efi *efi);
/* Writes it to `to`, of `most` bytes; gives the bytes written, 0: there is not enough room. */
uint32_t efi_map_write(const struct boot_efi *efi, struct guest_range kept, uint8_t *to,
                       uint32_t most);

/* "64-bit Boot Protocol": paging on, flat segments, RSI the address of boot_params. */
void linux_entry(const struct linux_plan *plan, struct guest_entry *entry);
