/*
 * What the rules of a VM entry say about a VMCS that a text shows, on one CPU or on all those of
 * the corpus that could have run it.
 */
#pragma once

#include "tools/capability/dump.h"
#include "tools/entry/read_vmcs.h"
#include "vmx/entry/vmentry_check.h"

/* A CPU that may have been the one. */
struct entry_cpu {
    const char *id;
    const struct vmx_dump *dump;
    uint32_t lacking; /* bit n: it has MSR 0x480 + n, whose value is not known */
};

enum { ENTRY_CPUS_MAX = 512, FIELD_SET_WORDS = (VMCS_FIELD_COUNT + 31) / 32 };

enum rule_state { RULE_KEPT, RULE_BROKEN, RULE_DEPENDS, RULE_UNKNOWN };

struct checked_rule {
    enum rule_state state;
    bool needs_memory, needs_msrs;   /* of UNKNOWN; those MSRs that are lacking */
    uint32_t needs[FIELD_SET_WORDS]; /* of UNKNOWN: the fields that it lacks, by row */
    uint32_t looks[FIELD_SET_WORDS]; /* of BROKEN and DEPENDS: the fields that it looked at */
    unsigned breaks;                 /* on how many of the CPUs */
    const char *example;             /* one of them */
};

enum verdict { VERDICT_ENTERS, VERDICT_REFUSED, VERDICT_DEPENDS };

struct entry_check {
    enum verdict verdict;
    unsigned cpus;                 /* how many could be the one */
    const struct entry_cpu *first; /* of them; what is told of one CPU is told of it */
    const struct entry_cpu *cpu[ENTRY_CPUS_MAX];
    struct vmentry_findings findings; /* of the rules that are broken, on the first of them */
    struct vmentry_outcome outcome;   /* what these lead to */
    struct checked_rule rule[VMENTRY_RULE_COUNT];
};

/* What a rule can lack: a field, by its row, or one of these. */
enum { LACKS_MEMORY = VMCS_FIELD_COUNT, LACKS_MSRS, LACKS_COUNT };

bool checked_rule_lacks(const struct checked_rule *checked, uint32_t what);

const char *verdict_name(enum verdict verdict); /* "enters", "refused", "depends" */

/*
 * Checks the image. Of `count` CPUs, at least one, those count on which its control words are
 * least wrong, and the host's control registers: a dump is of a CPU on which somebody's hypervisor
 * ran.
 */
void check_entry(const struct vmcs_image *image, const struct entry_cpu *cpus, unsigned count,
                 struct entry_check *check);

/* Decides of the rules about entries of the VM-entry MSR-load area what those that are shown tell.
 */
void check_entry_msrs(const struct vmcs_image *image, const struct msr_list *list,
                      struct entry_check *check);

/*
 * Decides of the rules that lack a field, and lack no memory, those that are the same whatever that
 * field holds: broken, where a bit of a known field is wrong with all values that are tried for the
 * unknown ones; kept, where none breaks it.
 */
void check_entry_unknown(const struct vmcs_image *image, struct entry_check *check);

/* The verdict and what is told, from how many CPUs break each rule. */
void check_entry_conclude(struct entry_check *check);

/* Adds what the rules lack and look at, which takes a thousand times as long as a verdict. */
void check_entry_needs(const struct vmcs_image *image, struct entry_check *check);

/* What the engine finds on one CPU, where MSRs without a value are taken as `guess`. */
void check_entry_on(const struct vmcs_image *image, const struct entry_cpu *cpu, uint64_t guess,
                    struct vmentry_findings *findings);

/* The CPU as the engine sees it while the VMCS is `image`; MSRs without a value as above. */
struct vmentry_context check_entry_context(const struct vmcs_image *image,
                                           const struct entry_cpu *cpu, uint64_t guess,
                                           struct vmx_capability *capability);

/* A guess with which no control must be 1 and all may be. */
#define MSR_GUESS (0xffffffffull << 32)
