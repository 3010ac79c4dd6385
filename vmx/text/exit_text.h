/*
 * What a VM exit says, in words: exit reason, exit qualification, the event that caused it or that
 * it interrupted, and the operands of the instruction. Everything goes to a sink, without a line
 * end; where a field has nothing to say for that reason nothing is printed.
 *
 * SDM Vol. 3, "VM Exits", "Recording VM-Exit Information and Updating VM-Entry Control Fields":
 * "Basic VM-Exit Information", "Information for VM Exits Due to Vectored Events", "Information
 * About NMI Unblocking Due to IRET", "Information for VM Exits Due to Instruction Execution".
 */
#pragma once

#include "vmx/exit_reason.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* RAX … R15, as instructions and exit qualifications number them. */
extern const char *const exit_register_names[16];

/* "#PF" …; NULL for a vector that is no exception of the processor's. */
const char *exception_name(uint32_t vector);

/* The exit-reason field: "EPT violation", "VM-entry failure due to MSR loading, from root". */
void exit_reason_print(struct sink *sink, uint32_t exit_reason);

/*
 * The exit qualification of a basic exit reason: "write of port 0x3f8, 1 byte".
 * `event_information`, the VM-exit interruption information, says for exceptions which one it was.
 */
void exit_qualification_print(struct sink *sink, uint32_t basic_reason, uint32_t event_information,
                              uint64_t qualification);

/*
 * VM-exit and VM-entry interruption information, IDT-vectoring information: "hardware exception 14
 * (#PF), error code 0x2"; "none" where the field is not valid.
 */
void event_information_print(struct sink *sink, uint32_t event_information, uint32_t error_code);

/* The VM-exit instruction information: "dword [ds:rbx + rcx*4 + displacement], rax". */
void instruction_information_print(struct sink *sink, uint32_t basic_reason, uint32_t information);

struct bit_name {
    uint64_t mask;
    const char *name;
};

/* The names of the bits of `value`, with commas between; bits without one in hex; or "none". */
void bit_names_print(struct sink *sink, uint64_t value, const struct bit_name *names,
                     uint32_t count);

/* What the exit qualification and the VM-exit instruction information can hold. */
enum exit_layout {
    EXIT_LAYOUT_NOTHING,
    EXIT_LAYOUT_UNDECODED,
    EXIT_LAYOUT_REASON,
    EXIT_LAYOUT_EVENT,
    EXIT_LAYOUT_EXCEPTION,
    EXIT_LAYOUT_VECTOR,
    EXIT_LAYOUT_TASK_SWITCH,
    EXIT_LAYOUT_LINEAR_ADDRESS,
    EXIT_LAYOUT_DISPLACEMENT,
    EXIT_LAYOUT_CONTROL_REGISTER,
    EXIT_LAYOUT_MOV_DR,
    EXIT_LAYOUT_IO,
    EXIT_LAYOUT_GUEST_STATE,
    EXIT_LAYOUT_LIST_ENTRY,
    EXIT_LAYOUT_MWAIT,
    EXIT_LAYOUT_APIC_ACCESS,
    EXIT_LAYOUT_EPT_VIOLATION,
    EXIT_LAYOUT_OFFSET,
    EXIT_LAYOUT_NMI_UNBLOCKING,
    EXIT_LAYOUT_SPP,
    EXIT_LAYOUT_INSTRUCTION_TIMEOUT,
    EXIT_LAYOUT_MSR,
    EXIT_LAYOUT_STRING,
    EXIT_LAYOUT_MEMORY, /* from here to SYSTEM_SEGMENT: an operand in memory */
    EXIT_LAYOUT_TYPE_AND_MEMORY,
    EXIT_LAYOUT_VMCS_FIELD,
    EXIT_LAYOUT_TABLE,
    EXIT_LAYOUT_SYSTEM_SEGMENT,
    EXIT_LAYOUT_REGISTER_AND_SIZE,
    EXIT_LAYOUT_XMM_REGISTERS,
    EXIT_LAYOUT_MSR_OPERAND,
    EXIT_LAYOUT_COUNT
};

/* Of one basic exit reason; EXIT_LAYOUT_NOTHING for one that the manual does not define. */
struct exit_layouts {
    uint8_t qualification, information; /* enum exit_layout */
};

struct exit_layouts exit_layouts(uint32_t basic_reason);

/* The manual's name of a basic exit reason; NULL for a number that it does not define. */
const char *exit_reason_name(uint32_t basic_reason);

/* For who counts exits, also of newer processors: such a number is "undefined (71)", in `text`. */
enum { EXIT_REASON_WORD_SIZE = sizeof("undefined (4294967295)") };
const char *exit_reason_word(uint32_t basic_reason, char text[EXIT_REASON_WORD_SIZE]);

/*
 * Bit 12 of what a VM exit reports: NMI unblocking due to IRET.
 *
 * SDM Vol. 3, "Information about NMI Unblocking Due to IRET": an IRET that met a fault, an EPT
 * violation, a full page-modification log or a sub-page event may have ended the blocking of NMIs
 * before. Bit 12 of the VM-exit interruption information, or of the exit qualification, says so; it
 * is undefined if the exit interrupted the delivery of an event, if it is due to a double fault, or
 * if NMIs exit and are not virtual. "Resuming Guest Software after Handling an Exception": bit 12
 * of the IDT-vectoring information is undefined after every VM exit.
 */
static inline bool nmi_unblocking_is_defined(uint32_t pin_controls, uint32_t interruption,
                                             uint32_t vectoring)
{
    bool double_fault = (interruption & EVENT_INFORMATION_VALID) != 0 &&
                        event_type_of(interruption) == EVENT_HARDWARE_EXCEPTION &&
                        event_vector(interruption) == X86_VECTOR_DF;

    return (pin_controls & (PIN_NMI_EXITING | PIN_VIRTUAL_NMIS)) != PIN_NMI_EXITING &&
           !double_fault && (vectoring & EVENT_INFORMATION_VALID) == 0;
}

/* Is bit 12 of the exit qualification "NMI unblocking due to IRET"? */
static inline bool nmi_unblocking_is_in_qualification(uint32_t basic_reason)
{
    return basic_reason == EXIT_REASON_EPT_VIOLATION || basic_reason == EXIT_REASON_PML_FULL ||
           basic_reason == EXIT_REASON_SPP_EVENT;
}
