#include <stddef.h>

#include "vm/guests/test_guests.h"

extern const uint8_t exceptions_32_into[], exceptions_32_of[], exceptions_32_br[],
    exceptions_32_ac[], exceptions_32_ts[];
extern const uint8_t exceptions_32_on_of[], exceptions_32_on_br[], exceptions_32_on_ac[],
    exceptions_32_on_ts[], exceptions_32_on_int[];

/* What the guest's code uses (vm/guests/events/exceptions_32.S). */
enum { SELECTOR_STACK = 0x60, VECTOR_INT = 0x30, EXIT_TS = 3 };

static const struct guest_handler handlers[] = {
    {X86_VECTOR_OF, exceptions_32_on_of}, {X86_VECTOR_BR, exceptions_32_on_br},
    {X86_VECTOR_TS, exceptions_32_on_ts}, {X86_VECTOR_AC, exceptions_32_on_ac},
    {VECTOR_INT, exceptions_32_on_int},
};

static const struct wanted_exits events[] = {
    {X86_VECTOR_OF, TEST_GUEST_NO_ERROR, exceptions_32_of},
    {X86_VECTOR_BR, TEST_GUEST_NO_ERROR, exceptions_32_br},
    {X86_VECTOR_AC, 0, exceptions_32_ac},
    {X86_VECTOR_TS, SELECTOR_STACK, exceptions_32_ts},
};

/* #TS came while INT was under way: SDM Vol. 3, "Information for VM Exits That Occur During Event
 * Delivery". */
static const char *check(const struct vcpu *vcpu)
{
    if (guest_vm_of(vcpu)->record[EXIT_TS].vectoring !=
        TEST_GUEST_EVENT(SOFTWARE_INTERRUPT, VECTOR_INT))
        return "the IDT-vectoring information was not of the software interrupt under way";
    return events_differ(vcpu, events, sizeof(events) / sizeof(events[0]));
}

BUILT_IN_GUEST(0040, exceptions_32, GUEST_PAGED, "exceptions-32",
               "Raises the exceptions of 32-bit code and of ring 3; all exit and come back.",
               HANDLERS_IN(handlers), .setup = test_guest_intercept_exceptions,
               EXPECTED_EXITS(TEST_GUEST_EXIT_OF(TEST_GUEST_EVENT(SOFTWARE_EXCEPTION,
                                                                  X86_VECTOR_OF),
                                                 exceptions_32_into),
                              TEST_GUEST_EXIT_OF(TEST_GUEST_FAULT(BR), exceptions_32_br),
                              TEST_GUEST_EXIT_OF(TEST_GUEST_FAULT_ERROR(AC), exceptions_32_ac),
                              TEST_GUEST_EXIT_OF(TEST_GUEST_FAULT_ERROR(TS), exceptions_32_ts)),
               .check = check);
