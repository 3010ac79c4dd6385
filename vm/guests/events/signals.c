#include "vm/events/guest_events.h"
#include "lib/string.h"
#include "vm/guests/test_guests.h"
#include "lib/host/clock.h"
#include "vm/host/signal_sender.h"

extern const struct guest_code code_signals_real;

/* Another CPU may be slow to send: under a hypervisor that has more to do. And what a late INIT has
 * to come, when the time is up: it must not wait for the next guest. */
enum { WAIT_US = 4000000, LAST_US = 600 };

/* In GUEST_DATA, as the guest has it, and what is remembered beside. */
struct notes {
    uint32_t entered, started;
    uint32_t last; /* not 0: the time is up, and nobody sends any more */
};

static struct notes *notes_of(const struct vcpu *vcpu)
{
    return vm_memory(vcpu->vm, GUEST_DATA, sizeof(struct notes));
}

/* A VMWRITE that failed shows when the guest is entered: its state is not what it should be. */
static void await_startup(struct vcpu *vcpu)
{
    const struct guest_code *code = &code_signals_real;

    memcpy(vm_memory(vcpu->vm, SIGNALS_VECTOR << 12, code->bytes), code->start, code->bytes);
    (void)vcpu_state_init(vcpu);
    signal_sender_wish(SIGNAL_STARTUP, SIGNALS_VECTOR, NULL);
}

GUEST_SETUP(await_init, signal_sender_wish(SIGNAL_INIT, 0, &notes_of(vcpu)->entered));

/* Where the timer ends even wait-for-SIPI, as it should not, that must not be entered again. */
static enum exit_done on_time(struct vcpu *vcpu)
{
    struct notes *notes = notes_of(vcpu);

    if (notes->last != 0 || vmcs_read32(VMCS_GUEST_ACTIVITY_STATE) == ACTIVITY_WAIT_FOR_SIPI)
        return EXIT_DEFAULT;
    notes->last = 1;
    signal_sender_wish(SIGNAL_NONE, 0, NULL);
    vmcs_write32(VMCS_VMX_PREEMPTION_TIMER_VALUE,
                 (uint32_t)(time_budget_ticks(LAST_US, clock_tsc_per_ms()) >>
                            vcpu->capability.preemption_timer_shift));
    return EXIT_STEPPED;
}

static enum exit_done signals(struct vcpu *vcpu, const struct exit_record *exit)
{
    switch (exit->basic) {
    case EXIT_REASON_INIT:
        await_startup(vcpu);
        translation_flush(vcpu);
        return EXIT_STATE;
    case EXIT_REASON_SIPI:
        signal_sender_wish(SIGNAL_NONE, 0, NULL);
        (void)vcpu_state_startup(vcpu, (uint8_t)exit->qualification);
        if ((vcpu->controls[VMX_CONTROL_SECONDARY] & SECONDARY_UNRESTRICTED_GUEST) == 0)
            notes_of(vcpu)->started = 1;
        return EXIT_STATE;
    case EXIT_REASON_PREEMPTION_TIMER:
        return on_time(vcpu);
    default:
        return EXIT_DEFAULT;
    }
}

#define STARTED EXIT_REASON_SIPI, .done = EXIT_STATE, QUALIFIED(SIGNALS_VECTOR)

/* In real mode CS is what SIPI made it; without unrestricted guest there is none. */
static const char *check(const struct vcpu *vcpu)
{
    bool real = (vcpu->controls[VMX_CONTROL_SECONDARY] & SECONDARY_UNRESTRICTED_GUEST) != 0;

    return notes_of(vcpu)->started == (real ? (SIGNALS_VECTOR << 8) + 1 : 1)
               ? NULL
               : "it was not started where SIPI said";
}

GUEST_LACKS(lacks_waiting, capability->activity_wait_for_sipi, "the activity state wait-for-SIPI");

/* An INIT that stays pending after its exit would let no guest ever run on this CPU again. */
static const char *lacks_init(const struct vmx_capability *capability)
{
    return quirk(QUIRK_INIT_STAYS_PENDING) ? quirk_lacks(QUIRK_INIT_STAYS_PENDING)
                                           : lacks_waiting(capability);
}

GUEST(0170, signals, GUEST_LONG, "init-sipi",
      "Gets INIT and SIPI from another CPU, each an exit, and starts anew in real mode.",
      CONTROLS(ON(PIN, PREEMPTION_TIMER), ON(EXIT, SAVE_PREEMPTION_TIMER)), .needs_sender = true,
      .lacks = lacks_init, .setup = await_init, .on_exit = signals,
      EXITS({EXIT_REASON_INIT, .done = EXIT_STATE}, {STARTED}), .check = check,
      .time_max_us = WAIT_US);

GUEST(0180, signals, GUEST_LONG, "sipi",
      "Is entered waiting for SIPI, which another CPU sends, and starts in real mode.",
      .needs_sender = true, .lacks = lacks_waiting, .setup = await_startup, .on_exit = signals,
      EXITS({STARTED}), .check = check);
