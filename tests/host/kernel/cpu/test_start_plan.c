/*
 * Starting CPUs: the plan is played against CPUs that answer in every way that real ones do.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kernel/cpu/smp.h"

enum { NEVER = -1, CPUS = 4 };

/*
 * A CPU as the SDM has it: INIT puts it into wait-for-SIPI; a SIPI starts it then, and is ignored
 * otherwise. This one also needs a time between INIT and SIPI, ignores so many SIPIs, arrives some
 * time after the SIPI that it takes, and is ready some time later.
 */
struct model {
    int64_t needs_after_init;
    int ignores;
    int64_t arrives_after; /* NEVER: it does not */
    int64_t ready_after;   /* NEVER: it does not */

    bool waiting;
    int64_t init_at, started_at;
    int inits, startups;
};

struct machine {
    struct model cpus[CPUS];
    uint32_t count;
    int64_t over_at;
    int64_t first_startup_at[3], last_init_at;
    int init_rounds, startup_rounds;
};

static bool arrived(const struct model *cpu, int64_t now)
{
    return cpu->started_at > 0 && cpu->arrives_after != NEVER &&
           now >= cpu->started_at + cpu->arrives_after;
}

static bool ready(const struct model *cpu, int64_t now)
{
    return arrived(cpu, now) && cpu->ready_after != NEVER &&
           now >= cpu->started_at + cpu->arrives_after + cpu->ready_after;
}

static void deliver_init(struct model *cpu, int64_t now)
{
    assert_false(arrived(cpu, now)); /* it would be thrown out of our code */
    cpu->inits++;
    cpu->waiting = true;
    cpu->init_at = now;
    cpu->started_at = 0;
}

static void deliver_startup(struct model *cpu, int64_t now)
{
    cpu->startups++;
    if (!cpu->waiting || now < cpu->init_at + cpu->needs_after_init)
        return;
    if (cpu->ignores > 0) {
        cpu->ignores--;
        return;
    }
    cpu->waiting = false;
    cpu->started_at = now;
}

/* Plays it in steps of one microsecond; fails if it has not ended after ten seconds. */
static void play(struct machine *machine)
{
    struct start_plan plan = {0};

    for (int64_t now = 1; now < 10000000; now++) {
        uint32_t unready = 0;

        for (uint32_t i = 0; i < machine->count; i++) {
            unready += !ready(&machine->cpus[i], now);
        }

        enum start_action action = start_plan_next(&plan, (uint64_t)now, unready);

        if (action == START_OVER) {
            machine->over_at = now;
            return;
        }
        if (action == START_WAIT)
            continue;
        if (action == START_INIT) {
            machine->init_rounds++;
            machine->startup_rounds = 0;
            machine->last_init_at = now;
        } else {
            machine->first_startup_at[machine->startup_rounds++] = now;
        }
        for (uint32_t i = 0; i < machine->count; i++) {
            if (arrived(&machine->cpus[i], now))
                continue;
            if (action == START_INIT)
                deliver_init(&machine->cpus[i], now);
            else
                deliver_startup(&machine->cpus[i], now);
        }
    }
    fail_msg("no end");
}

static const struct model healthy = {.arrives_after = 4, .ready_after = 30};

static void nobody_to_start(void **state)
{
    struct machine machine = {.count = 0};

    (void)state;
    play(&machine);
    assert_int_equal(machine.over_at, 1);
    assert_int_equal(machine.init_rounds, 0);
}

static void healthy_cpus_need_one_startup_and_little_time(void **state)
{
    struct machine machine = {.cpus = {healthy, healthy, healthy, healthy}, .count = 4};

    (void)state;
    play(&machine);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(machine.cpus[i].inits, 1);
        assert_int_equal(machine.cpus[i].startups, 1);
    }
    /* 10 µs after INIT, 4 to arrive, 30 to be ready: over at once then. */
    assert_int_equal(machine.over_at, 1 + 10 + 4 + 30);
}

static void a_lost_startup_is_repeated(void **state)
{
    struct machine machine = {.cpus = {healthy, healthy}, .count = 2};

    (void)state;
    machine.cpus[1].ignores = 1;
    play(&machine);
    assert_int_equal(machine.init_rounds, 1);
    assert_int_equal(machine.cpus[0].startups, 1);
    assert_int_equal(machine.cpus[1].startups, 2);
    assert_int_equal(machine.over_at, 1 + 10 + 10 + 4 + 30);
}

static void a_cpu_that_needs_the_manuals_delays_gets_them(void **state)
{
    struct machine machine = {.cpus = {healthy, healthy, healthy}, .count = 3};

    (void)state;
    machine.cpus[2].needs_after_init = 10000;
    machine.cpus[2].ignores = 1;
    play(&machine);
    assert_int_equal(machine.cpus[0].inits, 1);
    assert_int_equal(machine.cpus[2].inits, 2);
    assert_int_equal(machine.cpus[2].startups, 4);
    assert_true(ready(&machine.cpus[2], machine.over_at));
    /* SDM: 10 ms between INIT and SIPI, 200 µs between SIPIs. */
    assert_true(machine.first_startup_at[0] - machine.last_init_at >= 10000);
    assert_true(machine.first_startup_at[1] - machine.first_startup_at[0] >= 200);
    assert_true(machine.over_at < 40000);
}

