#include "vm/host/io_apic.h"

#include "mm/memory.h"

/* The two registers that there are, and what the first of them selects. */
enum {
    SELECT = 0x00,
    WINDOW = 0x10,
    REGISTER_BYTES = 0x20,
    VERSION = 0x01,     /* the last input in bits 23:16 */
    REDIRECTION = 0x10, /* two for each input: low, high */
    DESTINATION_SHIFT = 24,
};

static uint32_t io_apic_read(volatile uint32_t *io_apic, uint32_t which)
{
    io_apic[SELECT / 4] = which;
    return io_apic[WINDOW / 4];
}

static void io_apic_write(volatile uint32_t *io_apic, uint32_t which, uint32_t value)
{
    io_apic[SELECT / 4] = which;
    io_apic[WINDOW / 4] = value;
}

volatile uint32_t *io_apic_map(uint32_t physical)
{
    return device_map(physical, REGISTER_BYTES, PAT_INDEX_UC);
}

void io_apic_redirect(volatile uint32_t *io_apic, uint32_t input, uint32_t low,
                      uint32_t destination)
{
    io_apic_write(io_apic, REDIRECTION + input * 2 + 1, destination << DESTINATION_SHIFT);
    io_apic_write(io_apic, REDIRECTION + input * 2, low);
}

/* What is not there reads as ones, and so as masked. */
void io_apic_mask(uint32_t physical)
{
    volatile uint32_t *io_apic = io_apic_map(physical);
    uint32_t last;

    if (io_apic == NULL)
        return;
    last = io_apic_read(io_apic, VERSION) >> 16 & 0xff;
    for (uint32_t input = 0; input <= last; input++) {
        uint32_t low = io_apic_read(io_apic, REDIRECTION + input * 2);

        if ((low & IO_APIC_MASKED) == 0 && (low & IO_APIC_DELIVERY) != IO_APIC_DELIVERY_SMI)
            io_apic_write(io_apic, REDIRECTION + input * 2, low | IO_APIC_MASKED);
    }
}
