/*
 * Where a rule of VM entry looks, for the page about the rules (tools/gen_entry_rules.c).
 */
#pragma once

#include "vmx/entry/vmentry_rule.h"

/*
 * Gives the n-th field that the rule's row names and true, or false where there are no more, or the
 * rule's code alone knows.
 */
bool rule_field(enum vmentry_rule rule, unsigned n, enum vmcs_field *field);
