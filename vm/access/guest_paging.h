/*
 * A linear address of the guest, translated as the processor would: by the guest's own paging
 * structures, with its page faults, and with the accessed and dirty flags set. Pure.
 *
 * SDM Vol. 3, "Paging": "32-Bit Paging", "PAE Paging", "4-Level Paging and 5-Level Paging",
 * "Access Rights", "Page-Fault Exceptions", "Accessed and Dirty Flags".
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The error code of a page fault. */
enum {
    PAGE_FAULT_PRESENT = 1 << 0, /* protection, or a reserved bit; else an entry is not present */
    PAGE_FAULT_WRITE = 1 << 1,
    PAGE_FAULT_USER = 1 << 2,
    PAGE_FAULT_RESERVED = 1 << 3,
    PAGE_FAULT_FETCH = 1 << 4,
    PAGE_FAULT_KEY = 1 << 5,
};

/* An access: bits of the error code where there is one. */
enum {
    ACCESS_READ = 0,
    ACCESS_WRITE = PAGE_FAULT_WRITE,
    ACCESS_USER = PAGE_FAULT_USER, /* CPL 3, and not implicit */
    ACCESS_FETCH = PAGE_FAULT_FETCH,
    ACCESS_IMPLICIT = 1 << 8, /* to a descriptor table: supervisor mode whatever the CPL is */
};

/* What the processor translates with: its registers as they are while the guest runs. */
struct guest_paging {
    uint64_t cr0, cr3, cr4;
    uint64_t efer; /* LMA as it is */
    uint64_t rflags;
    uint64_t pdpte[4]; /* with PAE paging: the registers */
    uint32_t pkru;     /* with CR4.PKE */
    uint8_t physical_address_width;
    bool pages_1g, pse36; /* CPUID */

    /* The paging-structure entry at a physical address, aligned to its 4 or 8 bytes, to be written
     * or only read; NULL: nothing is there, or not for this. */
    void *(*entry)(const struct guest_paging *paging, uint64_t physical, bool write);
    void *context;
};

enum guest_translation_result {
    TRANSLATED,
    TRANSLATION_FAULTS,    /* #PF: `error`; `physical` is 0 */
    TRANSLATION_NO_MEMORY, /* `physical` is that of an entry which entry() does not give */
};

struct guest_translation {
    enum guest_translation_result result;
    uint64_t physical;
    uint32_t error;
};

/* `linear` is canonical in IA-32e mode; elsewhere it has 32 bits. */
struct guest_translation guest_translate(const struct guest_paging *paging, uint64_t linear,
                                         uint32_t access);
