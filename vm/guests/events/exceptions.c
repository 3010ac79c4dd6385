#include <stddef.h>

#include "lib/x86.h"
#include "vm/guests/test_guests.h"
#include "vmx/exit_reason.h"
#include "vmx/vmcs_access.h"

extern const uint8_t exceptions_de[], exceptions_int1[], exceptions_db[], exceptions_step[],
    exceptions_int3[], exceptions_bp[], exceptions_ud[], exceptions_nm[], exceptions_np[],
    exceptions_ss[], exceptions_gp[], exceptions_gp_selector[], exceptions_pf[], exceptions_mf[],
    exceptions_xm[];
extern const uint8_t exceptions_on_de[], exceptions_on_db[], exceptions_on_bp[], exceptions_on_ud[],
    exceptions_on_nm[], exceptions_on_np[], exceptions_on_ss[], exceptions_on_gp[],
    exceptions_on_pf[], exceptions_on_mf[], exceptions_on_xm[];

/* What the guest's code uses (vm/guests/events/exceptions.S). */
enum { SELECTOR_ABSENT = 0x40, SELECTOR_BEYOND = 0x800, NOT_MAPPED = 0x40000000 };

/* SDM Vol. 3, "Exit Qualification for Debug Exceptions": BS, a single step. */
enum { DEBUG_SINGLE_STEP = 1 << 14 };

static const struct guest_handler handlers[] = {
    {X86_VECTOR_DE, exceptions_on_de}, {X86_VECTOR_DB, exceptions_on_db},
    {X86_VECTOR_BP, exceptions_on_bp}, {X86_VECTOR_UD, exceptions_on_ud},
    {X86_VECTOR_NM, exceptions_on_nm}, {X86_VECTOR_NP, exceptions_on_np},
    {X86_VECTOR_SS, exceptions_on_ss}, {X86_VECTOR_GP, exceptions_on_gp},
    {X86_VECTOR_PF, exceptions_on_pf}, {X86_VECTOR_MF, exceptions_on_mf},
    {X86_VECTOR_XM, exceptions_on_xm},
};

/*
 * SDM Vol. 3, "Information for VM Exits Due to Vectored Events": INT1 is a privileged software
 * exception, INT3 a software exception; their RIP is that of the instruction.
 */
static const struct exit_expected exits[] = {
    TEST_GUEST_EXIT_OF(TEST_GUEST_FAULT(DE), exceptions_de),
    TEST_GUEST_EXIT_OF(TEST_GUEST_EVENT(PRIVILEGED_SOFTWARE_EXCEPTION, X86_VECTOR_DB),
                       exceptions_int1),
    TEST_GUEST_EXIT_OF(TEST_GUEST_FAULT(DB), exceptions_step, .qualification_mask = UINT64_MAX,
                       .qualification = DEBUG_SINGLE_STEP),
    TEST_GUEST_EXIT_OF(TEST_GUEST_EVENT(SOFTWARE_EXCEPTION, X86_VECTOR_BP), exceptions_int3),
    TEST_GUEST_EXIT_OF(TEST_GUEST_FAULT(UD), exceptions_ud),
    TEST_GUEST_EXIT_OF(TEST_GUEST_FAULT(NM), exceptions_nm),
    TEST_GUEST_EXIT_OF(TEST_GUEST_FAULT_ERROR(NP), exceptions_np),
    TEST_GUEST_EXIT_OF(TEST_GUEST_FAULT_ERROR(SS), exceptions_ss),
    TEST_GUEST_EXIT_OF(TEST_GUEST_FAULT_ERROR(GP), exceptions_gp),
    TEST_GUEST_EXIT_OF(TEST_GUEST_FAULT_ERROR(GP), exceptions_gp_selector),
    TEST_GUEST_EXIT_OF(TEST_GUEST_FAULT_ERROR(PF), exceptions_pf, .qualification_mask = UINT64_MAX,
                       .qualification = NOT_MAPPED),
    TEST_GUEST_EXIT_OF(TEST_GUEST_FAULT(MF), exceptions_mf),
    TEST_GUEST_EXIT_OF(TEST_GUEST_FAULT(XM), exceptions_xm),
};

/* The two traps by instructions return after them, as does the single step. */
static const struct wanted_exits events[] = {
    {X86_VECTOR_DE, TEST_GUEST_NO_ERROR, exceptions_de},
    {X86_VECTOR_DB, TEST_GUEST_NO_ERROR, exceptions_db},
    {X86_VECTOR_DB, TEST_GUEST_NO_ERROR, exceptions_step},
    {X86_VECTOR_BP, TEST_GUEST_NO_ERROR, exceptions_bp},
    {X86_VECTOR_UD, TEST_GUEST_NO_ERROR, exceptions_ud},
    {X86_VECTOR_NM, TEST_GUEST_NO_ERROR, exceptions_nm},
    {X86_VECTOR_NP, SELECTOR_ABSENT, exceptions_np},
    {X86_VECTOR_SS, 0, exceptions_ss},
    {X86_VECTOR_GP, 0, exceptions_gp},
    {X86_VECTOR_GP, SELECTOR_BEYOND, exceptions_gp_selector},
    {X86_VECTOR_PF, 0, exceptions_pf},
    {X86_VECTOR_MF, TEST_GUEST_NO_ERROR, exceptions_mf},
    {X86_VECTOR_XM, TEST_GUEST_NO_ERROR, exceptions_xm},
};

enum { EVENTS = sizeof(events) / sizeof(events[0]), EVENT_PF = 10 };

static const char *check(const struct vcpu *vcpu)
{
    const struct test_guest_event *seen = vcpu_memory(vcpu, GUEST_ARRAY, EVENTS * sizeof(*seen));
    const char *difference = events_differ(vcpu, events, EVENTS);

    if (difference == NULL && seen[EVENT_PF].cr2 != NOT_MAPPED)
        difference = "CR2 was not the address of the page fault that was injected again";
    return difference;
}

BUILT_IN_GUEST(0020, exceptions, GUEST_LONG, "exceptions",
               "Raises each exception; all exit, and reach the guest's handlers as they were.",
               HANDLERS_IN(handlers), .setup = test_guest_intercept_exceptions, EXPECTED_IN(exits),
               .check = check);

/* The same without the bitmap: what the processor does by itself must look the same. */
BUILT_IN_GUEST(0030, exceptions, GUEST_LONG, "exceptions-kept",
               "Raises each exception; those that the hypervisor need not see do not exit.",
               HANDLERS_IN(handlers), .check = check);
