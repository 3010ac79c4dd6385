#include "kernel/backtrace/backtrace.h"

#include "lib/x86.h"
#include "lib/host/nmi_cause.h"

#define STATUS_ADDRESS_VALID (1ull << 58)

struct bit_name {
    uint64_t bit;
    const char *name;
};

/* "IA32_MCG_STATUS MSR". */
static const struct bit_name global_bits[] = {
    {1ull << 0, "can be restarted"},
    {1ull << 1, "of the instruction at RIP"},
    {1ull << 2, "in progress"},
    {1ull << 3, "of this CPU alone"},
};

/* "IA32_MCi_STATUS MSRS". */
static const struct bit_name status_bits[] = {
    {1ull << 62, "others before it lost"},
    {1ull << 61, "uncorrected"},
    {1ull << 57, "processor context corrupt"},
};

/*
 * "Interpreting the MCA Error Codes": simple and compound ones; bit 12 says how corrected ones are
 * filtered.
 */
static const struct {
    uint16_t mask, value;
    const char *name;
} codes[] = {
    {0xffff, 0x0001, "unclassified"},         {0xffff, 0x0002, "microcode ROM parity"},
    {0xffff, 0x0003, "external error"},       {0xffff, 0x0005, "internal parity"},
    {0xffff, 0x0400, "internal timer"},       {0xffff, 0x0e0b, "I/O"},
    {0xeffc, 0x000c, "cache hierarchy"},      {0xeff0, 0x0010, "TLB"},
    {0xef80, 0x0080, "memory controller"},    {0xef00, 0x0100, "cache"},
    {0xef80, 0x0280, "memory used as cache"}, {0xe800, 0x0800, "bus or interconnect"},
};

static void print_bits(struct sink *sink, const struct bit_name *bits, uint32_t count,
                       uint64_t value)
{
    for (uint32_t i = 0; i < count; i++) {
        if ((value & bits[i].bit) != 0)
            print_to(sink, ", %s", bits[i].name);
    }
}

static void print_bank(struct sink *sink, uint32_t bank, uint64_t status)
{
    uint64_t address = 0;

    print_to(sink, "  IA32_MC%u_STATUS %#lx", bank, status);
    for (uint32_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        if ((status & codes[i].mask) == codes[i].value) {
            print_to(sink, ": %s", codes[i].name);
            break;
        }
    }
    print_bits(sink, status_bits, sizeof(status_bits) / sizeof(status_bits[0]), status);
    if ((status & STATUS_ADDRESS_VALID) != 0 &&
        rdmsr_safe(IA32_MC0_ADDR + bank * MSRS_OF_A_BANK, &address) == 0)
        print_to(sink, ", at %#lx", address);
    print_to(sink, "\n");
}

void machine_check_print(struct sink *sink)
{
    uint64_t value = 0;

    if (machine_check_banks() > 0 && rdmsr_safe(IA32_MCG_STATUS, &value) == 0) {
        print_to(sink, "  IA32_MCG_STATUS %#lx", value);
        print_bits(sink, global_bits, sizeof(global_bits) / sizeof(global_bits[0]), value);
        print_to(sink, "\n");
    }
    for (struct machine_check error = machine_check_find(0); error.found;
         error = machine_check_find(error.bank + 1))
        print_bank(sink, error.bank, error.status);
}
