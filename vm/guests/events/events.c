#include "vm/guests/test_guests.h"
#include "lib/host/apic.h"
#include "lib/host/clock.h"

extern const uint8_t timer_now[], nmi_window_open[], window_open[];

/* In GUEST_DATA: what the guest of the timer waits for, and what the hypervisor saw. */
struct timer_notes {
    uint32_t exits;
    uint32_t early;   /* exits that came too early */
    uint64_t since;   /* the TSC before the VM entry that the timer counts from */
    uint64_t first;   /* the first that the guest read after it; 0: none yet */
    uint32_t in_time; /* exits that were not late */
    uint32_t loaded;  /* what the timer had when it was made to expire at once; 0: it was not */
};

/* Far more than a VM exit takes. An SMI, or a hypervisor below that has more to do, may make any
 * exit later still: one of them must be in time. */
enum { TIMER_SLACK_US = 2000 };

/* SDM Vol. 3, "VMX-Preemption Timer": it counts down each time that one bit of the TSC changes, so
 * that the first tick may come at once. */
static enum exit_done time_it(struct vcpu *vcpu, const struct exit_record *exit)
{
    struct timer_notes *notes = vm_memory(vcpu->vm, GUEST_DATA, sizeof(*notes));
    unsigned shift = (unsigned)vcpu->capability.preemption_timer_shift;
    uint64_t now = rdtsc();
    uint64_t latest =
        ((uint64_t)TIMER_TICKS << shift) + time_budget_ticks(TIMER_SLACK_US, clock_tsc_per_ms());

    if (exit->basic == EXIT_REASON_VMCALL) {
        if (exit->rax == CALL_TIMER_NOW) {
            notes->loaded = vmcs_read32(VMCS_VMX_PREEMPTION_TIMER_VALUE);
            vmcs_write32(VMCS_VMX_PREEMPTION_TIMER_VALUE, 0);
        }
    } else if (exit->basic == EXIT_REASON_PREEMPTION_TIMER) {
        if (notes->loaded != 0) {
            vmcs_write32(VMCS_VMX_PREEMPTION_TIMER_VALUE, notes->loaded);
            notes->loaded = 0;
            return EXIT_STEPPED;
        }
        notes->exits++;
        notes->early += now - notes->since < (TIMER_TICKS - 1ull) << shift;
        notes->in_time += now - notes->first <= latest;
        notes->first = 0;
    }
    notes->since = now;
    return EXIT_DEFAULT;
}

/*
 * Processors whose timer counts at another rate than it says (errata AAJ124, AAK139, AAM126, AAN92,
 * AAO95, AAP86, AAT59, AAU65, AAX65, BA86 and of Xeon E3-1220 v2; Linux knows them by the same
 * signatures): there it must expire, whenever.
 */
static bool has_wrong_rate(uint32_t signature)
{
    static const uint32_t signatures[] = {0x106a0, 0x106a1, 0x106a4, 0x106a5, 0x106e5,
                                          0x20652, 0x20655, 0x206e6, 0x306a8};

    for (unsigned i = 0; i < COUNT_OF(signatures); i++) {
        if ((signature & 0x0fff3fff) == signatures[i]) /* without what is reserved */
            return true;
    }
    return false;
}

static const char *check_timer(const struct vcpu *vcpu)
{
    const struct timer_notes *notes = vm_memory(vcpu->vm, GUEST_DATA, sizeof(*notes));

    if (has_wrong_rate(cpuid(1, 0).eax))
        return NULL;
    if (notes->early != 0)
        return "the preemption timer expired too early";
    return notes->in_time != 0 ? NULL : "the preemption timer expired too late each time";
}

GUEST(0100, timer, GUEST_LONG, "timer",
      "Spins until the VMX-preemption timer has expired, at once and after its ticks.",
      CONTROLS(ON(PIN, PREEMPTION_TIMER), ON(EXIT, SAVE_PREEMPTION_TIMER)), .on_exit = time_it,
      EXITS({EXIT_REASON_VMCALL, EMULATED}, {EXIT_REASON_PREEMPTION_TIMER, timer_now, STEPPED},
            {EXIT_REASON_VMCALL, EMULATED},
            {EXIT_REASON_PREEMPTION_TIMER, STEPPED, .times = TIMER_EXITS}),
      .check = check_timer);

