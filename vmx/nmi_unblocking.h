/*
 * Bit 12 of what a VM exit reports: NMI unblocking due to IRET. Pure.
 *
 * SDM Vol. 3, "Information about NMI Unblocking Due to IRET": an IRET that met a fault, an EPT
 * violation, a full page-modification log or a sub-page event may have ended the blocking of NMIs
 * before. Bit 12 of the VM-exit interruption information, or of the exit qualification, says so; it
 * is undefined if the exit interrupted the delivery of an event, if it is due to a double fault, or
 * if NMIs exit and are not virtual. "Resuming Guest Software after Handling an Exception": bit 12
 * of the IDT-vectoring information is undefined after every VM exit.
 */
#ifndef VMX_NMI_UNBLOCKING_H
#define VMX_NMI_UNBLOCKING_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/x86.h"
#include "vmx/exit_reason.h"
#include "vmx/capability/vmx_controls.h"

static inline bool nmi_unblocking_is_defined(uint32_t pin_controls, uint32_t interruption,
                                             uint32_t vectoring)
{
    bool double_fault = (interruption & EVENT_INFORMATION_VALID) != 0 &&
                        EVENT_INFORMATION_TYPE(interruption) == EVENT_HARDWARE_EXCEPTION &&
                        (interruption & EVENT_INFORMATION_VECTOR) == X86_VECTOR_DF;

    return (pin_controls & (PIN_NMI_EXITING | PIN_VIRTUAL_NMIS)) != PIN_NMI_EXITING &&
           !double_fault && (vectoring & EVENT_INFORMATION_VALID) == 0;
}

/* Is bit 12 of the exit qualification this? */
static inline bool nmi_unblocking_is_in_qualification(uint32_t basic_reason)
{
    return basic_reason == EXIT_REASON_EPT_VIOLATION || basic_reason == EXIT_REASON_PML_FULL ||
           basic_reason == EXIT_REASON_SPP_EVENT;
}

#endif
