#include "lib/string.h"
#include "vm/bench.h"
#include "vm/stock.h"

extern const uint8_t bench_start[], bench_end[];

_Static_assert(BENCH_KINDS *BENCH_SAMPLES * 4 <= GUEST_MEMORY_BYTES - GUEST_ARRAY, "there is room");
_Static_assert(BENCH_SAMPLES * 4096 <= GUEST_TOUCH_END - GUEST_TOUCH_BASE, "there is room");

static void setup(struct vcpu *vcpu)
{
    uint32_t has = 0;

    if ((vcpu->controls[VMX_CONTROL_SECONDARY] & SECONDARY_ENABLE_EPT) != 0)
        has |= BENCH_HAS_TOUCH;
    if ((vcpu->controls[VMX_CONTROL_PIN] & PIN_PREEMPTION_TIMER) != 0)
        has |= BENCH_HAS_TIMER;
    memcpy(vcpu_memory(vcpu, GUEST_DATA, sizeof(has)), &has, sizeof(has));
    vcpu->touch_maps = true;
    stock_fill(vcpu);
}

const struct guest guest_bench = {
    .name = "bench",
    .purpose = "Measures with RDTSC what each kind of VM exit costs, there and back.",
    .code = bench_start,
    .code_end = bench_end,
    .mode = GUEST_LONG,
    .on[VMX_CONTROL_PRIMARY] = PRIMARY_CR3_LOAD_EXITING,
    .setup = setup,
    .unwatched = true,
    .exits_max = 100000,
    .ticks_max = 100000000000,
};
