/* The images that can be entered: vmx/selftest/vmentry_trial.h. */
#include "vmx/entry/vmentry_state.h"
#include "vmx/selftest/vmentry_trial.h"

enum { RIGHTS_V8086 = 0xf3, TSS_SELECTOR = 0x18 }; /* accessed, writable, present, DPL 3 */

/* What a base is; the rest is the same in all of them. */
enum { IA32E = 1, PAE = 2, PAGING = 4, V8086 = 8, EPT = 16, UNRESTRICTED = 32 };
enum { LONG_MODE = IA32E | PAE | PAGING };

static const struct base {
    const char *name;
    uint32_t is, code, data; /* access rights of the segments */
} bases[VMENTRY_BASE_COUNT] = {
    [VMENTRY_BASE_LONG] = {"64-bit", LONG_MODE, RIGHTS_CODE_64, RIGHTS_DATA_32},
    [VMENTRY_BASE_LONG_EPT] = {"64-bit, EPT", LONG_MODE | EPT, RIGHTS_CODE_64, RIGHTS_DATA_32},
    [VMENTRY_BASE_PAE] = {"PAE", PAE | PAGING, RIGHTS_CODE_32, RIGHTS_DATA_32},
    [VMENTRY_BASE_PAE_EPT] = {"PAE, EPT", PAE | PAGING | EPT, RIGHTS_CODE_32, RIGHTS_DATA_32},
    [VMENTRY_BASE_PROTECTED] = {"32-bit", PAGING, RIGHTS_CODE_32, RIGHTS_DATA_32},
    [VMENTRY_BASE_V8086] = {"virtual-8086", PAGING | V8086, RIGHTS_V8086, RIGHTS_V8086},
    [VMENTRY_BASE_REAL] = {"real mode", EPT | UNRESTRICTED, RIGHTS_CODE_16, RIGHTS_DATA_16},
    [VMENTRY_BASE_LONG_FREE] = {"64-bit, unrestricted", LONG_MODE | EPT | UNRESTRICTED,
                                RIGHTS_CODE_64, RIGHTS_DATA_32},
};

#define EPTP_INITIAL  (EPTP_WALK_4 | 6) /* write-back */
#define GUEST_ADDRESS 0x1000

/* The processor may use any address of a control field when a control is changed at random. */
static void put_addresses(uint64_t page, struct vmcs_image *image)
{
    for (enum vmentry_rule rule = 0; rule < VMENTRY_RULE_COUNT; rule++) {
        const struct vmentry_form *form = &vmentry_forms[rule];

        if (form->kind != FORM_ADDRESS || vmentry_class_of(rule) != VMENTRY_CONTROLS)
            continue;
        for (unsigned i = 0; form->fields >> i != 0; i++) {
            if (form->fields >> i & 1)
                vmcs_image_put(image, vmentry_form_field(form, i), page);
        }
    }
}

static void put_controls(const struct vmentry_ground *ground, const struct base *base,
                         struct vmcs_image *image)
{
    const struct vmx_capability *c = ground->context->capability;
    bool efer = c->exit_allowed1 & EXIT_LOAD_EFER && c->entry_allowed1 & ENTRY_LOAD_EFER;
    bool pat = c->exit_allowed1 & EXIT_LOAD_PAT && c->entry_allowed1 & ENTRY_LOAD_PAT;
    const uint32_t controls[VMX_CONTROL_WORD_COUNT] = {
        [VMX_CONTROL_PIN] = (uint32_t)(c->pin_allowed0 | (c->pin_allowed1 & PIN_PREEMPTION_TIMER)),
        [VMX_CONTROL_PRIMARY] =
            (uint32_t)c->primary_allowed0 | (base->is & EPT ? PRIMARY_SECONDARY_CONTROLS : 0),
        [VMX_CONTROL_SECONDARY] = (uint32_t)c->secondary_allowed0 |
                                  (base->is & EPT ? SECONDARY_ENABLE_EPT : 0) |
                                  (base->is & UNRESTRICTED ? SECONDARY_UNRESTRICTED_GUEST : 0),
        [VMX_CONTROL_EXIT] = (uint32_t)c->exit_allowed0 | EXIT_HOST_ADDRESS_SPACE_SIZE |
                             (efer ? EXIT_LOAD_EFER : 0) | (pat ? EXIT_LOAD_PAT : 0),
        [VMX_CONTROL_ENTRY] = (uint32_t)c->entry_allowed0 |
                              (base->is & IA32E ? ENTRY_IA32E_MODE_GUEST : 0) |
                              (efer ? ENTRY_LOAD_EFER : 0) | (pat ? ENTRY_LOAD_PAT : 0),
    };

