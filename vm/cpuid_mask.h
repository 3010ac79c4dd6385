/*
 * A room: which leaves of CPUID a policy shows as they are, so that their exits take the short way.
 * Pure.
 */
#pragma once

#include "vm/vm.h"

/* A leaf that has none of these bits shows what the processor says. */
uint32_t vm_policy_cpuid_mask(const struct vm_policy *policy);
