#include "kernel/command_line.h"

static void choose_stop(struct command_line *out, unsigned choice)
{
    out->stop = (enum vmx_stage)choice;
}

COMMAND_WORD(010, .name = "stop", .values = "caps|vmxon|vmptrld|guest", .choose = choose_stop);

static void choose_check(struct command_line *out, unsigned choice)
{
    out->check = (enum check_word)choice;
}

COMMAND_WORD(020, .name = "check", .values = "auto|kvm|strict", .choose = choose_check);

static enum word_outcome take_cpus(struct command_line *out, struct command_text value)
{
    uint64_t cpus;

    if (!command_text_number(value, 10, UINT32_MAX, &cpus) || cpus == 0)
        return WORD_BAD;
    out->cpus = (uint32_t)cpus;
    return WORD_TAKEN;
}

COMMAND_WORD(040, .name = "cpus", .values = "N", .take = take_cpus);

static enum word_outcome take_override(struct command_line *out, struct command_text value)
{
    struct override override = {0};
    uint64_t parsed;

    override.every_cpu = !command_text_cut_cpu(&value, &override.cpu);
    if (!command_text_number(command_text_cut(&value, ':'), 16, VMX_MSR_LAST, &parsed) ||
        parsed < VMX_MSR_FIRST)
        return WORD_BAD;
    override.msr = (uint32_t)parsed;
    if (!command_text_number(value, 16, UINT64_MAX, &override.value))
        return WORD_BAD;
    if (out->override.count == OVERRIDES_MAX)
        return WORD_FULL;
    out->override.item[out->override.count++] = override;
    return WORD_TAKEN;
}

COMMAND_WORD(050, .name = "pretend", .values = "[cpuN:]MSR:VALUE", .take = take_override);

static void choose_report(struct command_line *out, unsigned choice)
{
    if (choice == REPORT_FULL)
        out->report_full = true;
    else
        out->report = (enum report_form)choice;
}

COMMAND_WORD(120, .name = "report", .values = "text|json|both|full", .choose = choose_report);
