#include "vmx/selftest/vmentry_departures.h"

#include "vmx/entry/vmentry_state.h"
#include "vmx/quirks.h"

#define WHEN(name, expression)                                                              \
    static bool name(const struct vmcs_image *image, const struct vmentry_finding *finding) \
    {                                                                                       \
        (void)image;                                                                        \
        (void)finding;                                                                      \
        return expression;                                                                  \
    }

#define GET(field) vmcs_image_get(image, VMCS_##field)
#define EVENT      ((uint32_t)GET(VM_ENTRY_INTERRUPTION_INFORMATION))

WHEN(is_entry_to_smm, !(finding->seen & ENTRY_DEACTIVATE_DUAL_MONITOR))
WHEN(loads_no_host_cet, !(GET(PRIMARY_VM_EXIT_CONTROLS) & EXIT_LOAD_CET_STATE))
WHEN(is_vector_18, event_vector(EVENT) == X86_VECTOR_MC)
WHEN(is_high_half, (uint32_t)finding->seen == (uint32_t)finding->wanted)

static bool is_null_ss(const struct vmcs_image *image, const struct vmentry_finding *finding)
{
    bool ss = finding->field == VMCS_GUEST_SS_BASE || finding->field == VMCS_GUEST_SS_ACCESS_RIGHTS;

    return ss && GET(GUEST_SS_SELECTOR) <= SELECTOR_RPL &&
           GET(VM_ENTRY_CONTROLS) & ENTRY_IA32E_MODE_GUEST &&
           GET(GUEST_CS_ACCESS_RIGHTS) & RIGHTS_L;
}

WHEN(is_type_11, (finding->seen & RIGHTS_TYPE) == 11)
WHEN(is_unrestricted,
     GET(PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS) & PRIMARY_SECONDARY_CONTROLS &&
         GET(SECONDARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS) & SECONDARY_UNRESTRICTED_GUEST)

/* Non-conforming: the DPL is not the RPL. Conforming: the DPL is greater. */
static bool cs_rpl_differs(const struct vmcs_image *image, const struct vmentry_finding *finding)
{
    uint64_t rights = GET(GUEST_CS_ACCESS_RIGHTS);
    uint64_t dpl = (rights & RIGHTS_DPL) >> 5;
    uint64_t rpl = GET(GUEST_CS_SELECTOR) & SELECTOR_RPL;

    return is_unrestricted(image, finding) && !(GET(GUEST_RFLAGS) & RFLAGS_VM) &&
           rights & RIGHTS_CODE && (rights & 4 ? dpl > rpl : dpl != rpl);
}

WHEN(is_other_event, event_type_of(EVENT) == EVENT_OTHER)

/* "Format of Access Rights": bits 11:8 and 31:17. */
WHEN(is_reserved_rights, ((finding->seen ^ finding->wanted) & 0x1f0ff) == 0)

WHEN(is_waiting, GET(GUEST_ACTIVITY_STATE) == ACTIVITY_HLT ||
                     GET(GUEST_ACTIVITY_STATE) == ACTIVITY_WAIT_FOR_SIPI)

#define ALL NULL
#define VMENTRY_DEPARTURE(id, emulators, rule, kind, when, text) \
    {(emulators), VMENTRY_##rule, DEPARTURE_##kind, (text), (when)},
const struct vmentry_departure_text vmentry_departure_table[VMENTRY_DEPARTURE_COUNT] = {
#include "vmx/selftest/departures.def"
};
#undef VMENTRY_DEPARTURE

static bool is_about(enum vmentry_rule rule, const struct vmentry_finding *finding)
{
    return finding == NULL || rule == finding->rule ||
           (rule == VMENTRY_GUEST_STATE && vmentry_class_of(finding->rule) == VMENTRY_GUEST);
}

enum vmentry_departure vmentry_departs(enum vmentry_departure_kind kind,
                                       const struct vmcs_image *image,
                                       const struct vmentry_finding *finding)
{
    enum vmentry_departure i = 0;

    for (const struct vmentry_departure_text *row = vmentry_departure_table;
         i < VMENTRY_DEPARTURE_COUNT; i++, row++) {
        if (row->kind == kind && (row->emulators & emulators_here) != 0 &&
            is_about(row->rule, finding) && (!row->when || row->when(image, finding)))
            break;
    }
    return i;
}

const char *emulator_name(uint32_t emulators)
{
#define EMULATOR(id, name, ...) [EMULATOR_BIT_##id] = (name),
    static const char *const names[EMULATOR_COUNT] = {
#include "vmx/quirks.def"
    };
#undef EMULATOR

    return emulators != 0 ? names[__builtin_ctz(emulators)] : NULL;
}
