/*
 * The engine's values as JSON, in the shapes of the boot report: what the kernel reports and what
 * tools/vmxcap prints are the same, docs/report.md says what each part means.
 */
#ifndef VMX_VMX_JSON_H
#define VMX_VMX_JSON_H

#include <stdint.h>

#include "lib/format.h"
#include "vmx/capability/vmx_capability.h"
#include "vmx/finding.h"

/*
 * One finding, as an element of an array. `cpus` are all that it was found on, "0-3,5", NULL for
 * its CPU alone; `apic_id` is that of its CPU, NULL where not known; `advice` NULL: none is given.
 */
void vmx_json_finding(struct json *json, const struct finding *finding, const char *cpus,
                      const uint32_t *apic_id, const struct rule_advice *advice);

/* The object "msrs": each MSR that has a value, by its address in hex. */
void vmx_json_msrs(struct json *json, const struct vmx_dump *dump);

/* The object `name`: a structure whose fields a table names. */
void vmx_json_fields(struct json *json, const char *name, const struct field *fields,
                     uint32_t count, const void *values);

#endif
