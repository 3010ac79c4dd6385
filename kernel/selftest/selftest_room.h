/*
 * The self-test: provokes failures on the boot CPU and compares them with what the manual predicts.
 */
#pragma once

#include "kernel/machine.h"
#include "lib/format.h"
#include "vmx/selftest/selftest.h"
#include "vmx/selftest/selftest_vmentry.h"

/* What `selftest=` names, a bit each, in the order in which the table names them. */
enum selftest_part {
    SELFTEST_INSTRUCTIONS = 1 << 0,
    SELFTEST_FIELDS = 1 << 1,
    SELFTEST_ENTRY = 1 << 2,
    SELFTEST_STANDARD = SELFTEST_INSTRUCTIONS | SELFTEST_FIELDS, /* without `=` */
};
extern uint32_t selftest_wanted; /* enum selftest_part; 0: none */

/* On the boot CPU. */
struct selftest_results {
    bool done;
    struct selftest instructions;
    struct selftest_vmentry entry;
};
extern struct selftest_results selftest_results;

/* The members "selftest" and "selftest_entry" of the report. */
void selftest_json(const struct machine *machine, struct json *json);
