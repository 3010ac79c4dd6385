#include "vm/guests/probe.h"
#include "vm/guests/test_guests.h"

/* SDM Vol. 3, table "Exit Qualification for Control-Register Accesses". */
#define MOV_TO(cr, reg)   ((cr) | 0u << 4 | (uint64_t)(reg) << 8)
#define MOV_FROM(cr, reg) ((cr) | 1u << 4 | (uint64_t)(reg) << 8)
#define CLTS              (2u << 4)
#define LMSW(source)      (3u << 4 | (source) << 16)
#define LMSW_FROM_MEMORY  (1u << 6)

#define CR_EXIT(qualification) EXIT_REASON_CONTROL_REGISTER_ACCESS, (qualification)

/*
 * TS and MP are the host's, and the guest believes them 0; NE, which VMX fixes to 1, is the host's
 * too, and 0 in the read shadow. AM is the guest's; bits above 31 are nobody's, and
 * IA32_VMX_CR0_FIXED1 puts them among the host's, so that they exit before they fault. What the
 * guest reads: SDM Vol. 3, "Guest/Host Masks and Read Shadows for CR0 and CR4".
 */
#define CR0_START (CR0_PG | CR0_ET | CR0_PE)

static const struct probe cr0_probes[] = {
    {.instruction = "MOV from CR0", HOLDS(VCPU_RAX, CR0_START)},
    {.instruction = "MOV to CR0 of AM, the guest's own"},
    {.instruction = "MOV from CR0 with AM", HOLDS(VCPU_RCX, CR0_START | CR0_AM)},
    {"MOV to CR0 of TS, the host's", CR_EXIT(MOV_TO(0, VCPU_RBX)), .done = EXIT_EMULATED},
    {.instruction = "MOV from CR0 with TS", HOLDS(VCPU_RCX, CR0_START | CR0_AM | CR0_TS)},
    {"CLTS", CR_EXIT(CLTS), .done = EXIT_EMULATED},
    {.instruction = "CLTS with nothing to clear"},
    {"LMSW from a register", CR_EXIT(LMSW(0x000bu)), .done = EXIT_EMULATED},
    {.instruction = "SMSW", .reg = VCPU_RCX, .mask = 0xffff, .value = CR0_ET | 0xb},
    {"LMSW from memory", CR_EXIT(LMSW(0x0003u) | LMSW_FROM_MEMORY), .done = EXIT_EMULATED},
    {.instruction = "LMSW of what is there"},
    {.instruction = "MOV from CR0 in the end", HOLDS(VCPU_RDX, CR0_START | CR0_AM | CR0_MP)},
    {"MOV to CR0 of a bit above 31", CR_EXIT(MOV_TO(0, VCPU_RBX)), GETS_GP},
};

static void own_cr0(struct vcpu *vcpu)
{
    vcpu->cr0_fixed |= CR0_TS | CR0_MP;
    vmcs_write_natural(VMCS_CR0_GUEST_HOST_MASK, vcpu->cr0_fixed);
}

PROBED_GUEST(0700, cr0, "cr0",
             "MOV CR0, CLTS, LMSW and SMSW, where bits are the host's or the guest's.",
             .setup = own_cr0, PROBES_IN(cr0_probes));

/*
 * The real CR3 is a CR3-target value: to load it again does not exit. RBX holds it, RBP what the
 * guest believes it to be (the same with EPT, so that to load it does not exit there).
 */
static const struct probe cr3_probes[] = {
    {.instruction = "MOV to CR3 of a target value"},
    {"MOV to CR3 of another value", CR_EXIT(MOV_TO(3, VCPU_RSI)), .done = EXIT_EMULATED},
    {"MOV from CR3", CR_EXIT(MOV_FROM(3, VCPU_R8 + 1)), .done = EXIT_EMULATED,
     .changes = 1u << (VCPU_R8 + 1)},
    {"MOV to CR3 of the first value", CR_EXIT(MOV_TO(3, VCPU_RDI)), .done = EXIT_EMULATED,
     .may = true},
    {"MOV from CR3 again", CR_EXIT(MOV_FROM(3, VCPU_R8 + 2)), .done = EXIT_EMULATED,
     HOLDS(VCPU_R8 + 2, GUEST_PAGE_TABLES)},
};

GUEST_CHECK(check_cr3,
            probe_after(vcpu, 2)->reg[VCPU_R8 + 1] == probe_after(vcpu, 2)->reg[VCPU_RSI],
            "CR3 was not read as it had been written");

GUEST_LACKS(lacks_targets, capability->cr3_targets >= 1, "CR3-target values");

static void set_target(struct vcpu *vcpu)
{
    vcpu->reg[VCPU_RBX] = vmcs_read_natural(VMCS_GUEST_CR3);
    vcpu->reg[VCPU_RBP] = GUEST_PAGE_TABLES;
    vmcs_write_natural(VMCS_CR3_TARGET_VALUE_0, vcpu->reg[VCPU_RBX]);
    vmcs_write32(VMCS_CR3_TARGET_COUNT, 1);
}

PROBED_GUEST(0710, cr3, "cr3", "Loads and reads CR3, a CR3-target value among the values loaded.",
             CONTROLS(ON(PRIMARY, CR3_LOAD_EXITING), ON(PRIMARY, CR3_STORE_EXITING)),
             .lacks = lacks_targets, .setup = set_target, PROBES_IN(cr3_probes),
             .check_more = check_cr3);

