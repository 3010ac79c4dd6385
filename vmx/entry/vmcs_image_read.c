#include "lib/x86.h"
#include "lib/string.h"
#include "mm/memory_use.h"
#include "vmx/entry/vmentry_check.h"

void vmcs_image_read(struct vmcs_image *image, const struct vmx_capability *capability)
{
    memset(image, 0, sizeof(*image));
    for (uint32_t i = 0; i < VMCS_FIELD_COUNT; i++) {
        enum vmcs_field field = vmcs_field_table[i].field;
        uint64_t value;

        if (vmcs_field_exists(field, capability) && vmx_ok(vmread(field, &value)))
            vmcs_image_set(image, field, value);
    }
}

static bool read_ram(const struct vmentry_context *context, uint64_t address, void *to,
                     size_t bytes)
{
    (void)context;
    return memory_read(address, to, bytes);
}

void vmentry_check_current(const struct vmx_capability *capability, uint32_t revision_id,
                           struct vmcs_image *image, struct vmentry_findings *findings)
{
    struct vmentry_context context = {.read = read_ram};

    vmcs_image_read(image, capability);
    vmentry_context_read(capability, revision_id, &context);
    vmentry_check(image, &context, findings);
}

static bool exit_loads(const struct vmcs_image *image, enum vmcs_field field)
{
    uint64_t controls = vmcs_image_get(image, VMCS_PRIMARY_VM_EXIT_CONTROLS);

    return (field != VMCS_HOST_IA32_PAT || (controls & EXIT_LOAD_PAT) != 0) &&
           (field != VMCS_HOST_IA32_EFER || (controls & EXIT_LOAD_EFER) != 0);
}

/* Read here once more, and not taken from what fills the VMCS: that may be what is wrong. */
static void read_host(struct vmcs_image *host)
{
    const struct x86_segments s = x86_segments();
    const uint16_t selectors[] = {s.es, s.cs, s.ss, s.ds, s.fs, s.gs, s.tr};
    const uint64_t control[] = {read_cr0(), read_cr3(), read_cr4()};
    const uint64_t bases[] = {rdmsr(IA32_FS_BASE), rdmsr(IA32_GS_BASE), s.tr_base, s.gdt.base,
                              s.idt.base};

    memset(host, 0, sizeof(*host));
    for (unsigned i = 0; i < 7; i++)
        vmcs_image_set(host, (enum vmcs_field)(VMCS_HOST_ES_SELECTOR + 2 * i), selectors[i]);
    for (unsigned i = 0; i < 3; i++)
        vmcs_image_set(host, (enum vmcs_field)(VMCS_HOST_CR0 + 2 * i), control[i]);
    for (unsigned i = 0; i < 5; i++)
        vmcs_image_set(host, (enum vmcs_field)(VMCS_HOST_FS_BASE + 2 * i), bases[i]);
    vmcs_image_set(host, VMCS_HOST_IA32_PAT, rdmsr(IA32_PAT));
    vmcs_image_set(host, VMCS_HOST_IA32_EFER, rdmsr(IA32_EFER));
}

uint32_t vmcs_host_difference(const struct vmcs_image *image, uint32_t row, uint64_t *here)
{
    struct vmcs_image host;

    read_host(&host);
    for (; row < VMCS_FIELD_COUNT; row++) {
        *here = host.value[row];
        if (host.present[row] && image->present[row] && *here != image->value[row] &&
            exit_loads(image, vmcs_field_table[row].field))
            return row;
    }
    return VMCS_FIELD_COUNT;
}
