#include "vm/guests/test_guests.h"

enum { EVENTS_MAX = 256 };

const char *check_events(const struct vcpu *vcpu)
{
    const struct recorded_event *seen =
        vm_memory(vcpu->vm, GUEST_ARRAY, EVENTS_MAX * sizeof(*seen));
    const struct wanted_event *wanted = guest_of(vcpu)->events;
    uint32_t seen_count = *guest_word(vcpu, GUEST_DATA), count = guest_of(vcpu)->wanted_count;

    if (seen_count != count)
        return seen_count < count ? "fewer events reached the guest than should"
                                  : "more events reached the guest than should";
    for (uint32_t i = 0; i < count; i++, seen++, wanted++) {
        if (seen->vector != wanted->vector)
            return "an event reached the guest with another vector than it should have";
        if (seen->error != wanted->error)
            return "an event reached the guest with another error code than it should have";
        if (seen->vector < 32 &&
            ((seen->flags & RFLAGS_RF) != 0) != event_sets_resume_flag((uint8_t)seen->vector))
            return "an event reached the guest with another RF than it should have";
        if (wanted->at != NULL && seen->rip != guest_address(vcpu, wanted->at))
            return "an event reached the guest with another return address than it should have";
        if (wanted->cr2 != 0 && seen->cr2 != wanted->cr2)
            return "CR2 was not the address of the page fault that was injected again";
    }
    return NULL;
}

const char *check_left(const struct vcpu *vcpu)
{
    const struct wanted_memory *wanted = guest_of(vcpu)->memory;

    for (uint32_t i = 0; i < guest_of(vcpu)->wanted_count; i++, wanted++) {
        const uint8_t *seen = vm_memory(vcpu->vm, wanted->address, wanted->bytes), *is = wanted->is;

        for (uint32_t at = 0; at < wanted->bytes; at++) {
            if (seen[at] != (is != NULL ? is[at] : 0))
                return wanted->otherwise;
        }
    }
    return NULL;
}

void intercept_exceptions(struct vcpu *vcpu)
{
    (void)vcpu;
    vmcs_write32(VMCS_EXCEPTION_BITMAP, UINT32_MAX);
}

uint64_t *guest_ept_leaf(struct vcpu *vcpu, uint64_t address)
{
    struct radix_position at = radix_find(&vcpu->vm->ept.radix, address);

    return at.level == LEVEL_PT ? at.entry : NULL;
}

bool guest_page_restore(struct vcpu *vcpu, uint64_t address)
{
    uint64_t page = address & ~(uint64_t)(PAGE_SIZE - 1);

    return page < GUEST_MEMORY_BYTES && ept_map(&vcpu->vm->ept, page, vcpu->vm->memory + page,
                                                PAGE_SIZE, EPT_ALL, MEMORY_TYPE_WB) == MAP_OK;
}

uint64_t guest_window(const struct vcpu *vcpu, uint32_t number, uint64_t physical)
{
    const uint64_t bytes = 1ull << 21, index = 511 - number;
    const uint64_t flags = 0xe7; /* present, writable, user, accessed, dirty, large */
    uint64_t *directory = vm_memory(vcpu->vm, GUEST_PAGE_TABLES + 0x2000, PAGE_SIZE);

    directory[index] = (physical & ~(bytes - 1)) | flags;
    return index * bytes + physical % bytes;
}
