#include "vm/guests/test_guests.h"

#include "vmx/capability/vmx_msr.h"

#include <stddef.h>

#include "lib/string.h"
#include "vm/event.h"
#include "vmx/vmcs_access.h"

enum { EVENTS_MAX = 256 };

const char *events_differ(const struct vcpu *vcpu, const struct wanted_exits *wanted,
                          uint32_t count)
{
    const struct test_guest_event *seen =
        vcpu_memory(vcpu, GUEST_ARRAY, EVENTS_MAX * sizeof(*seen));
    uint32_t seen_count;

    memcpy(&seen_count, vcpu_memory(vcpu, GUEST_DATA, sizeof(seen_count)), sizeof(seen_count));
    if (seen_count != count)
        return seen_count < count ? "fewer events reached the guest than should"
                                  : "more events reached the guest than should";
    for (uint32_t i = 0; i < count && i < EVENTS_MAX; i++) {
        if (seen[i].vector != wanted[i].vector)
            return "an event reached the guest with another vector than it should have";
        if (seen[i].error != wanted[i].error)
            return "an event reached the guest with another error code than it should have";
        if (seen[i].vector < 32 &&
            ((seen[i].flags & RFLAGS_RF) != 0) != event_sets_resume_flag((uint8_t)seen[i].vector))
            return "an event reached the guest with another RF than it should have";
        if (wanted[i].at != NULL && seen[i].rip != test_guest_address(vcpu, wanted[i].at))
            return "an event reached the guest with another return address than it should have";
    }
    return NULL;
}

void test_guest_intercept_exceptions(struct vcpu *vcpu)
{
    (void)vcpu;
    vmcs_write32(VMCS_EXCEPTION_BITMAP, UINT32_MAX);
}
