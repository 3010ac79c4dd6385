/*
 * The state that a guest which owns the machine is entered in, and what it needs in memory for
 * that: flat segments, and page tables that map the first 4 GiB where they are. Pure.
 */
#pragma once

#include "vm/vcpu.h"

struct guest_entry {
    struct vcpu_start start;
    uint64_t reg[VCPU_REGISTERS];
};

enum entry_mode { ENTRY_REAL = 1, ENTRY_32, ENTRY_64 };

/* Selectors, as Linux and GRUB have them. */
enum { ENTRY_CODE = 0x10, ENTRY_DATA = 0x18, ENTRY_TSS = 0x20 };

/* Within the tables: offsets. */
enum {
    ENTRY_PML4 = 0x0000,
    ENTRY_PDPT = 0x1000,
    ENTRY_PD = 0x2000, /* four of them */
    ENTRY_GDT = 0x6000,
    ENTRY_TABLES_BYTES = 0x7000,
};

/* Writes tables to `to` that will be at `at`: pages are in use in 64-bit mode alone. */
void guest_entry_tables_write(enum entry_mode mode, uint64_t at, uint8_t *to);

/* Interrupts off, all registers 0, with such tables at `tables`. In real mode CS:IP is 0:rip. */
void guest_entry_init(enum entry_mode mode, uint64_t tables, uint64_t rip, uint64_t rsp,
                      struct guest_entry *entry);
