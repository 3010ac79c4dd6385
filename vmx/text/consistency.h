/*
 * What the capability MSRs of one CPU say about each other: TRUE against plain, a capability
 * without the control that uses it, a control without another one that it needs, a register that
 * is switched on the way in and not on the way out. Notes and warnings: the derivation itself
 * (vmx/capability/vmcs_config.c) refuses what cannot work.
 *
 * SDM Vol. 3, "Checks on VMX Controls" (VM entries); appendix "VMX Capability Reporting Facility".
 */
#pragma once

#include "vmx/capability/vmx_controls.h"

/* Adds a finding for each contradiction. An MSR that has no value is not checked. */
void consistency_check(const struct vmx_msrs *msrs, struct findings *findings);