/* External interrupts. The guest has them on, where it needs not: QUIRK_INTERRUPTS_WAIT_FOR_IF. */
static enum exit_done interrupt_it(struct vcpu *vcpu, const struct exit_record *exit)
{
    if (exit->basic == EXIT_REASON_VMCALL && exit->rax == CALL_INTERRUPT)
        apic_send(apic_id(), APIC_FIXED | VECTOR_WAKE);
    else if (exit->basic == EXIT_REASON_EXTERNAL_INTERRUPT)
        *guest_word(vcpu, GUEST_DATA) =
            exit->interruption | 1; /* the guest waits until it is not 0 */
    return EXIT_DEFAULT;
}

static const char *check_acknowledged(const struct vcpu *vcpu)
{
    uint32_t seen = *guest_word(vcpu, GUEST_DATA);

    if ((seen & EVENT_INFORMATION_VALID) == 0 || event_type_of(seen) != EVENT_EXTERNAL_INTERRUPT ||
        event_vector(seen) < 32)
        return "the exit did not tell the vector of the interrupt that it acknowledged";
    return NULL;
}

GUEST_CHECK(check_kept, (*guest_word(vcpu, GUEST_DATA) & EVENT_INFORMATION_VALID) == 0,
            "the exit told of an interrupt that it should not have acknowledged");

GUEST(0110, interrupt, GUEST_LONG, "external-interrupt",
      "Is interrupted by the host's local APIC; the exit acknowledges and tells the vector.",
      CONTROLS(ON(EXIT, ACKNOWLEDGE_INTERRUPT)), .on_exit = interrupt_it,
      .check = check_acknowledged);

GUEST(0120, interrupt, GUEST_LONG, "interrupt-kept",
      "The same without acknowledging: the host takes the interrupt by itself.",
      CONTROLS(OFF(EXIT, ACKNOWLEDGE_INTERRUPT)), .on_exit = interrupt_it, .check = check_kept);

/* An interrupt that waits for the guest to be ready, as a hypervisor delivers one. */
static enum exit_done deliver(struct vcpu *vcpu, const struct exit_record *exit)
{
    if (exit->basic != EXIT_REASON_INTERRUPT_WINDOW)
        return EXIT_DEFAULT;
    vcpu_inject(vcpu, EVENT_EXTERNAL_INTERRUPT, WINDOW_VECTOR);
    return EXIT_DEFAULT;
}

GUEST(0130, window, GUEST_LONG, "interrupt-window",
      "Turns interrupts on; the window opens one instruction later, and one comes in.",
      CONTROLS(ON(PRIMARY, INTERRUPT_WINDOW_EXITING)), .on_exit = deliver,
      EXITS({EXIT_REASON_INTERRUPT_WINDOW, window_open, .done = EXIT_WINDOW}),
      EVENTS(EVENT(WINDOW_VECTOR, window_open)));

/* The first NMI blocks the second one until its handler returns. */
static enum exit_done deliver_nmi(struct vcpu *vcpu, const struct exit_record *exit)
{
    bool call = exit->basic == EXIT_REASON_VMCALL;
    bool window = exit->basic == EXIT_REASON_NMI_WINDOW;

    if (window || (call && exit->rax == CALL_NMI))
        vcpu_inject(vcpu, EVENT_NMI, X86_VECTOR_NMI);
    else if (call && exit->rax == CALL_NMI_WINDOW)
        vcpu_control_set(vcpu, VMX_CONTROL_PRIMARY, PRIMARY_NMI_WINDOW_EXITING, true);
    return EXIT_DEFAULT;
}

GUEST_LACKS(lacks_nmi_window, (capability->primary_allowed1 & PRIMARY_NMI_WINDOW_EXITING) != 0,
            "NMI-window exiting");

GUEST(0140, nmi_window, GUEST_LONG, "nmi-window",
      "Gets an NMI, and a second one when IRET has opened the window for it.",
      CONTROLS(ON(PIN, NMI_EXITING), ON(PIN, VIRTUAL_NMIS)), .lacks = lacks_nmi_window,
      .on_exit = deliver_nmi,
      EXITS({EXIT_REASON_VMCALL, EMULATED, .times = 2},
            {EXIT_REASON_NMI_WINDOW, nmi_window_open, .done = EXIT_WINDOW}),
      MEMORY(WORD(GUEST_DATA, 2, "the guest's handler did not run once for each NMI")));

