#include "vm/vcpu.h"

/* What a control turns on that exits at will (XSAVES, XRSTORS, ENCLS, ENCLV) exits always. */
static void put_controls(struct vcpu *vcpu, struct vmcs_image *image)
{
    vmcs_image_put(image, VMCS_EXCEPTION_BITMAP, vcpu->vm->policy->exceptions);
    vmcs_image_put(image, VMCS_ADDRESS_OF_IO_BITMAP_A, vcpu->vm->io_bitmap);
    vmcs_image_put(image, VMCS_ADDRESS_OF_IO_BITMAP_B, vcpu->vm->io_bitmap + 4096);
    vmcs_image_put(image, VMCS_ADDRESS_OF_MSR_BITMAPS, vcpu->vm->msr_bitmap);
    vmcs_image_put(image, VMCS_VIRTUAL_PROCESSOR_IDENTIFIER, VCPU_VPID);
    vmcs_image_put(image, VMCS_EPT_POINTER, vcpu->vm->eptp);
    vmcs_image_put(image, VMCS_XSS_EXITING_BITMAP, UINT64_MAX);
    vmcs_image_put(image, VMCS_ENCLS_EXITING_BITMAP, UINT64_MAX);
    vmcs_image_put(image, VMCS_ENCLV_EXITING_BITMAP, UINT64_MAX);
    vmcs_image_put(image, VMCS_VMX_PREEMPTION_TIMER_VALUE, vcpu->timer);
}

void vcpu_set_control_registers(struct vcpu *vcpu, uint64_t cr0, uint64_t cr4,
                                struct vmcs_image *image)
{
    const struct vm_policy *policy = vcpu->vm->policy;
    uint64_t cr0_ones = vcpu->capability.cr0_fixed0;
    uint64_t cr4_ones = vcpu->capability.cr4_fixed0 | CR4_VMXE | (read_cr4() & policy->cr4_host);

    if ((vcpu->controls[VMX_CONTROL_SECONDARY] & SECONDARY_UNRESTRICTED_GUEST) != 0)
        cr0_ones &= ~(CR0_PE | CR0_PG);
    vcpu->cr0_fixed = cr0_ones | ~vcpu->capability.cr0_fixed1 | policy->cr0_host;
    vcpu->cr4_fixed = cr4_ones | ~(vcpu->capability.cr4_fixed1 & policy->cr4_guest);
    vmcs_image_set(image, VMCS_GUEST_CR0, cr0 | cr0_ones);
    vmcs_image_set(image, VMCS_CR0_READ_SHADOW, cr0);
    vmcs_image_set(image, VMCS_CR0_GUEST_HOST_MASK, vcpu->cr0_fixed);
    vmcs_image_set(image, VMCS_GUEST_CR4, cr4 | cr4_ones);
    vmcs_image_set(image, VMCS_CR4_READ_SHADOW, cr4);
    vmcs_image_set(image, VMCS_CR4_GUEST_HOST_MASK, vcpu->cr4_fixed);
}

static void put_registers(const struct vcpu_start *start, struct vmcs_image *image)
{
    vmcs_image_put(image, VMCS_GUEST_RIP, start->rip);
    vmcs_image_put(image, VMCS_GUEST_RSP, start->rsp);
    vmcs_image_put(image, VMCS_GUEST_GDTR_BASE, start->gdt_base);
    vmcs_image_put(image, VMCS_GUEST_GDTR_LIMIT, start->gdt_limit);
    vmcs_image_put(image, VMCS_GUEST_IDTR_BASE, start->idt_base);
    vmcs_image_put(image, VMCS_GUEST_IDTR_LIMIT, start->idt_limit);
    vmcs_image_put(image, VMCS_GUEST_IA32_EFER, start->efer);
    vmcs_image_segments(image, start->code, start->data, start->tr);
    vmcs_image_segment(image, SEGMENT_SS, start->stack);
}

/* SDM Vol. 3, "PDPTE Registers": with EPT and PAE paging, VM entry takes them from the VMCS. */
static void put_pdptes(const struct vcpu *vcpu, uint64_t cr3, struct vmcs_image *image)
{
    const uint64_t *pdpt = vm_memory(vcpu->vm, cr3 & 0xffffffe0, 32);

    for (unsigned i = 0; i < 4 && pdpt != NULL; i++)
        vmcs_image_put(image, (enum vmcs_field)(VMCS_GUEST_PDPTE0 + 2 * i), pdpt[i]);
}

struct vmx_result vcpu_state_write(struct vcpu *vcpu, const struct vcpu_start *start)
{
    bool pae = (start->cr0 & CR0_PG) != 0 && (start->cr4 & CR4_PAE) != 0 && start->efer == 0;
    struct vmcs_image image = {0};

    vmcs_image_set_host(&image);
    vmcs_image_init(&image, &vcpu->capability, vcpu->controls);
    put_controls(vcpu, &image);
    vcpu->cr3_seen = start->cr3;
    vcpu_set_control_registers(vcpu, start->cr0, start->cr4, &image);
    vmcs_image_set(&image, VMCS_GUEST_CR3,
                   vcpu->vm->eptp != 0 ? start->cr3 : vcpu->vm->page_tables);
    put_registers(start, &image);
    if (pae)
        put_pdptes(vcpu, start->cr3, &image);
    return vmcs_image_write(&image);
}
