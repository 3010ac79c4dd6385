/*
 * Which quirks this machine has, from the time on when there is a map of its memory; and the one
 * that the boot CPU minds while it waits for the others.
 */
#include "kernel/boot_step.h"
#include "kernel/cpu/smp.h"
#include "lib/x86.h"
#include "vmx/quirks.h"

static void detect(struct machine *machine)
{
    (void)machine;
    quirks_detect();
}

BOOT_STEP(001, .point = BOOT_PLAN_MEMORY, .run = detect);

/* A hypervisor below gets no interrupt of its own while ours are off. */
static void poll(void)
{
    if (quirk(QUIRK_INTERRUPTS_WAIT_FOR_IF))
        take_interrupt();
}

SET_MEMBER(smp_waits, 0, smp_wait, poll);
