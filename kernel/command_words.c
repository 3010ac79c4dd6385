#include "kernel/command_line.h"

#include "lib/string.h"

static void choose_stop(struct command_line *out, unsigned choice)
{
    out->stop = (enum vmx_stage)choice;
}

COMMAND_WORD(010, .name = "stop", .values = "caps|vmxon|vmptrld|guest", .choose = choose_stop,
             .standard = "as far as it can go",
             .meaning =
                 "The last stage to perform: read the capability MSRs, VMXON, VMPTRLD, run a "
                 "guest.");

static void choose_check(struct command_line *out, unsigned choice)
{
    out->check = (enum check_word)choice;
}

COMMAND_WORD(
    020, .name = "check", .values = "auto|kvm|strict", .choose = choose_check, .standard = "auto",
    .meaning = "How severe the check of IA32_VMX_BASIC is. `kvm`: KVM's three checks (and "
               "size 0) refuse, everything else odd is a warning. `strict`: everything odd "
               "refuses. `auto`: as `kvm`; and where CPUID says that a hypervisor is present, "
               "so that the register is virtual, bits 31 and 47:45 refuse too.");

static enum word_outcome take_cpus(struct command_line *out, struct command_text value)
{
    uint64_t cpus;

    if (!command_text_number(value, 10, UINT32_MAX, &cpus) || cpus == 0)
        return WORD_BAD;
    out->cpus = (uint32_t)cpus;
    return WORD_TAKEN;
}

COMMAND_WORD(040, .name = "cpus", .values = "N", .take = take_cpus, .standard = "all",
             .meaning = "Use at most N CPUs, from 1 up.");

static enum word_outcome take_override(struct command_line *out, struct command_text value)
{
    struct override override = {.every_cpu = true};
    struct command_text head = command_text_cut(&value, ':');
    uint64_t parsed;

    if (head.length > 3 && strncmp(head.start, "cpu", 3) == 0) {
        if (!command_text_number((struct command_text){head.start + 3, head.length - 3}, 10,
                                 UINT32_MAX, &parsed))
            return WORD_BAD;
        override.every_cpu = false;
        override.cpu = (uint32_t)parsed;
        head = command_text_cut(&value, ':');
    }
    if (!command_text_number(head, 16, VMX_MSR_LAST, &parsed) || parsed < VMX_MSR_FIRST)
        return WORD_BAD;
    override.msr = (uint32_t)parsed;
    if (!command_text_number(value, 16, UINT64_MAX, &override.value))
        return WORD_BAD;
    if (out->override.count == OVERRIDES_MAX)
        return WORD_FULL;
    out->override.item[out->override.count++] = override;
    return WORD_TAKEN;
}

COMMAND_WORD(050, .name = "pretend", .values = "[cpuN:]MSR:VALUE", .take = take_override,
             .standard = "nothing",
             .meaning =
                 "Judge from VALUE instead of what RDMSR gave for that capability MSR, on every "
                 "CPU or on CPU N (0 is the boot CPU). MSR, 0x480 to 0x493, and VALUE are hex. "
                 "May stand up to 16 times. The hardware is not touched with it: it lets anyone "
                 "see every refusal on any machine.");

static void choose_report(struct command_line *out, unsigned choice)
{
    if (choice == REPORT_FULL)
        out->report_full = true;
    else
        out->report = (enum report_form)choice;
}

COMMAND_WORD(
    120, .name = "report", .values = "text|json|both|full", .choose = choose_report,
    .standard = "text",
    .meaning = "What goes to the serial console at the end: a page, with `json` or `both` a JSON "
               "document after it. `full`, beside one of them: all of the page goes to the screen, "
               "too, not only what it has room for.");
