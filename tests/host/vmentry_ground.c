#include "tests/host/vmentry_ground.h"

#include <string.h>

#include "lib/x86.h"
#include "vmx/capability/vmx_controls.h"

struct vmx_capability ground_capability;
struct vmentry_context ground_context;
struct vmentry_ground ground;
uint8_t ground_memory[VMENTRY_PAGE_COUNT][4096];

enum { MEMORY_START = 0x100000, CURRENT_VMCS = 0x80000 };

static bool read_memory(const struct vmentry_context *context, uint64_t address, void *to,
                        size_t bytes)
{
    (void)context;
    if (address < MEMORY_START || address - MEMORY_START > sizeof(ground_memory) - bytes)
        return false;
    memcpy(to, &ground_memory[0][0] + (address - MEMORY_START), bytes);
    return true;
}

/* SDM Vol. 4, IA32_PAT: the memory types are 0, 1, 4, 5, 6 and 7. */
static bool write_faults(const struct vmentry_context *context, uint32_t msr, uint64_t value)
{
    (void)context;
    return msr == IA32_PAT && (value & 0xff) == 2;
}

/* SDM, "VMX Capability Reporting Facility": the default1 bits are 1 in the low halves. */
static void fill_capability(bool all)
{
    ground_capability = (struct vmx_capability){
        .any_event_error_code = false,
        .nested_exception = all,
        .pin_allowed0 = 0x16,
        .pin_allowed1 = all ? 0xff : 0x3f,
        .primary_allowed0 = 0x0401e172,
        .primary_allowed1 = all ? 0xfffffffe : 0xf7f9fffe,
        .secondary_allowed0 = all ? 0 : 1u << 29,
        .secondary_allowed1 = all ? ~(1u << 29) : 0x200000ff,
        .tertiary_allowed1 = 0x11df,
        .exit_allowed0 = 0x36dff,
        .exit_allowed1 = all ? (0xf7ffffff & ~(1u << 10 | 1u << 3)) | 0x36dff : 0x3fefff,
        .secondary_exit_allowed1 = 0xf,
        .entry_allowed0 = 0x11ff,
        .entry_allowed1 = all ? (0x1ffffff & ~(1u << 12)) | 0x11ff : 0x4f3ff,
        .activity_hlt = true,
        .activity_shutdown = true,
        .activity_wait_for_sipi = true,
        .cr3_targets = 4,
        .zero_length_injection = !all,
        .cr0_fixed0 = 0x80000021,
        .cr0_fixed1 = 0xffffffff,
        .cr4_fixed0 = CR4_VMXE,
        .cr4_fixed1 = all ? 0x1ffffffff : 0x3767ff,
        .ept_page_walk_4 = true,
        .ept_uncacheable = true,
        .ept_write_back = true,
        .ept_accessed_dirty = all,
        .ept_supervisor_shadow_stack = all,
        .vm_functions = 1,
    };
}

static void fill_host(void)
{
    static const struct {
        enum vmcs_field field;
        uint64_t value;
    } values[] = {
        {VMCS_HOST_CR0, 0x80010031},
        {VMCS_HOST_CR3, 0x1000},
        {VMCS_HOST_CR4, CR4_VMXE | CR4_PAE},
        {VMCS_HOST_CS_SELECTOR, 8},
        {VMCS_HOST_SS_SELECTOR, 16},
        {VMCS_HOST_TR_SELECTOR, 24},
        {VMCS_HOST_RIP, 0xffffffff80100000},
        {VMCS_HOST_RSP, 0xffffffff80200000},
        {VMCS_HOST_GDTR_BASE, 0xffffffff80300000},
        {VMCS_HOST_IDTR_BASE, 0xffffffff80301000},
        {VMCS_HOST_TR_BASE, 0xffffffff80302000},
        {VMCS_HOST_GS_BASE, 0xffffffff80303000},
        {VMCS_HOST_IA32_EFER, EFER_LMA | EFER_LME | EFER_NXE},
        {VMCS_HOST_IA32_PAT, 0x0007040600070406},
    };

    for (unsigned i = 0; i < sizeof values / sizeof *values; i++)
        vmcs_image_set(&ground.host, values[i].field, values[i].value);
}

void ground_reset(unsigned number)
{
    bool all = number == GROUND_ALL;

    fill_capability(all);
    ground_context = (struct vmentry_context){
        .capability = &ground_capability,
        .physical_address_width = GROUND_WIDTH,
        .guest_address_width = GROUND_WIDTH + 4,
        .linear_address_width = 48,
        .ia32e_mode = true,
        .rtm = all,
        .sgx = all,
        .lam = all,
        .tracing = !all,
        .sti_blocks_nmi = true,
        .efer_reserved = ~0xd01ull,
        .debugctl_reserved = ~0xffc3ull,
        .perf_global_ctrl_reserved = ~0x70000000full,
        .rtit_ctl_reserved = ~0xffffull,
        .spec_ctrl_reserved = ~0x7ull,
        .revision_id = GROUND_REVISION,
        .current_vmcs = CURRENT_VMCS,
        .read = read_memory,
        .msr_write_faults = write_faults,
    };
    ground = (struct vmentry_ground){.context = &ground_context};
    fill_host();
    for (unsigned page = 0; page < VMENTRY_PAGE_COUNT; page++) {
        ground.page[page] = MEMORY_START + page * sizeof(ground_memory[0]);
        vmentry_page_fill(page, GROUND_REVISION, ground_memory[page]);
    }
}
