#include "lib/string.h"
#include "mm/memory_use.h"
#include "vm/guests/guest_run.h"
#include "vm/guests/test_guests.h"

extern const uint8_t identity_write[], identity_written[], identity_fetched[], identity_read[],
    identity_passed[], identity_last[];

/* SDM Vol. 3, table "Exit Qualification for EPT Violations": what was done, what was allowed. */
enum { READS = 1, WRITES = 2, FETCHES = 4, READABLE = 8, QUALIFICATION_MASK = 0x3f };

/*
 * What the guest reaches for, in its order: the BIOS, where it sees it, and what is the
 * hypervisor's. It reaches that through windows at the end of the first GiB, which its page tables
 * map: memory of the hypervisor's may be anywhere.
 */
enum { OF_BIOS = 2, REACHES = 7, LAST = REACHES - 1 };
#define CR3_ADDRESS 0x000ffffffffff000ull

struct reach {
    uint64_t physical, rip, qualification;
    const char *owner;
};

static void list_reaches(const struct vcpu *vcpu, struct reach reaches[REACHES])
{
    const uint64_t write = guest_address(vcpu, identity_write);
    const uint64_t read = guest_address(vcpu, identity_read);
    const uint64_t apic = vcpu->msr_apic_base & APIC_BASE_ADDRESS;

    reaches[0] = (struct reach){VM_BIOS, write, WRITES | READABLE, NULL};
    reaches[1] = (struct reach){VM_BIOS, VM_BIOS, FETCHES | READABLE, NULL};
    reaches[2] = (struct reach){guest_vm_of(vcpu)->options->image, read, READS, "its image"};
    reaches[3] = (struct reach){read_cr3() & CR3_ADDRESS, read, READS, "its page pool"};
    reaches[4] = (struct reach){vcpu->vm->ept.radix.root, read, READS, "its page pool"};
    reaches[5] = (struct reach){apic, read, READS, "its local APIC"};
    reaches[LAST] = (struct reach){vcpu->vmcs.address, guest_address(vcpu, identity_last), READS,
                                   "its page pool"};
}

/* All of it where it should be: a machine may have RAM there, which is then the hypervisor's. */
static bool sees_bios(const struct vcpu *vcpu)
{
    for (uint64_t page = VM_BIOS; page < VM_BIOS + VM_BIOS_BYTES; page += PAGE_SIZE) {
        if (guest_memory_owner(vcpu, page) != NULL)
            return false;
    }
    return guest_vm_of(vcpu)->options->bios != NULL;
}

static uint64_t *entry_of(const struct vcpu *vcpu, uint32_t reach)
{
    return guest_quadword(vcpu, GUEST_ARRAY + (reach - OF_BIOS) * IDENTITY_ENTRY_BYTES);
}

static void prepare(struct vcpu *vcpu)
{
    struct reach reaches[REACHES];

    *guest_quadword(vcpu, IDENTITY_BIOS_WORDS) =
        sees_bios(vcpu) ? VM_BIOS_BYTES / sizeof(uint64_t) : 0;
    list_reaches(vcpu, reaches);
    for (uint32_t i = OF_BIOS; i < REACHES; i++)
        *(i == LAST ? guest_quadword(vcpu, IDENTITY_LAST) : entry_of(vcpu, i)) =
            guest_window(vcpu, i - OF_BIOS, reaches[i].physical);
}

/* What it cannot have it goes on without, but for the last time; a read gives ones. */
static enum exit_done refuse(struct vcpu *vcpu, const struct exit_record *exit)
{
    const uint8_t *next;

    if (exit->basic != EXIT_REASON_EPT_VIOLATION)
        return EXIT_DEFAULT;
    if (exit->rip == guest_address(vcpu, identity_read) && exit->owner != NULL)
        next = identity_passed;
    else if (exit->rip == guest_address(vcpu, identity_write))
        next = identity_written;
    else if (exit->rip == VM_BIOS)
        next = identity_fetched;
    else
        return EXIT_DEFAULT;
    if (next == identity_passed)
        vcpu->reg[VCPU_RAX] = UINT64_MAX;
    vmcs_write_natural(VMCS_GUEST_RIP, guest_address(vcpu, next));
    return EXIT_REFUSED;
}

static const char *compare(const struct exit_record *exit, const struct reach *reach)
{
    if (exit->basic != EXIT_REASON_EPT_VIOLATION || exit->rip != reach->rip ||
        (exit->qualification & QUALIFICATION_MASK) != reach->qualification)
        return "an exit was not the EPT violation that should have come";
    if (exit->guest_physical != reach->physical)
        return "an EPT violation named another address than the guest reached for";
    if ((exit->owner == NULL) != (reach->owner == NULL) ||
        (reach->owner != NULL && strcmp(exit->owner, reach->owner) != 0))
        return "it was not known whose the memory is that the guest reached for";
    return NULL;
}

