#include "vm/loader/guest_entry.h"

#include "lib/string.h"
#include "mm/page_alloc.h"

enum { GDT_LIMIT = 0x2f };

/* SDM Vol. 3, "Segment Descriptors": flat, accessed. */
#define DESCRIPTOR_CODE_64 0x00af9b000000ffffull
#define DESCRIPTOR_CODE_32 0x00cf9b000000ffffull
#define DESCRIPTOR_DATA    0x00cf93000000ffffull

/* "4-Level Paging and 5-Level Paging": present and writable; a page of 2 MiB. */
enum { ENTRY_TABLE = 3, ENTRY_PAGE_2M = 0x83, ENTRIES_2M = 2048 };

/* As a reset leaves the interrupt table, which is the firmware's in real mode. */
enum { REAL_LIMIT = 0xffff, REAL_IDT_LIMIT = 0x3ff };

static void put(uint8_t *to, uint32_t offset, uint64_t value)
{
    memcpy(to + offset, &value, sizeof(value));
}

void guest_entry_tables_write(enum entry_mode mode, uint64_t at, uint8_t *to)
{
    memset(to, 0, ENTRY_TABLES_BYTES);
    put(to, ENTRY_GDT + ENTRY_CODE, mode == ENTRY_64 ? DESCRIPTOR_CODE_64 : DESCRIPTOR_CODE_32);
    put(to, ENTRY_GDT + ENTRY_DATA, DESCRIPTOR_DATA);
    put(to, ENTRY_PML4, (at + ENTRY_PDPT) | ENTRY_TABLE);
    for (unsigned i = 0; i < 4; i++)
        put(to, ENTRY_PDPT + 8 * i, (at + ENTRY_PD + i * PAGE_SIZE) | ENTRY_TABLE);
    for (uint64_t i = 0; i < ENTRIES_2M; i++)
        put(to, (uint32_t)(ENTRY_PD + 8 * i), i << 21 | ENTRY_PAGE_2M);
}

/* SDM Vol. 3, "Processor State After Reset", but for where it begins. */
static struct vcpu_start real_start(void)
{
    const struct vmcs_segment data = {0, 0, REAL_LIMIT, RIGHTS_DATA_16};

    return (struct vcpu_start){
        .cr0 = CR0_ET,
        .idt_limit = REAL_IDT_LIMIT,
        .code = {0, 0, REAL_LIMIT, RIGHTS_CODE_16},
        .stack = data,
        .data = data,
        .tr = {0, 0, TSS_LIMIT, RIGHTS_TSS_BUSY},
    };
}

static struct vcpu_start protected_start(enum entry_mode mode, uint64_t tables)
{
    const struct vmcs_segment data = {ENTRY_DATA, 0, UINT32_MAX, RIGHTS_DATA_32};
    bool is_64 = mode == ENTRY_64;

    return (struct vcpu_start){
        .cr0 = CR0_PE | CR0_ET | CR0_NE | (is_64 ? CR0_PG : 0),
        .cr3 = is_64 ? tables + ENTRY_PML4 : 0,
        .cr4 = is_64 ? CR4_PAE : 0,
        .efer = is_64 ? EFER_LME | EFER_LMA : 0,
        .gdt_base = tables + ENTRY_GDT,
        .gdt_limit = GDT_LIMIT,
        .code = {ENTRY_CODE, 0, UINT32_MAX, is_64 ? RIGHTS_CODE_64 : RIGHTS_CODE_32},
        .stack = data,
        .data = data,
        .tr = {ENTRY_TSS, 0, TSS_LIMIT, RIGHTS_TSS_BUSY},
    };
}

void guest_entry_init(enum entry_mode mode, uint64_t tables, uint64_t rip, uint64_t rsp,
                      struct guest_entry *entry)
{
    *entry = (struct guest_entry){.start = mode == ENTRY_REAL ? real_start()
                                                              : protected_start(mode, tables)};
    entry->start.rip = rip;
    entry->start.rsp = rsp;
}
