#include "vmx/selftest_guest.h"

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
        {PIN_BASED_VM_EXEC_CONTROL,
         least_controls(msrs, IA32_VMX_PINBASED_CTLS, IA32_VMX_TRUE_PINBASED_CTLS)},
        {CPU_BASED_VM_EXEC_CONTROL,
         least_controls(msrs, IA32_VMX_PROCBASED_CTLS, IA32_VMX_TRUE_PROCBASED_CTLS)},
        {VM_EXIT_CONTROLS, least_controls(msrs, IA32_VMX_EXIT_CTLS, IA32_VMX_TRUE_EXIT_CTLS) |
                               EXIT_HOST_ADDRESS_SPACE_SIZE},
        {VM_ENTRY_CONTROLS, least_controls(msrs, IA32_VMX_ENTRY_CTLS, IA32_VMX_TRUE_ENTRY_CTLS) |
                                ENTRY_IA32E_MODE_GUEST},
        {EXCEPTION_BITMAP, 0},
        {PAGE_FAULT_ERROR_CODE_MASK, 0},
        {PAGE_FAULT_ERROR_CODE_MATCH, 0},
        {CR3_TARGET_COUNT, 0},
        {VM_EXIT_MSR_STORE_COUNT, 0},
        {VM_EXIT_MSR_LOAD_COUNT, 0},
        {VM_ENTRY_MSR_LOAD_COUNT, 0},
        {VM_ENTRY_INTERRUPTION_INFORMATION, 0},
        {CR0_GUEST_HOST_MASK, 0},
        {CR4_GUEST_HOST_MASK, 0},
    };

    return WRITE_FIELDS(fields);
}

static struct vmx_result write_host(const struct x86_segments *s, uint64_t fs_base,
                                    uint64_t gs_base)
{
    const struct field_value fields[] = {
        {HOST_CR0, read_cr0()},     {HOST_CR3, read_cr3()},        {HOST_CR4, read_cr4()},
        {HOST_ES_SELECTOR, s->es},  {HOST_CS_SELECTOR, s->cs},     {HOST_SS_SELECTOR, s->ss},
        {HOST_DS_SELECTOR, s->ds},  {HOST_FS_SELECTOR, s->fs},     {HOST_GS_SELECTOR, s->gs},
        {HOST_TR_SELECTOR, s->tr},  {HOST_FS_BASE, fs_base},       {HOST_GS_BASE, gs_base},
        {HOST_TR_BASE, s->tr_base}, {HOST_GDTR_BASE, s->gdt.base}, {HOST_IDTR_BASE, s->idt.base},
        {HOST_IA32_SYSENTER_CS, 0}, {HOST_IA32_SYSENTER_ESP, 0},   {HOST_IA32_SYSENTER_EIP, 0},
    };

    return WRITE_FIELDS(fields);
}

static struct vmx_result write_guest_registers(const struct x86_segments *s)
{
    const struct field_value fields[] = {
        {GUEST_CR0, read_cr0()},          {GUEST_CR3, read_cr3()},
        {GUEST_CR4, read_cr4()},          {GUEST_DR7, DR7_INITIAL},
        {GUEST_RFLAGS, RFLAGS_INITIAL},   {GUEST_GDTR_BASE, s->gdt.base},
        {GUEST_GDTR_LIMIT, s->gdt.limit}, {GUEST_IDTR_BASE, s->idt.base},
        {GUEST_IDTR_LIMIT, s->idt.limit}, {GUEST_IA32_DEBUGCTL, 0},
        {GUEST_IA32_SYSENTER_CS, 0},      {GUEST_IA32_SYSENTER_ESP, 0},
        {GUEST_IA32_SYSENTER_EIP, 0},     {GUEST_INTERRUPTIBILITY_STATE, 0},
        {GUEST_ACTIVITY_STATE, 0},        {GUEST_PENDING_DEBUG_EXCEPTIONS, 0},
        {VMCS_LINK_POINTER, UINT64_MAX},
    };

    return WRITE_FIELDS(fields);
}

static struct vmx_result write_segment(enum vmcs_field selector_field, uint16_t selector,
                                       uint64_t base, uint32_t limit, uint32_t rights)
{
    /* The segment registers stand in the same order in each group of fields. */
    unsigned offset = selector_field - GUEST_ES_SELECTOR;
    const struct field_value fields[] = {
        {selector_field, selector},
        {GUEST_ES_BASE + offset, base},
        {GUEST_ES_LIMIT + offset, limit},
        {GUEST_ES_ACCESS_RIGHTS + offset, rights},
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
        {GUEST_ES_SELECTOR, s->es, 0, UINT32_MAX, RIGHTS_DATA},
        {GUEST_CS_SELECTOR, s->cs, 0, UINT32_MAX, RIGHTS_CODE_64},
        {GUEST_SS_SELECTOR, s->ss, 0, UINT32_MAX, RIGHTS_DATA},
        {GUEST_DS_SELECTOR, s->ds, 0, UINT32_MAX, RIGHTS_DATA},
        {GUEST_FS_SELECTOR, s->fs, fs_base, UINT32_MAX, RIGHTS_DATA},
        {GUEST_GS_SELECTOR, s->gs, gs_base, UINT32_MAX, RIGHTS_DATA},
        {GUEST_LDTR_SELECTOR, 0, 0, 0, RIGHTS_UNUSABLE},
        {GUEST_TR_SELECTOR, s->tr, s->tr_base, TSS_LIMIT, RIGHTS_TSS_BUSY},
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
