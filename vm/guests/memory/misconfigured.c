#include <stddef.h>

#include "mm/page_alloc.h"
#include "vm/guests/test_guests.h"
#include "vm/guests/memory/memory.h"
#include "vmx/exit_reason.h"

extern const uint8_t misconfigured_1[], misconfigured_2[], misconfigured_3[];

enum { PAGES = EPT_WAYS_TO_MISCONFIGURE };

uint64_t *test_guest_ept_leaf(struct vcpu *vcpu, uint64_t address)
{
    struct radix_position at = radix_find(&vcpu->vm->ept.radix, address);

    return at.level == LEVEL_PT ? at.entry : NULL;
}

/* vm/memory/ept.h refuses to make such entries: here they are written after its back. */
static void misconfigure(struct vcpu *vcpu)
{
    for (uint32_t i = 0; i < PAGES; i++) {
        uint64_t *entry = test_guest_ept_leaf(vcpu, MISCONFIGURED_BASE + i * PAGE_SIZE);

        if (entry != NULL) /* else the guest meets nothing, and differs */
            *entry = ept_misconfigure(*entry, i, &vcpu->vm->ept.capability);
    }
}

static enum exit_done repair(struct vcpu *vcpu, const struct exit_record *exit)
{
    uint64_t page = exit->guest_physical & ~(uint64_t)(PAGE_SIZE - 1);
    struct ept_walk walk;

    if (exit_basic_reason(exit) != EXIT_REASON_EPT_MISCONFIGURATION || page >= GUEST_MEMORY_BYTES)
        return EXIT_DEFAULT;
    walk = ept_walk(&vcpu->vm->ept, page);
    if (walk.misconfiguration == EPT_WELL_CONFIGURED ||
        ept_map(&vcpu->vm->ept, page, vcpu->vm->memory + page, PAGE_SIZE, EPT_ALL,
                MEMORY_TYPE_WB) != MAP_OK)
        return EXIT_DEFAULT;
    return EXIT_MAPPED;
}

static const char *check(const struct vcpu *vcpu)
{
    for (uint32_t i = 0; i < PAGES; i++) {
        if (guest_vm_of(vcpu)->record[i].guest_physical != MISCONFIGURED_BASE + i * PAGE_SIZE)
            return "an EPT misconfiguration named another address than the guest used";
    }
    return NULL;
}

#define MISCONFIGURATION(place)                                                        \
    {                                                                                  \
        .reason = EXIT_REASON_EPT_MISCONFIGURATION, .at = (place), .done = EXIT_MAPPED \
    }

BUILT_IN_GUEST(0080, misconfigured, GUEST_LONG, "ept-misconfigured",
               "Touches pages whose EPT entries no processor accepts, and goes on when repaired.",
               .needs_ept = true, .setup = misconfigure, .on_exit = repair,
               EXPECTED_EXITS(MISCONFIGURATION(misconfigured_1), MISCONFIGURATION(misconfigured_2),
                              MISCONFIGURATION(misconfigured_3)),
               .check = check);
