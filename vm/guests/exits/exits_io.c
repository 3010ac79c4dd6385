#include "vm/guests/exits/guest_exits.h"

/* SDM Vol. 3, table "Exit Qualification for I/O Instructions". */
enum { IO_IN = 1 << 3, IO_STRING = 1 << 4, IO_REP = 1 << 5 };

/* An unused port floats high. */
static const uint32_t nothing = UINT32_MAX;

/* 0, 1, and 3 are one, two, and four bytes; there are no others. */
static unsigned io_bytes(uint64_t qualification)
{
    return (unsigned)(qualification & 3) + 1;
}

/* A register that counts as wide as addresses are: 32 bits clear the upper half, 16 keep it. */
static void add_to(uint64_t *reg, int64_t value, enum operand_size size)
{
    uint64_t sum = operand_cut(*reg + (uint64_t)value, size);

    *reg = size == OPERAND_ADDRESS_16 ? (*reg & ~0xffffull) | sum : sum;
}

/* Where the processor does not report prefixes, there are taken to be none. */
static uint32_t string_information(const struct vcpu *vcpu)
{
    uint32_t rights = vmcs_read32(VMCS_GUEST_CS_ACCESS_RIGHTS);

    if (vcpu->capability.ins_outs_information)
        return vmcs_read32(VMCS_VM_EXIT_INSTRUCTION_INFORMATION);
    if (guest_is_64_bit())
        return OPERAND_DS << 15 | OPERAND_ADDRESS_64 << 7;
    return OPERAND_DS << 15 | ((rights & RIGHTS_DB) != 0 ? OPERAND_ADDRESS_32 : OPERAND_ADDRESS_16)
                                  << 7;
}

/* More elements to come: SDM Vol. 3, "Debug Exceptions", each is followed by a single-step trap,
 * and RF keeps an instruction breakpoint from coming again. */
static enum exit_done exit_again(enum exit_done done)
{
    uint64_t rip = vmcs_read_natural(VMCS_GUEST_RIP);

    (void)skip_emulated_instruction_slow(rip, rip, done);
    vmcs_write_natural(VMCS_GUEST_RFLAGS, vmcs_read_natural(VMCS_GUEST_RFLAGS) | RFLAGS_RF);
    return done;
}

/*
 * INS and OUTS. One element; with REP the guest comes back for the next one, so that a long string
 * does not keep the hypervisor. INS writes to ES whatever prefix there is. Apart, lest IN and OUT
 * pay its room.
 */
__attribute__((noinline)) static enum exit_done string_io(struct vcpu *vcpu, uint64_t qualification)
{
    uint32_t information = string_information(vcpu);
    enum operand_size size = (enum operand_size)(information >> 7 & 7);
    bool rep = (qualification & IO_REP) != 0, in = (qualification & IO_IN) != 0;
    unsigned bytes = io_bytes(qualification);
    uint64_t *index = &vcpu->reg[in ? VCPU_RDI : VCPU_RSI];
    bool down = (vmcs_read_natural(VMCS_GUEST_RFLAGS) & RFLAGS_DF) != 0;
    struct operand operand;
    enum exit_done done;
    uint32_t data = nothing;

    if (rep && operand_cut(vcpu->reg[VCPU_RCX], size) == 0)
        return skip_emulated_instruction(EXIT_EMULATED);
    operand = guest_operand_at(in ? OPERAND_ES : guest_operand_segment(information),
                               operand_cut(*index, size));
    operand.bytes = operand.alignment = bytes;
    operand.write = in;
    done = guest_operand_access(vcpu, &operand, &data);
    if (done != EXIT_EMULATED)
        return done;
    add_to(index, down ? -(int64_t)bytes : bytes, size);
    if (rep)
        add_to(&vcpu->reg[VCPU_RCX], -1, size);
    if (rep && operand_cut(vcpu->reg[VCPU_RCX], size) != 0)
        return exit_again(EXIT_EMULATED);
    return skip_emulated_instruction(EXIT_EMULATED);
}

/* There is nothing at any port: IN gives ones, OUT goes nowhere. */
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
        return skip_emulated_instruction(EXIT_EMULATED);
    }
    return skip_emulated_instruction(EXIT_IGNORED);
}
