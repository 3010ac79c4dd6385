/* Exceptions and interrupts, as kernel/trap/trap_stubs.S gives them to C. */

#include "lib/host/apic.h"
#include "lib/host/cpu.h"
#include "kernel/trap/panic.h"
#include "kernel/cpu/stop.h"
#include "lib/x86.h"

/* SDM Vol. 3, "Sources of Interrupts": vectors from 32 on are interrupts. */
enum { EXCEPTIONS = 32 };

/* An instruction that may fault, and where to go on then: lib/x86.h, X86_FIXUP. */
struct fixup {
    uint64_t fault;
    uint64_t landing;
};

/* The faults that a fixup may take: an NMI or a machine check on the same instruction is none. */
#define FIXUP_VECTORS                                                                        \
    (1u << X86_VECTOR_UD | 1u << X86_VECTOR_NM | 1u << X86_VECTOR_SS | 1u << X86_VECTOR_GP | \
     1u << X86_VECTOR_PF)

extern const struct fixup fixup_start[];
extern const struct fixup fixup_end[];

/* Continues at the landing address if the faulting instruction has one. */
static bool fix_up(struct trap_frame *frame)
{
    if (frame->vector >= EXCEPTIONS || (FIXUP_VECTORS >> frame->vector & 1) == 0)
        return false;
    for (const struct fixup *fixup = fixup_start; fixup < fixup_end; fixup++) {
        if (fixup->fault == frame->rip) {
            frame->rax = frame->vector;
            frame->rip = fixup->landing;
            return true;
        }
    }
    return false;
}

/* Returns from every interrupt and NMI, and from a fault that the fixup table takes. */
void trap_handle(struct trap_frame *frame);

void trap_handle(struct trap_frame *frame)
{
    if (frame->vector >= EXCEPTIONS) {
        apic_eoi((uint8_t)frame->vector);
        return;
    }
    if (frame->vector == X86_VECTOR_NMI && stop_elsewhere())
        machine_halt();
    if (frame->vector == X86_VECTOR_NMI)
        nmi_handle();
    else if (!fix_up(frame))
        panic_trap(frame);
}