static const char *check_exits(const struct vcpu *vcpu)
{
    uint32_t first = *guest_quadword(vcpu, IDENTITY_BIOS_WORDS) != 0 ? 0 : OF_BIOS;
    const struct guest_vm *machine = guest_vm_of(vcpu);
    struct reach reaches[REACHES];
    const char *wrong = NULL;

    list_reaches(vcpu, reaches);
    for (uint32_t i = 0; i < machine->record_count && first + i < REACHES && wrong == NULL; i++)
        wrong = compare(&machine->record[i], &reaches[first + i]);
    return wrong == NULL && first + machine->record_count != REACHES
               ? "there were more or fewer EPT violations than should have come"
               : wrong;
}

static const char *check_values(const struct vcpu *vcpu)
{
    const uint64_t *bios = guest_vm_of(vcpu)->options->bios;
    uint64_t words = *guest_quadword(vcpu, IDENTITY_BIOS_WORDS), sum = 0;

    for (uint64_t i = 0; i < words; i++)
        sum += bios[i];
    if (*guest_quadword(vcpu, IDENTITY_SUM) != sum)
        return "the guest did not read in the BIOS what the hypervisor reads there";
    for (uint32_t i = OF_BIOS; i < LAST; i++) {
        if (entry_of(vcpu, i)[1] != UINT64_MAX)
            return "a read that was refused gave something";
    }
    return NULL;
}

/* How the processor would translate all that the guest sees of the machine. */
struct view {
    uint32_t pages[LEVEL_PDPT + 1];     /* by level */
    uint64_t bytes[MEMORY_TYPE_WB + 1]; /* by memory type */
};

static bool is_sound(const struct vcpu *vcpu, const struct ept_walk *walk)
{
    uint64_t last = walk->guest_physical + walk->size - 1;
    enum memory_type type =
        memory_non_ram_type(&vcpu->cpu->memory_types, walk->physical, walk->size);

    if (!memory_type_is_valid(type) && walk->size == PAGE_SIZE)
        type = MEMORY_TYPE_UC; /* vm/memory/ept.h, ept_map_by_type() */
    return walk->physical == walk->guest_physical && walk->permissions == EPT_READ &&
           walk->type == type && !walk->dirty &&
           guest_memory_owner(vcpu, walk->guest_physical) == NULL &&
           guest_memory_owner(vcpu, last) == NULL;
}

static const char *look_through(const struct vcpu *vcpu, struct view *view)
{
    struct ept_walk walk;

    memset(view, 0, sizeof(*view));
    for (uint64_t at = GUEST_MEMORY_BYTES; at < GUEST_MACHINE_END; at += walk.size) {
        walk = ept_walk(&vcpu->vm->ept, at);
        if (!walk.mapped)
            continue;
        if (!is_sound(vcpu, &walk))
            return "EPT shows memory of the machine elsewhere, not read-only, or with another type";
        view->pages[walk.level]++;
        view->bytes[walk.type] += walk.size;
    }
    return NULL;
}

/* SDM Vol. 3, "Accessed and Dirty Flags for EPT": the BIOS was read, the data page written. */
static const char *check_flags(const struct vcpu *vcpu)
{
    struct ept_walk bios = ept_walk(&vcpu->vm->ept, VM_BIOS),
                    data = ept_walk(&vcpu->vm->ept, GUEST_DATA);

    if (!vcpu->vm->ept.capability.ept_accessed_dirty)
        return NULL;
    if (*guest_quadword(vcpu, IDENTITY_BIOS_WORDS) != 0 && (!bios.accessed || bios.dirty))
        return "EPT does not say that the BIOS was read and not written";
    return data.accessed && data.dirty ? NULL
                                       : "EPT does not say that the guest's data was written";
}

static const char *check(const struct vcpu *vcpu)
{
    struct view view;

    return check_exits(vcpu) ?: check_values(vcpu) ?: check_flags(vcpu) ?: look_through(vcpu, &view);
}

static void print_map(const struct vcpu *vcpu, struct sink *sink)
{
    struct view view;

    (void)look_through(vcpu, &view);
    print_to(sink,
             "; it saw, where it is and read-only, %u pages of 1 GiB, %u of 2 MiB, %u of 4 KiB",
             view.pages[LEVEL_PDPT], view.pages[LEVEL_PD], view.pages[LEVEL_PT]);
    for (unsigned type = 0; type <= MEMORY_TYPE_WB; type++) {
        if (view.bytes[type] != 0)
            print_to(sink, ", %lu KiB %s", view.bytes[type] >> 10,
                     memory_type_name((enum memory_type)type));
    }
}

static const struct guest_kind seeing = {.compare = check, .print = print_map};

GUEST(0090, identity, GUEST_LONG, "identity",
      "Sees the machine's memory where it is; reaches for the hypervisor's, and ends there.",
      .needs_ept = true, .sees_machine = true, .kind = &seeing, .setup = prepare, .on_exit = refuse,
      .end = GUEST_END_MEMORY, .time_max_us = GUEST_TIME_LONG_US);
