#include "vm/guests/probe.h"

#include "vm/registers/registers.h"
#include "vmx/text/exit_text.h"

enum { TEXT_SIZE = 160 };

/* Reads the exits in their order. */
struct reader {
    const struct vcpu *vcpu;
    uint32_t next;
};

static const struct probe_snapshot *snapshot(const struct vcpu *vcpu, uint32_t index)
{
    return vcpu_memory(vcpu, GUEST_ARRAY + index * sizeof(struct probe_snapshot),
                       sizeof(struct probe_snapshot));
}

const struct probe_snapshot *probe_before(const struct vcpu *vcpu, uint32_t index)
{
    return snapshot(vcpu, index * 2);
}

const struct probe_snapshot *probe_after(const struct vcpu *vcpu, uint32_t index)
{
    return snapshot(vcpu, index * 2 + 1);
}

static bool is_quiet_call(const struct exit_record *exit)
{
    return exit_basic_reason(exit) == EXIT_REASON_VMCALL && (uint32_t)exit->rax == PROBE_CALL_QUIET;
}

enum exit_done probe_on_exit(struct vcpu *vcpu, const struct exit_record *exit)
{
    if (!is_quiet_call(exit))
        return EXIT_DEFAULT;
    for (enum vmx_control_word word = VMX_CONTROL_PRIMARY; word <= VMX_CONTROL_SECONDARY; word++)
        vcpu_control_set(vcpu, word, guest_control_mask(guest_of(vcpu), word, true), false);
    return skip_emulated_instruction(EXIT_EMULATED);
}

/* The text stands in the memory of the guest, which has ended: each CPU has its own. */
__attribute__((format(printf, 3, 4))) static const char *
complain(const struct vcpu *vcpu, const struct probe *probe, const char *format, ...)
{
    char *text = vcpu_memory(vcpu, PROBE_TEXT, TEXT_SIZE);
    struct text_buffer buffer;
    va_list arguments;

    text_buffer_init(&buffer, text, TEXT_SIZE);
    if (probe != NULL)
        print_to(&buffer.sink, "%s: ", probe->instruction);
    va_start(arguments, format);
    vprint_to(&buffer.sink, format, arguments);
    va_end(arguments);
    return text;
}

/* The guest's calls to the check, and single steps, are not a probe's. */
static const struct exit_record *next_exit(struct reader *reader)
{
    const struct vcpu *vcpu = reader->vcpu;

    while (reader->next < guest_vm_of(vcpu)->record_count && reader->next < VCPU_EXITS_RECORDED) {
        const struct exit_record *exit = &guest_vm_of(vcpu)->record[reader->next++];

        if (!is_quiet_call(exit) && exit_basic_reason(exit) != EXIT_REASON_MONITOR_TRAP_FLAG)
            return exit;
    }
    return NULL;
}

static const char *compare_exit(const struct vcpu *vcpu, const struct probe *probe,
                                const struct exit_record *exit, uint64_t rip, uint64_t end)
{
    if (exit_basic_reason(exit) != probe->reason)
        return complain(vcpu, probe, "exit %s, expected %s", exit_name(exit_basic_reason(exit)),
                        exit_name(probe->reason));
    if (exit->qualification != (uint64_t)probe->qualification && !quirk(probe->qualification_quirk))
        return complain(vcpu, probe, "exit qualification %#lx, expected %#lx", exit->qualification,
                        (uint64_t)probe->qualification);
    if ((exit->instruction_information & probe->information_mask) != probe->information &&
        !quirk(probe->information_quirk))
        return complain(vcpu, probe, "instruction information %#x, expected %#x in the bits %#x",
                        exit->instruction_information, probe->information, probe->information_mask);
    if (probe->after && exit->rip != end)
        return complain(vcpu, probe, "exit at %#lx; behind the instruction is %#lx", exit->rip,
                        end);
    if (!probe->after && (exit->rip != rip || exit->instruction_length != end - rip))
        return complain(vcpu, probe,
                        "exit at %#lx, %u bytes; the instruction is at %#lx, %lu bytes", exit->rip,
                        exit->instruction_length, rip, end - rip);
    if (exit->done != probe->done)
        return complain(vcpu, probe, "%s, expected: %s", exit_done_text(exit->done),
                        exit_done_text(probe->done));
    return NULL;
}

