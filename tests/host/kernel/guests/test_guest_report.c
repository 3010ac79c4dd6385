/*
 * What several CPUs came to alike: which runs are alike, and how CPUs are reported.
 */
#include "kernel/report/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/guests/guest_results.h"
enum { CPUS = 12 };

static void cpus_are_reported_as_ranges(void **state)
{
    static const struct {
        const char *set; /* a character a CPU: '#' is set */
        const char *wanted;
    } rows[] = {
        {"#...........", "0"},    {"...........#", "11"},  {"##..........", "0-1"},
        {"############", "0-11"}, {"#.#.........", "0,2"}, {"####.#..####", "0-3,5,8-11"},
        {".##########.", "1-10"}, {"............", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bool set[CPUS];
        char reported[64];
        struct text_buffer text;

        for (unsigned cpu = 0; cpu < CPUS; cpu++)
            set[cpu] = rows[i].set[cpu] == '#';
        text_buffer_init(&text, reported, sizeof(reported));
        cpu_ranges_print(&text.sink, set, CPUS);
        assert_string_equal(reported, rows[i].wanted);
    }
}

/* A run that could not be entered, over two rules, of which both are kept. */
static struct guest_run a_run(void)
{
    static const struct guest guest = {.name = "one"};
    struct guest_run run = {.guest = &guest, .result = GUEST_DIED, .detail = "it died"};

    run.exits[10] = 3;
    run.entry = (struct entry_failure){.checked = true, .class = VMENTRY_GUEST, .broken = 2};
    run.entry.item[0].seen = 1;
    run.entry.item[1].seen = 2;
    return run;
}

static void runs_with_any_difference_a_person_reads_are_reported_apart(void **state)
{
    static const struct guest other = {.name = "other"};
    const struct guest_run run = a_run();
    struct guest_run same = a_run(), changed[12];

    (void)state;
    assert_true(guest_runs_alike(&run, &same));
    for (size_t i = 0; i < 12; i++)
        changed[i] = a_run();
    changed[0].guest = &other;
    changed[1].result = GUEST_OK;
    changed[2].end = GUEST_END_TIME;
    changed[3].exits[VM_EXIT_REASONS - 1] = 1;
    strcpy(changed[4].detail, "it Died");
    changed[5].entry.checked = false;
    changed[6].entry.class = VMENTRY_HOST;
    changed[7].entry.unread = 1;
    changed[8].entry.broken = 1;
    changed[9].entry.item[1].seen = 3;
    changed[10].entry.item[0].wanted = 1;
    changed[11].entry.item[0].entry = 1;
    for (size_t i = 0; i < 12; i++)
        assert_false(guest_runs_alike(&run, &changed[i]));
}

/* What nobody reads does not matter: findings beyond those that are broken, or of no verdict. */
static void what_is_not_reported_does_not_tell_apart(void **state)
{
    struct guest_run run = a_run(), other = a_run();

    (void)state;
    other.entry.item[2].seen = 9;
    assert_true(guest_runs_alike(&run, &other));
    run.entry.checked = other.entry.checked = false;
    other.entry.item[0].seen = 9;
    assert_true(guest_runs_alike(&run, &other));
    run.entry = other.entry = (struct entry_failure){.checked = true, .broken = 1000};
    assert_true(guest_runs_alike(&run, &other));
}

/* Two guests on CPUs 0, 1 and 3, one more on CPU 1; CPU 2 takes no part. */
static void runs_are_counted_by_result(void **state)
{
    static struct guest_run runs[4][3];
    static struct cpu cpu[4] = {
        {.phase = CPU_READY}, {.phase = CPU_READY}, {.phase = CPU_SILENT}, {.phase = CPU_READY}};
    static struct cpu *const cpus_of[] = {&cpu[0], &cpu[1], &cpu[2], &cpu[3]};
    static struct machine machine = {.cpus = cpus_of, .cpu_count = 4};
    char reported[64];
    struct text_buffer text;

    (void)state;
    guest_results.choice.count = 3;
    guest_results.choice.item[0].every_cpu = guest_results.choice.item[1].every_cpu = true;
    guest_results.choice.item[2].cpu = 1;
    for (unsigned i = 0; i < 4; i++)
        guest_results.runs[i] = runs[i];
    runs[3][1].result = GUEST_DIFFERS;
    runs[1][2].result = GUEST_SKIPPED;
    runs[2][1].result = runs[0][2].result = GUEST_DIED; /* those never ran */
    text_buffer_init(&text, reported, sizeof(reported));
    guest_counts_print(&text.sink, &machine, 1, 1);
    print_to(&text.sink, "; ");
    guest_counts_print(&text.sink, &machine, 2, 1);
    print_to(&text.sink, "; ");
    guest_counts_print(&text.sink, &machine, 0, guest_results.choice.count);
    assert_string_equal(reported, "2 ok, 1 differs; 1 skipped; 5 ok, 1 differs, 1 skipped");
    assert_ptr_equal(guest_run_of(&machine, 1, 3), &runs[3][1]);
    assert_null(guest_run_of(&machine, 1, 2));
    assert_null(guest_run_of(&machine, 2, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cpus_are_reported_as_ranges),
        cmocka_unit_test(runs_with_any_difference_a_person_reads_are_reported_apart),
        cmocka_unit_test(runs_are_counted_by_result),
        cmocka_unit_test(what_is_not_reported_does_not_tell_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
