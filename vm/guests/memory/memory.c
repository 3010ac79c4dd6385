#include "vm/guests/memory/memory.h"

#include <stddef.h>

#include "lib/string.h"
#include "mm/page_alloc.h"
#include "vm/guests/test_guests.h"
#include "vmx/exit_reason.h"

extern const uint8_t violations_start[], violations_read[], violations_write[];
extern const uint8_t beyond_read[];

/* SDM Vol. 3, table "Exit Qualification for EPT Violations". */
enum {
    QUALIFICATION_READ = 1 << 0,
    QUALIFICATION_WRITE = 1 << 1,
    QUALIFICATION_FETCH = 1 << 2,
    QUALIFICATION_READABLE = 1 << 3,
    QUALIFICATION_WRITABLE = 1 << 4,
    QUALIFICATION_EXECUTABLE = 1 << 5,
    QUALIFICATION_LINEAR = 1 << 7,     /* a linear address was translated */
    QUALIFICATION_TRANSLATED = 1 << 8, /* of it; otherwise of a paging-structure entry */
    QUALIFICATION_MASK = 0x1bf,
};

/* The table that the first instruction's address is translated with. */
enum { VIOLATION_WALK = GUEST_PAGE_TABLES + 0x1000 };

/*
 * With accessed and dirty flags for EPT a walk counts as a write too, and both bits are set; Bochs
 * 2.7 sets that of the write alone. check_violations() wants any of them.
 */
#define WALK_ACCESS ((uint64_t)QUALIFICATION_READ | QUALIFICATION_WRITE)
#define WALK                                                         \
    {                                                                \
        .reason = EXIT_REASON_EPT_VIOLATION, .at = violations_start, \
        .qualification_mask = QUALIFICATION_MASK & ~WALK_ACCESS,     \
        .qualification = QUALIFICATION_LINEAR, .done = EXIT_MAPPED   \
    }
#define VIOLATION(place, bits)                                                     \
    {                                                                              \
        .reason = EXIT_REASON_EPT_VIOLATION, .at = (place),                        \
        .qualification_mask = QUALIFICATION_MASK,                                  \
        .qualification = (bits) | QUALIFICATION_LINEAR | QUALIFICATION_TRANSLATED, \
        .done = EXIT_MAPPED                                                        \
    }

static void take_away(struct vcpu *vcpu)
{
    const uint32_t value = VIOLATION_VALUE;

    memcpy(vcpu_memory(vcpu, VIOLATION_READ, sizeof(value)), &value, sizeof(value));
    (void)ept_unmap(&vcpu->vm->ept, VIOLATION_WALK, PAGE_SIZE);
    (void)ept_unmap(&vcpu->vm->ept, VIOLATION_READ, PAGE_SIZE);
    (void)ept_protect(&vcpu->vm->ept, VIOLATION_WRITE, PAGE_SIZE, EPT_READ | EPT_EXECUTE);
    (void)ept_protect(&vcpu->vm->ept, VIOLATION_FETCH, PAGE_SIZE, EPT_READ | EPT_WRITE);
}

/* The page comes back, with everything allowed; the violation itself made the CPU forget it. */
static enum exit_done give_back(struct vcpu *vcpu, const struct exit_record *exit)
{
    uint64_t page = exit->guest_physical & ~(uint64_t)(PAGE_SIZE - 1);

    if (exit_basic_reason(exit) != EXIT_REASON_EPT_VIOLATION || page >= GUEST_MEMORY_BYTES ||
        ept_map(&vcpu->vm->ept, page, vcpu->vm->memory + page, PAGE_SIZE, EPT_ALL,
                MEMORY_TYPE_WB) != MAP_OK)
        return EXIT_DEFAULT;
    return EXIT_MAPPED;
}

static const char *check_violations(const struct vcpu *vcpu)
{
    static const uint64_t wanted[] = {VIOLATION_WALK, VIOLATION_READ, VIOLATION_WRITE,
                                      VIOLATION_FETCH};
    const uint32_t value = VIOLATION_VALUE;

    if ((guest_vm_of(vcpu)->record[0].qualification & WALK_ACCESS) == 0)
        return "an EPT violation of a walk named no kind of access";
    for (uint32_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        if ((guest_vm_of(vcpu)->record[i].guest_physical & ~(uint64_t)(PAGE_SIZE - 1)) != wanted[i])
            return "an EPT violation named another page than the one that was taken away";
        if (i != 0 && guest_vm_of(vcpu)->record[i].guest_linear != wanted[i])
            return "an EPT violation named another linear address than the guest used";
    }
    if (memcmp(vcpu_memory(vcpu, GUEST_DATA, 4), &value, 4) != 0 ||
        memcmp(vcpu_memory(vcpu, VIOLATION_WRITE, 4), &value, 4) != 0)
        return "what the guest read and wrote after the pages came back is not right";
    return NULL;
}

BUILT_IN_GUEST(0060, violations, GUEST_LONG, "ept-violations",
               "Reads, writes and executes pages that do not allow it, and goes on when they do.",
               .needs_ept = true, .setup = take_away, .on_exit = give_back,
               EXPECTED_EXITS(WALK, VIOLATION(violations_read, QUALIFICATION_READ),
                              VIOLATION(violations_write, QUALIFICATION_WRITE |
                                                              QUALIFICATION_READABLE |
                                                              QUALIFICATION_EXECUTABLE),
                              VIOLATION(NULL, QUALIFICATION_FETCH | QUALIFICATION_READABLE |
                                                  QUALIFICATION_WRITABLE)),
               .check = check_violations);

/* The last 2 MiB that the guest's page tables map show it where its own VMCS is. */
enum { WINDOW_INDEX = 511 };
#define WINDOW_BYTES   (1ull << 21)
#define WINDOW_ADDRESS (WINDOW_INDEX * WINDOW_BYTES)
#define WINDOW_ENTRY   0xe7ull /* present, writable, user, accessed, dirty, large */

static void point_at_vmcs(struct vcpu *vcpu)
{
    uint64_t target = vcpu->vmcs.address;
    uint64_t entry = (target & ~(WINDOW_BYTES - 1)) | WINDOW_ENTRY;
    uint64_t address = WINDOW_ADDRESS + target % WINDOW_BYTES;

    memcpy(vcpu_memory(vcpu, GUEST_PAGE_TABLES + 0x2000 + WINDOW_INDEX * 8, 8), &entry, 8);
    memcpy(vcpu_memory(vcpu, GUEST_DATA, 8), &address, 8);
}

static const char *check_beyond(const struct vcpu *vcpu)
{
    return vcpu->end_value == vcpu->vmcs.address
               ? NULL
               : "the EPT violation named another address than that of the VMCS";
}

BUILT_IN_GUEST(0070, beyond, GUEST_LONG, "ept-beyond",
               "Reaches for its own VMCS, the hypervisor's memory, and ends there.",
               .needs_ept = true, .setup = point_at_vmcs,
               EXPECTED_EXITS({EXIT_REASON_EPT_VIOLATION, beyond_read,
                               .qualification_mask = QUALIFICATION_MASK,
                               .qualification = QUALIFICATION_READ | QUALIFICATION_LINEAR |
                                                QUALIFICATION_TRANSLATED}),
               .check = check_beyond, .end = GUEST_END_MEMORY);
