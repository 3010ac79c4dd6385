/*
 * The engine's values as JSON, in the shapes of the boot report: what the kernel reports and what
 * tools/vmxcap prints are the same, docs/report.md says what each part means.
 */
#ifndef VMX_VMX_JSON_H
#define VMX_VMX_JSON_H

#include <stdint.h>

#include "lib/json.h"
#include "vmx/capability/field.h"
#include "vmx/finding.h"
#include "vmx/capability/vmx_dump.h"

/* What is said of a rule beside its sentence. */
struct rule_advice {
    const char *sdm;    /* section title, or another source */
    const char *remedy; /* what the person can do */
};

extern const struct rule_advice rule_advice[RULE_COUNT];

/*
 * One finding, as an element of an array. `cpus` are all that it was found on, "0-3,5", NULL for
 * its CPU alone; `apic_id` is that of its CPU, NULL where not known.
 */
void vmx_json_finding(struct json *json, const struct finding *finding, const char *cpus,
                      const uint32_t *apic_id);

/* The object "msrs": each MSR that has a value, by its address in hex. */
void vmx_json_msrs(struct json *json, const struct vmx_dump *dump);

/* The object `name`: a structure whose fields a table names. */
void vmx_json_fields(struct json *json, const char *name, const struct field *fields,
                     uint32_t count, const void *values);

#endif
