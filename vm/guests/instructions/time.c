#include "vm/guests/probe.h"
#include "vm/guests/test_guests.h"

/* The guest's clock is so far ahead that no time that passes could be taken for it. */
#define OFFSET (1ull << 40)

#define CLOCK 1u << VCPU_RAX | 1u << VCPU_RDX

static void set_offset(struct vcpu *vcpu)
{
    vmcs_write64(VMCS_TSC_OFFSET, OFFSET);
    vm_msr_exits(vcpu->vm, IA32_TIME_STAMP_COUNTER, false, false);
    vcpu->reg[VCPU_R15] = rdtsc();
}

static uint64_t clock_after(const struct vcpu *vcpu, uint32_t probe)
{
    const uint64_t *reg = probe_after(vcpu, probe)->reg;

    return reg[VCPU_RDX] << 32 | reg[VCPU_RAX];
}

/* R15 holds the processor's counter from before the guest; what it read lies between that and now.
 */
static bool is_ahead(const struct vcpu *vcpu, uint32_t probe)
{
    uint64_t earliest = probe_before(vcpu, 0)->reg[VCPU_R15] + OFFSET;

    return clock_after(vcpu, probe) >= earliest && clock_after(vcpu, probe) <= rdtsc() + OFFSET &&
           probe_after(vcpu, probe)->reg[VCPU_RAX] >> 32 == 0;
}

GUEST_CHECK(check_one, is_ahead(vcpu, 0), "the time-stamp counter was read without its offset");

static const char *check_two(const struct vcpu *vcpu)
{
    if (!is_ahead(vcpu, 0) || !is_ahead(vcpu, 1))
        return "the time-stamp counter was read without its offset";
    return clock_after(vcpu, 1) >= clock_after(vcpu, 0) ? NULL : "the clock went backwards";
}

PROBED_GUEST(0930, tsc_offset, "tsc-offset",
             "Reads a clock that is ahead of the processor's, without an exit.",
             CONTROLS(ON(PRIMARY, TSC_OFFSETTING), ON(PRIMARY, MSR_BITMAPS)), .setup = set_offset,
             PROBES({.instruction = "RDTSC", .changes = CLOCK},
                    {.instruction = "RDMSR of IA32_TIME_STAMP_COUNTER", .changes = CLOCK}),
             .check_more = check_two);

PROBED_GUEST(0940, rdtsc, "rdtsc",
             "Reads the clock with RDTSC exiting: the offset is added for it.",
             CONTROLS(ON(PRIMARY, RDTSC_EXITING), ON(PRIMARY, TSC_OFFSETTING)), .setup = set_offset,
             PROBES({"RDTSC", EXIT_REASON_RDTSC, .done = EXIT_EMULATED, .changes = CLOCK},
                    {.instruction = "RDTSC without an exit, without an offset", .changes = CLOCK}),
             .check_more = check_one);

static void set_offset_and_aux(struct vcpu *vcpu)
{
    set_offset(vcpu);
    vm_msr_exits(vcpu->vm, IA32_TSC_AUX, false, false);
}

PROBED_GUEST(0950, rdtscp, "rdtscp",
             "Reads the clock and IA32_TSC_AUX with RDTSC exiting; then has no RDTSCP.",
             CONTROLS(ON(PRIMARY, RDTSC_EXITING), ON(PRIMARY, TSC_OFFSETTING),
                      ON(PRIMARY, MSR_BITMAPS), ON(SECONDARY, ENABLE_RDTSCP)),
             .setup = set_offset_and_aux,
             PROBES({"RDTSCP", EXIT_REASON_RDTSCP, .done = EXIT_EMULATED, .changes = CLOCK,
                     HOLDS(VCPU_RCX, 0x5a5a)},
                    {.instruction = "RDTSCP that is not enabled", FAULTS_UD}),
             .check_more = check_one);

/*
 * The instruction information has the register and its size. The hypervisor says that there is
 * nothing at hand: CF = 0 and a register of 0, and the other status flags 0 as always.
 */
#define RANDOM(reg, size)                                           \
    INFO(INFO_MASK_REG1 | INFO_MASK_SIZE, INFO_REG1(reg) | (size)), \
        .done = EXIT_EMULATED, HOLDS(reg, 0), .flags_0 = PROBE_STATUS
