#include "vm/vcpu.h"

#include "vm/guest.h"
#include "vm/guest_state.h"
#include "vmx/vmcs_image.h"

#include "lib/x86.h"

enum { GDT_LIMIT = 0xff, REAL_IVT_LIMIT = 0x3ff, IDT_LIMIT = 0xfff };

#define REAL_STACK_BASE 0x10000ull
#define REAL_STACK_TOP  0xfff0ull

static bool has(const struct vcpu *vcpu, enum vmx_control_word word, uint32_t mask)
{
    return (vcpu->controls[word] & mask) != 0;
}

/* What a control turns on that exits at will (XSAVES, XRSTORS, ENCLS, ENCLV) exits always. */
static void put_controls(struct vcpu *vcpu, struct vmcs_image *image)
{
    vmcs_image_put(image, VMCS_EXCEPTION_BITMAP, VCPU_EXCEPTIONS);
    vmcs_image_put(image, VMCS_ADDRESS_OF_IO_BITMAP_A, vcpu->vm->io_bitmap);
    vmcs_image_put(image, VMCS_ADDRESS_OF_IO_BITMAP_B, vcpu->vm->io_bitmap + 4096);
    vmcs_image_put(image, VMCS_ADDRESS_OF_MSR_BITMAPS, vcpu->vm->msr_bitmap);
    vmcs_image_put(image, VMCS_VIRTUAL_PROCESSOR_IDENTIFIER, VCPU_VPID);
    vmcs_image_put(image, VMCS_EPT_POINTER, vcpu->vm->eptp);
    vmcs_image_put(image, VMCS_XSS_EXITING_BITMAP, UINT64_MAX);
    vmcs_image_put(image, VMCS_ENCLS_EXITING_BITMAP, UINT64_MAX);
    vmcs_image_put(image, VMCS_ENCLV_EXITING_BITMAP, UINT64_MAX);
    if (has(vcpu, VMX_CONTROL_PIN, PIN_PREEMPTION_TIMER))
        vmcs_image_put(image, VMCS_VMX_PREEMPTION_TIMER_VALUE, time_budget_load(&vcpu->time));
}

/*
 * The guest sees and keeps its own bits, but for those that VMX operation fixes, and those whose
 * change would reach beyond it (CR4_GUEST has the others): VM entries and exits leave CR0.CD and
 * CR0.NW alone, and without CR4.MCE a machine check would shut the processor down (SDM Vol. 3,
 * "Loading Guest State").
 */
static void set_control_registers(struct vcpu *vcpu, enum guest_mode mode, uint64_t cr3,
                                  struct vmcs_image *image)
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
    vmcs_image_set(image, VMCS_GUEST_CR0, cr0 | cr0_ones);
    vmcs_image_set(image, VMCS_CR0_READ_SHADOW, cr0);
    vmcs_image_set(image, VMCS_CR0_GUEST_HOST_MASK, vcpu->cr0_fixed);
    vmcs_image_set(image, VMCS_GUEST_CR4, cr4 | cr4_ones);
    vmcs_image_set(image, VMCS_CR4_READ_SHADOW, cr4);
    vmcs_image_set(image, VMCS_CR4_GUEST_HOST_MASK, vcpu->cr4_fixed);
    vmcs_image_set(image, VMCS_GUEST_CR3, cr3);
}

static void put_registers(enum guest_mode mode, struct vmcs_image *image)
{
    bool real = mode == GUEST_REAL;

    vmcs_image_put(image, VMCS_GUEST_RIP, real ? 0 : GUEST_CODE);
    vmcs_image_put(image, VMCS_GUEST_RSP, real ? REAL_STACK_TOP : GUEST_STACK_TOP);
    vmcs_image_put(image, VMCS_GUEST_GDTR_BASE, real ? 0 : GUEST_GDT);
    vmcs_image_put(image, VMCS_GUEST_GDTR_LIMIT, GDT_LIMIT);
    vmcs_image_put(image, VMCS_GUEST_IDTR_BASE, real ? 0 : GUEST_IDT);
    vmcs_image_put(image, VMCS_GUEST_IDTR_LIMIT, real ? REAL_IVT_LIMIT : IDT_LIMIT);
    vmcs_image_put(image, VMCS_GUEST_IA32_EFER, mode == GUEST_LONG ? EFER_LME | EFER_LMA : 0);
}

