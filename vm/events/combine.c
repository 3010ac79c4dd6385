#include "vm/events/guest_events.h"

#include "lib/x86_rooms.h"

enum kind { BENIGN, CONTRIBUTORY, PAGE_FAULT };

static enum kind kind_of(uint32_t event)
{
    if (event_type_of(event) != EVENT_HARDWARE_EXCEPTION)
        return BENIGN;
    switch (event_vector(event)) {
    case X86_VECTOR_DE:
    case X86_VECTOR_TS:
    case X86_VECTOR_NP:
    case X86_VECTOR_SS:
    case X86_VECTOR_GP:
    case X86_VECTOR_CP:
        return CONTRIBUTORY;
    case X86_VECTOR_PF:
    case X86_VECTOR_VE:
        return PAGE_FAULT;
    default:
        return BENIGN;
    }
}

enum event_outcome event_combine(uint32_t first, uint32_t second)
{
    enum kind one = kind_of(first), two = kind_of(second);

    if ((first & EVENT_INFORMATION_VALID) == 0)
        return EVENT_STAYS;
    if (event_type_of(first) == EVENT_HARDWARE_EXCEPTION && event_vector(first) == X86_VECTOR_DF)
        return two == BENIGN ? EVENT_STAYS : EVENT_BECOMES_TRIPLE_FAULT;
    if ((one == CONTRIBUTORY && two == CONTRIBUTORY) || (one == PAGE_FAULT && two != BENIGN))
        return EVENT_BECOMES_DOUBLE_FAULT;
    return EVENT_STAYS;
}

uint64_t event_dr6(uint64_t dr6, uint64_t qualification)
{
    dr6 =
        (dr6 & ~DR6_BREAKPOINTS) | DR6_RTM | (qualification & (DR6_BREAKPOINTS | DR6_BD | DR6_BS));
    return dr6 & ~(qualification & (DR6_BLD | DR6_RTM));
}
