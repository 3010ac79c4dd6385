/* What is said of NMIs that nobody has sent: a finding for each cause, on the CPUs that had it. */
#include "kernel/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lib/host/nmi_cause.h"
#include "lib/x86.h"
#include "tests/host/rule_coverage.h"

void nmis_report(struct machine *machine); /* kernel/trap/nmi_report.c */

enum { CPUS = 3 };

static struct machine the_machine, *const machine = &the_machine;

/* None of these is asked: the logs are the test's. */
struct cpu *cpu_here(void)
{
    return NULL;
}

uint8_t in8(uint16_t port)
{
    fail_msg("port %#x", port);
    return 0;
}

void out8(uint16_t port, uint8_t value)
{
    fail_msg("port %#x, %#x", port, value);
}

struct cpuid_registers cpuid(uint32_t leaf, uint32_t subleaf)
{
    fail_msg("CPUID %u.%u", leaf, subleaf);
    return (struct cpuid_registers){0};
}

uint8_t rdmsr_safe(uint32_t msr, uint64_t *value)
{
    fail_msg("MSR %#x, %p", msr, (void *)value);
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    memset(machine, 0, sizeof(*machine));
    memset(nmi_logs, 0, sizeof(nmi_logs));
    machine->cpu_count = CPUS;
    return 0;
}

/* The counts are summed up, so that the CPUs say the same. */
static void nmis_of_nobody_are_reported(void **state)
{
    const struct findings *findings = &machine->findings;

    (void)state;
    nmis_report(machine);
    assert_int_equal(findings->count, 0);
    nmi_logs[0].count[NMI_OURS] = 7;
    nmi_logs[1].count[NMI_UNKNOWN] = 2;
    nmi_logs[2].count[NMI_UNKNOWN] = 1;
    nmis_report(machine);
    assert_int_equal(findings->count, 1);
    assert_int_equal(findings->item[0].rule, RULE_NMI_UNKNOWN);
    assert_int_equal(findings->item[0].severity, SEVERITY_WARNING);
    assert_int_equal(findings->item[0].cpu, 1);
    assert_true(machine->knows_nmis);
    assert_string_equal(findings->item[0].detail, "3 in all");
    assert_false(machine_finding_cpus(machine, 0)[0]);
    assert_true(machine_finding_cpus(machine, 0)[1] && machine_finding_cpus(machine, 0)[2]);
}

static void reasons_of_nmis_are_reported(void **state)
{
    const struct findings *findings = &machine->findings;

    (void)state;
    nmi_logs[0].count[NMI_SERR] = 1;
    nmi_logs[0].count[NMI_IOCHK] = 2;
    nmi_logs[2].count[NMI_UNKNOWN] = UINT32_MAX;
    nmi_logs[2].error = (struct machine_check){true, 31, 0xb200000000000402};
    nmi_logs[CPUS].error = (struct machine_check){true, 7, 0xb200000000000151}; /* no CPU's */
    nmis_report(machine);
    assert_int_equal(findings->count, 3);
    assert_int_equal(findings->item[0].rule, RULE_NMI_CHIPSET);
    assert_string_equal(findings->item[0].detail, "1 in all, by SERR# (bit 7)");
    assert_int_equal(findings->item[1].rule, RULE_NMI_CHIPSET);
    assert_string_equal(findings->item[1].detail, "2 in all, by IOCHK# (bit 6)");
    assert_int_equal(findings->item[2].rule, RULE_NMI_UNKNOWN);
    assert_int_equal(findings->item[2].cpu, 2);
    assert_string_equal(findings->item[2].detail,
                        "4294967295 in all; IA32_MC31_STATUS holds 0xb200000000000402");
    nmi_logs[2].error.found = false;
    nmis_report(machine);
    assert_string_equal(findings->item[2].detail, "4294967295 in all");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nmis_of_nobody_are_reported, set_up),
        cmocka_unit_test_setup(reasons_of_nmis_are_reported, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
