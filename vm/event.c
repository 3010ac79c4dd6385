#include "vm/event.h"

#include "lib/x86.h"

enum class { BENIGN, CONTRIBUTORY, PAGE_FAULT };

static enum class class_of(uint32_t event) {
    if (event_type_of(event) != EVENT_HARDWARE_EXCEPTION) return BENIGN;
    switch (event_vector(event)){
        case X86_VECTOR_DE : case X86_VECTOR_TS : case X86_VECTOR_NP : case X86_VECTOR_SS : case
        X86_VECTOR_GP : case X86_VECTOR_CP : return CONTRIBUTORY;
        case X86_VECTOR_PF : case X86_VECTOR_VE : return PAGE_FAULT;
        default : return BENIGN;
    }
}

enum event_outcome event_combine(uint32_t first, uint32_t second)
{
    enum class one = class_of(first), two = class_of(second);

    if ((first & EVENT_INFORMATION_VALID) == 0)
        return EVENT_STAYS;
    if (event_type_of(first) == EVENT_HARDWARE_EXCEPTION && event_vector(first) == X86_VECTOR_DF)
        return two == BENIGN ? EVENT_STAYS : EVENT_BECOMES_TRIPLE_FAULT;
    if ((one == CONTRIBUTORY && two == CONTRIBUTORY) || (one == PAGE_FAULT && two != BENIGN))
        return EVENT_BECOMES_DOUBLE_FAULT;
    return EVENT_STAYS;
}
