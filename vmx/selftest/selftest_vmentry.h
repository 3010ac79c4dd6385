/*
 * The self-test of the rules of a VM entry: breaks each that this processor lets us break, and then
 * thousands of images at random, and compares what the processor says with vmentry_check().
 */
#pragma once

#include "vmx/selftest/vmentry_departures.h"
#include "vmx/selftest/vmentry_trial.h"
#include "vmx/vmx_cpu.h"

enum {
    SELFTEST_VMENTRY_ROUNDS = 12000,
    SELFTEST_VMENTRY_ROWS_MAX = 400,
    SELFTEST_VMENTRY_DIFFERENCES_MAX = 16
};

/* An image that was tried. */
struct selftest_vmentry_row {
    bool random;
    uint32_t number;        /* of the trial (vmx/selftest/vmentry_trials.def), or of the round */
    enum vmentry_rule rule; /* the trial's; of a difference the first broken one, or COUNT */
    enum vmentry_base base; /* the trial's */
    struct vmentry_outcome predicted, seen;
    bool agrees, departs;  /* departs: by a known departure; neither: a difference */
    enum vmcs_field field; /* of a difference: what breaks the rule */
    uint64_t value;
};

struct selftest_vmentry {
    bool done;
    uint32_t rules;        /* different ones that were broken */
    uint32_t count;        /* of the rows */
    uint32_t not_possible; /* trials that this processor gives no way to make */
    uint32_t agreements, differences;
    uint32_t random_count, random_agreements;
    uint32_t random_by_class[VMENTRY_CLASS_COUNT]; /* as the processor had it */
    uint32_t departed[VMENTRY_DEPARTURE_COUNT];    /* how often each was met */
    struct selftest_vmentry_row row[SELFTEST_VMENTRY_ROWS_MAX];
    uint32_t reported; /* of the differences */
    struct selftest_vmentry_row difference[SELFTEST_VMENTRY_DIFFERENCES_MAX];
};

/*
 * Runs on the CPU that runs this, which is LOADED, and leaves it LOADED with an initialised VMCS.
 * Any difference is a finding. Of host-state fields only values are tried that the rules forbid:
 * where they are wrong, this machine dies. Takes pages and gives them back; without them there is a
 * finding and nothing is done.
 */
void selftest_vmentry_run(struct vmx_cpu *cpu, struct selftest_vmentry *selftest);
