/* The rules of vmx/entry/vmentry_rules.def: is an entry of the MSR-load area broken? */
#include "lib/x86.h"
#include "vmx/entry/vmentry_state.h"

#define IA32_BIOS_UPDT_TRIG  0x79u
#define IA32_BIOS_SIGN_ID    0x8bu
#define IA32_SMM_MONITOR_CTL 0x9bu

bool vmentry_msr_reserved(const struct vmentry_state *state, const struct vmentry_msr_entry *entry)
{
    (void)state;
    return entry->reserved != 0;
}

bool vmentry_msr_fs_gs(const struct vmentry_state *state, const struct vmentry_msr_entry *entry)
{
    (void)state;
    return entry->index == IA32_FS_BASE || entry->index == IA32_GS_BASE;
}

bool vmentry_msr_x2apic(const struct vmentry_state *state, const struct vmentry_msr_entry *entry)
{
    (void)state;
    return entry->index >> 8 == IA32_X2APIC_FIRST >> 8;
}

bool vmentry_msr_smm(const struct vmentry_state *state, const struct vmentry_msr_entry *entry)
{
    (void)state;
    return entry->index == IA32_SMM_MONITOR_CTL;
}

/* SDM Vol. 4, of both: a processor may prevent writing to this MSR when it loads guest state. */
bool vmentry_msr_microcode(const struct vmentry_state *state, const struct vmentry_msr_entry *entry)
{
    (void)state;
    return entry->index == IA32_BIOS_UPDT_TRIG || entry->index == IA32_BIOS_SIGN_ID;
}

bool vmentry_msr_fault(const struct vmentry_state *state, const struct vmentry_msr_entry *entry)
{
    const struct vmentry_context *context = state->context;

    return context->msr_write_faults &&
           context->msr_write_faults(context, entry->index, entry->value);
}
