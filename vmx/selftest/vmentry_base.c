/* The images that can be entered: vmx/vmentry_trial.h. */
#include "lib/string.h"
#include "lib/x86.h"
#include "vmx/eptp.h"
#include "vmx/entry/vmentry_state.h"
#include "vmx/selftest/vmentry_trial.h"

/* What a base is; the rest is the same in all of them. */
static const struct base {
    const char *name;
    bool ia32e, pae, paging, v8086, ept, unrestricted;
    uint32_t code, data, limit; /* access rights and limit of the segments */
    uint16_t selector;
} bases[VMENTRY_BASE_COUNT] = {
    [VMENTRY_BASE_LONG] = {"64-bit", true, true, true, false, false, false, 0xa09b, 0xc093,
                           UINT32_MAX, 8},
    [VMENTRY_BASE_LONG_EPT] = {"64-bit, EPT", true, true, true, false, true, false, 0xa09b, 0xc093,
                               UINT32_MAX, 8},
    [VMENTRY_BASE_PAE] = {"PAE", false, true, true, false, false, false, 0xc09b, 0xc093, UINT32_MAX,
                          8},
    [VMENTRY_BASE_PAE_EPT] = {"PAE, EPT", false, true, true, false, true, false, 0xc09b, 0xc093,
                              UINT32_MAX, 8},
    [VMENTRY_BASE_PROTECTED] = {"32-bit", false, false, true, false, false, false, 0xc09b, 0xc093,
                                UINT32_MAX, 8},
    [VMENTRY_BASE_V8086] = {"virtual-8086", false, false, true, true, false, false, 0xf3, 0xf3,
                            0xffff, 0x100},
    [VMENTRY_BASE_REAL] = {"real mode", false, false, false, false, true, true, 0x9b, 0x93, 0xffff,
                           0x100},
    [VMENTRY_BASE_LONG_FREE] = {"64-bit, unrestricted", true, true, true, false, true, true, 0xa09b,
                                0xc093, UINT32_MAX, 8},
};

enum { RIGHTS_TSS = 0x8b, TSS_LIMIT = 0x67, TSS_SELECTOR = 0x18, DR7_INITIAL = 0x400 };

#define PAT_INITIAL   0x0007040600070406ull
#define EPTP_INITIAL  (EPTP_WALK_4 | 6) /* write-back */
#define NO_LINK       UINT64_MAX
#define RFLAGS_SET    2ull
#define GUEST_ADDRESS 0x1000

/* Addresses that the processor may use when a control is changed at random. */
static const enum vmcs_field scratch_fields[] = {
    VMCS_ADDRESS_OF_IO_BITMAP_A,
    VMCS_ADDRESS_OF_IO_BITMAP_B,
    VMCS_ADDRESS_OF_MSR_BITMAPS,
    VMCS_VM_EXIT_MSR_STORE_ADDRESS,
    VMCS_VM_EXIT_MSR_LOAD_ADDRESS,
    VMCS_VM_ENTRY_MSR_LOAD_ADDRESS,
    VMCS_PML_ADDRESS,
    VMCS_VIRTUAL_APIC_ADDRESS,
    VMCS_APIC_ACCESS_ADDRESS,
    VMCS_POSTED_INTERRUPT_DESCRIPTOR_ADDRESS,
    VMCS_EPTP_LIST_ADDRESS,
    VMCS_VMREAD_BITMAP_ADDRESS,
    VMCS_VMWRITE_BITMAP_ADDRESS,
    VMCS_VIRTUALIZATION_EXCEPTION_INFORMATION_ADDRESS,
    VMCS_SUB_PAGE_PERMISSION_TABLE_POINTER,
    VMCS_LOW_PASID_DIRECTORY_ADDRESS,
    VMCS_HIGH_PASID_DIRECTORY_ADDRESS,
    VMCS_HLAT_POINTER,
    VMCS_PID_POINTER_TABLE_ADDRESS,
};

const char *vmentry_base_name(enum vmentry_base base)
{
    return bases[base].name;
}

/* Gives a field its value, if this processor has the field. */
static void put(const struct vmentry_ground *ground, struct vmcs_image *image,
                enum vmcs_field field, uint64_t value)
{
    if (vmcs_field_exists(field, ground->context->capability))
        vmcs_image_set(image, field, value);
}

static void put_controls(const struct vmentry_ground *ground, const struct base *base,
                         struct vmcs_image *image)
{
    const struct vmx_capability *capability = ground->context->capability;
    uint64_t secondary = capability->secondary_allowed0 | (base->ept ? SECONDARY_ENABLE_EPT : 0) |
                         (base->unrestricted ? SECONDARY_UNRESTRICTED_GUEST : 0);
    uint64_t both =
        capability->exit_allowed1 & EXIT_LOAD_EFER && capability->entry_allowed1 & ENTRY_LOAD_EFER;
    uint64_t pat =
        capability->exit_allowed1 & EXIT_LOAD_PAT && capability->entry_allowed1 & ENTRY_LOAD_PAT;

