#include "vm/guests/events/task.h"

#include <stddef.h>

#include "lib/string.h"
#include "vm/exit.h"
#include "vm/guests/test_guests.h"

extern const uint8_t task_call[], task_int[], task_iret[], task_jmp[];

/* SDM Vol. 3, table "Exit Qualification for Task Switches". */
enum task_source { SOURCE_CALL, SOURCE_IRET, SOURCE_JMP, SOURCE_GATE, SOURCE_SHIFT = 30 };

static uint32_t tss_field(const struct vcpu *vcpu, uint32_t offset)
{
    uint32_t value;

    memcpy(&value, vcpu_memory(vcpu, TASK_TSS + offset, sizeof(value)), sizeof(value));
    return value;
}

/* As much of a task switch as this guest needs: the new task has the old one's segments. */
static void load_task(struct vcpu *vcpu)
{
    vmcs_write_natural(VMCS_GUEST_RIP, tss_field(vcpu, TSS_EIP));
    vmcs_write_natural(VMCS_GUEST_RFLAGS, tss_field(vcpu, TSS_EFLAGS));
    vcpu_register_set(vcpu, VCPU_RAX, tss_field(vcpu, TSS_EAX));
    vcpu_register_set(vcpu, VCPU_RSP, tss_field(vcpu, TSS_ESP));
    vmcs_write16(VMCS_GUEST_TR_SELECTOR, TASK_SELECTOR);
    vmcs_write_natural(VMCS_GUEST_TR_BASE, TASK_TSS);
    vmcs_write32(VMCS_GUEST_TR_LIMIT, TSS_LIMIT);
    vmcs_write32(VMCS_GUEST_TR_ACCESS_RIGHTS, RIGHTS_TSS_BUSY);
}

static enum exit_done switch_task(struct vcpu *vcpu, const struct exit_record *exit)
{
    if (exit_basic_reason(exit) != EXIT_REASON_TASK_SWITCH)
        return EXIT_DEFAULT;
    if (exit->qualification >> SOURCE_SHIFT != SOURCE_JMP)
        return skip_emulated_instruction(EXIT_IGNORED);
    load_task(vcpu);
    return EXIT_STATE;
}

#define SWITCH(source, place, what)                                                         \
    {                                                                                       \
        .reason = EXIT_REASON_TASK_SWITCH, .at = (place), .qualification_mask = UINT64_MAX, \
        .qualification = (uint64_t)(source) << SOURCE_SHIFT | TASK_SELECTOR, .done = (what) \
    }

static const char *check(const struct vcpu *vcpu)
{
    static const uint32_t wanted[] = {TASK_VALUE, TASK_STACK, TASK_SELECTOR};

    if (guest_vm_of(vcpu)->record[1].vectoring != TEST_GUEST_EVENT(SOFTWARE_INTERRUPT, TASK_VECTOR))
        return "the IDT-vectoring information was not of the interrupt through the task gate";
    return memcmp(vcpu_memory(vcpu, GUEST_DATA, sizeof(wanted)), wanted, sizeof(wanted)) == 0
               ? NULL
               : "the new task did not find its EAX, ESP and TR";
}

BUILT_IN_GUEST(0220, task, GUEST_PAGED, "task-switch",
               "Switches tasks by CALL, by an interrupt, by IRET and by JMP.",
               .on_exit = switch_task,
               EXPECTED_EXITS(SWITCH(SOURCE_CALL, task_call, EXIT_IGNORED),
                              SWITCH(SOURCE_GATE, task_int, EXIT_IGNORED),
                              SWITCH(SOURCE_IRET, task_iret, EXIT_IGNORED),
                              SWITCH(SOURCE_JMP, task_jmp, EXIT_STATE)),
               .check = check);
