#include "vm/vcpu.h"

#include "mm/direct_map.h"
#include "vm/guest_state.h"
#include "vmx/vmcs_access.h"

#include "lib/x86.h"

/* SDM Vol. 3, "MSR-Bitmap Address": four parts, reads before writes, low MSRs before high ones. */
enum { MSR_BITMAP_WRITES = 2048, MSR_BITMAP_HIGH = 1024, MSR_BITMAP_MSRS = 0x2000 };
#define MSR_HIGH_FIRST 0xc0000000u

uint64_t vcpu_register_get(const struct vcpu *vcpu, unsigned number)
{
    return number == VCPU_RSP ? vmcs_read_natural(VMCS_GUEST_RSP) : vcpu->reg[number];
}

void vcpu_register_set(struct vcpu *vcpu, unsigned number, uint64_t value)
{
    if (number == VCPU_RSP)
        vmcs_write_natural(VMCS_GUEST_RSP, value);
    else
        vcpu->reg[number] = value;
}

void vcpu_control_set(struct vcpu *vcpu, enum vmx_control_word word, uint32_t mask, bool on)
{
    uint32_t value;

    /* VM exits keep "IA-32e mode guest" as the guest has it: SDM Vol. 3, IA32_VMX_MISC, bit 5. */
    if (word == VMX_CONTROL_ENTRY)
        vcpu->controls[word] = vmcs_read32(VMCS_VM_ENTRY_CONTROLS);
    value = on ? vcpu->controls[word] | mask : vcpu->controls[word] & ~mask;
    vcpu->controls[word] = value;
    switch (word) {
    case VMX_CONTROL_PIN:
        vmcs_write32(VMCS_PIN_BASED_VM_EXECUTION_CONTROLS, value);
        break;
    case VMX_CONTROL_PRIMARY:
        vmcs_write32(VMCS_PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS, value);
        break;
    case VMX_CONTROL_SECONDARY:
        vmcs_write32(VMCS_SECONDARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS, value);
        break;
    case VMX_CONTROL_EXIT:
        vmcs_write32(VMCS_PRIMARY_VM_EXIT_CONTROLS, value);
        break;
    case VMX_CONTROL_ENTRY:
        vmcs_write32(VMCS_VM_ENTRY_CONTROLS, value);
        break;
    case VMX_CONTROL_WORD_COUNT:
        break;
    }
}

static void bitmap_set(uint8_t *bitmap, uint32_t bit, bool on)
{
    uint8_t mask = (uint8_t)(1u << bit % 8);

    bitmap[bit / 8] = (uint8_t)(on ? bitmap[bit / 8] | mask : bitmap[bit / 8] & ~mask);
}

void vcpu_port_exits(struct vcpu *vcpu, uint16_t port, bool exits)
{
    bitmap_set(phys_to_virt(vcpu->io_bitmap), port, exits);
}

void vcpu_msr_exits(struct vcpu *vcpu, uint32_t msr, bool reads, bool writes)
{
    uint8_t *bitmap = phys_to_virt(vcpu->msr_bitmap);
    uint32_t number = msr;

    if (msr >= MSR_HIGH_FIRST) {
        number -= MSR_HIGH_FIRST;
        bitmap += MSR_BITMAP_HIGH;
    }
    if (number >= MSR_BITMAP_MSRS)
        return; /* outside of both ranges an access always exits */
    bitmap_set(bitmap, number, reads);
    bitmap_set(bitmap + MSR_BITMAP_WRITES, number, writes);
}

enum exit_done vcpu_end(struct vcpu *vcpu, enum guest_end end, uint32_t number, uint64_t value)
{
    vcpu->end = end;
    vcpu->end_number = number;
    vcpu->end_value = value;
    return EXIT_ENDED;
}
