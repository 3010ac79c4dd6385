#include "vm/vcpu_state.h"

#include "mm/memory_type.h"
#include "vm/guest.h"
#include "vm/guest_state.h"
#include "vmx/vmcs_field.h"

#include "lib/x86.h"

/* SDM Vol. 3, "Guest Register State", table "Format of Access Rights". */
enum {
    RIGHTS_CODE_64 = 0xa09b, /* accessed, readable, 64-bit, present, CPL 0 */
    RIGHTS_CODE_32 = 0xc09b,
    RIGHTS_CODE_16 = 0x9b,
    RIGHTS_DATA_32 = 0xc093, /* accessed, writable, present */
    RIGHTS_DATA_16 = 0x93,
    RIGHTS_TSS_BUSY = 0x8b,
    RIGHTS_LDT = 0x82,
    RIGHTS_UNUSABLE = 0x10000,
};

enum {
    TSS_LIMIT = 0x67,
    GDT_LIMIT = 0xff,
    REAL_IVT_LIMIT = 0x3ff,
    IDT_LIMIT = 0xfff,
};

#define REAL_STACK_BASE 0x10000ull
#define REAL_STACK_TOP  0xfff0ull

struct field_value {
    enum vmcs_field field;
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

static bool has(const struct vcpu *vcpu, enum vmx_control_word word, uint32_t mask)
{
    return (vcpu->controls[word] & mask) != 0;
}

static struct vmx_result write_controls(struct vcpu *vcpu, const struct vcpu_space *space)
{
    const uint32_t *controls = vcpu->controls;
    const struct field_value fields[] = {
        {VMCS_PIN_BASED_VM_EXECUTION_CONTROLS, controls[VMX_CONTROL_PIN]},
        {VMCS_PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS, controls[VMX_CONTROL_PRIMARY]},
        {VMCS_PRIMARY_VM_EXIT_CONTROLS, controls[VMX_CONTROL_EXIT]},
        {VMCS_VM_ENTRY_CONTROLS, controls[VMX_CONTROL_ENTRY]},
        {VMCS_EXCEPTION_BITMAP, VCPU_EXCEPTIONS},
        {VMCS_PAGE_FAULT_ERROR_CODE_MASK, 0},
        {VMCS_PAGE_FAULT_ERROR_CODE_MATCH, 0},
        {VMCS_CR3_TARGET_COUNT, 0},
        {VMCS_VM_EXIT_MSR_STORE_COUNT, 0},
        {VMCS_VM_EXIT_MSR_LOAD_COUNT, 0},
        {VMCS_VM_ENTRY_MSR_LOAD_COUNT, 0},
        {VMCS_VM_ENTRY_INTERRUPTION_INFORMATION, 0},
        {VMCS_ADDRESS_OF_IO_BITMAP_A, vcpu->io_bitmap},
        {VMCS_ADDRESS_OF_IO_BITMAP_B, vcpu->io_bitmap + 4096},
        {VMCS_TSC_OFFSET, 0},
    };
    struct vmx_result result = WRITE_FIELDS(fields);

