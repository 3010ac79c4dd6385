#include "vmx/selftest/selftest_guest.h"

#include "lib/x86.h"
#include "vmx/vmcs_field.h"

enum {
    EXIT_HOST_ADDRESS_SPACE_SIZE = 1 << 9,
    ENTRY_IA32E_MODE_GUEST = 1 << 9,
};

/* SDM Vol. 3, "Guest Register State", table "Format of Access Rights". */
enum {
    RIGHTS_CODE_64 = 0xa09b, /* accessed, readable, 64-bit, present, CPL 0 */
    RIGHTS_DATA = 0xc093,    /* accessed, writable, present */
    RIGHTS_TSS_BUSY = 0x8b,
    RIGHTS_UNUSABLE = 0x10000,
};

/* What a VM exit makes of DR7 and RFLAGS, and what they are after reset. */
enum { DR7_INITIAL = 0x400, RFLAGS_INITIAL = 0x2 };

/* The limit that a VM exit gives TR: a TSS without I/O bitmap. */
enum { TSS_LIMIT = 0x67 };

struct field_value {
    uint32_t field; /* enum vmcs_field, or one counted on from it */
    uint64_t value;
};

static struct vmx_result write_fields(const struct field_value *fields, unsigned count)
{
    struct vmx_result result = {VMX_SUCCEED, 0};

    for (unsigned i = 0; i < count && vmx_ok(result); i++)
        result = vmwrite(fields[i].field, fields[i].value);
    return result;
}

#define WRITE_FIELDS(fields) write_fields((fields), sizeof(fields) / sizeof *(fields))

/*
 * The allowed 0-settings are the bits that must be 1: nothing is asked for that this guest does
 * not need, so the secondary controls, and EPT with them, stay off. CPUID exits always.
 */
static uint32_t least_controls(const struct vmx_msrs *msrs, uint32_t msr, uint32_t true_msr)
{
    return (uint32_t)vmx_msr_value(msrs, vmx_msr_is_present(msrs, true_msr) ? true_msr : msr);
}

static struct vmx_result write_controls(const struct vmx_msrs *msrs)
{
    const struct field_value fields[] = {
        {VMCS_PIN_BASED_VM_EXECUTION_CONTROLS,
         least_controls(msrs, IA32_VMX_PINBASED_CTLS, IA32_VMX_TRUE_PINBASED_CTLS)},
        {VMCS_PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS,
         least_controls(msrs, IA32_VMX_PROCBASED_CTLS, IA32_VMX_TRUE_PROCBASED_CTLS)},
        {VMCS_PRIMARY_VM_EXIT_CONTROLS,
         least_controls(msrs, IA32_VMX_EXIT_CTLS, IA32_VMX_TRUE_EXIT_CTLS) |
             EXIT_HOST_ADDRESS_SPACE_SIZE},
        {VMCS_VM_ENTRY_CONTROLS,
         least_controls(msrs, IA32_VMX_ENTRY_CTLS, IA32_VMX_TRUE_ENTRY_CTLS) |
             ENTRY_IA32E_MODE_GUEST},
        {VMCS_EXCEPTION_BITMAP, 0},
        {VMCS_PAGE_FAULT_ERROR_CODE_MASK, 0},
        {VMCS_PAGE_FAULT_ERROR_CODE_MATCH, 0},
        {VMCS_CR3_TARGET_COUNT, 0},
        {VMCS_VM_EXIT_MSR_STORE_COUNT, 0},
        {VMCS_VM_EXIT_MSR_LOAD_COUNT, 0},
        {VMCS_VM_ENTRY_MSR_LOAD_COUNT, 0},
        {VMCS_VM_ENTRY_INTERRUPTION_INFORMATION, 0},
        {VMCS_CR0_GUEST_HOST_MASK, 0},
        {VMCS_CR4_GUEST_HOST_MASK, 0},
    };

    return WRITE_FIELDS(fields);
}

static struct vmx_result write_host(const struct x86_segments *s, uint64_t fs_base,
                                    uint64_t gs_base)
{
    const struct field_value fields[] = {
        {VMCS_HOST_CR0, read_cr0()},        {VMCS_HOST_CR3, read_cr3()},
        {VMCS_HOST_CR4, read_cr4()},        {VMCS_HOST_ES_SELECTOR, s->es},
        {VMCS_HOST_CS_SELECTOR, s->cs},     {VMCS_HOST_SS_SELECTOR, s->ss},
        {VMCS_HOST_DS_SELECTOR, s->ds},     {VMCS_HOST_FS_SELECTOR, s->fs},
        {VMCS_HOST_GS_SELECTOR, s->gs},     {VMCS_HOST_TR_SELECTOR, s->tr},
        {VMCS_HOST_FS_BASE, fs_base},       {VMCS_HOST_GS_BASE, gs_base},
        {VMCS_HOST_TR_BASE, s->tr_base},    {VMCS_HOST_GDTR_BASE, s->gdt.base},
        {VMCS_HOST_IDTR_BASE, s->idt.base}, {VMCS_HOST_IA32_SYSENTER_CS, 0},
        {VMCS_HOST_IA32_SYSENTER_ESP, 0},   {VMCS_HOST_IA32_SYSENTER_EIP, 0},
    };

    return WRITE_FIELDS(fields);
}