#define ANYTHING .changes = 1u << VCPU_RBX, .flags_any = RFLAGS_CF

PROBED_GUEST(0960, rdrand, "rdrand", "Asks for random numbers, of which the hypervisor has none.",
             CONTROLS(ON(SECONDARY, RDRAND_EXITING)),
             PROBES({"RDRAND of 32 bits", EXIT_REASON_RDRAND, RANDOM(VCPU_R8 + 3, INFO_SIZE_32)},
                    {.instruction = "RDRAND without an exit", ANYTHING}));

PROBED_GUEST(0970, rdseed, "rdseed",
             "Asks for seeds of random numbers, of which the hypervisor has none.",
             CONTROLS(ON(SECONDARY, RDSEED_EXITING)),
             PROBES({"RDSEED of 64 bits", EXIT_REASON_RDSEED, RANDOM(VCPU_RDI, INFO_SIZE_64)},
                    {.instruction = "RDSEED without an exit", ANYTHING}));

PROBED_GUEST(0980, pause, "pause", "Pauses, with PAUSE exiting and without.",
             CONTROLS(ON(PRIMARY, PAUSE_EXITING)),
             PROBES({"PAUSE", EXIT_REASON_PAUSE, .done = EXIT_IGNORED},
                    {.instruction = "PAUSE without an exit"}));

/* SDM Vol. 3, "Instructions That Cause VM Exits Conditionally", "PAUSE", in ticks of the TSC. */
enum { PAUSE_GAP = 4096, PAUSE_WINDOW = 8192 };

static void set_window(struct vcpu *vcpu)
{
    (void)vcpu;
    vmcs_write32(VMCS_PLE_GAP, PAUSE_GAP);
    vmcs_write32(VMCS_PLE_WINDOW, PAUSE_WINDOW);
}

/* How often depends on the processor's speed; nothing else may exit. */
static const char *check_pause_loop(const struct vcpu *vcpu)
{
    for (uint32_t i = 0; i < VM_EXIT_REASONS; i++) {
        bool may = i == EXIT_REASON_PAUSE || i == EXIT_REASON_VMCALL ||
                   i == EXIT_REASON_EXTERNAL_INTERRUPT || i == EXIT_REASON_EXCEPTION_OR_NMI;

        if (vcpu->exit_count[i] != 0 && !may)
            return "a loop of PAUSE exited for another reason";
    }
    return vcpu->exit_count[EXIT_REASON_PAUSE] != 0 ? NULL : "a loop of PAUSE was not left";
}

BUILT_IN_GUEST(0490, probe_pause_loop, GUEST_LONG, "pause-loop",
               "Spins in a loop of PAUSE, which PAUSE-loop exiting leaves.",
               CONTROLS(ON(SECONDARY, PAUSE_LOOP_EXITING)), .setup = set_window,
               .check = check_pause_loop);

enum { CPUID_MONITOR = 1 << 3 }; /* SDM Vol. 2, "CPUID": leaf 1, ECX */

GUEST_LACKS(lacks_monitor, (cpuid(1, 0).ecx & CPUID_MONITOR) != 0, "MONITOR and MWAIT");

/* The exit qualification of MWAIT: bit 0, whether the monitor hardware is armed. */
enum { ARMED = 1 };

PROBED_GUEST(0990, monitor, "monitor",
             "MONITOR and MWAIT, both of which exit: nothing is ever armed.",
             CONTROLS(ON(PRIMARY, MONITOR_EXITING), ON(PRIMARY, MWAIT_EXITING)),
             .lacks = lacks_monitor,
             PROBES({"MONITOR", EXIT_REASON_MONITOR, .done = EXIT_IGNORED},
                    {"MWAIT", EXIT_REASON_MWAIT, .done = EXIT_IGNORED}));

PROBED_GUEST(1000, mwait, "mwait", "Arms the monitor and waits; MWAIT alone exits.",
             CONTROLS(ON(PRIMARY, MWAIT_EXITING), OFF(PRIMARY, MONITOR_EXITING)),
             .lacks = lacks_monitor,
             PROBES({.instruction = "MONITOR without an exit"},
                    {"MWAIT with the monitor armed", EXIT_REASON_MWAIT, ARMED,
                     .done = EXIT_IGNORED}));
