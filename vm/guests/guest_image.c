#include "vm/guests/guest_run.h"

#include "lib/string.h"

/* SDM Vol. 3, "Segment Descriptors"; accessed bits set. Base 0, limit 4 GiB or 64 KiB. */
#define DESCRIPTOR_CODE64 0x00af9b000000ffffull
#define DESCRIPTOR_CODE32 0x00cf9b000000ffffull
#define DESCRIPTOR_CODE16 0x00009b000000ffffull
#define DESCRIPTOR_DATA32 0x00cf93000000ffffull
#define DESCRIPTOR_DATA16 0x000093000000ffffull
#define DESCRIPTOR_TSS    (0x00008b0000000067ull | (uint64_t)GUEST_TSS << 16) /* busy */

/* SDM Vol. 3, "4-Level Paging and 5-Level Paging", "PAE Paging", "32-Bit Paging". */
enum {
    ENTRY_PRESENT = 1 << 0,
    ENTRY_WRITE = 1 << 1,
    ENTRY_USER = 1 << 2,
    ENTRY_LARGE = 1 << 7,
    ENTRY_TABLE = ENTRY_PRESENT | ENTRY_WRITE | ENTRY_USER,
    ENTRY_PAGE = ENTRY_TABLE | ENTRY_LARGE,
};

/* A present interrupt gate, 32 or 64 bits, DPL 3, so that INT n reaches it from everywhere. */
#define GATE_INTERRUPT 0xee00ull

/* SDM Vol. 3, "Task-State Segment (TSS)", "TSS in 64-bit Mode". */
enum { TSS_STACK = 4, TSS_SS0 = 8, TSS_IO_MAP_BASE = 102, TSS_BYTES = 104 };

static void put(uint8_t *memory, uint64_t address, uint64_t value, unsigned bytes)
{
    memcpy(memory + address, &value, bytes);
}

static void write_segments(enum guest_mode mode, uint8_t *memory)
{
    bool is_long = mode == GUEST_LONG;

    put(memory, GUEST_GDT + GUEST_CODE_SELECTOR, is_long ? DESCRIPTOR_CODE64 : DESCRIPTOR_CODE32,
        8);
    put(memory, GUEST_GDT + GUEST_DATA_SELECTOR, DESCRIPTOR_DATA32, 8);
    put(memory, GUEST_GDT + GUEST_TSS_SELECTOR, DESCRIPTOR_TSS, 8);
    put(memory, GUEST_GDT + GUEST_CODE32_SELECTOR, DESCRIPTOR_CODE32, 8);
    put(memory, GUEST_GDT + GUEST_CODE16_SELECTOR, DESCRIPTOR_CODE16, 8);
    put(memory, GUEST_GDT + GUEST_DATA16_SELECTOR, DESCRIPTOR_DATA16, 8);
    put(memory, GUEST_TSS + TSS_STACK, GUEST_STACK_TOP, is_long ? 8 : 4);
    if (!is_long)
        put(memory, GUEST_TSS + TSS_SS0, GUEST_DATA_SELECTOR, 4);
    put(memory, GUEST_TSS + TSS_IO_MAP_BASE, TSS_BYTES, 2);
}

static void write_code(enum guest_mode mode, const struct guest_code *code, uint64_t base,
                       uint8_t *memory)
{
    memcpy(memory + base, code->start, code->bytes);
    for (uint32_t i = 0; i < code->handler_count; i++) {
        const struct guest_handler *handler = &code->handlers[i];
        uint64_t entry = base + handler->offset;
        uint64_t gate = (entry & 0xffff) | GUEST_CODE_SELECTOR << 16 | GATE_INTERRUPT << 32 |
                        (entry >> 16) << 48;

        if (mode == GUEST_REAL)
            put(memory, handler->vector * 4u, base >> 4 << 16 | handler->offset, 4);
        else
            put(memory, GUEST_IDT + handler->vector * (mode == GUEST_LONG ? 16u : 8u), gate, 8);
    }
}

