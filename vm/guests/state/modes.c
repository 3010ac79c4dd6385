#include <stddef.h>

#include "lib/string.h"
#include "vm/guests/test_guests.h"
#include "vmx/vmcs_access.h"

extern const uint8_t real_start[], real_end[], real_cpuid[], real_on_int[];
extern const uint8_t paged_start[], paged_end[], pae_start[], pae_end[];
extern const uint8_t long_start[], long_end[], long_cpuid_64[], long_cpuid_32[];
extern const uint8_t switches_start[], switches_end[], switches_protect[], switches_long[];

enum { MARK = 0x4d4f4445, REAL_VECTOR = 0x21 };

static bool holds(const struct vcpu *vcpu, const void *wanted, uint32_t bytes)
{
    return memcmp(vcpu_memory(vcpu, GUEST_DATA, bytes), wanted, bytes) == 0;
}

/* RIP is relative to CS in real mode, whose base is GUEST_CODE: the place is checked here. */
static const char *check_real(const struct vcpu *vcpu)
{
    static const uint16_t wanted[] = {GUEST_CODE >> 4, 0x494e, 0x5254};

    if (vcpu->record[0].rip != test_guest_address(vcpu->guest, real_cpuid) - GUEST_CODE)
        return "RIP at the exit in real mode was not the offset in the code segment";
    return holds(vcpu, wanted, sizeof(wanted))
               ? NULL
               : "CS, the handler's mark or the mark behind the interrupt is not there";
}

static const struct exit_expected cpuid_exit[] = {
    {.reason = EXIT_REASON_CPUID, .done = EXIT_EMULATED},
};

static const struct guest_handler real_handlers[] = {{REAL_VECTOR, real_on_int}};

static const struct guest guest_real_mode = {
    .name = "real-mode",
    .purpose = "Runs in real mode: CPUID exits, and an interrupt goes through the vector table.",
    .code = real_start,
    .code_end = real_end,
    .mode = GUEST_REAL,
    .handlers = real_handlers,
    .handler_count = 1,
    .expected = cpuid_exit,
    .expected_count = 1,
    .check = check_real,
};
BUILT_IN_GUEST(0230, guest_real_mode);

static const char *check_mark(const struct vcpu *vcpu)
{
    static const uint32_t wanted = MARK;

    return holds(vcpu, &wanted, sizeof(wanted))
               ? NULL
               : "what was written through the guest's own page tables is not there";
}

static const struct guest guest_paged_mode = {
    .name = "paged-mode",
    .purpose = "Maps a page anew in 32-bit paging, and writes through it.",
    .code = paged_start,
    .code_end = paged_end,
    .mode = GUEST_PAGED,
    .check = check_mark,
};
BUILT_IN_GUEST(0240, guest_paged_mode);

static const struct guest guest_pae_mode = {
    .name = "pae-mode",
    .purpose = "Maps a page anew in PAE paging, and writes through it.",
    .code = pae_start,
    .code_end = pae_end,
    .mode = GUEST_PAE,
    .check = check_mark,
};
BUILT_IN_GUEST(0250, guest_pae_mode);

static const struct exit_expected long_exits[] = {
    {.reason = EXIT_REASON_CPUID, .at = long_cpuid_64, .done = EXIT_EMULATED},
    {.reason = EXIT_REASON_CPUID, .at = long_cpuid_32, .done = EXIT_EMULATED},
};

static const char *check_long(const struct vcpu *vcpu)
{
    static const uint32_t wanted[] = {UINT32_MAX, MARK};

    return holds(vcpu, wanted, sizeof(wanted))
               ? NULL
               : "32-bit code in long mode, or 64-bit code after it, did not run as such";
}

static const struct guest guest_long_mode = {
    .name = "long-mode",
    .purpose = "Runs 64-bit code, 32-bit code in long mode, and 64-bit code again.",
    .code = long_start,
    .code_end = long_end,
    .mode = GUEST_LONG,
    .expected = long_exits,
    .expected_count = sizeof(long_exits) / sizeof(long_exits[0]),
    .check = check_long,
};
BUILT_IN_GUEST(0260, guest_long_mode);

/* SDM Vol. 3, table "Exit Qualification for Control-Register Accesses": MOV to CR0 from EAX. */
static const struct exit_expected switches_exits[] = {
    {.reason = EXIT_REASON_CONTROL_REGISTER_ACCESS,
     .qualification_mask = UINT64_MAX,
     .done = EXIT_EMULATED},
    {.reason = EXIT_REASON_RDMSR, .done = EXIT_EMULATED},
    {.reason = EXIT_REASON_WRMSR, .done = EXIT_EMULATED},
    {.reason = EXIT_REASON_CONTROL_REGISTER_ACCESS,
     .qualification_mask = UINT64_MAX,
     .at = switches_long,
     .done = EXIT_EMULATED},
    {.reason = EXIT_REASON_RDMSR, .done = EXIT_EMULATED},
};

/* Unrestricted guests may switch by themselves; here each change of PE and PG is to be seen. */
static void watch_cr0(struct vcpu *vcpu)
{
    vmcs_write_natural(VMCS_CR0_GUEST_HOST_MASK, vcpu->cr0_fixed | CR0_PE | CR0_PG);
}

static const char *check_switches(const struct vcpu *vcpu)
{
    static const uint32_t wanted[] = {0x5052, (uint32_t)(EFER_LME | EFER_LMA), 1};

    if (vcpu->record[0].rip != test_guest_address(vcpu->guest, switches_protect) - GUEST_CODE)
        return "the first write of CR0 was not where real mode ends";
    if ((vcpu->controls[VMX_CONTROL_ENTRY] & ENTRY_IA32E_MODE_GUEST) == 0)
        return "VM entry was not told that the guest is in long mode";
    return holds(vcpu, wanted, sizeof(wanted))
               ? NULL
               : "protected mode, EFER.LMA or 64-bit code was not as it should be";
}

static const struct guest guest_mode_switches = {
    .name = "mode-switches",
    .purpose = "Goes from real mode to protected and to long mode; CR0 and EFER exit on the way.",
    .code = switches_start,
    .code_end = switches_end,
    .mode = GUEST_REAL,
    .setup = watch_cr0,
    .expected = switches_exits,
    .expected_count = sizeof(switches_exits) / sizeof(switches_exits[0]),
    .check = check_switches,
};
BUILT_IN_GUEST(0270, guest_mode_switches);
