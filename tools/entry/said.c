/*
 * What a text says beside a dump: how the processor refused a VM entry, and why an emulator did.
 */
#include <string.h>

#include "tools/capability/number.h"
#include "tools/entry/bochs_message.h"
#include "tools/entry/reader.h"
#include "vmx/exit_reason.h"

/*
 * Of QEMU, of qemu-kvm before it, of Xen ("vmentry failure (reason 0x80000021): Invalid guest
 * state"), of what KVM_RUN leaves in struct kvm_run, by its name and as monitors in Rust print it.
 */
static const char *const entry_failed[] = {
    "entry failed, hardware error ",
    "vm entry failed with error ",
    "vmentry failure (reason ",
    "hardware_entry_failure_reason",
    "failentry(",
};

/* Passes over all up to what the processor said; false where the line does not tell. */
static bool find_saying(struct piece *line)
{
    for (size_t i = 0; i < sizeof(entry_failed) / sizeof(entry_failed[0]); i++) {
        if (!piece_has_folded(*line, entry_failed[i]))
            continue;
        while (!piece_starts_folded(*line, entry_failed[i]))
            *line = piece_after(*line, 1);
        *line = piece_skip(piece_after(*line, strlen(entry_failed[i])), " :=");
        return true;
    }
    return false;
}

/* What KVM gives QEMU where VMRUN, AMD's VM entry, failed. */
#define NOT_OF_VMX 0xffffffffu

/* KVM reports the exit reason, or the instruction error. */
bool reader_take_saying(struct reader *reader, struct piece line)
{
    struct piece whole = line;
    struct number number;

    if (!find_saying(&line))
        return false;
    if (number_take_plain(&line, &number)) {
        uint64_t value = number.is_decimal ? number.decimal : number.value;

        if (value == NOT_OF_VMX)
            reader_pass(reader, whole, "a VM exit of VMX: all ones comes from a processor of AMD");
        else if (value & EXIT_REASON_ENTRY_FAILURE)
            reader->said_reason = value;
        else
            reader->said_error = value;
    }
    reader->dump = NULL;
    reader->part = PART_ANY;
    return true;
}

bool line_says_failure(struct piece line)
{
    return find_saying(&line);
}

/* "VMENTER FAIL: VMCS guest RFLAGS[1] cleared": each message once, however often it comes. */
bool reader_take_emulator(struct reader *reader, struct piece line)
{
    struct vmcs_text *text = reader->text;
    struct emulator_said *said = &text->said[text->said_count];
    struct piece message;
    const enum vmentry_rule *rules = bochs_message(line, &message);

    if (rules == NULL)
        return false;
    if (text->said_count == EMULATOR_SAID_MAX)
        return true;
    copy_printable(said->text, sizeof(said->text), message);
    for (unsigned i = 0; i < text->said_count; i++) {
        if (strcmp(text->said[i].text, said->text) == 0)
            return true;
    }
    said->line = reader->line;
    said->rules = rules;
    text->said_count++;
    return true;
}
