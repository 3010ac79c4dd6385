#include "vm/guests/test_guests.h"

extern const uint8_t triple_here[];

enum {
    SPIN_US = 20000,
    GREEDY_EXITS = 1000000, /* more than it can reach in its time */
    ENDLESS_EXITS = 1000,
    PORT_EXITS = 65536 * 6 + 1,     /* in and out, three widths, and the call */
    MSR_EXITS = 3 * 0x2000 * 4 + 1, /* three ranges, a read and three writes, and the call */
};

/* It leaves the processor by the VMX-preemption timer or the host's alarm alone. */
GUEST(0280, spin, GUEST_LONG, "spin", "Spins with interrupts off; its budget of time ends it.",
      .time_max_us = SPIN_US, .end = GUEST_END_TIME);

GUEST(0290, spin_enabled, GUEST_LONG, "spin-enabled",
      "Spins with interrupts on; its budget of time ends it.", .time_max_us = SPIN_US,
      .end = GUEST_END_TIME);

GUEST(0320, greedy, GUEST_LONG, "timer-greedy",
      "Asks for the preemption timer again and again; that does not lengthen its time.",
      .time_max_us = SPIN_US, .exits_max = GREEDY_EXITS, .end = GUEST_END_TIME);

/*
 * Of the activity states that are not active only HLT is tried. A VM entry into shutdown "generates
 * any special bus cycle that is normally generated", upon which a PC is reset, and nothing but a
 * SIPI ends wait-for-SIPI (SDM Vol. 3, "Activity State"). No guest comes there by itself: a triple
 * fault and INIT exit first.
 */
GUEST_SETUP(halt, vmcs_write32(VMCS_GUEST_ACTIVITY_STATE, ACTIVITY_HLT));

GUEST_LACKS(lacks_hlt, capability->activity_hlt, "the activity state HLT");

GUEST(0310, spin, GUEST_LONG, "asleep",
      "Is entered in the activity state HLT, and nothing wakes it; its time ends it.",
      .lacks = lacks_hlt, .setup = halt, .time_max_us = SPIN_US, .end = GUEST_END_TIME);

GUEST(0330, endless, GUEST_LONG, "endless", "Executes CPUID for ever; its budget of exits ends it.",
      .exits_max = ENDLESS_EXITS, .end = GUEST_END_EXITS);

GUEST(0340, triple, GUEST_LONG, "triple-fault",
      "Takes its IDT away and faults: a triple fault ends it, not the CPU.",
      EXITS({EXIT_REASON_TRIPLE_FAULT, .at = triple_here}), .end = GUEST_END_TRIPLE_FAULT);

GUEST(0390, nowhere, GUEST_LONG, "nowhere", "Jumps to where it has no memory, and ends there.",
      .needs_ept = true, .end = GUEST_END_MEMORY);

/* The delivery of #AC raises the next one while it pushes, and so on. Without an exit in between,
 * the processor would never come out of that one instruction (CVE-2015-5307). */
GUEST(0400, recursion, GUEST_PAGED, "recursion",
      "Makes each delivery of an alignment check fault again; its budget of exits ends it.",
      .exits_max = ENDLESS_EXITS, .end = GUEST_END_EXITS);

/* The same with #DB, which comes after the delivery (CVE-2015-8104). */
GUEST(0410, recursion_debug, GUEST_LONG, "recursion-debug",
      "Makes each delivery of a debug exception raise another; its budget of exits ends it.",
      .exits_max = ENDLESS_EXITS, .end = GUEST_END_EXITS);

GUEST(0300, spin_repeat, GUEST_PAGED, "spin-repeat",
      "Repeats a string instruction four thousand million times; its time ends it within.",
      .time_max_us = SPIN_US, .end = GUEST_END_TIME);

GUEST(0420, ports, GUEST_LONG, "ports",
      "Reads and writes every port in each width; nothing is behind any of them.",
      .unwatched = true, .exits_max = PORT_EXITS, .time_max_us = GUEST_TIME_LONG_US);

/* MSRs of the host that no guest may change; firmware and kernel depend on them. */
static const uint32_t hosts_msrs[] = {
    IA32_APIC_BASE, IA32_FEATURE_CONTROL, IA32_MTRR_DEF_TYPE, IA32_PAT,
    IA32_EFER,      IA32_FS_BASE,         IA32_GS_BASE,
};

enum { HOSTS_MSRS = COUNT_OF(hosts_msrs) };

static void keep_msrs(struct vcpu *vcpu)
{
    for (uint32_t i = 0; i < HOSTS_MSRS; i++)
        (void)rdmsr_safe(hosts_msrs[i], guest_quadword(vcpu, GUEST_ARRAY + i * 8));
}

static const char *check_msrs(const struct vcpu *vcpu)
{
    for (uint32_t i = 0; i < HOSTS_MSRS; i++) {
        uint64_t value = 0;

        (void)rdmsr_safe(hosts_msrs[i], &value);
        if (*guest_quadword(vcpu, GUEST_ARRAY + i * 8) != value)
            return "an MSR of the host has changed";
    }
    return NULL;
}

GUEST(0430, msrs, GUEST_LONG, "msrs", "Reads and writes every MSR; the host's stay as they were.",
      .setup = keep_msrs, .check = check_msrs, .unwatched = true, .exits_max = MSR_EXITS,
      .time_max_us = GUEST_TIME_LONG_US);