extern const uint8_t inject_behind[], double_here[];

enum { SELECTOR_ERROR = 0x1234, WRITE_ERROR = 2 };

/*
 * Each kind of event that VM entry can inject. Those that an instruction causes, from software
 * interrupts on, return after it, by the instruction length that is given along; the others to
 * where the guest is.
 */
static const uint8_t types[INJECTIONS] = {EVENT_HARDWARE_EXCEPTION,
                                          EVENT_HARDWARE_EXCEPTION,
                                          EVENT_HARDWARE_EXCEPTION,
                                          EVENT_EXTERNAL_INTERRUPT,
                                          EVENT_NMI,
                                          EVENT_SOFTWARE_INTERRUPT,
                                          EVENT_SOFTWARE_EXCEPTION,
                                          EVENT_PRIVILEGED_SOFTWARE_EXCEPTION};

static const struct wanted_event injections[INJECTIONS] = {
    EVENT(X86_VECTOR_UD, inject_behind),
    EVENT_WITH_CODE(X86_VECTOR_GP, SELECTOR_ERROR, inject_behind),
    EVENT_WITH_CODE(X86_VECTOR_PF, WRITE_ERROR, inject_behind),
    EVENT(INJECTED_INTERRUPT, inject_behind),
    EVENT(X86_VECTOR_NMI, inject_behind),
    EVENT(INJECTED_SOFTWARE, inject_behind),
    EVENT(X86_VECTOR_BP, inject_behind),
    EVENT(X86_VECTOR_DB, inject_behind),
};

static enum exit_done inject_it(struct vcpu *vcpu, const struct exit_record *exit)
{
    uint32_t number = (uint32_t)exit->rcx;

    if (exit->basic != EXIT_REASON_VMCALL || exit->rax != CALL_INJECT || number >= INJECTIONS)
        return EXIT_DEFAULT;
    if (types[number] >= EVENT_SOFTWARE_INTERRUPT)
        vmcs_write32(VMCS_VM_ENTRY_INSTRUCTION_LENGTH, exit->instruction_length);
    else
        (void)skip_emulated_instruction(EXIT_INJECTED);
    if (injections[number].error != NO_ERROR_CODE)
        vcpu_inject_error(vcpu, injections[number].vector, injections[number].error);
    else
        vcpu_inject(vcpu, types[number], injections[number].vector);
    return EXIT_INJECTED;
}

GUEST(0150, inject, GUEST_LONG, "inject",
      "Gets each kind of event injected, with and without an error code.", .on_exit = inject_it,
      EXITS({EXIT_REASON_VMCALL, .done = EXIT_INJECTED, .times = INJECTIONS}),
      EVENTS_IN(injections));

/*
 * SDM Vol. 3, "Interrupt 13 - General Protection Exception (#GP)": of an empty gate in the IDT; the
 * error code names the vector (which is 0), IDT and, the first event being none of an instruction,
 * EXT.
 */
enum { ERROR_EXT = 1, ERROR_IDT = 2 };

static const char *check_double(const struct vcpu *vcpu)
{
    const struct exit_record *second = &guest_vm_of(vcpu)->record[1];

    if (second->vectoring != FAULT(DE))
        return "the IDT-vectoring information was not of the #DE under way";
    if (second->interruption_error != (ERROR_IDT | ERROR_EXT))
        return "the error code of #GP did not name the gate of #DE";
    return *guest_quadword(vcpu, GUEST_ARRAY) == 0 &&
                   *guest_quadword(vcpu, GUEST_ARRAY + 8) == guest_address(vcpu, double_here)
               ? NULL
               : "the guest's #DF had another error code or return address than it should";
}

GUEST(0160, double, GUEST_LONG, "double-fault",
      "Faults while a fault is delivered; the two reach the guest as a double fault.",
      .setup = intercept_exceptions,
      EXITS({EXCEPTION(FAULT(DE), double_here)}, {EXCEPTION(FAULT_WITH_CODE(GP), double_here)}),
      .check = check_double);
