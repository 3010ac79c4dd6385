#include "vm/guests/probe.h"

extern const uint8_t apic_read[], apic_write[], apic_push[];

static uint32_t *apic_register(const struct vcpu *vcpu, uint32_t offset)
{
    return guest_word(vcpu, APIC_VIRTUAL + offset);
}

/* The task priority is in bits 7:4 of the virtual TPR; the threshold must not be above it at VM
 * entry. SDM Vol. 3, "VM-Execution Control Fields", "TPR Virtualization". */
enum { PRIORITY_FIRST = 8, PRIORITY_THRESHOLD = 5, PRIORITY_LAST = 3 };

static void set_priority(struct vcpu *vcpu)
{
    *apic_register(vcpu, APIC_TPR) = PRIORITY_FIRST << 4;
    vmcs_write64(VMCS_VIRTUAL_APIC_ADDRESS, vcpu->vm->memory + APIC_VIRTUAL);
    vmcs_write32(VMCS_TPR_THRESHOLD, PRIORITY_THRESHOLD);
}

GUEST_CHECK(check_tpr, *apic_register(vcpu, APIC_TPR) == PRIORITY_LAST << 4,
            "the virtual-APIC page does not have the task priority");

static void set_pages(struct vcpu *vcpu)
{
    *apic_register(vcpu, APIC_LVT_TIMER) = APIC_TIMER_VALUE;
    vmcs_write64(VMCS_VIRTUAL_APIC_ADDRESS, vcpu->vm->memory + APIC_VIRTUAL);
    vmcs_write64(VMCS_APIC_ACCESS_ADDRESS, vcpu->vm->memory + APIC_PAGE);
    vmcs_write32(VMCS_TPR_THRESHOLD, 0);
}

static const char *check_apic_write(const struct vcpu *vcpu)
{
    if (*apic_register(vcpu, APIC_SVR) != APIC_SVR_VALUE ||
        *apic_register(vcpu, APIC_ICR_HIGH) != APIC_ICR_KEPT)
        return "the virtual-APIC page does not have what was written";
    return *guest_word(vcpu, APIC_PAGE + APIC_SVR) == 0
               ? NULL
               : "a write went to the APIC-access page itself";
}

/* Two virtual interrupts are in service; the end of the higher one exits. */
enum { EOI_HIGH = 0x51, EOI_LOW = 0x41 };

static uint32_t in_service(uint32_t vector)
{
    return APIC_ISR + vector / 32 * 0x10;
}

static void set_in_service(struct vcpu *vcpu)
{
    set_pages(vcpu);
    *apic_register(vcpu, in_service(EOI_HIGH)) =
        1u << EOI_HIGH % 32 | 1u << EOI_LOW % 32; /* of the same 32 */
    vmcs_write16(VMCS_GUEST_INTERRUPT_STATUS, EOI_HIGH << 8);
    vmcs_write64(VMCS_EOI_EXIT_BITMAP_0, 0);
    vmcs_write64(VMCS_EOI_EXIT_BITMAP_1, 1ull << EOI_HIGH % 64);
    vmcs_write64(VMCS_EOI_EXIT_BITMAP_2, 0);
    vmcs_write64(VMCS_EOI_EXIT_BITMAP_3, 0);
}

static const char *check_eoi(const struct vcpu *vcpu)
{
    if (*apic_register(vcpu, in_service(EOI_HIGH)) != 0)
        return "an interrupt is still in service";
    return vmcs_read16(VMCS_GUEST_INTERRUPT_STATUS) >> 8 == 0
               ? NULL
               : "the guest interrupt status still has a vector in service";
}

/* The task priority is the guest's own; and the pages of an APIC. */
#define OWN_PRIORITY \
    ON(PRIMARY, TPR_SHADOW), OFF(PRIMARY, CR8_LOAD_EXITING), OFF(PRIMARY, CR8_STORE_EXITING)
#define OWN_APIC                                           \
    OWN_PRIORITY, ON(SECONDARY, VIRTUALIZE_APIC_ACCESSES), \
        ON(SECONDARY, APIC_REGISTER_VIRTUALIZATION)

/* With posted interrupts the bitmaps are handed on even where that quirk is. */
static const char *lacks_bitmaps(const struct vmx_capability *capability)
{
    return (capability->pin_allowed1 & PIN_POSTED_INTERRUPTS) == 0 ? quirk_lacks(QUIRK_NO_EOI_EXITS)
                                                                   : NULL;
}

/* SDM Vol. 3, table "Exit Qualification for APIC-Access VM Exits from Linear Accesses and …". */
enum { ACCESS_READ, ACCESS_WRITE, ACCESS_EVENT = 3, ACCESS_SHIFT = 12 };

#define ACCESS(place, type, offset)   \
    EXIT_REASON_APIC_ACCESS, (place), \
        QUALIFIED((uint64_t)(type) << ACCESS_SHIFT | (uint64_t)(offset)), MAPPED
#define AGAIN EXIT_REASON_VMCALL, EMULATED

GUEST_SETUP(set_access_page, vmcs_write64(VMCS_APIC_ACCESS_ADDRESS, vcpu->vm->memory + APIC_PAGE));

static enum exit_done access_again(struct vcpu *vcpu, const struct exit_record *exit)
{
    if (exit->basic == EXIT_REASON_VMCALL && exit->rax == APIC_AGAIN) {
        vcpu_control_set(vcpu, VMX_CONTROL_SECONDARY, SECONDARY_VIRTUALIZE_APIC_ACCESSES, true);
        translation_flush_all(vcpu);
    }
    return EXIT_DEFAULT;
}

enum { PUSH = 4 }; /* among the exits */

GUEST_CHECK(check_access,
            guest_vm_of(vcpu)->record[PUSH].vectoring ==
                EVENT_INFO(SOFTWARE_INTERRUPT, APIC_VECTOR),
            "the IDT-vectoring information was not of the interrupt that was being delivered");

/* No instruction fetch (type 2): QUIRK_NO_APIC_FETCH. */
GUEST(0520, apic, GUEST_LONG, "apic-access",
      "Reads and writes the APIC-access page, and takes an interrupt on a stack there.",
      CONTROLS(ON(SECONDARY, VIRTUALIZE_APIC_ACCESSES)), .setup = set_access_page,
      .on_exit = access_again,
      EXITS({ACCESS(apic_read, ACCESS_READ, APIC_TPR)}, {AGAIN},
            {ACCESS(apic_write, ACCESS_WRITE, APIC_SVR)}, {AGAIN},
            {ACCESS(apic_push, ACCESS_EVENT, APIC_STACK - 8)}),
      .check = check_access,
      MEMORY(WORD(GUEST_DATA, 1,
                  "the interrupt whose delivery exited did not reach the guest once")));

#include "vm/guests/events/apic.def"
