/* A room: the proof that the page tables in use let nothing be written and executed. */
#include "kernel/boot_step.h"
#include "mm/memory.h"
#include "kernel/report/report_page.h"

static void audit(struct machine *machine)
{
    (void)machine;
    paging_audit(kernel_tables(), &paging_audited);
}

BOOT_STEP(900, .point = BOOT_AFTER_VMX, .run = audit);
