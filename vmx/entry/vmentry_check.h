/*
 * Why would a VM entry fail? Checks the image of a VMCS by every check that the SDM says VMLAUNCH
 * and VMRESUME perform. Each check is a rule of vmx/entry/vmentry_rules.def; all that are broken
 * are reported, not only the one at which a processor would stop.
 *
 * SDM Vol. 3, "Checks on VMX Controls and Host-State Area", "Checking and Loading Guest State",
 * "Loading MSRs". The VM entry is taken to begin outside system-management mode. The launch state
 * of the VMCS, and blocking by MOV SS in the host, are not in the image and are not checked here.
 */
#pragma once

#include "vmx/entry/vmentry_rule.h"

struct vmentry_finding {
    enum vmentry_rule rule;
    enum vmcs_field field; /* the field that breaks it; of rules about MSRs their area's address */
    uint64_t seen, wanted; /* wanted: the nearest value that would do, or one of several */
    uint32_t entry;        /* from 1 up: number in the VM-entry MSR-load area; else 0 */
};

enum { VMENTRY_FINDINGS_MAX = 64 };

struct vmentry_findings {
    uint32_t count;
    uint32_t lost;   /* did not fit */
    uint32_t unread; /* rules that could not be checked, for want of a field or of memory */
    uint32_t unchecked[(VMENTRY_RULE_COUNT + 31) / 32]; /* which, by bit */
    struct vmentry_finding item[VMENTRY_FINDINGS_MAX];
};

/*
 * Checks the image; fills `findings` whole, in the order of the rules. A field that the image does
 * not have is unknown, not 0: a rule that looks at it cannot be checked.
 */
void vmentry_check(const struct vmcs_image *image, const struct vmentry_context *context,
                   struct vmentry_findings *findings);

/*
 * Likewise the current VMCS of the CPU that runs this, which goes to `image`; without one the image
 * is empty, and no rule is broken. Memory is what memory_read() gives (mm/memory_use.h).
 */
void vmentry_check_current(const struct vmx_capability *capability, uint32_t revision_id,
                           struct vmcs_image *image, struct vmentry_findings *findings);

/* The field of a word of controls (enum vmx_control_word). */
enum vmcs_field vmentry_word_field(unsigned word);

/* Adds what this rule alone finds. */
void vmentry_check_rule(const struct vmcs_image *image, const struct vmentry_context *context,
                        enum vmentry_rule rule, struct vmentry_findings *findings);

/* What a processor does, or did. */
struct vmentry_outcome {
    enum vmentry_class class;
    uint64_t qualification; /* with VMENTRY_GUEST and VMENTRY_MSR_LOAD */
};

/*
 * What a processor will most likely do. The SDM leaves the order of controls and host state open;
 * processors check controls first. Of rules of one class the first one counts.
 */
struct vmentry_outcome vmentry_predict(const struct vmentry_findings *findings);

/* Does the SDM allow that outcome where these rules are broken, and no others? */
bool vmentry_allows(const struct vmentry_findings *findings, struct vmentry_outcome outcome);

/* Is this one of the rules that could not be checked? */
static inline bool vmentry_is_unchecked(const struct vmentry_findings *findings,
                                        enum vmentry_rule rule)
{
    return findings->unchecked[rule / 32] >> rule % 32 & 1;
}

/* Is this one of the rules that are broken? */
bool vmentry_has(const struct vmentry_findings *findings, enum vmentry_rule rule);

/* "VMfailValid 7", "VMfailValid 8", "exit reason 33", "exit reason 34", "enters". */
const char *vmentry_class_name(enum vmentry_class class);

/* What that means, in a sentence or two. */
const char *vmentry_class_text(enum vmentry_class class);

/*
 * Reports a finding to a person, in lines of at most 80 columns: rule, section of the manual, what
 * must hold, and which field has what value and might have which.
 */
void vmentry_explain(struct sink *sink, const struct vmentry_finding *finding);

/* The names of the rules that are broken, each once, with commas between. */
void vmentry_names_print(struct sink *sink, const struct vmentry_findings *findings);
