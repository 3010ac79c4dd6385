#include "vm/guests/guest_run.h"

#include "lib/string.h"
#include "vmx/text/exit_text.h"
#include "vmx/text/failure_text.h"
#include "vmx/text/vmcs_dump.h"

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
    switch (exit->basic) {
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
    uint32_t basic = exit->basic;
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

/* So many exits alike are no loop of the guest's that ends by itself. */
enum { WITHOUT_PROGRESS = 100 };

static const char *const result_names[GUEST_RESULT_COUNT] = {
    [GUEST_OK] = "ok",           [GUEST_DIFFERS] = "differs",     [GUEST_DIED] = "died",
    [GUEST_SKIPPED] = "skipped", [GUEST_NO_MEMORY] = "no memory",
};

/* What stands behind a text, and the end in a word. */
static const struct {
    enum { ENDS_THERE, WITH_VALUE, WITH_REASON, WITH_ERROR } more;
    const char *text, *name;
} ends[GUEST_END_COUNT] = {
    [GUEST_END_CALL] = {ENDS_THERE, "ended by its own call", "its own call"},
    [GUEST_END_HALT] = {WITH_VALUE, "halted with interrupts off, at RIP", "halted"},
    [GUEST_END_TRIPLE_FAULT] = {WITH_VALUE, "triple fault, at RIP", "triple fault"},
    [GUEST_END_MEMORY] = {WITH_VALUE,
                          "reached for memory that it does not have, at guest-physical address",
                          "memory it has not"},
    [GUEST_END_MISCONFIGURED] = {WITH_VALUE, "EPT misconfiguration, at guest-physical address",
                                 "EPT misconfiguration"},
    [GUEST_END_TIME] = {WITH_VALUE, "its budget of time is used up, at RIP", "time"},
    [GUEST_END_EXITS] = {ENDS_THERE, "its budget of exits is used up", "exits"},
    [GUEST_END_ENTRY_ERROR] = {WITH_ERROR, "VM entry did not succeed", "VM entry error"},
    [GUEST_END_ENTRY_FAILED] = {WITH_REASON,
                                "VM entry failed after it had begun; exit qualification",
                                "VM entry failure"},
    [GUEST_END_RULES] = {ENDS_THERE, "not entered, for its VMCS breaks rules of VM entry",
                         "rules of VM entry"},
    [GUEST_END_WAIT] = {WITH_REASON, "waits for a signal that nobody sends", "waiting"},
    [GUEST_END_UNHANDLED] = {WITH_REASON, "an exit that nothing here serves; exit qualification",
                             "unserved exit"},
};

const char *guest_end_name(enum guest_end end)
{
    return ends[end].name;
}

const char *guest_result_name(enum guest_result result)
{
    return result_names[result];
}

static void print_error(uint32_t number, struct sink *sink)
{
    const char *text = vmx_error_text(number);

    print_to(sink, ": VM-instruction error %u, %s", number,
             text != NULL ? text : "which says nothing");
}

/* SDM Vol. 3, "VM Instruction Error Numbers": an unsupported VMCS component; a read-only one. */
static void print_failed_field(const struct vcpu *vcpu, struct sink *sink)
{
    char name[VMCS_FIELD_SYMBOL_SIZE];

    if ((vcpu->end_number == 12 || vcpu->end_number == 13) &&
        vmcs_field_symbol(vmcs_field_index((enum vmcs_field)vcpu->end_value), name))
        print_to(sink, ": %s", name);
}

/* What it came to, and where. */
static void print_end(const struct vcpu *vcpu, struct sink *sink)
{
    const char *reason = exit_reason_name(vcpu->end_number);
    const struct guest_vm *machine = guest_vm_of(vcpu);

    if (vcpu->end == GUEST_END_MEMORY && machine->last.owner != NULL)
        print_to(sink, "reached for the hypervisor's own memory, %s, at guest-physical address",
                 machine->last.owner);
    else if (vcpu->end == GUEST_END_RULES && vcpu->end_number == HOST_STATE_DIFFERS)
        print_to(sink, "not entered");
    else
        print_to(sink, "%s", ends[vcpu->end].text);
    if (ends[vcpu->end].more == WITH_ERROR) {
        print_error(vcpu->end_number, sink);
        print_failed_field(vcpu, sink);
    }
    if (ends[vcpu->end].more == WITH_REASON)
        print_to(sink, " (%s):", reason != NULL ? reason : "an undefined exit reason");
    if (ends[vcpu->end].more == WITH_REASON || ends[vcpu->end].more == WITH_VALUE)
        print_to(sink, " %#lx", vcpu->end_value);
    if (vcpu->end == GUEST_END_MISCONFIGURED)
        print_to(sink, ": %s", ept_misconfiguration_text(machine->misconfiguration));
}

static bool matches(const struct guest *guest, const struct exit_expected *wanted,
                    const struct exit_record *exit)
{
    return exit->basic == wanted->reason &&
           (exit->qualification & (uint64_t)wanted->qualification_mask) ==
               (uint64_t)wanted->qualification &&
           (wanted->interruption == 0 ||
            (exit->interruption & EVENT_INFO_MASK) == wanted->interruption) &&
           (wanted->at == NULL ||
            exit->rip == GUEST_CODE + (uint64_t)(wanted->at - guest->code->start)) &&
           (wanted->done == EXIT_ENDED || exit->done == wanted->done);
}

static void print_difference(struct guest_run *run, uint32_t index, const char *wanted,
                             const struct exit_record *exit)
{
    struct text_buffer text;

    text_buffer_init(&text, run->detail, sizeof(run->detail));
    print_to(&text.sink, "exit %u: expected %s, seen ", index + 1, wanted);
    if (exit == NULL)
        print_to(&text.sink, "the end");
    else
        exit_record_print(&text.sink, exit);
    run->result = GUEST_DIFFERS;
}

static void compare_exits(const struct guest_vm *machine, struct guest_run *run)
{
    const struct guest *guest = machine->guest;
    uint32_t at = 0, seen_of_it = 0;

    for (uint32_t i = 0; i < machine->record_count && i < VCPU_EXITS_RECORDED; i++) {
        const struct exit_record *exit = &machine->record[i];
        const struct exit_expected *wanted = &guest->expected[at];

        /* The call that ends it goes without saying. */
        if (at == guest->expected_count && exit->done == EXIT_ENDED &&
            machine->vcpu.end == GUEST_END_CALL)
            continue;
        if (at == guest->expected_count || !matches(guest, wanted, exit)) {
            print_difference(
                run, i, at == guest->expected_count ? "the end" : exit_name(wanted->reason), exit);
            return;
        }
        if (++seen_of_it >= wanted->times) {
            seen_of_it = 0;
            at++;
        }
    }
    if (at < guest->expected_count)
        print_difference(run, machine->record_count, exit_name(guest->expected[at].reason), NULL);
}

/* What went wrong was not the guest's doing: vm/guests/guest_run.h. */
static void print_mistake(const struct guest_vm *machine, struct guest_run *run, struct sink *sink)
{
    if (machine->vcpu.end == GUEST_END_EXITS && machine->without_progress >= WITHOUT_PROGRESS)
        print_to(sink, "; no progress for %u exits: %s, at RIP 0x%lx each time",
                 machine->without_progress, exit_name(machine->last.basic), machine->last.rip);
    if (machine->mistake[0] == '\0')
        return;
    print_to(sink, "%s%s", run->detail[0] != '\0' ? "; " : "", machine->mistake);
    if (machine->failed_instruction != 0)
        print_error(machine->failed_instruction, sink);
    if (run->result == GUEST_OK)
        run->result = GUEST_DIFFERS;
}

/* With check-entry=always an entry that would fail is not made. */
bool guest_ends_well(const struct guest *guest, enum guest_end end)
{
    return end == guest->end || (end == GUEST_END_RULES && (guest->end == GUEST_END_ENTRY_ERROR ||
                                                            guest->end == GUEST_END_ENTRY_FAILED));
}

static void check(const struct vcpu *vcpu, struct guest_run *run)
{
    const struct guest *guest = guest_of(vcpu);
    const char *wrong = NULL;

    if (guest->expected != NULL && !guest->unwatched)
        compare_exits(guest_vm_of(vcpu), run);
    if (run->result == GUEST_OK && guest->kind != NULL && guest->kind->compare != NULL)
        wrong = guest->kind->compare(vcpu);
    if (run->result == GUEST_OK && wrong == NULL && guest->check != NULL)
        wrong = guest->check(vcpu);
    if (wrong != NULL) {
        run->result = GUEST_DIFFERS;
        format_text(run->detail, sizeof(run->detail), "%s", wrong);
    }
}

void guest_check(const struct vcpu *vcpu, struct guest_run *run)
{
    const struct guest *guest = guest_of(vcpu);
    bool well = guest->any_end || guest_ends_well(guest, vcpu->end);
    struct text_buffer text;
    size_t length;

    run->result = well ? GUEST_OK : GUEST_DIED;
    text_buffer_init(&text, run->detail, sizeof(run->detail));
    if (vcpu->end != GUEST_END_CALL || !well)
        print_end(vcpu, &text.sink);
    if (well && !guest->any_end)
        check(vcpu, run);
    length = strlen(run->detail);
    text_buffer_init(&text, run->detail + length, sizeof(run->detail) - length);
    if (run->result == GUEST_OK && guest->kind != NULL && guest->kind->print != NULL)
        guest->kind->print(vcpu, &text.sink);
    print_mistake(guest_vm_of(vcpu), run, &text.sink);
    if (vcpu->broken[0] != '\0')
        print_to(&text.sink, "; broken: %s", vcpu->broken);
}
