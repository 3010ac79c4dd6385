/* Who is called upon to halt, and how long is waited: on CPUs that answer by themselves or not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/console/console.h"
#include "lib/host/apic.h"
#include "lib/host/clock.h"
#include "lib/host/cpu.h"
#include "vmx/vmx_cpu.h"
#include "kernel/cpu/stop.h"
#include "lib/x86_vmx.h"

enum { CPUS = 5, POLL_TICKS = 10 };

static struct cpu machine[CPUS];
static struct vmx_cpu vmx_list[CPUS];
static struct cpu *here; /* the one that runs */
static uint64_t now;
static unsigned nmis[CPUS], wakes[CPUS];
static uint64_t answers_at[CPUS]; /* by the TSC; 0: never */

struct cpu *cpus[CPUS_MAX];
uint32_t cpu_count;

struct cpu *cpu_here(void)
{
    return here;
}

uint32_t cpu_processor_id(void)
{
    return here != NULL ? here->apic_id : 0x77;
}

static unsigned index_of(uint32_t apic_id)
{
    for (unsigned i = 0; i < CPUS; i++) {
        if (machine[i].apic_id == apic_id)
            return i;
    }
    fail();
    return 0;
}

void apic_send(uint32_t id, uint32_t ipi)
{
    if (ipi == APIC_NMI) {
        nmis[index_of(id)]++;
    } else {
        assert_int_equal(ipi, APIC_FIXED | VECTOR_WAKE);
        wakes[index_of(id)]++;
    }
}

uint64_t rdtsc(void)
{
    return now;
}

void cpu_relax(void)
{
    now += POLL_TICKS;
    for (unsigned i = 0; i < CPUS; i++) {
        if (answers_at[i] != 0 && now >= answers_at[i] && nmis[i] > 0)
            machine[i].halted = true; /* as machine_halt() does */
    }
}

/* What comes after the others have halted, or have not, is not reached here. */
uint64_t clock_tsc_per_ms(void)
{
    return 0;
}

void console_drain(void)
{
}

void console_print(const char *format, ...)
{
    (void)format;
}

void interrupts_off(void)
{
}

uint64_t read_cr4(void)
{
    return 0;
}

struct vmx_flags x86_vmxoff(void)
{
    return (struct vmx_flags){0};
}

static int set_up(void **state)
{
    (void)state;
    memset(machine, 0, sizeof(machine));
    memset(nmis, 0, sizeof(nmis));
    memset(wakes, 0, sizeof(wakes));
    for (unsigned i = 0; i < CPUS; i++) {
        machine[i].vmx = &vmx_list[i];
        machine[i].index = i;
        machine[i].apic_id = 4 * i;
        machine[i].phase = CPU_READY;
        machine[i].vmx->state = VMX_CPU_LOADED;
        answers_at[i] = 1000 + i;
        cpus[i] = &machine[i];
    }
    cpu_count = CPUS;
    here = &machine[2];
    now = 500;
    return 0;
}

static void every_other_cpu_is_called_and_awaited(void **state)
{
    (void)state;
    stop_call();
    for (unsigned i = 0; i < CPUS; i++) {
        assert_int_equal(nmis[i], i != 2);
        assert_int_equal(wakes[i], i != 2);
    }
    assert_int_equal(stop_wait(1000000), 0);
    assert_in_range(now, 1004, 1004 + POLL_TICKS); /* no longer than the last needs */
    stop_call();
    assert_int_equal(nmis[0], 1); /* whoever has halted is left alone */
}

/* A CPU that firmware still has would take an NMI through an IDT that may be gone. */
static void only_cpus_in_our_code_are_called(void **state)
{
    (void)state;
    machine[0].phase = CPU_SILENT; /* given up, in a guest */
    machine[1].phase = CPU_SILENT; /* never came */
    machine[1].vmx->state = VMX_CPU_OFF;
    machine[3].vmx->state = VMX_CPU_OFF; /* ready, VMX refused */
    machine[4].phase = CPU_STARTING;
    machine[4].vmx->state = VMX_CPU_OFF;
    stop_call();
    assert_int_equal(nmis[0], 1);
    assert_int_equal(nmis[1], 0);
    assert_int_equal(nmis[3], 1);
    assert_int_equal(nmis[4], 0);
    assert_int_equal(stop_wait(1000000), 0);
}

static void who_does_not_answer_is_waited_for_so_long(void **state)
{
    (void)state;
    answers_at[1] = answers_at[4] = 0;
    stop_call();
    assert_int_equal(stop_wait(2000), 2);
    assert_in_range(now, 2500, 2500 + POLL_TICKS);
    answers_at[4] = 1;
    assert_int_equal(stop_wait(2000), 1);
}

/* The first that claims it keeps it, also from before it has data of its own. Last: it stays. */
static void one_cpu_stops_the_machine(void **state)
{
    (void)state;
    here = NULL;
    assert_false(stop_elsewhere());
    assert_true(stop_claim());
    assert_true(stop_claim());
    assert_false(stop_elsewhere());
    here = &machine[2];
    assert_false(stop_claim());
    assert_true(stop_elsewhere());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_other_cpu_is_called_and_awaited, set_up),
        cmocka_unit_test_setup(only_cpus_in_our_code_are_called, set_up),
        cmocka_unit_test_setup(who_does_not_answer_is_waited_for_so_long, set_up),
        cmocka_unit_test_setup(one_cpu_stops_the_machine, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
