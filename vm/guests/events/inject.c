#include "lib/string.h"
#include "vm/event.h"
#include "vm/exit.h"
#include "vm/guests/test_guests.h"
#include "vm/guests/events/events.h"

extern const uint8_t inject_behind[];
extern const uint8_t double_here[], double_on_df[];
extern const uint8_t inject_on_db[], inject_on_nmi[], inject_on_bp[], inject_on_ud[],
    inject_on_gp[], inject_on_pf[], inject_on_interrupt[], inject_on_software[];

enum { SELECTOR_ERROR = 0x1234, WRITE_ERROR = 2 };

/*
 * Each kind of event that VM entry can inject. Those that an instruction causes return after it,
 * by the instruction length that is given along; the others to where the guest is.
 */
static const struct {
    enum event_type type;
    uint8_t vector;
    uint32_t error;
} injections[INJECTIONS] = {
    {EVENT_HARDWARE_EXCEPTION, X86_VECTOR_UD, NO_ERROR_CODE},
    {EVENT_HARDWARE_EXCEPTION, X86_VECTOR_GP, SELECTOR_ERROR},
    {EVENT_HARDWARE_EXCEPTION, X86_VECTOR_PF, WRITE_ERROR},
    {EVENT_EXTERNAL_INTERRUPT, INJECTED_INTERRUPT, NO_ERROR_CODE},
    {EVENT_NMI, X86_VECTOR_NMI, NO_ERROR_CODE},
    {EVENT_SOFTWARE_INTERRUPT, INJECTED_SOFTWARE, NO_ERROR_CODE},
    {EVENT_SOFTWARE_EXCEPTION, X86_VECTOR_BP, NO_ERROR_CODE},
    {EVENT_PRIVILEGED_SOFTWARE_EXCEPTION, X86_VECTOR_DB, NO_ERROR_CODE},
};

static bool of_instruction(enum event_type type)
{
    return type == EVENT_SOFTWARE_INTERRUPT || type == EVENT_SOFTWARE_EXCEPTION ||
           type == EVENT_PRIVILEGED_SOFTWARE_EXCEPTION;
}

static enum exit_done inject(struct vcpu *vcpu, const struct exit_record *exit)
{
    uint32_t number = (uint32_t)exit->rcx;

    if (exit_basic_reason(exit) != EXIT_REASON_VMCALL || exit->rax != CALL_INJECT ||
        number >= INJECTIONS)
        return EXIT_DEFAULT;
    if (of_instruction(injections[number].type))
        vmcs_write32(VMCS_VM_ENTRY_INSTRUCTION_LENGTH, exit->instruction_length);
    else
        (void)skip_emulated_instruction(EXIT_INJECTED);
    if (injections[number].error != NO_ERROR_CODE)
        vcpu_inject_error(vcpu, injections[number].vector, injections[number].error);
    else
        vcpu_inject(vcpu, injections[number].type, injections[number].vector);
    return EXIT_INJECTED;
}

static const char *check(const struct vcpu *vcpu)
{
    struct wanted_event wanted[INJECTIONS];

    for (uint32_t i = 0; i < INJECTIONS; i++)
        wanted[i] = (struct wanted_event){injections[i].vector, injections[i].error, inject_behind};
    return events_differ(vcpu, wanted, INJECTIONS);
}

static const struct guest_handler handlers[] = {
    {X86_VECTOR_DB, inject_on_db},
    {X86_VECTOR_NMI, inject_on_nmi},
    {X86_VECTOR_BP, inject_on_bp},
    {X86_VECTOR_UD, inject_on_ud},
    {X86_VECTOR_GP, inject_on_gp},
    {X86_VECTOR_PF, inject_on_pf},
    {INJECTED_INTERRUPT, inject_on_interrupt},
    {INJECTED_SOFTWARE, inject_on_software},
};

BUILT_IN_GUEST(0150, inject, GUEST_LONG, "inject",
               "Gets each kind of event injected, with and without an error code.",
               HANDLERS_IN(handlers), .on_exit = inject,
               EXPECTED_EXITS({EXIT_REASON_VMCALL, .done = EXIT_INJECTED, .times = INJECTIONS}),
               .check = check);

/*
 * SDM Vol. 3, "Interrupt 13 - General Protection Exception (#GP)": of an empty gate in the IDT; the
 * error code names the vector, IDT and, the first event being none of an instruction, EXT.
 */
static const struct exit_expected double_exits[] = {
    {EXCEPTION(FAULT(DE), double_here)},
    {EXCEPTION(FAULT_WITH_CODE(GP), double_here)},
};

/* The vector stands in the bits above: here it is 0. */
enum { ERROR_EXT = 1, ERROR_IDT = 2 };

static const char *check_double(const struct vcpu *vcpu)
{
    const uint64_t wanted[] = {0, guest_address(vcpu, double_here)};
    const struct exit_record *second = &guest_vm_of(vcpu)->record[1];

    if (second->vectoring != FAULT(DE))
        return "the IDT-vectoring information was not of the #DE under way";
    if (second->interruption_error != (ERROR_IDT | ERROR_EXT))
        return "the error code of #GP did not name the gate of #DE";
    return memcmp(vcpu_memory(vcpu, GUEST_ARRAY, sizeof(wanted)), wanted, sizeof(wanted)) == 0
               ? NULL
               : "the guest's #DF had another error code or return address than it should";
}

BUILT_IN_GUEST(0160, double, GUEST_LONG, "double-fault",
               "Faults while a fault is delivered; the two reach the guest as a double fault.",
               GUEST_HANDLERS({X86_VECTOR_DF, double_on_df}), .setup = intercept_exceptions,
               EXPECTED_IN(double_exits), .check = check_double);