    if (vmx_ok(result) && has(vcpu, VMX_CONTROL_PRIMARY, PRIMARY_MSR_BITMAPS))
        result = vmwrite(VMCS_ADDRESS_OF_MSR_BITMAPS, vcpu->msr_bitmap);
    if (vmx_ok(result) && has(vcpu, VMX_CONTROL_PRIMARY, PRIMARY_SECONDARY_CONTROLS))
        result = vmwrite(VMCS_SECONDARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS,
                         controls[VMX_CONTROL_SECONDARY]);
    if (vmx_ok(result) && has(vcpu, VMX_CONTROL_SECONDARY, SECONDARY_ENABLE_VPID))
        result = vmwrite(VMCS_VIRTUAL_PROCESSOR_IDENTIFIER, VCPU_VPID);
    if (vmx_ok(result) && has(vcpu, VMX_CONTROL_SECONDARY, SECONDARY_ENABLE_EPT))
        result = vmwrite(VMCS_EPT_POINTER, space->eptp);
    if (vmx_ok(result) && has(vcpu, VMX_CONTROL_SECONDARY, SECONDARY_ENABLE_XSAVES))
        result = vmwrite(VMCS_XSS_EXITING_BITMAP, UINT64_MAX);
    if (vmx_ok(result) && has(vcpu, VMX_CONTROL_SECONDARY, SECONDARY_ENABLE_ENCLS_EXITING))
        result = vmwrite(VMCS_ENCLS_EXITING_BITMAP, UINT64_MAX);
    if (vmx_ok(result) && has(vcpu, VMX_CONTROL_SECONDARY, SECONDARY_ENABLE_ENCLV_EXITING))
        result = vmwrite(VMCS_ENCLV_EXITING_BITMAP, UINT64_MAX);
    if (vmx_ok(result) && has(vcpu, VMX_CONTROL_PIN, PIN_PREEMPTION_TIMER))
        result = vmwrite(VMCS_VMX_PREEMPTION_TIMER_VALUE, time_budget_load(&vcpu->time));
    return result;
}

static struct vmx_result write_host(const struct vcpu *vcpu)
{
    const struct x86_segments s = x86_segments();
    const struct field_value fields[] = {
        {VMCS_HOST_CR0, read_cr0()},
        {VMCS_HOST_CR3, read_cr3()},
        {VMCS_HOST_CR4, read_cr4()},
        {VMCS_HOST_ES_SELECTOR, s.es},
        {VMCS_HOST_CS_SELECTOR, s.cs},
        {VMCS_HOST_SS_SELECTOR, s.ss},
        {VMCS_HOST_DS_SELECTOR, s.ds},
        {VMCS_HOST_FS_SELECTOR, s.fs},
        {VMCS_HOST_GS_SELECTOR, s.gs},
        {VMCS_HOST_TR_SELECTOR, s.tr},
        {VMCS_HOST_FS_BASE, rdmsr(IA32_FS_BASE)},
        {VMCS_HOST_GS_BASE, rdmsr(IA32_GS_BASE)},
        {VMCS_HOST_TR_BASE, s.tr_base},
        {VMCS_HOST_GDTR_BASE, s.gdt.base},
        {VMCS_HOST_IDTR_BASE, s.idt.base},
        {VMCS_HOST_IA32_SYSENTER_CS, 0},
        {VMCS_HOST_IA32_SYSENTER_ESP, 0},
        {VMCS_HOST_IA32_SYSENTER_EIP, 0},
    };
    struct vmx_result result = WRITE_FIELDS(fields);

    if (vmx_ok(result) && has(vcpu, VMX_CONTROL_EXIT, EXIT_LOAD_PAT))
        result = vmwrite(VMCS_HOST_IA32_PAT, rdmsr(IA32_PAT));
    if (vmx_ok(result) && has(vcpu, VMX_CONTROL_EXIT, EXIT_LOAD_EFER))
        result = vmwrite(VMCS_HOST_IA32_EFER, rdmsr(IA32_EFER));
    return result;
}

/*
 * The guest sees and keeps its own bits, but for those that VMX operation fixes, and those whose
 * change would reach beyond it (CR4_GUEST has the others): VM entries and exits leave CR0.CD and
 * CR0.NW alone, and without CR4.MCE a machine check would shut the processor down (SDM Vol. 3,
 * "Loading Guest State").
 */
static struct vmx_result write_control_registers(struct vcpu *vcpu, enum guest_mode mode,
                                                 uint64_t cr3)
{
    bool paged = mode == GUEST_PAGED || mode == GUEST_PAE || mode == GUEST_LONG;
    uint64_t cr0 = CR0_ET | (mode == GUEST_REAL ? 0 : CR0_PE) | (paged ? CR0_PG : 0);
    uint64_t cr4 = mode == GUEST_PAGED ? CR4_PSE : paged ? CR4_PAE : 0;
    uint64_t cr0_ones = vcpu->capability.cr0_fixed0;
    uint64_t cr4_ones = vcpu->capability.cr4_fixed0 | CR4_VMXE | (read_cr4() & CR4_MCE);

    if (has(vcpu, VMX_CONTROL_SECONDARY, SECONDARY_UNRESTRICTED_GUEST))
        cr0_ones &= ~(CR0_PE | CR0_PG);
    vcpu->cr0_fixed = cr0_ones | ~vcpu->capability.cr0_fixed1 | CR0_CD | CR0_NW;
    vcpu->cr4_fixed = cr4_ones | ~(vcpu->capability.cr4_fixed1 & CR4_GUEST);

    const struct field_value fields[] = {
        {VMCS_GUEST_CR0, cr0 | cr0_ones},
        {VMCS_CR0_READ_SHADOW, cr0},
        {VMCS_CR0_GUEST_HOST_MASK, vcpu->cr0_fixed},
        {VMCS_GUEST_CR4, cr4 | cr4_ones},
        {VMCS_CR4_READ_SHADOW, cr4},
        {VMCS_CR4_GUEST_HOST_MASK, vcpu->cr4_fixed},
        {VMCS_GUEST_CR3, cr3},
    };

    return WRITE_FIELDS(fields);
}

static struct vmx_result write_registers(const struct vcpu *vcpu, enum guest_mode mode)
{
    bool real = mode == GUEST_REAL;
    const struct field_value fields[] = {
        {VMCS_GUEST_DR7, DR7_INITIAL},
        {VMCS_GUEST_RFLAGS, RFLAGS_RESERVED},
        {VMCS_GUEST_RIP, real ? 0 : GUEST_CODE},
        {VMCS_GUEST_RSP, real ? REAL_STACK_TOP : GUEST_STACK_TOP},
        {VMCS_GUEST_GDTR_BASE, real ? 0 : GUEST_GDT},
        {VMCS_GUEST_GDTR_LIMIT, GDT_LIMIT},
        {VMCS_GUEST_IDTR_BASE, real ? 0 : GUEST_IDT},
        {VMCS_GUEST_IDTR_LIMIT, real ? REAL_IVT_LIMIT : IDT_LIMIT},
        {VMCS_GUEST_IA32_DEBUGCTL, 0},
        {VMCS_GUEST_IA32_SYSENTER_CS, 0},
        {VMCS_GUEST_IA32_SYSENTER_ESP, 0},
        {VMCS_GUEST_IA32_SYSENTER_EIP, 0},
        {VMCS_GUEST_INTERRUPTIBILITY_STATE, 0},
        {VMCS_GUEST_ACTIVITY_STATE, 0},
        {VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS, 0},
        {VMCS_LINK_POINTER, UINT64_MAX},
    };
    struct vmx_result result = WRITE_FIELDS(fields);

