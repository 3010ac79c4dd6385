#include "vm/guests/test_guests.h"

extern const uint8_t parts_write[], lock_behind[];

/* SDM Vol. 3, "Page-Modification Logging": the index counts down from 511, and the exit comes when
 * it is out of range. It begins low here, so that the log is soon full. */
enum { LOG_ENTRIES = 512 };

GUEST_SETUP(set_log, vmcs_write64(VMCS_PML_ADDRESS, vcpu->vm->memory + LOG_PAGE);
            vmcs_write16(VMCS_PML_INDEX, LOG_ROOM - 1));

static uint32_t times_logged(const struct vcpu *vcpu, uint64_t page)
{
    const uint64_t *log = vm_memory(vcpu->vm, LOG_PAGE, PAGE_SIZE);
    uint64_t offset = quirk(QUIRK_LOG_KEEPS_OFFSET) ? PAGE_SIZE - 1 : 0;
    uint32_t times = 0;

    for (uint32_t i = 0; i < LOG_ENTRIES; i++)
        times += (log[i] & ~offset) == page;
    return times;
}

static const char *check_log(const struct vcpu *vcpu)
{
    const uint64_t *log = vm_memory(vcpu->vm, LOG_PAGE, PAGE_SIZE);
    uint16_t index = vmcs_read16(VMCS_PML_INDEX);

    for (uint32_t i = 0; i < LOG_PAGES; i++) {
        uint64_t page = LOG_FIRST + i * PAGE_SIZE;

        if (times_logged(vcpu, page) != 1)
            return "a page that was dirtied is not in the log once";
        if (*guest_word(vcpu, page + 0x40) != LOG_VALUE)
            return "a page does not have what was written";
    }
    for (uint32_t i = LOG_ROOM; i < LOG_ENTRIES; i++) {
        if ((log[i] != 0) != (i > index))
            return "the log was not written downwards from its end";
    }
    return NULL;
}

GUEST_LACKS(lacks_dirty, capability->ept_accessed_dirty, "accessed and dirty flags for EPT");

GUEST(0530, log, GUEST_LONG, "page-log",
      "Dirties more pages than the page-modification log has room for.", .needs_ept = true,
      CONTROLS(ON(SECONDARY, ENABLE_PML)), .lacks = lacks_dirty, .setup = set_log,
      EXITS({EXIT_REASON_PML_FULL, STEPPED}), .check = check_log);

/* SDM Vol. 3, "Sub-Page Write Permissions": a read-only page whose EPT entry has bit 61 may be
 * written where another table says so. That table has no entry. */
#define EPT_SUB_PAGE (1ull << 61)

static void set_parts(struct vcpu *vcpu)
{
    uint64_t *entry;

    vmcs_write64(VMCS_SUB_PAGE_PERMISSION_TABLE_POINTER, vcpu->vm->memory + PARTS_TABLE);
    (void)ept_protect(&vcpu->vm->ept, PARTS_PAGE, PAGE_SIZE, EPT_READ | EPT_EXECUTE);
    entry = guest_ept_leaf(vcpu, PARTS_PAGE);
    if (entry != NULL)
        *entry |= EPT_SUB_PAGE;
}

static enum exit_done give_whole(struct vcpu *vcpu, const struct exit_record *exit)
{
    if (exit->basic != EXIT_REASON_SPP_EVENT || exit->guest_physical >> 12 != PARTS_PAGE >> 12 ||
        !guest_page_restore(vcpu, PARTS_PAGE))
        return EXIT_DEFAULT;
    translation_flush_all(vcpu);
    return EXIT_MAPPED;
}

enum { QUALIFICATION_MISS = 1 << 11 };

GUEST(0540, parts, GUEST_LONG, "sub-page",
      "Writes to a page that may be written in parts, and no table says in which.",
      .needs_ept = true, CONTROLS(ON(SECONDARY, SUB_PAGE_WRITE_PERMISSIONS)), .setup = set_parts,
      .on_exit = give_whole,
      EXITS({EXIT_REASON_SPP_EVENT, parts_write, MAPPED, .qualification_mask = QUALIFICATION_MISS,
             .qualification = QUALIFICATION_MISS}),
      MEMORY(WORD(PARTS_PAGE + 0x80, PARTS_VALUE, "the page does not have what was written")));

/* SDM Vol. 3, "Other Causes of VM Exits": it comes after the instruction; bit 26 says so. */
GUEST_CHECK(check_lock, (guest_vm_of(vcpu)->record[0].reason & EXIT_REASON_BUS_LOCK_ASSERTED) != 0,
            "the exit reason does not say that a bus lock was asserted");

GUEST(0550, lock, GUEST_LONG, "bus-lock",
      "Locks the bus by an access that is split over two cache lines.",
      CONTROLS(ON(SECONDARY, BUS_LOCK_DETECTION)),
      EXITS({EXIT_REASON_BUS_LOCK, lock_behind, STEPPED}), .check = check_lock,
      MEMORY(WORD(LOCK_SPLIT, 1, "the locked instruction was not done once")));
