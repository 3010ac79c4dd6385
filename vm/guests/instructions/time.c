#include "vm/guests/probe.h"

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

/* R15 holds the processor's counter from before the guest: it read one between that and now. */
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

GUEST_SETUP(set_offset_and_aux, set_offset(vcpu);
            vm_msr_exits(vcpu->vm, IA32_TSC_AUX, false, false));

/* The instruction information has the register and its size. The hypervisor says that there is
 * nothing at hand: CF = 0 and a register of 0, and the other status flags 0 as always. */
#define RANDOM(reg, size)                                                                    \
    INFO(INFO_MASK_REG1 | INFO_MASK_SIZE, INFO_REG1(reg) | (size)), EMULATED, HOLDS(reg, 0), \
        .flags_0 = PROBE_STATUS
#define ANYTHING .changes = 1u << VCPU_RBX, .flags_any = RFLAGS_CF

/* SDM Vol. 3, "Instructions That Cause VM Exits Conditionally", "PAUSE", in ticks of the TSC. */
enum { PAUSE_GAP = 4096, PAUSE_WINDOW = 8192 };

GUEST_SETUP(set_window, vmcs_write32(VMCS_PLE_GAP, PAUSE_GAP);
            vmcs_write32(VMCS_PLE_WINDOW, PAUSE_WINDOW));

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

GUEST(0490, pause_loop, GUEST_LONG, "pause-loop",
      "Spins in a loop of PAUSE, which PAUSE-loop exiting leaves.",
      CONTROLS(ON(SECONDARY, PAUSE_LOOP_EXITING)), .setup = set_window, .check = check_pause_loop);

enum { CPUID_MONITOR = 1 << 3 }; /* SDM Vol. 2, "CPUID": leaf 1, ECX */

GUEST_LACKS(lacks_monitor, (cpuid(1, 0).ecx & CPUID_MONITOR) != 0, "MONITOR and MWAIT");

/* The exit qualification of MWAIT: bit 0, whether the monitor hardware is armed. */
enum { ARMED = 1 };

#include "vm/guests/instructions/time.def"