    if (vmx_ok(result) && has(vcpu, VMX_CONTROL_ENTRY, ENTRY_LOAD_PAT))
        result = vmwrite(VMCS_GUEST_IA32_PAT, PAT_RESET);
    if (vmx_ok(result) && has(vcpu, VMX_CONTROL_ENTRY, ENTRY_LOAD_EFER))
        result = vmwrite(VMCS_GUEST_IA32_EFER, mode == GUEST_LONG ? EFER_LME | EFER_LMA : 0);
    return result;
}

struct segment {
    uint16_t selector;
    uint64_t base;
    uint32_t limit, rights;
};

enum { SEGMENT_CS = 1 };

/* The fields of the segment registers stand in the same order in each group: ES is the first. */
static struct vmx_result write_segment(unsigned index, struct segment segment)
{
    const unsigned offset = index * 2;
    const struct field_value fields[] = {
        {(enum vmcs_field)(VMCS_GUEST_ES_SELECTOR + offset), segment.selector},
        {(enum vmcs_field)(VMCS_GUEST_ES_BASE + offset), segment.base},
        {(enum vmcs_field)(VMCS_GUEST_ES_LIMIT + offset), segment.limit},
        {(enum vmcs_field)(VMCS_GUEST_ES_ACCESS_RIGHTS + offset), segment.rights},
    };

    return WRITE_FIELDS(fields);
}

/* ES, CS, SS, DS, FS, GS, LDTR, TR. */
static struct vmx_result write_segments(enum guest_mode mode)
{
    const struct segment code = {GUEST_CODE_SELECTOR, 0, UINT32_MAX,
                                 mode == GUEST_LONG ? RIGHTS_CODE_64 : RIGHTS_CODE_32};
    const struct segment data = {GUEST_DATA_SELECTOR, 0, UINT32_MAX, RIGHTS_DATA_32};
    const struct segment code16 = {GUEST_CODE >> 4, GUEST_CODE, 0xffff, RIGHTS_CODE_16};
    const struct segment data16 = {0, 0, 0xffff, RIGHTS_DATA_16};
    const struct segment stack16 = {REAL_STACK_BASE >> 4, REAL_STACK_BASE, 0xffff, RIGHTS_DATA_16};
    const struct segment ldtr = {0, 0, 0, RIGHTS_UNUSABLE};
    const struct segment tr = {GUEST_TSS_SELECTOR, GUEST_TSS, TSS_LIMIT, RIGHTS_TSS_BUSY};
    const struct segment flat[] = {data, code, data, data, data, data, ldtr, tr};
    const struct segment real[] = {data16, code16, stack16, data16, data16, data16, ldtr, tr};
    struct vmx_result result = {VMX_SUCCEED, 0};

    for (unsigned i = 0; i < sizeof(flat) / sizeof(flat[0]) && vmx_ok(result); i++)
        result = write_segment(i, mode == GUEST_REAL ? real[i] : flat[i]);
    return result;
}

/* SDM Vol. 3, "PDPTE Registers": with EPT and PAE paging, VM entry takes them from the VMCS. */
static struct vmx_result write_pdptes(const struct vcpu *vcpu)
{
    const uint64_t *pdpt = vcpu_memory(vcpu, GUEST_PAGE_TABLES, 32);
    const struct field_value fields[] = {
        {VMCS_GUEST_PDPTE0, pdpt[0]},
        {VMCS_GUEST_PDPTE1, pdpt[1]},
        {VMCS_GUEST_PDPTE2, pdpt[2]},
        {VMCS_GUEST_PDPTE3, pdpt[3]},
    };