static void set_segments(enum guest_mode mode, struct vmcs_image *image)
{
    const struct vmcs_segment code = {GUEST_CODE_SELECTOR, 0, UINT32_MAX,
                                      mode == GUEST_LONG ? RIGHTS_CODE_64 : RIGHTS_CODE_32};
    const struct vmcs_segment data = {GUEST_DATA_SELECTOR, 0, UINT32_MAX, RIGHTS_DATA_32};
    const struct vmcs_segment code16 = {GUEST_CODE >> 4, GUEST_CODE, 0xffff, RIGHTS_CODE_16};
    const struct vmcs_segment data16 = {0, 0, 0xffff, RIGHTS_DATA_16};
    const struct vmcs_segment stack16 = {REAL_STACK_BASE >> 4, REAL_STACK_BASE, 0xffff,
                                         RIGHTS_DATA_16};
    const struct vmcs_segment tr = {GUEST_TSS_SELECTOR, GUEST_TSS, TSS_LIMIT, RIGHTS_TSS_BUSY};
    bool real = mode == GUEST_REAL;

    vmcs_image_segments(image, real ? code16 : code, real ? data16 : data, tr);
    if (real)
        vmcs_image_segment(image, SEGMENT_SS, stack16);
}

/* SDM Vol. 3, "PDPTE Registers": with EPT and PAE paging, VM entry takes them from the VMCS. */
static void put_pdptes(const struct vcpu *vcpu, struct vmcs_image *image)
{
    const uint64_t *pdpt = vcpu_memory(vcpu, GUEST_PAGE_TABLES, 32);

    for (unsigned i = 0; i < 4; i++)
        vmcs_image_put(image, (enum vmcs_field)(VMCS_GUEST_PDPTE0 + 2 * i), pdpt[i]);
}

struct vmx_result vcpu_state_write(struct vcpu *vcpu)
{
    enum guest_mode mode = guest_of(vcpu)->mode;
    struct vmcs_image image = {0};

    vmcs_image_set_host(&image);
    vmcs_image_init(&image, &vcpu->capability, vcpu->controls);
    put_controls(vcpu, &image);
    vcpu->cr3_seen = GUEST_PAGE_TABLES;
    set_control_registers(vcpu, mode,
                          vcpu->vm->eptp != 0 ? GUEST_PAGE_TABLES : vcpu->vm->page_tables, &image);
    put_registers(mode, &image);
    set_segments(mode, &image);
    if (mode == GUEST_PAE)
        put_pdptes(vcpu, &image);
    return vmcs_image_write(&image);
}

/* EDX then reports the processor's family, model and stepping; the other registers are 0. */
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

/* The MSRs stay, but for EFER. */
struct vmx_result vcpu_state_init(struct vcpu *vcpu)
{
    struct vmcs_image image = {0};

    vmcs_image_set(&image, VMCS_GUEST_ACTIVITY_STATE, ACTIVITY_WAIT_FOR_SIPI);
    if (has(vcpu, VMX_CONTROL_SECONDARY, SECONDARY_UNRESTRICTED_GUEST)) {
        clear_registers(vcpu);
        vcpu_control_set(vcpu, VMX_CONTROL_ENTRY, ENTRY_IA32E_MODE_GUEST, false);
        set_control_registers(vcpu, GUEST_REAL, 0, &image);
        vmcs_image_reset(&image);
        if (has(vcpu, VMX_CONTROL_ENTRY, ENTRY_LOAD_EFER))
            vmcs_image_set(&image, VMCS_GUEST_IA32_EFER, 0);
    }
    return vmcs_image_write(&image);
}

struct vmx_result vcpu_state_startup(struct vcpu *vcpu, uint8_t vector)
{
    const struct vmcs_segment code = {(uint16_t)(vector << 8), (uint64_t)vector << 12, 0xffff,
                                      RIGHTS_CODE_16};
    struct vmcs_image image = {0};

    vmcs_image_set(&image, VMCS_GUEST_ACTIVITY_STATE, 0);
    vmcs_image_set(&image, VMCS_GUEST_INTERRUPTIBILITY_STATE, 0);
    if (has(vcpu, VMX_CONTROL_SECONDARY, SECONDARY_UNRESTRICTED_GUEST)) {
        vmcs_image_segment(&image, SEGMENT_CS, code);
        vmcs_image_set(&image, VMCS_GUEST_RIP, 0);
    }
    return vmcs_image_write(&image);
}