/* How many exits the probe must have: of one that may exit, as many as it had. */
static uint32_t exits_wanted(const struct reader *reader, const struct probe *probe, uint64_t rip)
{
    struct reader ahead = *reader;
    const struct exit_record *exit = probe->may ? next_exit(&ahead) : NULL;

    if (probe->reason == 0 || (probe->may && (exit == NULL || exit->rip != rip)))
        return 0;
    return probe->times == 0 ? 1 : probe->times;
}

static const char *compare_exits(struct reader *reader, const struct probe *probe,
                                 const struct probe_snapshot *before,
                                 const struct probe_snapshot *after)
{
    uint32_t times = exits_wanted(reader, probe, before->rip);
    const char *wrong = NULL;

    for (uint32_t i = 0; i < times && wrong == NULL; i++) {
        const struct exit_record *exit = next_exit(reader);

        if (exit == NULL)
            return complain(reader->vcpu, probe, "exit %u of %u is missing", i + 1, times);
        wrong = compare_exit(reader->vcpu, probe, exit, before->rip, after->rip - PROBE_CALL_BYTES);
    }
    return wrong;
}

static const char *compare_fault(const struct vcpu *vcpu, const struct probe *probe,
                                 const struct probe_snapshot *before,
                                 const struct probe_snapshot *after)
{
    if (after->fault != probe->fault)
        return complain(vcpu, probe, "exception %#lx in the guest, expected %#x (0: none)",
                        after->fault, probe->fault);
    if (probe->fault != 0 && (after->fault_rip != before->rip || after->error != probe->error))
        return complain(vcpu, probe, "the exception came at %#lx, error code %#lx, not %#lx, %#x",
                        after->fault_rip, after->error, before->rip, probe->error);
    return NULL;
}

static const char *compare_registers(const struct vcpu *vcpu, const struct probe *probe,
                                     const struct probe_snapshot *before,
                                     const struct probe_snapshot *after)
{
    uint64_t flags = before->rflags & ~(uint64_t)probe->flags_0;

    for (unsigned i = 0; i < VCPU_REGISTERS; i++) {
        uint64_t wanted = before->reg[i];

        if (i == (unsigned)probe->reg)
            wanted = (wanted & ~(uint64_t)probe->mask) | probe->value;
        if (after->reg[i] != wanted && (probe->changes >> i & 1) == 0)
            return complain(vcpu, probe, "register %u became %#lx, expected %#lx", i, after->reg[i],
                            wanted);
    }
    if (((after->rflags ^ flags) & ~(uint64_t)probe->flags_any) != 0)
        return complain(vcpu, probe, "RFLAGS became %#lx, expected %#lx", after->rflags, flags);
    return NULL;
}

static const char *compare_probe(struct reader *reader, const struct probe *probe, uint32_t index)
{
    const struct probe_snapshot *before = probe_before(reader->vcpu, index);
    const struct probe_snapshot *after = probe_after(reader->vcpu, index);
    const char *wrong = compare_exits(reader, probe, before, after);

    wrong = wrong != NULL ? wrong : compare_fault(reader->vcpu, probe, before, after);
    return wrong != NULL ? wrong : compare_registers(reader->vcpu, probe, before, after);
}

const char *probe_check(const struct vcpu *vcpu)
{
    const struct guest *guest = guest_of(vcpu);
    const uint64_t *next = vcpu_memory(vcpu, PROBE_NEXT, sizeof(uint64_t));
    uint64_t end = GUEST_ARRAY + guest->wanted_count * 2ull * sizeof(struct probe_snapshot);
    struct reader reader = {vcpu, 0};
    const struct exit_record *last;
    const char *wrong = NULL;

    if (*next != end)
        return complain(vcpu, NULL, "snapshots up to %#lx, expected %#lx", *next, end);
    for (uint32_t i = 0; i < guest->wanted_count && wrong == NULL; i++)
        wrong = compare_probe(&reader, &guest->probes[i], i);
    if (wrong != NULL)
        return wrong;
    last = next_exit(&reader); /* the call that ended it */
    if (last == NULL || last->done != EXIT_ENDED)
        return complain(vcpu, NULL, "an exit too many: %s",
                        last == NULL ? "none" : exit_name(exit_basic_reason(last)));
    return guest->check_more != NULL ? guest->check_more(vcpu) : NULL;
}
