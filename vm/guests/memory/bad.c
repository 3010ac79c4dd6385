#include <stddef.h>

#include "lib/string.h"
#include "lib/x86.h"
#include "vm/guests/test_guests.h"
#include "vmx/exit_reason.h"
#include "vmx/vmcs_access.h"

extern const uint8_t spin_start[], spin_end[], spin_enabled_start[], spin_enabled_end[];
extern const uint8_t greedy_start[], greedy_end[];
extern const uint8_t endless_start[], endless_end[];
extern const uint8_t triple_start[], triple_end[], triple_here[];
extern const uint8_t nowhere_start[], nowhere_end[];
extern const uint8_t recursion_start[], recursion_end[], recursion_on_ac[];
extern const uint8_t recursion_debug_start[], recursion_debug_end[], recursion_on_db[];
extern const uint8_t spin_repeat_start[], spin_repeat_end[];
extern const uint8_t ports_start[], ports_end[];
extern const uint8_t msrs_start[], msrs_end[], msrs_on_gp[];

enum {
    SPIN_US = 20000,
    GREEDY_EXITS = 1000000, /* more than it can reach in its time */
    ENDLESS_EXITS = 1000,
    PORT_EXITS = 65536 * 6 + 1,     /* in and out, three widths, and the call */
    MSR_EXITS = 3 * 0x2000 * 4 + 1, /* three ranges, a read and three writes, and the call */
};

/* It leaves the processor by the VMX-preemption timer or the host's alarm alone. */
static const struct guest guest_spin = {
    .name = "spin",
    .purpose = "Spins with interrupts off; its budget of time ends it.",
    .code = spin_start,
    .code_end = spin_end,
    .mode = GUEST_LONG,
    .time_max_us = SPIN_US,
    .end = GUEST_END_TIME,
};
BUILT_IN_GUEST(0280, guest_spin);

static const struct guest guest_spin_enabled = {
    .name = "spin-enabled",
    .purpose = "Spins with interrupts on; its budget of time ends it.",
    .code = spin_enabled_start,
    .code_end = spin_enabled_end,
    .mode = GUEST_LONG,
    .time_max_us = SPIN_US,
    .end = GUEST_END_TIME,
};
BUILT_IN_GUEST(0290, guest_spin_enabled);

static const struct guest guest_timer_greedy = {
    .name = "timer-greedy",
    .purpose = "Asks for the preemption timer again and again; that does not lengthen its time.",
    .code = greedy_start,
    .code_end = greedy_end,
    .mode = GUEST_LONG,
    .time_max_us = SPIN_US,
    .exits_max = GREEDY_EXITS,
    .end = GUEST_END_TIME,
};
BUILT_IN_GUEST(0320, guest_timer_greedy);

/*
 * Of the activity states that are not active only HLT is tried. A VM entry into shutdown "generates
 * any special bus cycle that is normally generated", upon which a PC is reset, and nothing but a
 * SIPI ends wait-for-SIPI (SDM Vol. 3, "Activity State"). No guest comes there by itself: a triple
 * fault and INIT exit first.
 */
static void halt(struct vcpu *vcpu)
{
    enum { ACTIVITY_HLT = 1 };

    (void)vcpu;
    vmcs_write32(VMCS_GUEST_ACTIVITY_STATE, ACTIVITY_HLT);
}

static const char *lacks_hlt(const struct vmx_capability *capability)
{
    return capability->activity_hlt ? NULL : "the activity state HLT";
}

static const struct guest guest_asleep = {
    .name = "asleep",
    .purpose = "Is entered in the activity state HLT, and nothing wakes it; its time ends it.",
    .code = spin_start,
    .code_end = spin_end,
    .mode = GUEST_LONG,
    .lacks = lacks_hlt,
    .setup = halt,
    .time_max_us = SPIN_US,
    .end = GUEST_END_TIME,
};
BUILT_IN_GUEST(0310, guest_asleep);

static const struct guest guest_endless = {
    .name = "endless",
    .purpose = "Executes CPUID for ever; its budget of exits ends it.",
    .code = endless_start,
    .code_end = endless_end,
    .mode = GUEST_LONG,
    .exits_max = ENDLESS_EXITS,
    .end = GUEST_END_EXITS,
};
BUILT_IN_GUEST(0330, guest_endless);

static const struct exit_expected triple_exits[] = {
    {.reason = EXIT_REASON_TRIPLE_FAULT, .at = triple_here},
};

static const struct guest guest_triple_fault = {
    .name = "triple-fault",
    .purpose = "Takes its IDT away and faults: a triple fault ends it, not the CPU.",
    .code = triple_start,
    .code_end = triple_end,
    .mode = GUEST_LONG,
    .expected = triple_exits,
    .expected_count = 1,
    .end = GUEST_END_TRIPLE_FAULT,
};
BUILT_IN_GUEST(0340, guest_triple_fault);

