/*
 * What a panic says of a VM exit that has led to where no code or no stack is.
 */
#include "kernel/console/console.h"
#include "kernel/trap/panic.h"
#include "vmx/exit_reason.h"
#include "vmx/text/exit_text.h"
#include "vmx/vmcs_field.h"
#include "vmx/vmx_result.h"

/* SDM Vol. 3, "Loading Host RIP, RSP, SSP, and RFLAGS": nothing else of the two is checked at a VM
 * entry than that RIP is canonical. */
static void print_vm_exit(const struct trap_frame *frame, bool nested)
{
    uint64_t rip, rsp, reason = 0;
    const char *name;

    if (nested || !vmx_ok(vmread(VMCS_HOST_RIP, &rip)) || !vmx_ok(vmread(VMCS_HOST_RSP, &rsp)) ||
        (frame->rip != rip && frame->rsp != rsp))
        return;
    (void)vmread(VMCS_EXIT_REASON, &reason);
    name = exit_reason_name(reason & EXIT_REASON_BASIC);
    console_print("  After a VM exit (%s), which loads RIP and RSP from the VMCS\n"
                  "  HOST_RIP 0x%lx, HOST_RSP 0x%lx\n",
                  name != NULL ? name : "an undefined reason", rip, rsp);
}

static const struct panic_section vm_exit_section = {NULL, print_vm_exit};
PANIC_SECTION(15, vm_exit_section);
