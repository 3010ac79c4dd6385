#include "vm/guests/test_guests.h"

extern const uint8_t real_cpuid[], long_cpuid_64[], long_cpuid_32[], switches_protect[],
    switches_long[];

/* RIP is relative to CS in real mode, whose base is GUEST_CODE: the place is checked here. */
GUEST_CHECK(check_real,
            guest_vm_of(vcpu)->record[0].rip == guest_address(vcpu, real_cpuid) - GUEST_CODE,
            "RIP at the exit in real mode was not the offset in the code segment");

GUEST(0230, real, GUEST_REAL, "real-mode",
      "Runs in real mode: CPUID exits, and an interrupt goes through the vector table.",
      EXITS({EXIT_REASON_CPUID, EMULATED}), .check = check_real,
      MEMORY(WORDS(GUEST_DATA,
                   "CS, the handler's mark or the mark behind the interrupt is not there",
                   GUEST_CODE >> 4 | 0x494e << 16, 0x5254)));

/* Of both guests of paging. */
#define MARKED                         \
    MEMORY(WORD(GUEST_DATA, MODE_MARK, \
                "what was written through the guest's own page tables is not there"))

GUEST(0240, paged, GUEST_PAGED, "paged-mode",
      "Maps a page anew in 32-bit paging, and writes through it.", MARKED);

GUEST(0250, pae, GUEST_PAE, "pae-mode", "Maps a page anew in PAE paging, and writes through it.",
      MARKED);

GUEST(0260, long, GUEST_LONG, "long-mode",
      "Runs 64-bit code, 32-bit code in long mode, and 64-bit code again.",
      EXITS({EXIT_REASON_CPUID, long_cpuid_64, EMULATED},
            {EXIT_REASON_CPUID, long_cpuid_32, EMULATED}),
      MEMORY(WORDS(GUEST_DATA,
                   "32-bit code in long mode, or 64-bit code after it, did not run as such",
                   UINT32_MAX, MODE_MARK)));

/* Unrestricted guests may switch by themselves; here each change of PE and PG is to be seen. */
GUEST_SETUP(watch_cr0,
            vmcs_write_natural(VMCS_CR0_GUEST_HOST_MASK, vcpu->cr0_fixed | CR0_PE | CR0_PG));

static const char *check_switches(const struct vcpu *vcpu)
{
    if (guest_vm_of(vcpu)->record[0].rip != guest_address(vcpu, switches_protect) - GUEST_CODE)
        return "the first write of CR0 was not where real mode ends";
    return (vcpu->controls[VMX_CONTROL_ENTRY] & ENTRY_IA32E_MODE_GUEST) != 0
               ? NULL
               : "VM entry was not told that the guest is in long mode";
}

/* SDM Vol. 3, table "Exit Qualification for Control-Register Accesses": MOV to CR0 from EAX. */
GUEST(0270, switches, GUEST_REAL, "mode-switches",
      "Goes from real mode to protected and to long mode; CR0 and EFER exit on the way.",
      .setup = watch_cr0,
      EXITS({EXIT_REASON_CONTROL_REGISTER_ACCESS, EMULATED, .qualification_mask = -1},
            {EXIT_REASON_RDMSR, EMULATED}, {EXIT_REASON_WRMSR, EMULATED},
            {EXIT_REASON_CONTROL_REGISTER_ACCESS, switches_long, EMULATED,
             .qualification_mask = -1},
            {EXIT_REASON_RDMSR, EMULATED}),
      .check = check_switches,
      MEMORY(WORDS(GUEST_DATA, "protected mode, EFER.LMA or 64-bit code was not as it should be",
                   0x5052, (uint32_t)(EFER_LME | EFER_LMA), 1)));