static const struct guest guest_nowhere = {
    .name = "nowhere",
    .purpose = "Jumps to where it has no memory, and ends there.",
    .code = nowhere_start,
    .code_end = nowhere_end,
    .mode = GUEST_LONG,
    .needs_ept = true,
    .end = GUEST_END_MEMORY,
};
BUILT_IN_GUEST(0390, guest_nowhere);

/*
 * The delivery of #AC raises the next one while it pushes, and so on. Without an exit in between,
 * the processor would never come out of that one instruction (CVE-2015-5307).
 */
static const struct guest_handler recursion_handlers[] = {{X86_VECTOR_AC, recursion_on_ac}};

static const struct guest guest_recursion = {
    .name = "recursion",
    .purpose =
        "Makes each delivery of an alignment check fault again; its budget of exits ends it.",
    .code = recursion_start,
    .code_end = recursion_end,
    .mode = GUEST_PAGED,
    .handlers = recursion_handlers,
    .handler_count = 1,
    .exits_max = ENDLESS_EXITS,
    .end = GUEST_END_EXITS,
};
BUILT_IN_GUEST(0400, guest_recursion);

/* The same with #DB, which comes after the delivery (CVE-2015-8104). */
static const struct guest_handler recursion_debug_handlers[] = {{X86_VECTOR_DB, recursion_on_db}};

static const struct guest guest_recursion_debug = {
    .name = "recursion-debug",
    .purpose =
        "Makes each delivery of a debug exception raise another; its budget of exits ends it.",
    .code = recursion_debug_start,
    .code_end = recursion_debug_end,
    .mode = GUEST_LONG,
    .handlers = recursion_debug_handlers,
    .handler_count = 1,
    .exits_max = ENDLESS_EXITS,
    .end = GUEST_END_EXITS,
};
BUILT_IN_GUEST(0410, guest_recursion_debug);

static const struct guest guest_spin_repeat = {
    .name = "spin-repeat",
    .purpose = "Repeats a string instruction four thousand million times; its time ends it within.",
    .code = spin_repeat_start,
    .code_end = spin_repeat_end,
    .mode = GUEST_PAGED,
    .time_max_us = SPIN_US,
    .end = GUEST_END_TIME,
};
BUILT_IN_GUEST(0300, guest_spin_repeat);

static const struct guest guest_ports = {
    .name = "ports",
    .purpose = "Reads and writes every port in each width; nothing is behind any of them.",
    .code = ports_start,
    .code_end = ports_end,
    .mode = GUEST_LONG,
    .unwatched = true,
    .exits_max = PORT_EXITS,
    .time_max_us = GUEST_TIME_LONG_US,
};
BUILT_IN_GUEST(0420, guest_ports);

/* MSRs of the host that no guest may change; firmware and kernel depend on them. */
static const uint32_t hosts_msrs[] = {
    IA32_APIC_BASE, IA32_FEATURE_CONTROL, IA32_MTRR_DEF_TYPE, IA32_PAT,
    IA32_EFER,      IA32_FS_BASE,         IA32_GS_BASE,
};

enum { HOSTS_MSRS = sizeof(hosts_msrs) / sizeof(hosts_msrs[0]) };

static void keep_msrs(struct vcpu *vcpu)
{
    uint64_t value;

    for (uint32_t i = 0; i < HOSTS_MSRS; i++) {
        (void)rdmsr_safe(hosts_msrs[i], &value);
        memcpy(vcpu_memory(vcpu, GUEST_ARRAY + i * 8, 8), &value, 8);
    }
}

static const char *check_msrs(const struct vcpu *vcpu)
{
    uint64_t value;

    for (uint32_t i = 0; i < HOSTS_MSRS; i++) {
        (void)rdmsr_safe(hosts_msrs[i], &value);
        if (memcmp(vcpu_memory(vcpu, GUEST_ARRAY + i * 8, 8), &value, 8) != 0)
            return "an MSR of the host has changed";
    }
    return NULL;
}

static const struct guest_handler msrs_handlers[] = {{X86_VECTOR_GP, msrs_on_gp}};

static const struct guest guest_msrs = {
    .name = "msrs",
    .purpose = "Reads and writes every MSR; the host's stay as they were.",
    .code = msrs_start,
    .code_end = msrs_end,
    .mode = GUEST_LONG,
    .handlers = msrs_handlers,
    .handler_count = 1,
    .setup = keep_msrs,
    .check = check_msrs,
    .unwatched = true,
    .exits_max = MSR_EXITS,
    .time_max_us = GUEST_TIME_LONG_US,
};
BUILT_IN_GUEST(0430, guest_msrs);
