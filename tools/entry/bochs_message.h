/*
 * What Bochs says into its log where it refuses a VM entry.
 */
#pragma once

#include "tools/capability/piece.h"
#include "vmx/entry/vmentry_rule.h"

/*
 * The rules that a line of the log may be about, up to VMENTRY_RULE_COUNT; `*message` is the line
 * without its prefix. NULL where it is about no VM entry that was refused.
 */
const enum vmentry_rule *bochs_message(struct piece line, struct piece *message);