    put(ground, image, VMCS_PIN_BASED_VM_EXECUTION_CONTROLS,
        capability->pin_allowed0 | (capability->pin_allowed1 & PIN_PREEMPTION_TIMER));
    put(ground, image, VMCS_PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS,
        capability->primary_allowed0 | (base->ept ? PRIMARY_SECONDARY_CONTROLS : 0));
    put(ground, image, VMCS_SECONDARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS, secondary);
    put(ground, image, VMCS_PRIMARY_VM_EXIT_CONTROLS,
        capability->exit_allowed0 | EXIT_HOST_ADDRESS_SPACE_SIZE | (both ? EXIT_LOAD_EFER : 0) |
            (pat ? EXIT_LOAD_PAT : 0));
    put(ground, image, VMCS_VM_ENTRY_CONTROLS,
        capability->entry_allowed0 | (base->ia32e ? ENTRY_IA32E_MODE_GUEST : 0) |
            (both ? ENTRY_LOAD_EFER : 0) | (pat ? ENTRY_LOAD_PAT : 0));
    put(ground, image, VMCS_EXCEPTION_BITMAP, UINT32_MAX);
    put(ground, image, VMCS_EPT_POINTER, ground->page[VMENTRY_PAGE_EMPTY] | EPTP_INITIAL);
    put(ground, image, VMCS_VIRTUAL_PROCESSOR_IDENTIFIER, 1);
    put(ground, image, VMCS_TSC_MULTIPLIER, 1ull << 48);
    for (unsigned i = 0; i < sizeof scratch_fields / sizeof *scratch_fields; i++)
        put(ground, image, scratch_fields[i], ground->page[VMENTRY_PAGE_SCRATCH]);
}

static void put_registers(const struct vmentry_ground *ground, const struct base *base,
                          struct vmcs_image *image)
{
    const struct vmx_capability *capability = ground->context->capability;
    uint64_t cr0 = capability->cr0_fixed0 | CR0_ET;
    uint64_t efer = vmcs_image_get(&ground->host, VMCS_HOST_IA32_EFER);

    put(ground, image, VMCS_GUEST_CR0, base->paging ? cr0 : cr0 & ~(CR0_PE | CR0_PG));
    put(ground, image, VMCS_GUEST_CR3, ground->page[VMENTRY_PAGE_EMPTY]);
    put(ground, image, VMCS_GUEST_CR4, capability->cr4_fixed0 | (base->pae ? CR4_PAE : 0));
    put(ground, image, VMCS_GUEST_DR7, DR7_INITIAL);
    put(ground, image, VMCS_GUEST_RIP, GUEST_ADDRESS);
    put(ground, image, VMCS_GUEST_RSP, GUEST_ADDRESS);
    put(ground, image, VMCS_GUEST_RFLAGS, RFLAGS_SET | (base->v8086 ? RFLAGS_VM : 0));
    put(ground, image, VMCS_GUEST_IA32_PAT, PAT_INITIAL);
    put(ground, image, VMCS_GUEST_IA32_EFER,
        base->ia32e ? efer | EFER_LMA | EFER_LME : efer & ~(EFER_LMA | EFER_LME));
    put(ground, image, VMCS_GUEST_GDTR_LIMIT, 0xffff);
    put(ground, image, VMCS_GUEST_IDTR_LIMIT, 0xffff);
    put(ground, image, VMCS_LINK_POINTER, NO_LINK);
}

static void put_segments(const struct vmentry_ground *ground, const struct base *base,
                         struct vmcs_image *image)
{
    bool flat = base->limit == UINT32_MAX;

    for (unsigned segment = SEGMENT_ES; segment <= SEGMENT_GS; segment++) {
        put(ground, image, vmentry_selector(segment), base->selector);
        put(ground, image, vmentry_base(segment), flat ? 0 : (uint64_t)base->selector << 4);
        put(ground, image, vmentry_limit(segment), base->limit);
        put(ground, image, vmentry_rights(segment),
            segment == SEGMENT_CS ? base->code : base->data);
    }
    put(ground, image, VMCS_GUEST_LDTR_ACCESS_RIGHTS, RIGHTS_NO_USE);
    put(ground, image, VMCS_GUEST_TR_SELECTOR, TSS_SELECTOR);
    put(ground, image, VMCS_GUEST_TR_LIMIT, TSS_LIMIT);
    put(ground, image, VMCS_GUEST_TR_ACCESS_RIGHTS, RIGHTS_TSS);
}

bool vmentry_base_image(const struct vmentry_ground *ground, enum vmentry_base base,
                        struct vmcs_image *image)
{
    struct vmentry_findings findings;

    memset(image, 0, sizeof(*image));
    for (uint32_t i = 0; i < VMCS_FIELD_COUNT; i++) {
        const struct vmcs_field_row *row = &vmcs_field_table[i];

        if (row->type == VMCS_TYPE_HOST)
            put(ground, image, row->field, vmcs_image_get(&ground->host, row->field));
        else if (row->type != VMCS_TYPE_READ_ONLY)
            put(ground, image, row->field, 0);
    }
    put_controls(ground, &bases[base], image);
    put_registers(ground, &bases[base], image);
    put_segments(ground, &bases[base], image);
    vmentry_check(image, ground->context, &findings);
    return findings.count == 0;
}