    return WRITE_FIELDS(fields);
}

struct vmx_result vcpu_state_write(struct vcpu *vcpu, const struct vcpu_space *space)
{
    enum guest_mode mode = vcpu->guest->mode;
    struct vmx_result result = write_controls(vcpu, space);

    if (vmx_ok(result))
        result = write_host(vcpu);
    vcpu->cr3_seen = GUEST_PAGE_TABLES;
    if (vmx_ok(result))
        result = write_control_registers(vcpu, mode,
                                         space->eptp != 0 ? GUEST_PAGE_TABLES : space->page_tables);
    if (vmx_ok(result))
        result = write_registers(vcpu, mode);
    if (vmx_ok(result))
        result = write_segments(mode);
    if (vmx_ok(result) && mode == GUEST_PAE)
        result = write_pdptes(vcpu);
    return result;
}

#define INIT_CS_BASE 0xffff0000ull
#define INIT_RIP     0xfff0

/* Those of the VMCS that INIT sets, in real mode. The MSRs stay, but for EFER. */
static struct vmx_result write_init_registers(const struct vcpu *vcpu)
{
    const struct field_value fields[] = {
        {VMCS_GUEST_DR7, DR7_INITIAL},
        {VMCS_GUEST_RFLAGS, RFLAGS_RESERVED},
        {VMCS_GUEST_RIP, INIT_RIP},
        {VMCS_GUEST_RSP, 0},
        {VMCS_GUEST_GDTR_BASE, 0},
        {VMCS_GUEST_GDTR_LIMIT, 0xffff},
        {VMCS_GUEST_IDTR_BASE, 0},
        {VMCS_GUEST_IDTR_LIMIT, 0xffff},
        {VMCS_GUEST_INTERRUPTIBILITY_STATE, 0},
        {VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS, 0},
    };
    const struct segment data = {0, 0, 0xffff, RIGHTS_DATA_16};
    const struct segment code = {INIT_CS_BASE >> 4 & 0xffff, INIT_CS_BASE, 0xffff, RIGHTS_CODE_16};
    const struct segment ldtr = {0, 0, 0xffff, RIGHTS_LDT};
    const struct segment tr = {0, 0, 0xffff, RIGHTS_TSS_BUSY};
    const struct segment segments[] = {data, code, data, data, data, data, ldtr, tr};
    struct vmx_result result = WRITE_FIELDS(fields);

    for (unsigned i = 0; i < sizeof(segments) / sizeof(segments[0]) && vmx_ok(result); i++)
        result = write_segment(i, segments[i]);
    if (vmx_ok(result) && has(vcpu, VMX_CONTROL_ENTRY, ENTRY_LOAD_EFER))
        result = vmwrite(VMCS_GUEST_IA32_EFER, 0);
    return result;
}

/* EDX then tells the processor's family, model and stepping; the other registers are 0. */
static void clear_registers(struct vcpu *vcpu)
{
    for (unsigned i = 0; i < VCPU_REGISTERS; i++)
        vcpu->reg[i] = 0;
    vcpu->reg[VCPU_RDX] = cpuid(1, 0).eax;
    for (unsigned i = 0; i < 4; i++)
        write_dr(i, 0);
    write_dr(6, DR6_INITIAL);
    write_cr2(0);
}

struct vmx_result vcpu_state_init(struct vcpu *vcpu)
{
    struct vmx_result result = vmwrite(VMCS_GUEST_ACTIVITY_STATE, ACTIVITY_WAIT_FOR_SIPI);

    if (!vmx_ok(result) || !has(vcpu, VMX_CONTROL_SECONDARY, SECONDARY_UNRESTRICTED_GUEST))
        return result;
    clear_registers(vcpu);
    vcpu_control_set(vcpu, VMX_CONTROL_ENTRY, ENTRY_IA32E_MODE_GUEST, false);
    result = write_control_registers(vcpu, GUEST_REAL, 0);
    if (vmx_ok(result))
        result = write_init_registers(vcpu);
    return result;
}

struct vmx_result vcpu_state_startup(struct vcpu *vcpu, uint8_t vector)
{
    const struct segment code = {(uint16_t)(vector << 8), (uint64_t)vector << 12, 0xffff,
                                 RIGHTS_CODE_16};
    const struct field_value fields[] = {
        {VMCS_GUEST_ACTIVITY_STATE, 0},
        {VMCS_GUEST_INTERRUPTIBILITY_STATE, 0},
    };
    struct vmx_result result = WRITE_FIELDS(fields);

    if (!vmx_ok(result) || !has(vcpu, VMX_CONTROL_SECONDARY, SECONDARY_UNRESTRICTED_GUEST))
        return result;
    result = write_segment(SEGMENT_CS, code);
    if (vmx_ok(result))
        result = vmwrite(VMCS_GUEST_RIP, 0);
    return result;
}
