#include "vm/guests/test_guests.h"

extern const uint8_t violations_start[], violations_read[], violations_write[], beyond_read[],
    misconfigured_1[], misconfigured_2[], misconfigured_3[];

enum { QUALIFICATION_MASK = 0x1bf }; /* of an EPT violation: what is compared */

/* The table that the first instruction's address is translated with. */
enum { VIOLATION_WALK = GUEST_PAGE_TABLES + 0x1000 };

/* Accesses by a walk: check_violations(). */
#define WALK_ACCESS ((uint64_t)EPT_VIOLATION_READ | EPT_VIOLATION_WRITE)
#define WALK                                                     \
    EXIT_REASON_EPT_VIOLATION, violations_start, MAPPED,         \
        .qualification_mask = QUALIFICATION_MASK & ~WALK_ACCESS, \
        .qualification = EPT_VIOLATION_GVA_IS_VALID
#define VIOLATION(place, bits)                    \
    EXIT_REASON_EPT_VIOLATION, (place),           \
        .qualification_mask = QUALIFICATION_MASK, \
        .qualification = (bits) | EPT_VIOLATION_GVA_IS_VALID | EPT_VIOLATION_GVA_TRANSLATED

static const struct exit_expected exits[] = {
    {WALK},
    {VIOLATION(violations_read, EPT_VIOLATION_READ), MAPPED},
    {VIOLATION(violations_write,
               EPT_VIOLATION_WRITE | EPT_VIOLATION_READABLE | EPT_VIOLATION_EXECUTABLE),
     MAPPED},
    {VIOLATION(NULL, EPT_VIOLATION_FETCH | EPT_VIOLATION_READABLE | EPT_VIOLATION_WRITABLE),
     MAPPED},
};

static void take_away(struct vcpu *vcpu)
{
    *guest_word(vcpu, VIOLATION_READ) = VIOLATION_VALUE;
    (void)ept_unmap(&vcpu->vm->ept, VIOLATION_WALK, PAGE_SIZE);
    (void)ept_unmap(&vcpu->vm->ept, VIOLATION_READ, PAGE_SIZE);
    (void)ept_protect(&vcpu->vm->ept, VIOLATION_WRITE, PAGE_SIZE, EPT_READ | EPT_EXECUTE);
    (void)ept_protect(&vcpu->vm->ept, VIOLATION_FETCH, PAGE_SIZE, EPT_READ | EPT_WRITE);
}

/* The page comes back, with everything allowed; the violation itself made the CPU forget it. */
static enum exit_done give_back(struct vcpu *vcpu, const struct exit_record *exit)
{
    bool violation = exit->basic == EXIT_REASON_EPT_VIOLATION;

    return violation && guest_page_restore(vcpu, exit->guest_physical) ? EXIT_MAPPED : EXIT_DEFAULT;
}

/* With accessed and dirty flags for EPT a walk counts as a write too, and both bits are set. */
static uint64_t walk_access(void)
{
    if ((vmcs_read64(VMCS_EPT_POINTER) & EPTP_ACCESSED_DIRTY) == 0)
        return EPT_VIOLATION_READ;
    return quirk(QUIRK_WALK_IS_WRITE_ONLY) ? EPT_VIOLATION_WRITE : WALK_ACCESS;
}

static const char *check_violations(const struct vcpu *vcpu)
{
    static const uint64_t wanted[] = {VIOLATION_WALK, VIOLATION_READ, VIOLATION_WRITE,
                                      VIOLATION_FETCH};

    if ((guest_vm_of(vcpu)->record[0].qualification & WALK_ACCESS) != walk_access())
        return "an EPT violation of a walk named another kind of access";
    for (uint32_t i = 0; i < COUNT_OF(wanted); i++) {
        if ((guest_vm_of(vcpu)->record[i].guest_physical & ~(uint64_t)(PAGE_SIZE - 1)) != wanted[i])
            return "an EPT violation named another page than the one that was taken away";
        if (i != 0 && guest_vm_of(vcpu)->record[i].guest_linear != wanted[i])
            return "an EPT violation named another linear address than the guest used";
    }
    if (*guest_word(vcpu, GUEST_DATA) != VIOLATION_VALUE ||
        *guest_word(vcpu, VIOLATION_WRITE) != VIOLATION_VALUE)
        return "what the guest read and wrote after the pages came back is not right";
    return NULL;
}

GUEST(0060, violations, GUEST_LONG, "ept-violations",
      "Reads, writes and executes pages that do not allow it, and goes on when they do.",
      .needs_ept = true, .setup = take_away, .on_exit = give_back, EXPECTED_IN(exits),
      .check = check_violations);

GUEST_SETUP(point_at_vmcs,
            *guest_quadword(vcpu, GUEST_DATA) = guest_window(vcpu, 0, vcpu->vmcs.address));

GUEST_CHECK(check_beyond, vcpu->end_value == vcpu->vmcs.address,
            "the EPT violation named another address than that of the VMCS");

GUEST(0070, beyond, GUEST_LONG, "ept-beyond",
      "Reaches for its own VMCS, the hypervisor's memory, and ends there.", .needs_ept = true,
      .setup = point_at_vmcs, EXITS({VIOLATION(beyond_read, EPT_VIOLATION_READ)}),
      .check = check_beyond, .end = GUEST_END_MEMORY);