static struct vmx_result write_guest_registers(const struct x86_segments *s)
{
    const struct field_value fields[] = {
        {VMCS_GUEST_CR0, read_cr0()},          {VMCS_GUEST_CR3, read_cr3()},
        {VMCS_GUEST_CR4, read_cr4()},          {VMCS_GUEST_DR7, DR7_INITIAL},
        {VMCS_GUEST_RFLAGS, RFLAGS_INITIAL},   {VMCS_GUEST_GDTR_BASE, s->gdt.base},
        {VMCS_GUEST_GDTR_LIMIT, s->gdt.limit}, {VMCS_GUEST_IDTR_BASE, s->idt.base},
        {VMCS_GUEST_IDTR_LIMIT, s->idt.limit}, {VMCS_GUEST_IA32_DEBUGCTL, 0},
        {VMCS_GUEST_IA32_SYSENTER_CS, 0},      {VMCS_GUEST_IA32_SYSENTER_ESP, 0},
        {VMCS_GUEST_IA32_SYSENTER_EIP, 0},     {VMCS_GUEST_INTERRUPTIBILITY_STATE, 0},
        {VMCS_GUEST_ACTIVITY_STATE, 0},        {VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS, 0},
        {VMCS_LINK_POINTER, UINT64_MAX},
    };

    return WRITE_FIELDS(fields);
}

static struct vmx_result write_segment(enum vmcs_field selector_field, uint16_t selector,
                                       uint64_t base, uint32_t limit, uint32_t rights)
{
    /* The segment registers stand in the same order in each group of fields. */
    unsigned offset = selector_field - VMCS_GUEST_ES_SELECTOR;
    const struct field_value fields[] = {
        {selector_field, selector},
        {VMCS_GUEST_ES_BASE + offset, base},
        {VMCS_GUEST_ES_LIMIT + offset, limit},
        {VMCS_GUEST_ES_ACCESS_RIGHTS + offset, rights},
    };

    return WRITE_FIELDS(fields);
}

static struct vmx_result write_guest_segments(const struct x86_segments *s, uint64_t fs_base,
                                              uint64_t gs_base)
{
    const struct {
        enum vmcs_field selector_field;
        uint16_t selector;
        uint64_t base;
        uint32_t limit, rights;
    } segments[] = {
        {VMCS_GUEST_ES_SELECTOR, s->es, 0, UINT32_MAX, RIGHTS_DATA},
        {VMCS_GUEST_CS_SELECTOR, s->cs, 0, UINT32_MAX, RIGHTS_CODE_64},
        {VMCS_GUEST_SS_SELECTOR, s->ss, 0, UINT32_MAX, RIGHTS_DATA},
        {VMCS_GUEST_DS_SELECTOR, s->ds, 0, UINT32_MAX, RIGHTS_DATA},
        {VMCS_GUEST_FS_SELECTOR, s->fs, fs_base, UINT32_MAX, RIGHTS_DATA},
        {VMCS_GUEST_GS_SELECTOR, s->gs, gs_base, UINT32_MAX, RIGHTS_DATA},
        {VMCS_GUEST_LDTR_SELECTOR, 0, 0, 0, RIGHTS_UNUSABLE},
        {VMCS_GUEST_TR_SELECTOR, s->tr, s->tr_base, TSS_LIMIT, RIGHTS_TSS_BUSY},
    };
    struct vmx_result result = {VMX_SUCCEED, 0};

    for (unsigned i = 0; i < sizeof segments / sizeof *segments && vmx_ok(result); i++)
        result = write_segment(segments[i].selector_field, segments[i].selector, segments[i].base,
                               segments[i].limit, segments[i].rights);
    return result;
}

struct vmx_result selftest_guest_write(const struct vmx_msrs *msrs)
{
    const struct x86_segments segments = x86_segments();
    uint64_t fs_base, gs_base;
    struct vmx_result result;

    (void)rdmsr_safe(IA32_FS_BASE, &fs_base);
    (void)rdmsr_safe(IA32_GS_BASE, &gs_base);
    result = write_controls(msrs);
    if (vmx_ok(result))
        result = write_host(&segments, fs_base, gs_base);
    if (vmx_ok(result))
        result = write_guest_registers(&segments);
    if (vmx_ok(result))
        result = write_guest_segments(&segments, fs_base, gs_base);
    return result;
}
