/*
 * What the report says of the self-test of VM entries (vmx/selftest/selftest_vmentry.h).
 */
#ifndef KERNEL_REPORT_ENTRY_H
#define KERNEL_REPORT_ENTRY_H

#include "lib/json.h"
#include "vmx/selftest/selftest_vmentry.h"

/* A chapter of the console's page; nothing where the self-test did not run. */
void report_entry_text(const struct selftest_vmentry *selftest);

/* The member "selftest_entry": null where the self-test did not run. */
void report_entry_json(struct json *json, const struct selftest_vmentry *selftest);

/* How outcome, rule and field are called in both. */
const char *report_entry_class(struct vmentry_outcome outcome);
const char *report_entry_rule(enum vmentry_rule rule);
const char *report_entry_field(enum vmcs_field field);

#endif
