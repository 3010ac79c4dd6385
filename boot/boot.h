/*
 * What assembly and C share in the boot: where the image is, and what a CPU that kernel/cpu/smp.c
 * starts finds in boot/ap_trampoline.S.
 */
#pragma once

#define KERNEL_BASE 0xffffffff80000000 /* virtual address of the image's first byte */

/* Where a loader puts the image that does as its program headers say: LOAD_BASE in linker.ld. */
#define IMAGE_LOAD_ADDRESS 0x200000

/* The boot page tables map this much of the image, in pages of 2 MiB. */
#define BOOT_IMAGE_PAGES 2

#define MULTIBOOT2_HEADER_MAGIC 0xe85250d6
#define MULTIBOOT2_BOOT_MAGIC   0x36d76289 /* in EAX at the entry */

/*
 * The start of a CPU: it goes on only while that is open. The boot CPU closes it before it sends
 * INIT, and a CPU that arrives then waits: in an emulator a SIPI sent earlier may outlast the
 * reset. A CPU that was given up finds itself left out and halts.
 */
#define AP_START_CLOSED   0
#define AP_START_OPEN     1
#define AP_START_TAKEN    2
#define AP_START_LEFT_OUT 3

/* struct ap_start */
#define AP_START_APIC_ID 0
#define AP_START_STATE   4
#define AP_START_CPU     8
#define AP_START_STACK   16
#define AP_START_SIZE    24

#ifndef __ASSEMBLER__

#include <stdint.h>

struct cpu;

struct ap_start {
    uint32_t apic_id;
    _Atomic(uint32_t) state;
    struct cpu *cpu; /* what `main` gets */
    uint64_t stack;  /* its top, virtual */
};

/* To copy to the beginning of a page below 1 MiB. */
extern const uint8_t ap_trampoline[], ap_trampoline_end[];

/* In it, what the boot CPU fills in in the copy. */
extern const uint32_t ap_cr3, ap_efer, ap_start_count;
extern const uint64_t ap_starts; /* virtual, of ap_start_count struct ap_start */
extern const uint64_t ap_apic;   /* virtual, of the xAPIC registers; 0: go to x2APIC mode */
extern const uint64_t ap_main;   /* virtual: entry64_started() */

/* Distances from its beginning, to each of which the boot CPU adds the page's address. */
extern const uint32_t ap_gdt_base, ap_far_32, ap_far_64;

/* boot/entry.S: calls smp_started() with what it gets. */
void entry64_started(struct cpu *cpu);

#endif
