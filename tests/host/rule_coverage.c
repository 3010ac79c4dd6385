#include "tests/host/rule_coverage.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static bool reached[RULE_COUNT];

void __wrap_finding_add(struct findings *findings, enum vmx_check mode, struct finding finding)
{
    if (rule_table[finding.rule].severity[mode] != SEVERITY_NONE)
        reached[finding.rule] = true;
    __real_finding_add(findings, mode, finding);
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
