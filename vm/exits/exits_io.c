#include "vm/exit.h"

/* SDM Vol. 3, table "Exit Qualification for I/O Instructions". */
enum { IO_IN = 1 << 3, IO_STRING = 1 << 4 };

/* An unused port floats high. */
static const uint32_t nothing = UINT32_MAX;

/* 0, 1, and 3 are one, two, and four bytes; there are no others. */
static unsigned io_bytes(uint64_t qualification)
{
    return (unsigned)(qualification & 3) + 1;
}

/* There is nothing at any port: IN gives ones, OUT goes nowhere. */
enum exit_done exit_io(struct vcpu *vcpu)
{
    uint64_t qualification = vmcs_read_natural(VMCS_EXIT_QUALIFICATION);

    if ((qualification & IO_STRING) != 0)
        return vcpu->vm->policy->string_io != NULL ? vcpu->vm->policy->string_io(vcpu)
                                                   : exit_unhandled(vcpu);
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
