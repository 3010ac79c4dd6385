#include "kernel/trap/traps.h"

#include <stdbool.h>

#include "vm/host/apic.h"
#include "kernel/cpu/cpu_setup.h"
#include "vm/host/nmi.h"
#include "kernel/trap/panic.h"
#include "kernel/cpu/stop.h"
#include "lib/x86.h"

enum {
    VECTORS = 256,
    EXCEPTIONS = 32, /* SDM Vol. 3, "Sources of Interrupts": those above are interrupts' */
    TRAP_STUB_BYTES = 8,
    /* SDM Vol. 3, "64-Bit Mode IDT": present, DPL 0, 64-bit interrupt gate. */
    GATE_INTERRUPT = 0x8e,
};

/* SDM Vol. 3, figure "64-Bit IDT Gate Descriptors". */
struct __attribute__((packed)) idt_gate {
    uint16_t offset_low;
    uint16_t selector;
    uint8_t ist;
    uint8_t type;
    uint16_t offset_middle;
    uint32_t offset_high;
    uint32_t reserved;
};

struct __attribute__((packed)) idt_pointer {
    uint16_t limit;
    uint64_t base;
};

/* An instruction that may fault, and where to go on then: lib/x86.h, X86_FIXUP. */
struct fixup {
    uint64_t fault;
    uint64_t landing;
};

/* The faults that a fixup may take: an NMI or a machine check on the same instruction is none. */
#define FIXUP_VECTORS                                                                        \
    (1u << X86_VECTOR_UD | 1u << X86_VECTOR_NM | 1u << X86_VECTOR_SS | 1u << X86_VECTOR_GP | \
     1u << X86_VECTOR_PF)

extern const uint8_t trap_stubs[];
extern const struct fixup fixup_start[];
extern const struct fixup fixup_end[];

static struct idt_gate idt[VECTORS] __attribute__((aligned(16)));

static uint8_t stack_of(unsigned vector)
{
    switch (vector) {
    case X86_VECTOR_DF:
        return IST_DF;
    case X86_VECTOR_NMI:
        return IST_NMI;
    case X86_VECTOR_MC:
        return IST_MC;
    default:
        return IST_NONE;
    }
}

void traps_init(void)
{
    for (unsigned vector = 0; vector < VECTORS; vector++) {
        uint64_t stub = (uint64_t)trap_stubs + (uint64_t)vector * TRAP_STUB_BYTES;

        idt[vector] = (struct idt_gate){
            .offset_low = (uint16_t)stub,
            .selector = SELECTOR_CODE,
            .ist = stack_of(vector),
            .type = GATE_INTERRUPT,
            .offset_middle = (uint16_t)(stub >> 16),
            .offset_high = (uint32_t)(stub >> 32),
        };
    }
}

void traps_load(void)
{
    struct idt_pointer pointer = {sizeof(idt) - 1, (uint64_t)idt};

    asm volatile("lidt %0" : : "m"(pointer));
}

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
