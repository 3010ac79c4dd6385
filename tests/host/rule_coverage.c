#include "tests/host/rule_coverage.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static bool reached[RULE_COUNT];

/* "-1 where the rule is not about bits": both, or neither, and then bits of a register. */
static void check_bits(const struct finding *finding)
{
    bool none = finding->high == -1 && finding->low == -1;

    if (none || (finding->low >= 0 && finding->low <= finding->high && finding->high <= 63))
        return;
    fprintf(stderr, "finding %s is about bits %d:%d\n", rule_table[finding->rule].name,
            finding->high, finding->low);
    abort();
}

void __wrap_finding_add(struct findings *findings, struct finding finding)
{
    check_bits(&finding);
    if (rule_table[finding.rule].severity[findings->check] != SEVERITY_NONE)
        reached[finding.rule] = true;
    __real_finding_add(findings, finding);
}

__attribute__((destructor)) static void write_names(void)
{
    FILE *file = fopen(RULE_COVERAGE_FILE, "w");

    if (!file) {
        perror(RULE_COVERAGE_FILE);
        _Exit(1);
    }
    for (int rule = 0; rule < RULE_COUNT; rule++) {
        if (reached[rule])
            fprintf(file, "%s\n", rule_table[rule].name);
    }
    if (fclose(file)) {
        perror(RULE_COVERAGE_FILE);
        _Exit(1);
    }
}
