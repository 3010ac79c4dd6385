#include "vm/guests/test_guests.h"

extern const uint8_t task_call[], task_int[], task_iret[], task_jmp[];

/* SDM Vol. 3, table "Exit Qualification for Task Switches". */
enum task_source { SOURCE_CALL, SOURCE_IRET, SOURCE_JMP, SOURCE_GATE, SOURCE_SHIFT = 30 };

/* As much of a task switch as this guest needs: the new task has the old one's segments. */
static void load_task(struct vcpu *vcpu)
{
    vmcs_write_natural(VMCS_GUEST_RIP, *guest_word(vcpu, TASK_TSS + TSS_EIP));
    vmcs_write_natural(VMCS_GUEST_RFLAGS, *guest_word(vcpu, TASK_TSS + TSS_EFLAGS));
    vcpu_register_set(vcpu, VCPU_RAX, *guest_word(vcpu, TASK_TSS + TSS_EAX));
    vcpu_register_set(vcpu, VCPU_RSP, *guest_word(vcpu, TASK_TSS + TSS_ESP));
    vmcs_write16(VMCS_GUEST_TR_SELECTOR, TASK_SELECTOR);
    vmcs_write_natural(VMCS_GUEST_TR_BASE, TASK_TSS);
    vmcs_write32(VMCS_GUEST_TR_LIMIT, TSS_LIMIT);
    vmcs_write32(VMCS_GUEST_TR_ACCESS_RIGHTS, RIGHTS_TSS_BUSY);
}

static enum exit_done switch_task(struct vcpu *vcpu, const struct exit_record *exit)
{
    if (exit->basic != EXIT_REASON_TASK_SWITCH)
        return EXIT_DEFAULT;
    if (exit->qualification >> SOURCE_SHIFT != SOURCE_JMP)
        return skip_emulated_instruction(EXIT_IGNORED);
    load_task(vcpu);
    return EXIT_STATE;
}

#define SWITCH(source, place) \
    EXIT_REASON_TASK_SWITCH, (place), QUALIFIED((uint64_t)(source) << SOURCE_SHIFT | TASK_SELECTOR)

GUEST_CHECK(check,
            guest_vm_of(vcpu)->record[1].vectoring == EVENT_INFO(SOFTWARE_INTERRUPT, TASK_VECTOR),
            "the IDT-vectoring information was not of the interrupt through the task gate");

GUEST(0220, task, GUEST_PAGED, "task-switch",
      "Switches tasks by CALL, by an interrupt, by IRET and by JMP.", .on_exit = switch_task,
      EXITS({SWITCH(SOURCE_CALL, task_call), IGNORED}, {SWITCH(SOURCE_GATE, task_int), IGNORED},
            {SWITCH(SOURCE_IRET, task_iret), IGNORED},
            {SWITCH(SOURCE_JMP, task_jmp), .done = EXIT_STATE}),
      .check = check,
      MEMORY(WORDS(GUEST_DATA, "the new task did not find its EAX, ESP and TR", TASK_VALUE,
                   TASK_STACK, TASK_SELECTOR)));