enum { PAGES = EPT_WAYS_TO_MISCONFIGURE };

/* vm/memory/ept.h refuses to make such entries: here they are written without it. */
static void misconfigure(struct vcpu *vcpu)
{
    for (uint32_t i = 0; i < PAGES; i++) {
        uint64_t *entry = guest_ept_leaf(vcpu, MISCONFIGURED_BASE + i * PAGE_SIZE);

        if (entry != NULL) /* else the guest meets nothing, and differs */
            *entry = ept_misconfigure(*entry, i, &vcpu->capability,
                                      vcpu->cpu->memory_types.physical_width);
    }
}

static enum exit_done repair(struct vcpu *vcpu, const struct exit_record *exit)
{
    struct ept_walk walk = ept_walk(&vcpu->vm->ept, exit->guest_physical);

    return exit->basic == EXIT_REASON_EPT_MISCONFIGURATION &&
                   walk.misconfiguration != EPT_WELL_CONFIGURED &&
                   guest_page_restore(vcpu, exit->guest_physical)
               ? EXIT_MAPPED
               : EXIT_DEFAULT;
}

static const char *check_misconfigured(const struct vcpu *vcpu)
{
    for (uint32_t i = 0; i < PAGES; i++) {
        if (guest_vm_of(vcpu)->record[i].guest_physical != MISCONFIGURED_BASE + i * PAGE_SIZE)
            return "an EPT misconfiguration named another address than the guest used";
    }
    return NULL;
}

#define MISCONFIGURATION(place) EXIT_REASON_EPT_MISCONFIGURATION, (place), MAPPED

GUEST(0080, misconfigured, GUEST_LONG, "ept-misconfigured",
      "Touches pages whose EPT entries no processor accepts, and goes on when repaired.",
      .needs_ept = true, .setup = misconfigure, .on_exit = repair,
      EXITS({MISCONFIGURATION(misconfigured_1)}, {MISCONFIGURATION(misconfigured_2)},
            {MISCONFIGURATION(misconfigured_3)}),
      .check = check_misconfigured);

extern const uint8_t page_faults_read[], page_faults_write[];

/* SDM Vol. 3, "Interrupt 14 - Page-Fault Exception (#PF)": W/R. */
enum { ERROR_WRITE = 1 << 1, ERROR_PRESENT = 1 << 0 };

/* SDM Vol. 3, "Exception Bitmap": a page fault exits if bit 14 is 1 and its error code, under the
 * mask, is the match; or if bit 14 is 0 and it is not. */
static const struct {
    bool in_bitmap;
    uint32_t mask, match;
} choices[PAGE_FAULT_CHOICES] = {
    {true, 0, 0},                      /* every one exits */
    {false, 0, 0},                     /* none */
    {true, ERROR_WRITE, ERROR_WRITE},  /* writes */
    {true, ERROR_WRITE, 0},            /* reads */
    {false, ERROR_WRITE, ERROR_WRITE}, /* what is not a write */
    {true, 0, ERROR_PRESENT},          /* none: nothing under an empty mask can match */
    {false, 0, ERROR_PRESENT},         /* for the same reason every one */
};

#define CHOICE      EXIT_REASON_VMCALL, EMULATED
#define READ_FAULT  EXCEPTION(FAULT_WITH_CODE(PF), page_faults_read), QUALIFIED(NOT_MAPPED)
#define WRITE_FAULT EXCEPTION(FAULT_WITH_CODE(PF), page_faults_write), QUALIFIED(NOT_MAPPED)

static enum exit_done choose(struct vcpu *vcpu, const struct exit_record *exit)
{
    uint32_t number = (uint32_t)exit->rcx;

    (void)vcpu;
    if (exit->basic != EXIT_REASON_VMCALL || exit->rax != PAGE_FAULT_CALL ||
        number >= PAGE_FAULT_CHOICES)
        return EXIT_DEFAULT;
    vmcs_write32(VMCS_EXCEPTION_BITMAP, vcpu->vm->policy->exceptions |
                                            (choices[number].in_bitmap ? 1u << X86_VECTOR_PF : 0));
    vmcs_write32(VMCS_PAGE_FAULT_ERROR_CODE_MASK, choices[number].mask);
    vmcs_write32(VMCS_PAGE_FAULT_ERROR_CODE_MATCH, choices[number].match);
    return EXIT_DEFAULT;
}

/* The guest sees each fault, whether it exited or not. */
#define BOTH                                             \
    EVENT_WITH_CODE(X86_VECTOR_PF, 0, page_faults_read), \
        EVENT_WITH_CODE(X86_VECTOR_PF, ERROR_WRITE, page_faults_write)

GUEST(0050, page_faults, GUEST_LONG, "page-faults",
      "Reads and writes what is not mapped; mask and match choose which faults exit.",
      .on_exit = choose,
      EXITS({CHOICE}, {READ_FAULT}, {WRITE_FAULT}, {CHOICE}, {CHOICE}, {WRITE_FAULT}, {CHOICE},
            {READ_FAULT}, {CHOICE}, {READ_FAULT}, {CHOICE}, {CHOICE}, {READ_FAULT}, {WRITE_FAULT}),
      EVENTS(BOTH, BOTH, BOTH, BOTH, BOTH, BOTH, BOTH));
