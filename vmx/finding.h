/*
 * Findings: what is worth reporting about this machine, as values. A decision gives a list, all of
 * them and not only the first. The rules stand in vmx/findings.def, and what is said of each in
 * vmx/text/finding_text.def; console, JSON, tools, tests and docs/refusals.md come from there.
 */
#pragma once

#include "lib/format.h"
#include "lib/set.h"

/* NONE, in the table: this rule says nothing in this mode. */
enum severity { SEVERITY_NONE, SEVERITY_NOTE, SEVERITY_WARNING, SEVERITY_REFUSAL };

/*
 * How severe the checks of IA32_VMX_BASIC are (the command line's `check=`).
 * VMX_CHECK_VIRTUAL is what `auto` means where CPUID says that a hypervisor is present.
 */
enum vmx_check { VMX_CHECK_KVM, VMX_CHECK_VIRTUAL, VMX_CHECK_STRICT, VMX_CHECK_COUNT };

#define RULE(id, ...) RULE_##id,
enum rule {
#include "vmx/findings.def"
    RULE_COUNT,
};

/* One row of vmx/findings.def. */
struct rule_row {
    const char *name;                        /* "basic-memory-type" */
    enum severity severity[VMX_CHECK_COUNT]; /* by mode */
};

extern const struct rule_row rule_table[RULE_COUNT];

/* A room that has sentences: of each rule and each VM-instruction error; NULL of no such one. */
struct rule_text {
    char text[200];   /* the sentence a person reads */
    char sdm[100];    /* section title, or another source */
    char remedy[400]; /* what the person can do */
};
struct vmx_texts {
    struct rule_text (*rule)(enum rule rule);
    const char *(*error)(uint32_t number);
};
SET_DECLARE(vmx_texts, const struct vmx_texts);

/* In `text`; NULL without such a room. */
static inline const struct rule_text *vmx_rule_text(enum rule rule, struct rule_text *text)
{
    SET_FOR_EACH(vmx_texts, room) {
        *text = (*room)->rule(rule);
        return text;
    }
    return NULL;
}

struct finding {
    enum rule rule;
    enum severity severity;
    uint32_t cpu;     /* that of the list */
    uint32_t msr;     /* MSR address, 0 where the rule is not about an MSR */
    int8_t high, low; /* bits, -1 where the rule is not about bits */
    uint64_t seen;    /* the field's value, shifted down to bit 0 where bits are named */
    uint64_t wanted;
    const char *detail; /* a name: of a control, register, field, instruction; or NULL */
};

/* A finding about no bits, and one about some: FINDING(RULE_MSR_READ_FAULT, .msr = msr). */
#define FINDING(of, ...) FINDING_AT(of, -1, -1, __VA_ARGS__)
#define FINDING_AT(of, highest, lowest, ...) \
    ((struct finding){.rule = (of), .high = (highest), .low = (lowest), __VA_ARGS__})

enum { FINDINGS_MAX = 48 };

struct findings {
    enum vmx_check check; /* how severe its findings are */
    uint32_t cpu;         /* that they are about; 0 is the boot CPU */
    uint32_t count;
    uint32_t lost; /* did not fit */
    struct finding item[FINDINGS_MAX];
};

/* Do they say the same, each of its CPU? */
bool finding_is_alike(const struct finding *a, const struct finding *b);

/* Appends, with the list's CPU and the severity that the rule has there; NONE appends nothing. */
void finding_add(struct findings *findings, struct finding finding);

/* Any refusal among them? A lost finding counts as one: silence is never consent. */
bool findings_refuse(const struct findings *findings);

const char *severity_name(enum severity severity); /* "note", "warning", "refusal" */

/*
 * As an element of an array of the report (docs/report.md). `cpus` are all that it was found on,
 * "0-3,5", NULL for its CPU alone; `apic_id` is its CPU's, NULL where not known; `text` NULL: none.
 */
void vmx_json_finding(struct json *json, const struct finding *finding, const char *cpus,
                      const uint32_t *apic_id, const struct rule_text *text);
