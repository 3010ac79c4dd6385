#include "vm/guests/probe.h"

enum { TEXT_SIZE = 160 };

/* Of one probe: what was seen, and what is wrong with it, after its name. */
struct comparison {
    const struct vcpu *vcpu;
    uint32_t next; /* the exit that is read next */
    const struct probe *probe;
    const struct probe_snapshot *before, *after;
    struct text_buffer wrong;
    size_t name_length;
};

static bool is_wrong(const struct comparison *c)
{
    return c->wrong.length > c->name_length;
}

const struct probe_snapshot *probe_before(const struct vcpu *vcpu, uint32_t index)
{
    uint32_t bytes = 2 * sizeof(struct probe_snapshot);

    return vm_memory(vcpu->vm, GUEST_ARRAY + index * bytes, bytes);
}

static bool is_quiet_call(const struct exit_record *exit)
{
    return exit->basic == EXIT_REASON_VMCALL && (uint32_t)exit->rax == PROBE_CALL_QUIET;
}

enum exit_done probe_on_exit(struct vcpu *vcpu, const struct exit_record *exit)
{
    if (!is_quiet_call(exit))
        return EXIT_DEFAULT;
    for (enum vmx_control_word word = VMX_CONTROL_PRIMARY; word <= VMX_CONTROL_SECONDARY; word++)
        vcpu_control_set(vcpu, word, guest_control_mask(guest_of(vcpu), word, true), false);
    return skip_emulated_instruction(EXIT_EMULATED);
}

/* The guest's calls to the check, and single steps, are not a probe's. */
static const struct exit_record *next_exit(struct comparison *c)
{
    const struct guest_vm *machine = guest_vm_of(c->vcpu);

    while (c->next < machine->record_count && c->next < VCPU_EXITS_RECORDED) {
        const struct exit_record *exit = &machine->record[c->next++];

        if (!is_quiet_call(exit) && exit->basic != EXIT_REASON_MONITOR_TRAP_FLAG)
            return exit;
    }
    return NULL;
}

static void compare_exit(struct comparison *c, const struct exit_record *exit)
{
    uint64_t rip = c->before->rip, end = c->after->rip - PROBE_CALL_BYTES;
    const struct probe *probe = c->probe;
    struct sink *wrong = &c->wrong.sink;

    if (exit->basic != probe->reason)
        print_to(wrong, "exit %s, expected %s", exit_name(exit->basic), exit_name(probe->reason));
    else if (exit->qualification != (uint64_t)probe->qualification &&
             !quirk(probe->qualification_quirk))
        print_to(wrong, "exit qualification %#lx, expected %#lx", exit->qualification,
                 (uint64_t)probe->qualification);
    else if ((exit->instruction_information & probe->information_mask) != probe->information &&
             !quirk(probe->information_quirk))
        print_to(wrong, "instruction information %#x, expected %#x in the bits %#x",
                 exit->instruction_information, probe->information, probe->information_mask);
    else if (probe->after && exit->rip != end)
        print_to(wrong, "exit at %#lx; behind the instruction is %#lx", exit->rip, end);
    else if (!probe->after && (exit->rip != rip || exit->instruction_length != end - rip))
        print_to(wrong, "exit at %#lx, %u bytes; the instruction is at %#lx, %lu bytes", exit->rip,
                 exit->instruction_length, rip, end - rip);
    else if (exit->done != probe->done)
        print_to(wrong, "%s, expected: %s", exit_done_text(exit->done),
                 exit_done_text(probe->done));
}

/* How many exits the probe must have: of one that may exit, as many as it had. */
static uint32_t exits_wanted(const struct comparison *c)
{
    struct comparison ahead = *c;
    const struct exit_record *exit = c->probe->may ? next_exit(&ahead) : NULL;

    if (c->probe->reason == 0 || (c->probe->may && (exit == NULL || exit->rip != c->before->rip)))
        return 0;
    return c->probe->times == 0 ? 1 : c->probe->times;
}

static void compare_exits(struct comparison *c)
{
    uint32_t times = exits_wanted(c);

    for (uint32_t i = 0; i < times && !is_wrong(c); i++) {
        const struct exit_record *exit = next_exit(c);

        if (exit != NULL)
            compare_exit(c, exit);
        else
            print_to(&c->wrong.sink, "exit %u of %u is missing", i + 1, times);
    }
}

static void compare_fault(struct comparison *c)
{
    const struct probe_snapshot *after = c->after;
    const struct probe *probe = c->probe;

    if (after->fault != probe->fault)
        print_to(&c->wrong.sink, "exception %#lx in the guest, expected %#x (0: none)",
                 after->fault, probe->fault);
    else if (probe->fault != 0 &&
             (after->fault_rip != c->before->rip || after->error != probe->error))
        print_to(&c->wrong.sink, "the exception came at %#lx, error code %#lx, not %#lx, %#x",
                 after->fault_rip, after->error, c->before->rip, probe->error);
}

static void compare_registers(struct comparison *c)
{
    const struct probe *probe = c->probe;
    uint64_t seen = c->after->rflags, flags = c->before->rflags & ~(uint64_t)probe->flags_0;

    for (unsigned i = 0; i < VCPU_REGISTERS && !is_wrong(c); i++) {
        uint64_t wanted = c->before->reg[i];

        if (i == (unsigned)probe->reg)
            wanted = (wanted & ~(uint64_t)probe->mask) | probe->value;
        if (c->after->reg[i] != wanted && (probe->changes >> i & 1) == 0)
            print_to(&c->wrong.sink, "register %u became %#lx, expected %#lx", i, c->after->reg[i],
                     wanted);
    }
    if (!is_wrong(c) && ((seen ^ flags) & ~(uint64_t)probe->flags_any) != 0)
        print_to(&c->wrong.sink, "RFLAGS became %#lx, expected %#lx", seen, flags);
}

/* The text stands in the memory of the guest, which has ended: each CPU has its own. */
const char *probe_check(const struct vcpu *vcpu)
{
    const struct guest *guest = guest_of(vcpu);
    const uint64_t *next = vm_memory(vcpu->vm, PROBE_NEXT, sizeof(uint64_t));
    uint64_t end = GUEST_ARRAY + guest->wanted_count * 2ull * sizeof(struct probe_snapshot);
    char *text = vm_memory(vcpu->vm, PROBE_TEXT, TEXT_SIZE);
    struct comparison c = {.vcpu = vcpu};
    const struct exit_record *last;

    text_buffer_init(&c.wrong, text, TEXT_SIZE);
    if (*next != end)
        print_to(&c.wrong.sink, "snapshots up to %#lx, expected %#lx", *next, end);
    for (uint32_t i = 0; i < guest->wanted_count && !is_wrong(&c); i++) {
        c.probe = &guest->probes[i];
        c.before = probe_before(vcpu, i);
        c.after = probe_after(vcpu, i);
        text_buffer_init(&c.wrong, text, TEXT_SIZE);
        print_to(&c.wrong.sink, "%s: ", c.probe->instruction);
        c.name_length = c.wrong.length;
        compare_exits(&c);
        if (!is_wrong(&c))
            compare_fault(&c);
        if (!is_wrong(&c))
            compare_registers(&c);
    }
    if (is_wrong(&c))
        return text;
    last = next_exit(&c); /* the call that ended it */
    if (last != NULL && last->done == EXIT_ENDED)
        return NULL;
    format_text(text, TEXT_SIZE, "an exit too many: %s",
                last == NULL ? "none" : exit_name(last->basic));
    return text;
}
