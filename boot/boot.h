/*
 * What assembly and C agree on while control arrives: where the image is, and how a CPU that
 * kernel/cpu/smp.c starts finds its way through boot/ap_trampoline.S.
 */
#ifndef BOOT_BOOT_H
#define BOOT_BOOT_H

#define KERNEL_BASE 0xffffffff80000000 /* virtual address of the image's first byte */

/* The boot page tables map this much of the image, in pages of 2 MiB. */
#define BOOT_IMAGE_PAGES 2

#define MULTIBOOT2_HEADER_MAGIC 0xe85250d6
#define MULTIBOOT2_BOOT_MAGIC   0x36d76289 /* in EAX at the entry */

/*
 * The door of a CPU. Each goes only through its own, and only while that is open. The boot CPU
 * shuts the doors of those that it resets, and one that arrives then waits: in an emulator a SIPI
 * sent earlier may outlast the reset. It stops for good at the door of one that was given up.
 */
#define AP_DOOR_SHUT     0
#define AP_DOOR_OPEN     1
#define AP_DOOR_PASSED   2
#define AP_DOOR_LEFT_OUT 3

/* struct ap_door */
#define AP_DOOR_APIC_ID 0
#define AP_DOOR_STATE   4
#define AP_DOOR_CPU     8
#define AP_DOOR_STACK   16
#define AP_DOOR_SIZE    24

/* struct ap_parameters, which stands at AP_PARAMETERS in the page */
#define AP_PARAMETERS 0x180
#define AP_CR3        0
#define AP_EFER       4
#define AP_DOOR_COUNT 8
#define AP_DOORS      16
#define AP_APIC       24
#define AP_MAIN       32
#define AP_GDT        42
#define AP_FAR_32     48
#define AP_FAR_64     54
#define AP_SIZE       60

#ifndef __ASSEMBLER__

#include <stdint.h>

struct cpu;

struct ap_door {
    uint32_t apic_id;
    _Atomic(uint32_t) state;
    uint64_t cpu;   /* what `main` gets */
    uint64_t stack; /* its top, virtual */
};

/*
 * The boot CPU fills in the first part; the second comes with the code and
 * holds distances from its beginning, to each of which the boot CPU adds the page's address.
 */
struct __attribute__((packed)) ap_parameters {
    uint32_t cr3;
    uint32_t efer;
    uint32_t door_count;
    uint32_t padding;
    uint64_t doors; /* virtual, of door_count struct ap_door */
    uint64_t apic;  /* virtual, of the xAPIC registers; 0: go to x2APIC mode */
    uint64_t main;  /* virtual: entry64_started() */

    uint16_t gdt_limit_padding;
    uint16_t gdt_limit;
    uint32_t gdt_base;
    uint32_t far_32;
    uint16_t far_32_selector;
    uint32_t far_64;
    uint16_t far_64_selector;
};

/* To copy to the beginning of a page below 1 MiB. */
extern const uint8_t ap_trampoline[AP_PARAMETERS + AP_SIZE];

/* boot/entry.S: calls smp_started() with what it gets. */
void entry64_started(struct cpu *cpu);

#endif
#endif
