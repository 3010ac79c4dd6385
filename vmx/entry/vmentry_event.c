/* The rules about event injection: "VM-Entry Control Fields", the VM-entry interruption fields. */
#include "vmx/entry/vmentry_state.h"

enum { LENGTH_MAX = 15, EXCEPTION_LAST = 31, VECTOR_NMI = 2 };

/* The vectors of other events. */
enum { OTHER_PENDING_MTF = 0, OTHER_SYSCALL = 1, OTHER_SYSENTER = 2 };

#define EVENT_INFORMATION VMCS_VM_ENTRY_INTERRUPTION_INFORMATION
#define EVENT_VECTOR_BITS 0xffull

/* The exceptions that have an error code: #DF, #TS, #NP, #SS, #GP, #PF, #AC. */
#define EXCEPTIONS_WITH_ERROR_CODE 0x27d00u

/* A view of the interruption information with some of its bits as they should be. */
static struct vmentry_view event(const struct vmentry_state *state, uint64_t bits, uint64_t wanted)
{
    uint64_t seen = vmentry_get(state, EVENT_INFORMATION);

    return (struct vmentry_view){EVENT_INFORMATION, seen, (seen & ~bits) | wanted};
}

static bool offers_trap_flag(const struct vmentry_state *state)
{
    return state->context->capability->primary_allowed1 & PRIMARY_MONITOR_TRAP_FLAG;
}

/* Type 7 came with the monitor trap flag, and has more vectors with FRED. */
static bool knows_other_events(const struct vmentry_state *state)
{
    return offers_trap_flag(state) || state->context->capability->entry_allowed1 & ENTRY_LOAD_FRED;
}

bool vmentry_event_type_fits(const struct vmentry_state *state)
{
    if (!vmentry_injects(state))
        return true;
    return vmentry_injected_type(state) == EVENT_OTHER
               ? knows_other_events(state)
               : vmentry_injected_type(state) != EVENT_RESERVED;
}

static bool is_system_call(const struct vmentry_state *state)
{
    return vmentry_injected_type(state) == EVENT_OTHER &&
           (vmentry_injected_vector(state) == OTHER_SYSCALL ||
            vmentry_injected_vector(state) == OTHER_SYSENTER);
}

static bool other_vector_fits(const struct vmentry_state *state)
{
    if (vmentry_injected_vector(state) == OTHER_PENDING_MTF)
        return offers_trap_flag(state);
    return is_system_call(state) && vmentry_get(state, VMCS_GUEST_CR4) & CR4_FRED;
}

struct vmentry_view vmentry_event_vector(const struct vmentry_state *state)
{
    if (!vmentry_injects(state))
        return vmentry_kept();
    if (vmentry_injected_type(state) == EVENT_NMI)
        return event(state, EVENT_VECTOR_BITS, VECTOR_NMI);
    if (vmentry_injected_type(state) == EVENT_HARDWARE_EXCEPTION &&
        vmentry_injected_vector(state) > EXCEPTION_LAST)
        return event(state, EVENT_VECTOR_BITS, 0);
    if (vmentry_injected_type(state) == EVENT_OTHER && knows_other_events(state) &&
        !other_vector_fits(state))
        return event(state, EVENT_VECTOR_BITS,
                     offers_trap_flag(state) ? OTHER_PENDING_MTF : OTHER_SYSCALL);
    return vmentry_kept();
}

static bool vector_has_error_code(const struct vmentry_state *state)
{
    return vmentry_injected_vector(state) <= EXCEPTION_LAST &&
           EXCEPTIONS_WITH_ERROR_CODE >> vmentry_injected_vector(state) & 1;
}

/* Real mode pushes no error codes; an unrestricted guest may be in it. */
static bool takes_error_codes(const struct vmentry_state *state)
{
    return vmentry_injected_type(state) == EVENT_HARDWARE_EXCEPTION &&
           !(vmentry_is_unrestricted(state) && !vmentry_guest_protected(state));
}

bool vmentry_error_code_fits(const struct vmentry_state *state)
{
    bool any_vector = state->context->capability->any_event_error_code;

    return !vmentry_injects(state) ||
           (takes_error_codes(state) && (any_vector || vector_has_error_code(state)));
}

VMENTRY_TEST(vmentry_needs_error_code, vmentry_injects(state) && takes_error_codes(state) &&
                                           !state->context->capability->any_event_error_code &&
                                           vector_has_error_code(state))
VMENTRY_TEST(vmentry_nested_fits,
             !vmentry_injects(state) || (vmentry_injected_type(state) == EVENT_HARDWARE_EXCEPTION &&
                                         state->context->capability->nested_exception))
VMENTRY_TEST(vmentry_delivers_error_code,
             vmentry_injects(state) &&
                 vmentry_get(state, EVENT_INFORMATION) & EVENT_INFORMATION_ERROR_CODE)

struct vmentry_view vmentry_event_length(const struct vmentry_state *state)
{
    uint64_t length;
    bool zero_allowed = state->context->capability->zero_length_injection;
    bool software = (vmentry_injected_type(state) >= EVENT_SOFTWARE_INTERRUPT &&
                     vmentry_injected_type(state) <= EVENT_SOFTWARE_EXCEPTION) ||
                    is_system_call(state);

    if (!vmentry_injects(state) || !software)
        return vmentry_kept();
    length = vmentry_get(state, VMCS_VM_ENTRY_INSTRUCTION_LENGTH);
    if (length <= LENGTH_MAX && (length > 0 || zero_allowed))
        return vmentry_kept();
    return (struct vmentry_view){VMCS_VM_ENTRY_INSTRUCTION_LENGTH, length,
                                 length == 0 ? 1 : LENGTH_MAX};
}