/*
 * DE is the host's, and 0 for the guest; so is VMXE, which VMX fixes to 1. TSD is the guest's. SMXE
 * and CET are nobody's, also on a processor that has them: vm/guests/guest_policy.c.
 */

static const struct probe cr4_probes[] = {
    {.instruction = "MOV from CR4", HOLDS(VCPU_RAX, CR4_PAE)},
    {.instruction = "MOV to CR4 of TSD, the guest's own"},
    {.instruction = "MOV from CR4 with TSD", HOLDS(VCPU_RCX, CR4_PAE | CR4_TSD)},
    {"MOV to CR4 of DE, the host's", CR_EXIT(MOV_TO(4, VCPU_RBX)), .done = EXIT_EMULATED},
    {.instruction = "MOV from CR4 with DE", HOLDS(VCPU_RCX, CR4_PAE | CR4_TSD | CR4_DE)},
    {"MOV to CR4 of VMXE", CR_EXIT(MOV_TO(4, VCPU_R8 + 4)), GETS_GP},
    {"MOV to CR4 of SMXE", CR_EXIT(MOV_TO(4, VCPU_R8 + 4)), GETS_GP},
    {"MOV to CR4 of CET", CR_EXIT(MOV_TO(4, VCPU_R8 + 4)), GETS_GP},
    {.instruction = "MOV to CR4 without PAE", FAULTS_GP},
    {.instruction = "MOV from CR4 in the end", HOLDS(VCPU_RCX, CR4_PAE | CR4_TSD | CR4_DE)},
};

static void own_cr4(struct vcpu *vcpu)
{
    vcpu->cr4_fixed |= CR4_DE;
    vmcs_write_natural(VMCS_CR4_GUEST_HOST_MASK, vcpu->cr4_fixed);
}

PROBED_GUEST(0720, cr4, "cr4",
             "MOV CR4 where bits are the host's, the guest's, or nobody's to change.",
             .setup = own_cr4, PROBES_IN(cr4_probes));

static const struct probe cr8_probes[] = {
    {"MOV to CR8", CR_EXIT(MOV_TO(8, VCPU_RBX)), .done = EXIT_EMULATED},
    {"MOV from CR8", CR_EXIT(MOV_FROM(8, VCPU_RCX)), .done = EXIT_EMULATED, HOLDS(VCPU_RCX, 5)},
    {"MOV to CR8 of 16", CR_EXIT(MOV_TO(8, VCPU_R8 + 6)), GETS_GP},
    {"MOV from CR8 again", CR_EXIT(MOV_FROM(8, VCPU_R15)), .done = EXIT_EMULATED,
     HOLDS(VCPU_R15, 5)},
};

PROBED_GUEST(0730, cr8, "cr8", "Writes and reads the task priority; 16 is no priority: #GP.",
             CONTROLS(ON(PRIMARY, CR8_LOAD_EXITING), ON(PRIMARY, CR8_STORE_EXITING)),
             PROBES_IN(cr8_probes));

/* SDM Vol. 3, table "Exit Qualification for MOV DR". */
#define DR_TO(dr, register)   EXIT_REASON_MOV_DR, ((dr) | 0u << 4 | (uint64_t)(register) << 8)
#define DR_FROM(dr, register) EXIT_REASON_MOV_DR, ((dr) | 1u << 4 | (uint64_t)(register) << 8)

#define DR_VALUE 0x123456789aull
#define DR7_SET  0x701ull /* bit 10 is always 1; GE, LE, and L0 */

static const struct probe dr_probes[] = {
    {"MOV to DR0", DR_TO(0, VCPU_RBX), .done = EXIT_EMULATED},
    {"MOV from DR0", DR_FROM(0, VCPU_R8 + 2), .done = EXIT_EMULATED, HOLDS(VCPU_R8 + 2, DR_VALUE)},
    {"MOV to DR3", DR_TO(3, VCPU_RBX), .done = EXIT_EMULATED},
    {"MOV from DR3 to RCX", DR_FROM(3, VCPU_RCX), .done = EXIT_EMULATED, HOLDS(VCPU_RCX, DR_VALUE)},
    {"MOV to DR7", DR_TO(7, VCPU_R8), .done = EXIT_EMULATED},
    {"MOV from DR7", DR_FROM(7, VCPU_RCX), .done = EXIT_EMULATED, HOLDS(VCPU_RCX, DR7_SET)},
    {"MOV to DR7 of a bit above 31", DR_TO(7, VCPU_R8 + 1), GETS_GP},
    {"MOV to DR6 of a bit above 31", DR_TO(6, VCPU_R8 + 1), GETS_GP},
    {.instruction = "MOV from DR0 without an exit", HOLDS(VCPU_R8 + 2, DR_VALUE)},
    {.instruction = "MOV to DR2 without an exit"},
    {.instruction = "MOV from DR7 without an exit", HOLDS(VCPU_R8 + 3, DR7_SET)},
};

PROBED_GUEST(0770, dr, "dr", "Writes and reads debug registers, with MOV-DR exiting and without.",
             CONTROLS(ON(PRIMARY, MOV_DR_EXITING)), PROBES_IN(dr_probes));
