/*
 * Whether an image is one of those that a departure of vmx/selftest/departures.def is about. Only
 * those of the emulators that are here (vmx/quirks.h) count.
 */
#pragma once

#include "vmx/entry/vmentry_check.h"

#define VMENTRY_DEPARTURE(id, ...) DEPARTURE_##id,
enum vmentry_departure {
#include "vmx/selftest/departures.def"
    VMENTRY_DEPARTURE_COUNT,
};
#undef VMENTRY_DEPARTURE

enum vmentry_departure_kind {
    DEPARTURE_LAXER,    /* it allows what the rule forbids */
    DEPARTURE_STRICTER, /* it refuses what the rule allows */
    DEPARTURE_FATAL,    /* it ends itself where the rule is broken: not to be tried */
};

/* In place of a rule: any that fails as guest state. */
#define VMENTRY_GUEST_STATE VMENTRY_RULE_COUNT

struct vmentry_departure_text {
    uint32_t emulators;
    enum vmentry_rule rule;
    enum vmentry_departure_kind kind;
    const char *text; /* what it does, and why */
    /* What it depends on: the image, and what breaks the rule in it, or NULL; NULL: nothing. */
    bool (*when)(const struct vmcs_image *image, const struct vmentry_finding *finding);
};

extern const struct vmentry_departure_text vmentry_departure_table[VMENTRY_DEPARTURE_COUNT];

/*
 * By which of its kind does this machine depart over the finding, one of those that vmentry_check()
 * made of the image; of DEPARTURE_STRICTER, where no rule is broken, NULL? VMENTRY_DEPARTURE_COUNT:
 * by none.
 */
enum vmentry_departure vmentry_departs(enum vmentry_departure_kind kind,
                                       const struct vmcs_image *image,
                                       const struct vmentry_finding *finding);

/* The first of a set of emulators (vmx/quirks.h) by name, with its version; NULL of none. */
const char *emulator_name(uint32_t emulators);
