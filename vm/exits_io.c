#include "lib/string.h"
#include "vm/exit.h"
#include "vm/guest.h"
#include "vmx/vmcs_access.h"

#include "lib/x86.h"

/* SDM Vol. 3, table "Exit Qualification for I/O Instructions". */
enum { IO_IN = 1 << 3, IO_STRING = 1 << 4, IO_REP = 1 << 5 };

/* An unused port floats high. */
static const uint32_t nothing = UINT32_MAX;

static unsigned io_bytes(uint64_t qualification)
{
    return (unsigned)(qualification & 7) + 1;
}

/* A register that counts as wide as addresses are: 32 bits clear the upper half, 16 keep it. */
static void add_to(uint64_t *reg, int64_t value, unsigned address_size)
{
    uint64_t sum = *reg + (uint64_t)value;

    if (address_size == 0)
        *reg = (*reg & ~0xffffull) | (sum & 0xffff);
    else
        *reg = address_size == 1 ? (uint32_t)sum : sum;
}

static uint64_t cut_to(uint64_t value, unsigned address_size)
{
    return address_size == 0 ? value & 0xffff : address_size == 1 ? (uint32_t)value : value;
}

/*
 * One element; with REP the guest comes back for the next one, so that a long string does not keep
 * the hypervisor. Built-in guests map their memory as it is: a linear address is a physical one.
 */
static enum exit_done string_io(struct vcpu *vcpu, uint64_t qualification)
{
    unsigned address_size = vmcs_read32(VMCS_VM_EXIT_INSTRUCTION_INFORMATION) >> 7 & 7;
    uint64_t address = vmcs_read_natural(VMCS_GUEST_LINEAR_ADDRESS);
    unsigned bytes = io_bytes(qualification);
    bool rep = (qualification & IO_REP) != 0;
    int64_t step =
        (vmcs_read_natural(VMCS_GUEST_RFLAGS) & RFLAGS_DF) != 0 ? -(int64_t)bytes : bytes;
    void *memory = vcpu_memory(vcpu, address, bytes);

    if (rep && cut_to(vcpu->reg[VCPU_RCX], address_size) == 0)
        return exit_behind(EXIT_EMULATED);
    if (memory == NULL)
        return vcpu_end(vcpu, GUEST_END_MEMORY, 0, address);
    if ((qualification & IO_IN) != 0)
        memcpy(memory, &nothing, bytes);
    add_to(&vcpu->reg[(qualification & IO_IN) != 0 ? VCPU_RDI : VCPU_RSI], step, address_size);
    if (rep)
        add_to(&vcpu->reg[VCPU_RCX], -1, address_size);
    if (rep && cut_to(vcpu->reg[VCPU_RCX], address_size) != 0)
        return EXIT_EMULATED;
    return exit_behind(EXIT_EMULATED);
}

/* There is nothing behind any port: IN gives ones, OUT goes nowhere. */
enum exit_done exit_io(struct vcpu *vcpu)
{
    uint64_t qualification = vmcs_read_natural(VMCS_EXIT_QUALIFICATION);

    if ((qualification & IO_STRING) != 0)
        return string_io(vcpu, qualification);
    if ((qualification & IO_IN) != 0) {
        unsigned bytes = io_bytes(qualification);

        if (bytes == 4)
            vcpu->reg[VCPU_RAX] = nothing;
        else
            vcpu->reg[VCPU_RAX] |= nothing >> (32 - 8 * bytes);
        return exit_behind(EXIT_EMULATED);
    }
    return exit_behind(EXIT_IGNORED);
}
