/*
 * The line by which CPUs send INIT and SIPI to one another (vm/host/signal_line.h): what each
 * may do when, step by step, and then two threads at once. Expectations are the contract's.
 */
#include "vm/host/signal_line.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { TARGET = 1, SENDER = 0, OTHER = 2, VECTOR = 0x30 };

static struct signal_line line;
static volatile uint32_t entered;

static int clear(void **state)
{
    (void)state;
    memset(&line, 0, sizeof(line));
    entered = 0;
    return 0;
}

static enum signal_wish sends(uint32_t cpu)
{
    return signal_line_next(&line, cpu).send;
}

/* The target has the line, and the sender has come. */
static void pair(void)
{
    assert_true(signal_line_take(&line, TARGET));
    assert_false(signal_line_has_sender(&line));
    assert_int_equal(sends(SENDER), SIGNAL_NONE);
    assert_true(signal_line_has_sender(&line));
}

static void one_cpu_holds_the_line(void **state)
{
    (void)state;
    assert_int_equal(sends(OTHER), SIGNAL_NONE);
    assert_true(signal_line_take(&line, TARGET));
    assert_false(signal_line_take(&line, OTHER));
    assert_false(signal_line_take(&line, TARGET));
    signal_line_let_go(&line);
    assert_true(signal_line_take(&line, OTHER));
}

static void nobody_is_its_own_sender(void **state)
{
    (void)state;
    assert_true(signal_line_take(&line, TARGET));
    assert_int_equal(sends(TARGET), SIGNAL_NONE);
    assert_false(signal_line_has_sender(&line));
}

static void init_is_sent_once_and_not_before_the_guest_runs(void **state)
{
    struct signal_order order;

    (void)state;
    pair();
    assert_true(signal_line_wish(&line, SIGNAL_INIT, 0, &entered));
    assert_int_equal(sends(SENDER), SIGNAL_NONE);
    entered = 1;
    assert_int_equal(sends(OTHER), SIGNAL_NONE);
    order = signal_line_next(&line, SENDER);
    assert_int_equal(order.send, SIGNAL_INIT);
    assert_int_equal(order.target, TARGET);
    assert_false(signal_line_wish(&line, SIGNAL_NONE, 0, NULL)); /* it is on its way */
    signal_line_sent(&line, order);
    assert_int_equal(sends(SENDER), SIGNAL_NONE);
    assert_true(signal_line_has_sender(&line));
}

static void startup_is_sent_until_it_is_not_wished_any_more(void **state)
{
    struct signal_order order;

    (void)state;
    pair();
    assert_true(signal_line_wish(&line, SIGNAL_STARTUP, VECTOR, NULL));
    for (int i = 0; i < 3; i++) {
        order = signal_line_next(&line, SENDER);
        assert_int_equal(order.send, SIGNAL_STARTUP);
        assert_int_equal(order.target, TARGET);
        assert_int_equal(order.vector, VECTOR);
        assert_false(signal_line_wish(&line, SIGNAL_NONE, 0, NULL));
        signal_line_sent(&line, order);
    }
    assert_true(signal_line_wish(&line, SIGNAL_NONE, 0, NULL));
    assert_int_equal(sends(SENDER), SIGNAL_NONE);
}

static void each_vector_arrives(void **state)
{
    (void)state;
    for (unsigned vector = 0; vector < 256; vector++) {
        struct signal_order order;

        pair();
        assert_true(signal_line_wish(&line, SIGNAL_STARTUP, (uint8_t)vector, NULL));
        order = signal_line_next(&line, SENDER);
        assert_int_equal(order.send, SIGNAL_STARTUP);
        assert_int_equal(order.vector, vector);
        signal_line_sent(&line, order);
        signal_line_let_go(&line);
    }
}

static void who_let_go_is_sent_nothing(void **state)
{
    (void)state;
    pair();
    assert_true(signal_line_wish(&line, SIGNAL_NONE, 0, NULL));
    signal_line_let_go(&line);
    assert_int_equal(sends(SENDER), SIGNAL_NONE);
    assert_true(signal_line_take(&line, SENDER)); /* the sender has its turn, and another sends */
    assert_int_equal(sends(SENDER), SIGNAL_NONE);
    assert_int_equal(sends(TARGET), SIGNAL_NONE);
    assert_true(signal_line_has_sender(&line));
}

