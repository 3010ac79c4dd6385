/* When which self-tests run: kernel/selftest/selftest_room.c, with the self-tests as models. */
#include "kernel/selftest/selftest_room.c" /* NOLINT(bugprone-suspicious-include) */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

enum { CPUS = 3 };

uint32_t selftest_wanted;
struct selftest_results selftest_results;

static struct cpu cpu_list[CPUS];
static struct vmx_cpu vmx_list[CPUS];
static struct cpu *const cpus_of[CPUS] = {&cpu_list[0], &cpu_list[1], &cpu_list[2]};
static struct machine machine;
static char done[8];       /* a letter for each part, in their order */
static char loses_vmcs_in; /* the part that leaves the CPU without its VMCS */

void console_print(const char *format, ...)
{
    assert_string_equal(format, "  self-test ...\n");
}

static void note(struct vmx_cpu *cpu, char part)
{
    assert_ptr_equal(cpu, cpu_list[0].vmx);
    strncat(done, &part, 1);
    if (part == loses_vmcs_in)
        cpu->state = VMX_CPU_ROOT;
}

void selftest_run(struct vmx_cpu *cpu, struct selftest *selftest)
{
    assert_ptr_equal(selftest, &selftest_results.instructions);
    note(cpu, 'i');
}

void selftest_fields_run(struct vmx_cpu *cpu, struct selftest *selftest)
{
    assert_ptr_equal(selftest, &selftest_results.instructions);
    note(cpu, 'f');
}

void selftest_vmentry_run(struct vmx_cpu *cpu, struct selftest_vmentry *selftest)
{
    assert_ptr_equal(selftest, &selftest_results.entry);
    note(cpu, 'e');
}

static int set_up(void **state)
{
    (void)state;
    memset(cpu_list, 0, sizeof(cpu_list));
    memset(vmx_list, 0, sizeof(vmx_list));
    for (unsigned i = 0; i < CPUS; i++) {
        cpu_list[i].phase = CPU_READY;
        cpu_list[i].vmx = &vmx_list[i];
        cpu_list[i].vmx->state = VMX_CPU_LOADED;
    }
    machine.cpus = cpus_of;
    machine.cpu_count = CPUS;
    loses_vmcs_in = '-';
    return 0;
}

static void runs(uint32_t wanted, const char *parts, bool to_the_end)
{
    memset(done, 0, sizeof(done));
    selftest_results.done = false;
    selftest_wanted = wanted;
    for (enum boot_point point = 0; point <= BOOT_SCREEN_REPORT; point++) {
        if (point != BOOT_AFTER_VMX)
            boot_steps_run(point, &machine);
    }
    assert_string_equal(done, "");
    boot_steps_run(BOOT_AFTER_VMX, &machine);
    assert_string_equal(done, parts);
    assert_int_equal(selftest_results.done, to_the_end);
}

static void what_is_asked_for_runs_in_its_order(void **state)
{
    (void)state;
    runs(0, "", false);
    runs(SELFTEST_INSTRUCTIONS, "i", true);
    runs(SELFTEST_FIELDS, "f", true);
    runs(SELFTEST_ENTRY, "e", true);
    runs(SELFTEST_STANDARD, "if", true);
    runs(SELFTEST_STANDARD | SELFTEST_ENTRY, "ife", true);
}

/* A self-test changes the VMCS: it begins where every CPU that is ready has got to its own. */
static void each_cpu_that_is_ready_has_its_vmcs(void **state)
{
    (void)state;
    for (unsigned i = 0; i < CPUS; i++) {
        cpu_list[i].vmx->state = VMX_CPU_ROOT;
        runs(SELFTEST_STANDARD, "", false);
        cpu_list[i].phase = CPU_SILENT;
        runs(SELFTEST_INSTRUCTIONS, "i", true);
        set_up(state);
    }
}

static void without_its_vmcs_nothing_more_is_tried(void **state)
{
    (void)state;
    loses_vmcs_in = 'i';
    runs(SELFTEST_STANDARD | SELFTEST_ENTRY, "i", true);
    set_up(state);
    loses_vmcs_in = 'f';
    runs(SELFTEST_STANDARD | SELFTEST_ENTRY, "if", true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_is_asked_for_runs_in_its_order, set_up),
        cmocka_unit_test_setup(each_cpu_that_is_ready_has_its_vmcs, set_up),
        cmocka_unit_test_setup(without_its_vmcs_nothing_more_is_tried, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
