#include "vm/guests/measure/bench.h"
#include "vm/guests/test_guests.h"

extern const struct guest_code code_bench;

_Static_assert(BENCH_KINDS *BENCH_SAMPLES * 4 <= GUEST_MEMORY_BYTES - GUEST_ARRAY, "there is room");
_Static_assert(BENCH_SAMPLES * 4096 <= GUEST_TOUCH_END - GUEST_TOUCH_BASE, "there is room");

/*
 * Ticks of the preemption timer: few, so that the exit comes soon. A hypervisor below starts its
 * own timer before it enters the guest: one that is over by then exits again and again, and the
 * guest never gets to its next instruction.
 */
enum { TICKS = 16, TICKS_VIRTUAL = 4096 };

static void setup(struct vcpu *vcpu)
{
    bool virtual = (cpuid(1, 0).ecx & CPUID_1_ECX_HYPERVISOR) != 0;
    uint32_t ticks = virtual ? TICKS_VIRTUAL : TICKS;
    uint32_t has = 0;

    if ((vcpu->controls[VMX_CONTROL_SECONDARY] & SECONDARY_ENABLE_EPT) != 0)
        has |= BENCH_HAS_TOUCH;
    if ((vcpu->controls[VMX_CONTROL_PIN] & PIN_PREEMPTION_TIMER) != 0)
        has |= BENCH_HAS_TIMER;
    *guest_word(vcpu, GUEST_DATA) = has;
    *guest_word(vcpu, GUEST_DATA + BENCH_DATA_TICKS) = ticks;
    vcpu->vm->demand_base = GUEST_TOUCH_BASE;
    vcpu->vm->demand_bytes = GUEST_TOUCH_END - GUEST_TOUCH_BASE;
    guest_vm_of(vcpu)->recent = (struct ept_recent)EPT_NOTHING_RECENT;
    page_cache_fill(&vcpu->vm->pages);
}

const struct guest guest_bench = {
    .name = "bench",
    .purpose = "Measures with RDTSC what each kind of VM exit costs, there and back.",
    .code = &code_bench,
    .mode = GUEST_LONG,
    CONTROLS(ON(PRIMARY, CR3_LOAD_EXITING)),
    .setup = setup,
    .unwatched = true,
    .exits_max = 100000,
    .time_max_us = GUEST_TIME_LONG_US,
};
