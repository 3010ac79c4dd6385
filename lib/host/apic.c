#include "lib/host/apic.h"

#include "mm/memory.h"
#include "lib/x86.h"

#define CPUID_1_ECX_X2APIC (1u << 21)

/* SDM, "Local APIC Register Address Map". */
enum {
    APIC_ID = 0x20,
    APIC_VERSION = 0x30,
    APIC_TPR = 0x80,
    APIC_EOI = 0xb0,
    APIC_SPURIOUS = 0xf0,
    APIC_LVT_CMCI = 0x2f0,
    APIC_ICR_LOW = 0x300,
    APIC_ICR_HIGH = 0x310,
    APIC_LVT_TIMER = 0x320,
    APIC_LVT_THERMAL = 0x330,
    APIC_LVT_PERFORMANCE = 0x340,
    APIC_LVT_LINT0 = 0x350,
    APIC_LVT_LINT1 = 0x360,
    APIC_LVT_ERROR = 0x370,
};

#define SPURIOUS_APIC_ENABLE (1u << 8)

/* SDM, "Local Vector Table". */
#define LVT_MASKED            (1u << 16)
#define LVT_DELIVERY          (7u << 8)
#define LVT_DELIVERY_SMI      (2u << 8)
#define LVT_DELIVERY_NMI      (4u << 8)
#define VERSION_MAX_LVT_SHIFT 16

/* SDM, "Interrupt Command Register (ICR)"; destination mode 0 is physical. */
#define ICR_DELIVERY_PENDING (1u << 12)
#define ICR_LEVEL_ASSERT     (1u << 14)

enum {
    XAPIC_BROADCAST = 0xff,  /* as a destination: everyone; no CPU can have it as its id */
    DELIVERY_POLLS = 100000, /* reads of the ICR; a read takes tens of nanoseconds */
};

static bool x2apic;
static volatile uint32_t *registers; /* in xAPIC mode */

uint32_t apic_get(uint32_t offset)
{
    if (x2apic)
        return (uint32_t)rdmsr(IA32_X2APIC_FIRST + offset / 16);
    return registers[offset / 4];
}

void apic_set(uint32_t offset, uint32_t value)
{
    if (x2apic)
        wrmsr(IA32_X2APIC_FIRST + offset / 16, value);
    else
        registers[offset / 4] = value;
}

/* Ports of the two 8259A; the words are Intel's 8259A data sheet's ICW1 to ICW4 and OCW1. */
static void legacy_pics_mask(void)
{
    enum { FIRST_COMMAND = 0x20, FIRST_DATA = 0x21, SECOND_COMMAND = 0xa0, SECOND_DATA = 0xa1 };
    static const struct {
        uint16_t port;
        uint8_t value;
    } writes[] = {
        {FIRST_DATA, 0xff},    {SECOND_DATA, 0xff},    /* all masked while they are set up */
        {FIRST_COMMAND, 0x11}, {SECOND_COMMAND, 0x11}, /* ICW1: cascaded, ICW4 follows */
        {FIRST_DATA, 0x20},    {SECOND_DATA, 0x28},    /* ICW2: vectors above the exceptions */
        {FIRST_DATA, 1u << 2}, {SECOND_DATA, 2},       /* ICW3: the second hangs on input 2 */
        {FIRST_DATA, 0x01},    {SECOND_DATA, 0x01},    /* ICW4: 8086 mode */
        {FIRST_DATA, 0xff},    {SECOND_DATA, 0xff},    /* OCW1: all masked for good */
    };

    for (size_t i = 0; i < sizeof(writes) / sizeof(writes[0]); i++)
        out8(writes[i].port, writes[i].value);
}

bool apic_init(uint32_t highest_id)
{
    uint64_t base = rdmsr(IA32_APIC_BASE) | APIC_BASE_ENABLE;

    wrmsr(IA32_APIC_BASE, base);
    /* SDM, "x2APIC State Transitions": only from xAPIC mode, that is in two steps. */
    if (highest_id >= XAPIC_BROADCAST && (cpuid(1, 0).ecx & CPUID_1_ECX_X2APIC)) {
        base |= APIC_BASE_EXTD;
        wrmsr(IA32_APIC_BASE, base);
    }
    x2apic = (base & APIC_BASE_EXTD) != 0;
    if (!x2apic)
        registers = device_map(base & APIC_BASE_ADDRESS, 0x1000, PAT_INDEX_UC);
    if (!x2apic && registers == NULL)
        return false;
    legacy_pics_mask();
    apic_init_this();
    return true;
}

/*
 * An entry exists if the version register counts that far; in x2APIC mode the MSR of one that does
 * not exist would fault. An entry that delivers an SMI is firmware's own (thermal throttling) and
 * stays as it is; so does an NMI of LINT1, by which the chipset reports errors.
 */
static void local_interrupts_mask(void)
{
    static const uint32_t entries[] = {
        /* in the order in which the version counts */
        APIC_LVT_TIMER,       APIC_LVT_LINT0,   APIC_LVT_LINT1, APIC_LVT_ERROR,
        APIC_LVT_PERFORMANCE, APIC_LVT_THERMAL, APIC_LVT_CMCI,
    };
    uint32_t max_lvt = apic_get(APIC_VERSION) >> VERSION_MAX_LVT_SHIFT & 0xff;

    for (uint32_t i = 0; i < sizeof(entries) / sizeof(entries[0]) && i <= max_lvt; i++) {
        uint32_t value = apic_get(entries[i]);
        uint32_t delivery = value & LVT_DELIVERY;

        if (delivery != LVT_DELIVERY_SMI &&
            (entries[i] != APIC_LVT_LINT1 || delivery != LVT_DELIVERY_NMI))
            apic_set(entries[i], value | LVT_MASKED);
    }
}

void apic_init_this(void)
{
    local_interrupts_mask();
    apic_set(APIC_TPR, 0);
    apic_set(APIC_SPURIOUS, SPURIOUS_APIC_ENABLE | VECTOR_SPURIOUS);
}

uint32_t apic_id(void)
{
    uint32_t id = apic_get(APIC_ID);

    return x2apic ? id : id >> 24;
}

volatile void *apic_registers(void)
{
    return registers;
}

void apic_eoi(uint8_t vector)
{
    if (vector != VECTOR_SPURIOUS)
        apic_set(APIC_EOI, 0);
}

bool apic_reaches(uint32_t id)
{
    return x2apic || (registers != NULL && id < XAPIC_BROADCAST);
}

void apic_send(uint32_t id, uint32_t ipi)
{
    uint32_t command = ipi | ICR_LEVEL_ASSERT;

    if (x2apic) {
        /* These MSRs do not serialise: what we have written must be seen before the interrupt. */
        asm volatile("mfence\n\tlfence" : : : "memory");
        wrmsr(IA32_X2APIC_FIRST + APIC_ICR_LOW / 16, (uint64_t)id << 32 | command);
        return;
    }
    if (!apic_reaches(id))
        return;
    apic_set(APIC_ICR_HIGH, id << 24);
    apic_set(APIC_ICR_LOW, command);
    for (int i = 0; i < DELIVERY_POLLS; i++) {
        if (!(apic_get(APIC_ICR_LOW) & ICR_DELIVERY_PENDING))
            return;
        cpu_relax();
    }
}
