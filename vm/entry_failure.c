#include "vm/entry_failure.h"

#include "lib/string.h"
#include "mm/direct_map.h"
#include "vmx/exit_reason.h"
#include "vmx/vmentry_check.h"
#include "vmx/vmentry_context.h"

/* SDM Vol. 3, "VM-Instruction Error Numbers": entry with invalid control or host-state fields. */
enum { ERROR_CONTROLS = 7, ERROR_HOST_STATE = 8 };

struct own_context {
    struct vmentry_context context;
    const struct vcpu *vcpu;
};

static bool lies_within(uint64_t address, size_t bytes, uint64_t start, uint64_t size)
{
    return address >= start && address - start <= size && bytes <= size - (address - start);
}

/* Only the vCPU's own memory: an address in a broken VMCS may be anything. */
static bool read_own(const struct vmentry_context *context, uint64_t address, void *to,
                     size_t bytes)
{
    const struct vcpu *vcpu = ((const struct own_context *)context)->vcpu;

    if (!lies_within(address, bytes, vcpu->memory, GUEST_MEMORY_BYTES) &&
        !lies_within(address, bytes, vcpu->vmcs.address, 4096))
        return false;
    memcpy(to, phys_to_virt(address), bytes);
    return true;
}

static bool is_judged(const struct vcpu *vcpu)
{
    if (vcpu->end == GUEST_END_ENTRY_ERROR)
        return vcpu->end_number == ERROR_CONTROLS || vcpu->end_number == ERROR_HOST_STATE;
    if (vcpu->end == GUEST_END_RULES)
        return true;
    return vcpu->end == GUEST_END_ENTRY_FAILED &&
           (vcpu->end_number == EXIT_REASON_ENTRY_FAILURE_GUEST_STATE ||
            vcpu->end_number == EXIT_REASON_ENTRY_FAILURE_MSR_LOADING);
}

static void tell(const struct vmentry_findings *findings, struct guest_run *run)
{
    size_t length = strlen(run->detail);
    struct text_buffer text;

    text_buffer_init(&text, run->detail + length, sizeof(run->detail) - length);
    if (findings->count == 0) {
        print_to(&text.sink, "; no rule of the manual's is broken");
        return;
    }
    for (uint32_t i = 0; i < findings->count; i++)
        print_to(&text.sink, "; %s: %s", vmentry_rule_table[findings->item[i].rule].name,
                 vmentry_rule_table[findings->item[i].rule].text);
}

static void judge(const struct vcpu *vcpu, struct vmentry_findings *findings)
{
    struct own_context own = {.context = {.read = read_own}, .vcpu = vcpu};
    struct vmcs_image image;

    vmcs_image_read(&image, &vcpu->capability);
    vmentry_context_read(&vcpu->capability, vcpu->revision_id, &own.context);
    own.context.current_vmcs = vcpu->vmcs.address;
    vmentry_check(&image, &own.context, findings);
}

bool entry_is_sound(const struct vcpu *vcpu)
{
    struct vmentry_findings findings;

    judge(vcpu, &findings);
    return findings.count == 0;
}

void entry_failure_judge(const struct vcpu *vcpu, struct vmentry_findings *findings)
{
    if (is_judged(vcpu))
        judge(vcpu, findings);
    else
        *findings = (struct vmentry_findings){0};
}

void entry_failure_explain(const struct vcpu *vcpu, struct guest_run *run)
{
    struct vmentry_findings findings;

    if (!is_judged(vcpu))
        return;
    judge(vcpu, &findings);
    tell(&findings, run);
}
