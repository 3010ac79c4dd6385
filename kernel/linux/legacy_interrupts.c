#include "kernel/linux/linux_guest.h"

#include <stddef.h>

#include "lib/host/apic.h"
#include "lib/x86.h"
#include "mm/page_alloc.h"

/* SDM Vol. 3, "Local APIC Register Address Map"; in x2APIC mode, MSR 0x800 + offset / 16. */
enum { SPURIOUS = 0xf0, LINT0 = 0x350, LINT1 = 0x360, X2APIC_FIRST = 0x800 };
enum { LVT_MASKED = 1 << 16 };

/* Ports of the 8259As, and what the BIOS programs them with: ICW1, vectors, ICW3, ICW4. */
enum { COMMAND, DATA };
static const struct {
    uint16_t port;
    uint8_t vectors, cascade;
} pics[] = {{0x20, 0x08, 1 << 2}, {0xa0, 0x70, 2}};
enum { PICS = 2, ICW1 = 0x11, ICW4 = 0x01, ALL_MASKED = 0xff };

static struct {
    uint32_t spurious, lint0, lint1;
    uint8_t masks[PICS];
} kept;

static bool is_x2apic(void)
{
    return (rdmsr(IA32_APIC_BASE) & APIC_BASE_EXTD) != 0;
}

static void write_apic(uint32_t offset, uint32_t value)
{
    if (is_x2apic())
        (void)wrmsr_safe(X2APIC_FIRST + offset / 16, value);
    else if (apic_registers() != NULL)
        ((volatile uint32_t *)apic_registers())[offset / 4] = value;
}

static uint32_t read_apic(uint32_t offset)
{
    const volatile uint32_t *registers = phys_to_virt(rdmsr(IA32_APIC_BASE) & APIC_BASE_ADDRESS);

    return is_x2apic() ? (uint32_t)rdmsr(X2APIC_FIRST + offset / 16) : registers[offset / 4];
}

void legacy_interrupts_keep(void)
{
    kept.spurious = read_apic(SPURIOUS);
    kept.lint0 = read_apic(LINT0);
    kept.lint1 = read_apic(LINT1);
    for (unsigned i = 0; i < PICS; i++)
        kept.masks[i] = in8(pics[i].port + DATA);
}

void legacy_interrupts_give(void)
{
    for (unsigned i = 0; i < PICS; i++) {
        out8(pics[i].port + COMMAND, ICW1);
        out8(pics[i].port + DATA, pics[i].vectors);
        out8(pics[i].port + DATA, pics[i].cascade);
        out8(pics[i].port + DATA, ICW4);
        out8(pics[i].port + DATA, kept.masks[i]);
    }
    write_apic(LINT0, kept.lint0);
    write_apic(LINT1, kept.lint1);
    write_apic(SPURIOUS, kept.spurious);
}

void legacy_interrupts_take(void)
{
    for (unsigned i = 0; i < PICS; i++)
        out8(pics[i].port + DATA, ALL_MASKED);
    write_apic(LINT0, kept.lint0 | LVT_MASKED);
}
