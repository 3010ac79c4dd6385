/*
 * The VMX capability MSRs by name, and the raw values that RDMSR gave for them on one CPU.
 *
 * SDM Vol. 3, appendix "VMX Capability Reporting Facility".
 */
#pragma once

#include "vmx/finding.h"

/* In the order of their addresses: those before one say whether it exists. */
#define VMX_MSR_TABLE(MSR)              \
    MSR(VMX_BASIC, 0x480)               \
    MSR(VMX_PINBASED_CTLS, 0x481)       \
    MSR(VMX_PROCBASED_CTLS, 0x482)      \
    MSR(VMX_EXIT_CTLS, 0x483)           \
    MSR(VMX_ENTRY_CTLS, 0x484)          \
    MSR(VMX_MISC, 0x485)                \
    MSR(VMX_CR0_FIXED0, 0x486)          \
    MSR(VMX_CR0_FIXED1, 0x487)          \
    MSR(VMX_CR4_FIXED0, 0x488)          \
    MSR(VMX_CR4_FIXED1, 0x489)          \
    MSR(VMX_VMCS_ENUM, 0x48a)           \
    MSR(VMX_PROCBASED_CTLS2, 0x48b)     \
    MSR(VMX_EPT_VPID_CAP, 0x48c)        \
    MSR(VMX_TRUE_PINBASED_CTLS, 0x48d)  \
    MSR(VMX_TRUE_PROCBASED_CTLS, 0x48e) \
    MSR(VMX_TRUE_EXIT_CTLS, 0x48f)      \
    MSR(VMX_TRUE_ENTRY_CTLS, 0x490)     \
    MSR(VMX_VMFUNC, 0x491)              \
    MSR(VMX_PROCBASED_CTLS3, 0x492)     \
    MSR(VMX_EXIT_CTLS2, 0x493)

#define VMX_MSR_ADDRESS(name, address) IA32_##name = (address),
enum vmx_msr { VMX_MSR_TABLE(VMX_MSR_ADDRESS) };

enum { VMX_MSR_FIRST = IA32_VMX_BASIC, VMX_MSR_LAST = IA32_VMX_EXIT_CTLS2 };
enum { VMX_MSR_COUNT = VMX_MSR_LAST - VMX_MSR_FIRST + 1 };

/* Raw values, as RDMSR gave them on one CPU (or as a dump, or `pretend=`, says). */
struct vmx_msrs {
    uint32_t present; /* bit n: MSR 0x480 + n was read (or given) */
    uint64_t value[VMX_MSR_COUNT];
};

/* "IA32_VMX_BASIC" for 0x480 …; NULL for an address that is none of these. */
const char *vmx_msr_name(uint32_t msr);

/* The value is 0 where it is not present; setting an address outside the table does nothing. */
uint64_t vmx_msr_value(const struct vmx_msrs *msrs, uint32_t msr);
bool vmx_msr_is_present(const struct vmx_msrs *msrs, uint32_t msr);
void vmx_msr_set(struct vmx_msrs *msrs, uint32_t msr, uint64_t value);

/*
 * Does this CPU have that MSR? The values of MSRs with lower addresses say it, so that reading in
 * the table's order never touches one that is not there.
 */
bool vmx_msr_exists(const struct vmx_msrs *msrs, uint32_t msr);

/* The same, but where an MSR that would say it has no value, the answer is yes. */
bool vmx_msr_may_exist(const struct vmx_msrs *msrs, uint32_t msr);

/* Its value if it exists and was read, 0 (no capability) if not. */
uint64_t vmx_msr_capability(const struct vmx_msrs *msrs, uint32_t msr);

/* The TRUE MSR of a control word in place of its plain one, where it exists and was read. */
uint32_t vmx_msr_true(const struct vmx_msrs *msrs, uint32_t msr);

/* The report's object "msrs", by address; `feature_control` NULL: there is none. */
void vmx_json_msrs(struct json *json, const struct vmx_msrs *msrs, const uint64_t *feature_control);

/*
 * pretend=[cpuN:]MSR:VALUE: check from VALUE instead of what RDMSR gave for a capability MSR, so
 * that every refusal can be seen on any machine. The hardware is never touched with it.
 */
struct override {
    bool every_cpu;
    uint32_t cpu; /* index, where not every CPU; 0 is the boot CPU */
    uint32_t msr;
    uint64_t value;
};

enum { OVERRIDES_MAX = 16 };

struct override_list {
    uint32_t count;
    struct override item[OVERRIDES_MAX];
};

/*
 * Copies `in` to `out` with the values that the list gives for that CPU in place; of two values for
 * one MSR the later one counts. Each is a note, so that no report made from invented values can
 * pass for a real one, or where this CPU has no such MSR a warning.
 */
void override_apply(const struct override_list *list, const struct vmx_msrs *in,
                    struct vmx_msrs *out, struct findings *findings);
