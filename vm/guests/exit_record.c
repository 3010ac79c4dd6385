#include "vm/guests/guest.h"

#include "vmx/text/exit_text.h"

static const char *const done_texts[EXIT_DONE_COUNT] = {
    [EXIT_ENDED] = "the guest ends here",
    [EXIT_EMULATED] = "done for the guest",
    [EXIT_IGNORED] = "nothing to do, skipped",
    [EXIT_INJECTED] = "exception injected",
    [EXIT_MAPPED] = "page mapped",
    [EXIT_WINDOW] = "window exiting off",
    [EXIT_HOST] = "taken by the host",
    [EXIT_STEPPED] = "goes on",
    [EXIT_REFUSED] = "refused",
    [EXIT_STATE] = "new state loaded",
};

const char *exit_done_text(enum exit_done done)
{
    return done < EXIT_DONE_COUNT ? done_texts[done] : "done by default";
}

const char *exit_name(uint32_t basic_reason)
{
    const char *name = exit_reason_name(basic_reason);

    return name != NULL ? name : "an undefined reason";
}

/* What stands in registers rather than in the qualification. */
static void print_operands(struct sink *sink, const struct exit_record *exit)
{
    switch (exit_basic_reason(exit)) {
    case EXIT_REASON_CPUID:
        print_to(sink, ", leaf %#x, subleaf %#x", (unsigned)exit->rax, (unsigned)exit->rcx);
        break;
    case EXIT_REASON_VMCALL:
        print_to(sink, ", number %#lx", exit->rax);
        break;
    case EXIT_REASON_RDMSR:
        print_to(sink, ", MSR %#x", (unsigned)exit->rcx);
        break;
    case EXIT_REASON_WRMSR:
        print_to(sink, ", MSR %#x, value %#lx", (unsigned)exit->rcx,
                 exit->rdx << 32 | (exit->rax & UINT32_MAX));
        break;
    case EXIT_REASON_EPT_VIOLATION:
    case EXIT_REASON_EPT_MISCONFIGURATION:
        print_to(sink, ", guest-physical address %#lx", exit->guest_physical);
        if (exit->owner != NULL)
            print_to(sink, ", the hypervisor's own: %s", exit->owner);
        break;
    default:
        break;
    }
}

void exit_record_print(struct sink *sink, const struct exit_record *exit)
{
    uint32_t basic = exit_basic_reason(exit);
    char text[160];
    struct text_buffer qualification;

    text_buffer_init(&qualification, text, sizeof(text));
    exit_qualification_print(&qualification.sink, basic, exit->interruption, exit->qualification);
    exit_reason_print(sink, exit->reason);
    if (qualification.length > 0)
        print_to(sink, ", %s", text);
    if ((exit->interruption & EVENT_INFORMATION_VALID) != 0) {
        print_to(sink, ", ");
        event_information_print(sink, exit->interruption, exit->interruption_error);
    }
    print_operands(sink, exit);
    print_to(sink, ", RIP %#lx: %s", exit->rip, exit_done_text(exit->done));
}
