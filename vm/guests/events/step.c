#include "vm/guests/test_guests.h"

extern const uint8_t step_start[], step_1[], step_2[], step_3[], step_4[], step_5[], step_6[],
    step_7[], step_8[], step_handler[], step_return[];

#define STEP(place) EXIT_REASON_MONITOR_TRAP_FLAG, (place), STEPPED

static const char *lacks(const struct vmx_capability *capability)
{
    (void)capability;
    return quirk_lacks(QUIRK_NO_MONITOR_TRAPS);
}

/* SDM Vol. 3, "Monitor Trap Flag": an exit after each instruction; an instruction that exits
 * itself has none of its own. The delivery of the software interrupt is a part of INT. */
GUEST(0190, step, GUEST_LONG, "step",
      "Is followed instruction by instruction; each exit is where the code says.",
      CONTROLS(ON(PRIMARY, MONITOR_TRAP_FLAG)), .lacks = lacks,
      EXITS({STEP(step_1)}, {STEP(step_2)}, {STEP(step_3)}, {STEP(step_4)}, {STEP(step_5)},
            {EXIT_REASON_CPUID, step_5, EMULATED}, {STEP(step_7)}, {STEP(step_handler)},
            {STEP(step_8)}, {STEP(step_return)}));

/*
 * The same by RFLAGS.TF, with each #DB kept from the guest. CPUID is done for the guest, and the
 * single step after it is pending at VM entry. INT clears TF, IRET brings it back for the
 * instruction after. All of it is executed once before, so that a hypervisor below that maps
 * memory when it is touched has it mapped (QUIRK_FETCH_VIOLATION_IS_STEP).
 */
#define TRAP(place)                                                                         \
    EXIT_REASON_EXCEPTION_OR_NMI, (place), STEPPED, .interruption = FAULT(DB),              \
                                                    .qualification_mask = PENDING_DEBUG_BS, \
                                                    .qualification = PENDING_DEBUG_BS

/* After the call it goes from the start once more, and now each step is one. */
static enum exit_done swallow(struct vcpu *vcpu, const struct exit_record *exit)
{
    (void)vcpu;
    if (exit->basic == EXIT_REASON_VMCALL &&
        (vmcs_read_natural(VMCS_GUEST_RFLAGS) & RFLAGS_TF) == 0) {
        vmcs_write_natural(VMCS_GUEST_RIP, GUEST_CODE);
        vmcs_write_natural(VMCS_GUEST_RFLAGS, RFLAGS_RESERVED | RFLAGS_TF);
        return EXIT_STEPPED;
    }
    return exit->basic == EXIT_REASON_EXCEPTION_OR_NMI &&
                   (exit->interruption & EVENT_INFO_MASK) == FAULT(DB)
               ? EXIT_STEPPED
               : EXIT_DEFAULT;
}

GUEST(0210, step, GUEST_LONG, "step-trap",
      "Is followed instruction by instruction by the trap flag; it never sees a #DB.",
      .on_exit = swallow,
      EXITS({EXIT_REASON_CPUID, step_5, EMULATED}, {EXIT_REASON_VMCALL, step_return, STEPPED},
            {TRAP(step_1)}, {TRAP(step_2)}, {TRAP(step_3)}, {TRAP(step_4)}, {TRAP(step_5)},
            {EXIT_REASON_CPUID, step_5, EMULATED}, {TRAP(step_6)}, {TRAP(step_7)},
            {TRAP(step_return)}));

/*
 * SDM Vol. 3, "VM Exits Induced by the Monitor Trap Flag" and "Pending MTF VM Exits": an event of
 * the type "other" with vector 0 is delivered by such an exit, before any instruction and whether
 * the flag is 1 or not. A hypervisor that was interrupted between two steps goes on so.
 */
GUEST_SETUP(pend, vcpu_inject(vcpu, EVENT_OTHER, 0));

static enum exit_done pend_behind_cpuid(struct vcpu *vcpu, const struct exit_record *exit)
{
    if (exit->basic == EXIT_REASON_CPUID)
        pend(vcpu);
    return EXIT_DEFAULT;
}

GUEST_LACKS(lacks_flag, (capability->primary_allowed1 & PRIMARY_MONITOR_TRAP_FLAG) != 0,
            "monitor trap flag");

GUEST(0200, step, GUEST_LONG, "step-pending",
      "Is entered with a step pending, and left before it has executed anything.",
      .lacks = lacks_flag, .setup = pend, .on_exit = pend_behind_cpuid,
      EXITS({STEP(step_start)}, {EXIT_REASON_CPUID, step_5, EMULATED}, {STEP(step_6)}));