static void a_silent_cpu_is_given_up_in_bounded_time(void **state)
{
    struct machine machine = {.cpus = {healthy, healthy}, .count = 2};

    (void)state;
    machine.cpus[1].arrives_after = NEVER;
    play(&machine);
    assert_int_equal(machine.init_rounds, 2);
    assert_int_equal(machine.cpus[0].inits, 1);
    assert_true(ready(&machine.cpus[0], machine.over_at));
    assert_in_range(machine.over_at, 1000000, 1100000);
}

/* First quickly, as real CPUs need it; then with the manual's 10 ms after INIT and 200 us. */
static void the_plan_is_this(void **state)
{
    static const struct {
        enum start_action action;
        uint64_t at;
    } wanted[] = {{START_INIT, 1},      {START_STARTUP, 11},    {START_STARTUP, 21},
                  {START_INIT, 20021},  {START_STARTUP, 30021}, {START_STARTUP, 30221},
                  {START_OVER, 1030221}};
    struct start_plan plan = {0};
    unsigned done = 0;

    (void)state;
    for (uint64_t now = 1; done < 7; now++) {
        enum start_action action = start_plan_next(&plan, now, 1);

        if (action == START_WAIT)
            continue;
        assert_int_equal(action, wanted[done].action);
        assert_int_equal(now, wanted[done++].at);
    }
}

/* As under a hypervisor whose host is busy: the time of the second round must do. */
static void a_late_cpu_is_waited_for(void **state)
{
    struct machine machine = {.cpus = {healthy, healthy}, .count = 2};

    (void)state;
    machine.cpus[1].arrives_after = 900000;
    play(&machine);
    assert_true(ready(&machine.cpus[1], machine.over_at));
    assert_true(machine.over_at < 1000000);
}

/* 255 virtual CPUs on two real ones come one after another: nobody is given up while some come. */
static void the_last_of_many_is_waited_for(void **state)
{
    struct machine machine = {.cpus = {healthy, healthy, healthy, healthy}, .count = 4};

    (void)state;
    for (int i = 0; i < 4; i++)
        machine.cpus[i].arrives_after = (i + 1) * 900000;
    play(&machine);
    for (int i = 0; i < 4; i++)
        assert_true(ready(&machine.cpus[i], machine.over_at));
    assert_true(machine.over_at < 3700000);
    /* Then a second more, for the one that never comes. */
    machine = (struct machine){.cpus = {healthy, healthy}, .count = 2};
    machine.cpus[0].arrives_after = 900000;
    machine.cpus[1].arrives_after = NEVER;
    play(&machine);
    assert_in_range(machine.over_at, 1900000, 2000000);
}

static void a_cpu_that_hangs_after_its_arrival_is_left_alone_and_given_up(void **state)
{
    struct machine machine = {.cpus = {healthy, healthy}, .count = 2};

    (void)state;
    machine.cpus[1].ready_after = NEVER;
    play(&machine);
    assert_int_equal(machine.cpus[1].inits, 1);
    assert_int_equal(machine.cpus[1].startups, 1);
    assert_in_range(machine.over_at, 1000000, 1100000);
}

/* The second round is for the one that has not come only. */
static void a_hanging_and_a_silent_cpu(void **state)
{
    struct machine machine = {.cpus = {healthy, healthy, healthy}, .count = 3};

    (void)state;
    machine.cpus[0].ready_after = NEVER;
    machine.cpus[2].needs_after_init = 10000;
    play(&machine);
    assert_int_equal(machine.cpus[0].inits, 1);
    assert_int_equal(machine.cpus[2].inits, 2);
    assert_true(ready(&machine.cpus[2], machine.over_at));
    assert_in_range(machine.over_at, 1000000, 1100000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_to_start),
        cmocka_unit_test(healthy_cpus_need_one_startup_and_little_time),
        cmocka_unit_test(a_lost_startup_is_repeated),
        cmocka_unit_test(a_cpu_that_needs_the_manuals_delays_gets_them),
        cmocka_unit_test(a_silent_cpu_is_given_up_in_bounded_time),
        cmocka_unit_test(the_plan_is_this),
        cmocka_unit_test(a_late_cpu_is_waited_for),
        cmocka_unit_test(the_last_of_many_is_waited_for),
        cmocka_unit_test(a_cpu_that_hangs_after_its_arrival_is_left_alone_and_given_up),
        cmocka_unit_test(a_hanging_and_a_silent_cpu),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
