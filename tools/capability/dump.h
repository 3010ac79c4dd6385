#pragma once

#include "vmx/capability/vmx_msr.h"

/*
 * What a dump, or RDMSR, gives of one CPU: the capability MSRs and, where known,
 * IA32_FEATURE_CONTROL. The engine (features, consistency checks, stages) checks this.
 */
struct vmx_dump {
    struct vmx_msrs msrs;
    bool has_feature_control; /* IA32_FEATURE_CONTROL was read; many dumps leave it out */
    uint64_t feature_control;
};
