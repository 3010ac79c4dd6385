#include "vm/host/signal_sender.h"

#include <stddef.h>

#include "lib/host/apic.h"
#include "lib/host/clock.h"
#include "lib/host/cpu.h"
#include "vmx/quirks.h"

enum {
    WAIT_US = 300000000, /* for others to have time: half of what all guests may take */
    AGAIN_US = 20,       /* between two SIPIs */
};

static struct signal_line line;
static _Atomic(uint32_t) runs_left;

/* A hypervisor below may need the interrupts that it would not get otherwise. */
static void wait_a_little(void)
{
    cpu_relax();
    if (quirk(QUIRK_INTERRUPTS_WAIT_FOR_IF))
        take_interrupt();
}

/* What this CPU has to do for another one now. */
static void serve(void)
{
    struct signal_order order = signal_line_next(&line, this_cpu()->index);
    uint64_t pause;

    if (order.send == SIGNAL_NONE) {
        wait_a_little();
        return;
    }
    if (order.send == SIGNAL_INIT)
        apic_send(cpus[order.target]->apic_id, APIC_INIT);
    else
        apic_send(cpus[order.target]->apic_id, APIC_STARTUP | order.vector);
    signal_line_sent(&line, order);
    pause = clock_deadline(AGAIN_US);
    while (!clock_passed(pause))
        wait_a_little();
}

bool signal_sender_engage(void)
{
    uint64_t deadline = clock_deadline(WAIT_US);

    while (!signal_line_take(&line, this_cpu()->index)) {
        if (clock_passed(deadline))
            return false;
        serve();
    }
    while (!signal_line_has_sender(&line)) {
        if (clock_passed(deadline)) {
            signal_line_let_go(&line);
            return false;
        }
        wait_a_little();
    }
    return true;
}

/* What is on its way is sent within the bounded wait of the sender's local APIC. */
void signal_sender_wish(enum signal_wish wish, uint8_t vector, const volatile uint32_t *entered)
{
    while (!signal_line_wish(&line, wish, vector, entered))
        wait_a_little();
}

void signal_sender_release(void)
{
    signal_sender_wish(SIGNAL_NONE, 0, NULL);
    signal_line_let_go(&line);
}

void signal_sender_expect(uint32_t runs)
{
    atomic_store(&runs_left, runs);
}

void signal_sender_serve_others(bool had_run, uint32_t later)
{
    uint64_t deadline = clock_deadline(WAIT_US);

    if (had_run)
        atomic_fetch_sub(&runs_left, 1);
    while (atomic_load(&runs_left) > later && !clock_passed(deadline))
        serve();
}