/*
 * Each thread is a CPU: for a number of rounds it is the target, and it serves while it waits for
 * the line and at the end. A signal that reaches a CPU outside of its turn, or an INIT that comes
 * before it was entered, would be lost or reset it.
 */
enum { CPUS = 3, ROUNDS = 300 };

struct fake_cpu {
    pthread_t thread;
    uint32_t index;
    volatile uint32_t entered;
    _Atomic(uint32_t) waits_for; /* what may reach it now */
    _Atomic(uint32_t) inits, startups, wrong;
};

static struct fake_cpu fake[CPUS];
static _Atomic(uint32_t) rounds_left;

static void serve(const struct fake_cpu *cpu)
{
    struct signal_order order = signal_line_next(&line, cpu->index);
    struct fake_cpu *target;

    if (order.send == SIGNAL_NONE)
        return;
    target = &fake[order.target];
    if (order.send == SIGNAL_INIT) {
        if (atomic_load(&target->waits_for) != SIGNAL_INIT || target->entered == 0)
            atomic_fetch_add(&target->wrong, 1);
        atomic_fetch_add(&target->inits, 1);
    } else {
        if (atomic_load(&target->waits_for) != SIGNAL_STARTUP)
            atomic_fetch_add(&target->wrong, 1);
        atomic_fetch_add(&target->startups, 1);
    }
    signal_line_sent(&line, order);
}

static void wish(enum signal_wish what, volatile uint32_t *entered_here)
{
    while (!signal_line_wish(&line, what, VECTOR, entered_here))
        ;
}

static void be_target(struct fake_cpu *cpu)
{
    uint32_t inits = atomic_load(&cpu->inits), startups = atomic_load(&cpu->startups);

    while (!signal_line_take(&line, cpu->index))
        serve(cpu);
    while (!signal_line_has_sender(&line))
        ;
    cpu->entered = 0;
    atomic_store(&cpu->waits_for, SIGNAL_INIT);
    wish(SIGNAL_INIT, &cpu->entered);
    cpu->entered = 1;
    while (atomic_load(&cpu->inits) == inits)
        ;
    wish(SIGNAL_NONE, NULL); /* until INIT is no longer on its way */
    atomic_store(&cpu->waits_for, SIGNAL_STARTUP);
    wish(SIGNAL_STARTUP, NULL);
    while (atomic_load(&cpu->startups) < startups + 2)
        ;
    wish(SIGNAL_NONE, NULL);
    atomic_store(&cpu->waits_for, SIGNAL_NONE);
    signal_line_let_go(&line);
    if (atomic_load(&cpu->inits) != inits + 1)
        atomic_fetch_add(&cpu->wrong, 1);
}

static void *live(void *argument)
{
    struct fake_cpu *cpu = argument;

    for (int i = 0; i < ROUNDS; i++) {
        be_target(cpu);
        atomic_fetch_sub(&rounds_left, 1);
    }
    while (atomic_load(&rounds_left) > 0)
        serve(cpu);
    return NULL;
}

static void several_at_once_neither_wait_for_ever_nor_disturb_each_other(void **state)
{
    (void)state;
    atomic_store(&rounds_left, CPUS * ROUNDS);
    for (uint32_t i = 0; i < CPUS; i++) {
        fake[i].index = i;
        assert_int_equal(pthread_create(&fake[i].thread, NULL, live, &fake[i]), 0);
    }
    for (uint32_t i = 0; i < CPUS; i++)
        assert_int_equal(pthread_join(fake[i].thread, NULL), 0);
    for (uint32_t i = 0; i < CPUS; i++) {
        assert_int_equal(atomic_load(&fake[i].wrong), 0);
        assert_int_equal(atomic_load(&fake[i].inits), ROUNDS);
        assert_true(atomic_load(&fake[i].startups) >= 2 * ROUNDS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(one_cpu_holds_the_line, clear),
        cmocka_unit_test_setup(nobody_is_its_own_sender, clear),
        cmocka_unit_test_setup(init_is_sent_once_and_not_before_the_guest_runs, clear),
        cmocka_unit_test_setup(startup_is_sent_until_it_is_not_wished_any_more, clear),
        cmocka_unit_test_setup(each_vector_arrives, clear),
        cmocka_unit_test_setup(who_let_go_is_sent_nothing, clear),
        cmocka_unit_test_setup(several_at_once_neither_wait_for_ever_nor_disturb_each_other, clear),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
