/*
 * What would Rootmode do on a CPU with these values: which stages it could reach, and what each of
 * the others lacks. One table says what each stage needs; a stage needs what those before it need.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tools/capability/dump.h"
#include "vmx/finding.h"
#include "vmx/capability/vmx_controls.h"
#include "vmx/capability/vmx_msr.h"

enum stage {
    STAGE_CAPS,               /* the capabilities are read and reported */
    STAGE_VMXON,              /* VMX root operation on every CPU */
    STAGE_VMPTRLD,            /* a VMCS of its own is loaded on every CPU */
    STAGE_GUEST,              /* a 64-bit guest on page tables of the hypervisor, without EPT */
    STAGE_GUEST_EPT,          /* a guest with paging of its own, whose memory EPT translates */
    STAGE_UNRESTRICTED_GUEST, /* a guest that may run in real mode and without paging */
    STAGE_COUNT,
};

enum stage_verdict {
    STAGE_OK,
    STAGE_REFUSED,    /* a value that is there does not allow it */
    STAGE_INCOMPLETE, /* what is there allows it; an MSR without which it cannot be known is not */
};

enum stage_need {
    NEED_ONE,     /* the feature is offered: a flag is 1, a control may be 1 */
    NEED_ZERO,    /* the flag is 0, or the control may be 0 */
    NEED_BETWEEN, /* the field's value is at least `low` and at most `high` */
    NEED_ENABLED, /* the flag is 1, or IA32_FEATURE_CONTROL is unlocked, or its value unknown */
};

struct stage_requirement {
    enum stage stage;    /* the first stage that needs it */
    const char *feature; /* id, tools/capability/vmx_feature.h */
    enum stage_need need;
    uint64_t low, high; /* of NEED_BETWEEN */
    const char *why;    /* a plain sentence, without a full stop */
};

/* By stage. */
enum { STAGE_REQUIREMENTS_MAX = 32 };
extern const struct stage_requirement stage_requirements[];
extern const uint32_t stage_requirement_count;

struct stage_result {
    enum stage_verdict verdict;
    uint32_t missing; /* bit n: stage_requirements[n], of this or an earlier stage, is not met */
    uint32_t unknown; /* likewise: cannot be known, its MSR has no value */
};

struct stage_report {
    struct stage_result stage[STAGE_COUNT];
    enum stage reached;         /* the last stage whose verdict is ok, no gap before it */
    enum stage_verdict verdict; /* of the whole: may Rootmode go into VMX operation here? */
    uint32_t lacking;           /* bit n: MSR 0x480 + n should exist but has no value */
    struct vmcs_config config;
    struct findings findings; /* of derivation, IA32_FEATURE_CONTROL and consistency checks */
};

/* Checks one CPU's values. `report` is filled whole. */
void stage_check(const struct vmx_dump *dump, enum vmx_check mode, struct stage_report *report);

const char *stage_name(enum stage stage); /* "caps", "vmxon", "vmptrld", "guest", "guest-ept", … */
const char *stage_title(enum stage stage);                  /* "guest with EPT" … */
const char *stage_verdict_name(enum stage_verdict verdict); /* "ok", "refused", "incomplete" */
