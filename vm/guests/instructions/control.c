#include "vm/guests/probe.h"

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

GUEST_SETUP(own_cr0, vcpu->cr0_fixed |= CR0_TS | CR0_MP;
            vmcs_write_natural(VMCS_CR0_GUEST_HOST_MASK, vcpu->cr0_fixed));

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

/*
 * DE is the host's, and 0 for the guest; so is VMXE, which VMX fixes to 1. TSD is the guest's. SMXE
 * and CET are nobody's, also on a processor that has them: vm/guests/guest_policy.c.
 */

GUEST_SETUP(own_cr4, vcpu->cr4_fixed |= CR4_DE;
            vmcs_write_natural(VMCS_CR4_GUEST_HOST_MASK, vcpu->cr4_fixed));

/* SDM Vol. 3, table "Exit Qualification for MOV DR". */
#define DR_TO(dr, register)   EXIT_REASON_MOV_DR, ((dr) | 0u << 4 | (uint64_t)(register) << 8)
#define DR_FROM(dr, register) EXIT_REASON_MOV_DR, ((dr) | 1u << 4 | (uint64_t)(register) << 8)

#define DR_VALUE 0x123456789aull
#define DR7_SET  0x701ull /* bit 10 is always 1; GE, LE, and L0 */

#include "vm/guests/instructions/control.def"
