/*
 * Which rules of vmx/findings.def do the tests reach?
 *
 * A test program declared with rootmode_rule_test() (tests/host/CMakeLists.txt) in place of
 * rootmode_test() needs nothing more: the linker leads its finding_add() through rule_coverage.c,
 * and when it ends it writes the names of the rules that were added into a file of its own, so that
 * programs may run side by side. The test every_rule_is_reached runs after all of them and fails
 * if a rule of the table stands in none of these files.
 *
 * Only programs with written-down expectations should take part: a rule that some random input
 * happens to break is not tested by that.
 */
#pragma once

#include "vmx/finding.h"

/* The linker's --wrap=finding_add gives these two names their meaning. */
void __real_finding_add(struct findings *findings, struct finding finding);
void __wrap_finding_add(struct findings *findings, struct finding finding);