/* The first GiB as it is, in the largest pages that the mode is sure to have. */
static void write_page_tables(enum guest_mode mode, uint8_t *memory)
{
    const uint64_t table1 = GUEST_PAGE_TABLES, table2 = table1 + 0x1000, table3 = table2 + 0x1000;
    uint64_t directory = table1;

    if (mode == GUEST_LONG) {
        put(memory, table1, table2 | ENTRY_TABLE, 8);
        put(memory, table2, table3 | ENTRY_TABLE, 8);
        directory = table3;
    } else if (mode == GUEST_PAE) {
        put(memory, table1, table2 | ENTRY_PRESENT, 8);
        directory = table2;
    } else if (mode == GUEST_PAGED) {
        for (uint32_t i = 0; i < 256; i++)
            put(memory, table1 + i * 4, i << 22 | ENTRY_PAGE, 4);
        return;
    } else {
        return;
    }
    for (uint64_t i = 0; i < 512; i++)
        put(memory, directory + i * 8, i << 21 | ENTRY_PAGE, 8);
}

bool guest_image_write(const struct guest *guest, uint8_t *memory)
{
    const struct guest_code *support;

    if (guest->code->bytes > GUEST_CODE_BYTES)
        return false;
    write_segments(guest->mode, memory);
    write_page_tables(guest->mode, memory);
    write_code(guest->mode, guest->code, GUEST_CODE, memory);
    support = guest->kind != NULL ? guest->kind->support[guest->mode != GUEST_LONG] : NULL;
    if (support != NULL)
        write_code(guest->mode, support, GUEST_SUPPORT, memory);
    return true;
}

enum { GDT_LIMIT = 0xff, REAL_IVT_LIMIT = 0x3ff, IDT_LIMIT = 0xfff };

#define REAL_STACK_BASE 0x10000ull
#define REAL_STACK_TOP  0xfff0ull

struct vcpu_start guest_start(enum guest_mode mode)
{
    const struct vmcs_segment data = {GUEST_DATA_SELECTOR, 0, UINT32_MAX, RIGHTS_DATA_32};
    bool is_long = mode == GUEST_LONG, pae = is_long || mode == GUEST_PAE;

    if (mode == GUEST_REAL)
        return (struct vcpu_start){
            .cr0 = CR0_ET,
            .rsp = REAL_STACK_TOP,
            .gdt_limit = GDT_LIMIT,
            .idt_limit = REAL_IVT_LIMIT,
            .code = {GUEST_CODE >> 4, GUEST_CODE, 0xffff, RIGHTS_CODE_16},
            .data = {0, 0, 0xffff, RIGHTS_DATA_16},
            .stack = {REAL_STACK_BASE >> 4, REAL_STACK_BASE, 0xffff, RIGHTS_DATA_16},
            .tr = {GUEST_TSS_SELECTOR, GUEST_TSS, TSS_LIMIT, RIGHTS_TSS_BUSY},
        };
    return (struct vcpu_start){
        .cr0 = CR0_ET | CR0_PE | (pae || mode == GUEST_PAGED ? CR0_PG : 0),
        .cr3 = GUEST_PAGE_TABLES,
        .cr4 = pae                   ? CR4_PAE
               : mode == GUEST_PAGED ? CR4_PSE
                                     : 0,
        .efer = is_long ? EFER_LME | EFER_LMA : 0,
        .rip = GUEST_CODE,
        .rsp = GUEST_STACK_TOP,
        .gdt_base = GUEST_GDT,
        .gdt_limit = GDT_LIMIT,
        .idt_base = GUEST_IDT,
        .idt_limit = IDT_LIMIT,
        .code = {GUEST_CODE_SELECTOR, 0, UINT32_MAX, is_long ? RIGHTS_CODE_64 : RIGHTS_CODE_32},
        .data = data,
        .stack = data,
        .tr = {GUEST_TSS_SELECTOR, GUEST_TSS, TSS_LIMIT, RIGHTS_TSS_BUSY},
    };
}
