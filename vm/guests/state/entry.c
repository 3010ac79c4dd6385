/*
 * Guests that cannot be entered, one for each way in which a processor says so. Each has a
 * mistake that many a hypervisor made first, and each names the rule that must be found broken.
 */

#include "lib/string.h"
#include "vm/guests/guest_run.h"
#include "vm/guests/test_guests.h"
#include "vmx/entry/vmentry_state.h"

enum { RPL_3 = 3, MSRS = 2 };

static const char *check(const struct vcpu *vcpu)
{
    if (vcpu->end == GUEST_END_ENTRY_FAILED && guest_of(vcpu)->breaks == VMENTRY_MSR_FS_GS_BASE &&
        vcpu->end_value != MSRS)
        return "the exit qualification is not the number of the entry";
    return entry_failure_is(vcpu, guest_of(vcpu)->breaks)
               ? NULL
               : "the entry failed, but not over the rule it breaks";
}

/* Some controls have no name and must be 1: the capability MSRs say which. */
GUEST_SETUP(forget_capability, vmcs_write32(VMCS_PIN_BASED_VM_EXECUTION_CONTROLS,
                                            vcpu->controls[VMX_CONTROL_PIN] &
                                                ~(uint32_t)vcpu->capability.pin_allowed0));

GUEST(0350, hello, GUEST_LONG, "entry-error-7",
      "Clears pin-based controls that must be 1: VM entry fails with error 7.",
      .setup = forget_capability, .breaks = VMENTRY_PIN_MUST_BE_1, .check = check,
      .end = GUEST_END_ENTRY_ERROR);

/* As read from DS by somebody whose selectors are those of ring 3. */
GUEST_SETUP(keep_privilege,
            vmcs_write16(VMCS_HOST_DS_SELECTOR, vmcs_read16(VMCS_HOST_DS_SELECTOR) | RPL_3));

GUEST(0360, hello, GUEST_LONG, "entry-error-8",
      "Has a host selector with the privilege of ring 3: VM entry fails with error 8.",
      .setup = keep_privilege, .breaks = VMENTRY_HOST_SELECTOR_RPL_TI, .check = check,
      .end = GUEST_END_ENTRY_ERROR);

/* A register of nothing but 0, but bit 1 of this one is always 1. */
GUEST_SETUP(clear_flags, vmcs_write_natural(VMCS_GUEST_RFLAGS, 0));

GUEST(0370, hello, GUEST_LONG, "entry-exit-33", "Has RFLAGS 0: VM entry fails with exit reason 33.",
      .setup = clear_flags, .breaks = VMENTRY_GUEST_RFLAGS_BIT_1, .check = check,
      .end = GUEST_END_ENTRY_FAILED);

/* The guest-state area has the bases of FS and GS; an MSR-load area may not have them, too. */
static void load_base_twice(struct vcpu *vcpu)
{
    static const struct vmentry_msr_entry area[MSRS] = {{IA32_SYSENTER_CS, 0, 0},
                                                        {IA32_FS_BASE, 0, 0}};

    memcpy(vm_memory(vcpu->vm, GUEST_DATA, sizeof(area)), area, sizeof(area));
    vmcs_write64(VMCS_VM_ENTRY_MSR_LOAD_ADDRESS, vcpu->vm->memory + GUEST_DATA);
    vmcs_write32(VMCS_VM_ENTRY_MSR_LOAD_COUNT, MSRS);
}

GUEST(0380, hello, GUEST_LONG, "entry-exit-34",
      "Has IA32_FS_BASE in its MSR-load area: VM entry fails with exit reason 34.",
      .setup = load_base_twice, .breaks = VMENTRY_MSR_FS_GS_BASE, .check = check,
      .end = GUEST_END_ENTRY_FAILED);