    vmcs_image_init(image, c, controls);
    put_addresses(ground->page[VMENTRY_PAGE_SCRATCH], image);
    vmcs_image_put(image, VMCS_EXCEPTION_BITMAP, UINT32_MAX);
    vmcs_image_put(image, VMCS_EPT_POINTER, ground->page[VMENTRY_PAGE_EMPTY] | EPTP_INITIAL);
    vmcs_image_put(image, VMCS_VIRTUAL_PROCESSOR_IDENTIFIER, 1);
    vmcs_image_put(image, VMCS_TSC_MULTIPLIER, 1ull << 48);
}

static void put_registers(const struct vmentry_ground *ground, const struct base *base,
                          struct vmcs_image *image)
{
    const struct vmx_capability *capability = ground->context->capability;
    uint64_t cr0 = capability->cr0_fixed0 | CR0_ET;
    uint64_t efer = vmcs_image_get(&ground->host, VMCS_HOST_IA32_EFER);

    vmcs_image_put(image, VMCS_GUEST_CR0, base->is & PAGING ? cr0 : cr0 & ~(CR0_PE | CR0_PG));
    vmcs_image_put(image, VMCS_GUEST_CR3, ground->page[VMENTRY_PAGE_EMPTY]);
    vmcs_image_put(image, VMCS_GUEST_CR4, capability->cr4_fixed0 | (base->is & PAE ? CR4_PAE : 0));
    vmcs_image_put(image, VMCS_GUEST_RIP, GUEST_ADDRESS);
    vmcs_image_put(image, VMCS_GUEST_RSP, GUEST_ADDRESS);
    vmcs_image_put(image, VMCS_GUEST_RFLAGS, RFLAGS_RESERVED | (base->is & V8086 ? RFLAGS_VM : 0));
    vmcs_image_put(image, VMCS_GUEST_IA32_EFER,
                   base->is & IA32E ? efer | EFER_LMA | EFER_LME : efer & ~(EFER_LMA | EFER_LME));
}

static void set_segments(const struct base *base, struct vmcs_image *image)
{
    const struct vmcs_segment flat = {8, 0, UINT32_MAX, base->data};
    const struct vmcs_segment small = {0x100, 0x1000, 0xffff, base->data};
    const struct vmcs_segment tr = {TSS_SELECTOR, 0, TSS_LIMIT, RIGHTS_TSS_BUSY};
    const struct vmcs_segment data = base->data == RIGHTS_DATA_32 ? flat : small;
    struct vmcs_segment code = data;

    code.rights = base->code;
    vmcs_image_segments(image, code, data, tr);
}

const char *vmentry_base_name(enum vmentry_base base)
{
    return bases[base].name;
}

bool vmentry_base_image(const struct vmentry_ground *ground, enum vmentry_base base,
                        struct vmcs_image *image)
{
    struct vmentry_findings findings;

    *image = ground->host;
    put_controls(ground, &bases[base], image);
    put_registers(ground, &bases[base], image);
    set_segments(&bases[base], image);
    vmentry_check(image, ground->context, &findings);
    return findings.count == 0;
}
