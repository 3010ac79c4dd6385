/*
 * Writes docs/exits.md to standard output: what the processor does, from vmx/exit_reason.def,
 * tools/exit_reasons.def and tools/exit_layouts.def, and what the hypervisor does, from the second
 * of them and vm/guests/exits/exits.def:
 * `ninja -C build gen_exits && build/tools/gen_exits > docs/exits.md`.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "vmx/text/exit_text.h"
#include "vmx/exit_reason.h"
#include "vmx/vmcs_field.h"

#define CONDITIONAL   "Instructions That Cause VM Exits Conditionally"
#define UNCONDITIONAL "Instructions That Cause VM Exits Unconditionally"
#define OTHER         "Other Causes of VM Exits"

struct reason {
    const char *section, *also, *cause, *done;
};

#define EXIT_TEXT(id, section, also, cause, done) \
    [EXIT_REASON_##id] = {(section), (also), (cause), (done)},
#define EXIT_WHY(...)
static const struct reason reasons[EXIT_REASON_COUNT] = {
#include "tools/exit_reasons.def"
};
#undef EXIT_TEXT
#undef EXIT_WHY

#define EXIT_TEXT(...)
#define EXIT_WHY(id, why) [EXIT_REASON_##id] = (why),
static const char *const whys[EXIT_REASON_COUNT] = {
#include "tools/exit_reasons.def"
};

/* Without guests whys[] says why there are none; with them, where they do. Without a handler
 * nothing is done. */
struct answer {
    const char *handler, *guests;
};

#define EXIT(id, handler, guests) [EXIT_REASON_##id] = {#handler, (guests)},
static const struct answer answers[EXIT_REASON_COUNT] = {
#include "vm/guests/exits/exits.def"
};
#undef EXIT

#define EXIT_LAYOUT(id, title) [EXIT_LAYOUT_##id] = (title),
#define EXIT_BITS(...)
static const char *const titles[EXIT_LAYOUT_COUNT] = {
#include "tools/exit_layouts.def"
};
#undef EXIT_LAYOUT
#undef EXIT_BITS

struct bits {
    enum exit_layout layout;
    unsigned high, low;
    const char *text;
};

#define EXIT_LAYOUT(...)
#define EXIT_BITS(id, high, low, text) {EXIT_LAYOUT_##id, (high), (low), (text)},
static const struct bits bits[] = {
#include "tools/exit_layouts.def"
};
#undef EXIT_LAYOUT
#undef EXIT_BITS

static const struct {
    enum vmcs_field field;
    const char *text;
} fields[] = {
    {VMCS_EXIT_REASON, "why: the basic exit reason, and flags"},
    {VMCS_EXIT_QUALIFICATION, "more about it; its meaning depends on the reason"},
    {VMCS_GUEST_LINEAR_ADDRESS,
     "LMSW from memory, INS and OUTS, EPT violations and their kin: the linear address"},
    {VMCS_GUEST_PHYSICAL_ADDRESS,
     "EPT violations, EPT misconfigurations, SPP-related events: the guest-physical address"},
    {VMCS_VM_EXIT_INTERRUPTION_INFORMATION,
     "the event that is the reason: exceptions, NMIs, acknowledged interrupts"},
    {VMCS_VM_EXIT_INTERRUPTION_ERROR_CODE, "the error code of that exception"},
    {VMCS_IDT_VECTORING_INFORMATION,
     "the event that was being delivered to the guest when the exit came in between: it has to be "
     "injected again"},
    {VMCS_IDT_VECTORING_ERROR_CODE, "the error code of that event"},
    {VMCS_VM_EXIT_INSTRUCTION_LENGTH,
     "bytes of the instruction that exited, or of the INT, INT1, INT3 or INTO being delivered"},
    {VMCS_VM_EXIT_INSTRUCTION_INFORMATION, "operands of the instruction, for some reasons"},
};

static void write_text(const char *text)
{
    for (; *text != '\0'; text++)
        printf("%s%c", *text == '|' ? "\\" : "", *text);
}

/* As the place of a heading is called in links to it. */
static void write_anchor(const char *heading)
{
    putchar('#');
    for (; *heading != '\0'; heading++) {
        if (isalnum((unsigned char)*heading) || *heading == '-')
            putchar(tolower((unsigned char)*heading));
        else if (*heading == ' ')
            putchar('-');
    }
}

static void write_guests(const char *guests)
{
    for (const char *end; *guests != '\0'; guests = *end == ' ' ? end + 1 : end) {
        end = guests + strcspn(guests, " ");
        printf("`%.*s`%s", (int)(end - guests), guests, *end == ' ' ? ", " : "");
    }
}

static void write_row(const struct bits *row)
{
    if (row->high == row->low)
        printf("| %u | ", row->low);
    else
        printf("| %u:%u | ", row->high, row->low);
    write_text(row->text);
    printf(" |\n");
}

static void write_bits(enum exit_layout layout)
{
    printf("| bits | meaning |\n|---|---|\n");
    for (unsigned low = 0; low < 64; low++) {
        for (size_t i = 0; i < sizeof bits / sizeof *bits; i++) {
            if (bits[i].layout == layout && bits[i].low == low)
                write_row(&bits[i]);
        }
    }
}

static void write_fields(void)
{
    printf("| field | encoding | what it holds |\n|---|---|---|\n");
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        printf("| %s | `%#06x` | %s |\n", vmcs_field_table[vmcs_field_index(fields[i].field)].name,
               (unsigned)fields[i].field, fields[i].text);
}

static void heading_of(char *heading, size_t size, unsigned number)
{
    snprintf(heading, size, "%u: %s", number, exit_reason_name(number));
}

static void write_list(void)
{
    char heading[128];

    printf("| number | reason | provoked by |\n|---|---|---|\n");
    for (unsigned i = 0; i < EXIT_REASON_COUNT; i++) {
        if (exit_reason_name(i) == NULL)
            continue;
        heading_of(heading, sizeof heading, i);
        printf("| %u | [%s](", i, exit_reason_name(i));
        write_anchor(heading);
        printf(") | ");
        if (answers[i].guests != NULL)
            write_guests(answers[i].guests);
        else
            printf("%s", answers[i].handler == NULL ? "cannot happen here" : "no guest");
        printf(" |\n");
    }
}

static void write_layout_of(const char *field, enum exit_layout layout)
{
    char heading[128];

    if (layout == EXIT_LAYOUT_NOTHING)
        return;
    if (layout == EXIT_LAYOUT_UNDECODED) {
        printf("- %s: not decoded by Rootmode; the manual's section tells.\n", field);
        return;
    }
    snprintf(heading, sizeof heading, "%s: %s", field, titles[layout]);
    printf("- %s: [%s](", field, titles[layout]);
    write_anchor(heading);
    printf(").\n");
}

static void write_answer(const struct answer *answer, const char *done, const char *why)
{
    if (answer->handler == NULL) {
        printf(
            "- Rootmode: it does not happen, for %s. A guest that had it all the same would end.\n",
            why);
        return;
    }
    printf("- Rootmode (`%s`): %s\n", answer->handler, done);
    if (answer->guests != NULL) {
        printf("- Provoked by: ");
        write_guests(answer->guests);
        if (why != NULL)
            printf(", where %s", why);
        printf(".\n");
    } else {
        printf("- Provoked by no guest: %s.\n", why);
    }
}

static void write_reasons(void)
{
    char heading[128];

    for (unsigned i = 0; i < EXIT_REASON_COUNT; i++) {
        if (exit_reason_name(i) == NULL)
            continue;
        heading_of(heading, sizeof heading, i);
        printf("\n### %s\n\n%s\n\n", heading, reasons[i].cause);
        write_layout_of("Exit qualification", exit_layouts(i).qualification);
        write_layout_of("Instruction information", exit_layouts(i).information);
        if (reasons[i].also[0] != '\0')
            printf("- %s\n", reasons[i].also);
        printf("- SDM Vol. 3, \"%s\".\n", reasons[i].section);
        write_answer(&answers[i], reasons[i].done, whys[i]);
    }
}

static bool has(enum exit_layout layout, bool information)
{
    for (unsigned i = 0; i < EXIT_REASON_COUNT; i++) {
        if ((information ? exit_layouts(i).information : exit_layouts(i).qualification) == layout)
            return true;
    }
    return false;
}

/* From the first layout that is a field's own: bits that no row names are reserved or undefined. */
static void write_layouts(const char *field, bool information)
{
    for (enum exit_layout layout = EXIT_LAYOUT_EXCEPTION; layout < EXIT_LAYOUT_COUNT; layout++) {
        if (!has(layout, information))
            continue;
        printf("\n### %s: %s\n\n", field, titles[layout]);
        write_bits(layout);
    }
}

static void write_introduction(void)
{
    printf(
        "# VM exits\n\n"
        "<!-- Made by tools/gen_exits from vmx/exit_reason.def, "
        "tools/exit_reasons.def, tools/exit_layouts.def and vm/guests/exits/exits.def: edit them "
        "there. -->\n\n"
        "A VM exit takes a logical processor from its guest to the hypervisor. The processor "
        "writes why into the VM-exit\ninformation fields of the current VMCS, saves the guest's "
        "state in the guest-state area, loads the hypervisor's from\nthe host-state area and "
        "goes on at HOST_RIP with interrupts off. General registers, but RSP, are neither saved "
        "nor\nloaded: they still hold what the guest had.\n\n"
        "Most exits are like faults: the instruction has done nothing, guest RIP points at it, "
        "and a hypervisor that does its\nwork adds the instruction length to RIP. Those that say "
        "\"behind the instruction\" are like traps: it is done. An\ninstruction's own checks "
        "come first where they find it undefined (#UD) or not for this privilege level (#GP); "
        "most\nother faults come after the exit.\n\n"
        "Rootmode dispatches by one table (vm/guests/exits/exits.def), counts exits by reason, "
        "shows each "
        "with `trace=exits`, and has a zoo\nof built-in guests (`guest=NAME`) that provoke them "
        "and are judged; one that needs\nwhat the processor does not offer is skipped by name. "
        "This page is made from the tables that the "
        "code is made from.\n");
}

int main(void)
{
    write_introduction();
    printf("\n## The basic exit reasons\n\n"
           "35, 38, 42, 71, 82 and 83 are not defined. Quotation marks are around VM-execution and "
           "VM-exit controls.\n\n");
    write_list();
    printf("\n## Where the information is\n\n");
    write_fields();
    printf("\n### Exit reason\n\n");
    write_bits(EXIT_LAYOUT_REASON);
    printf("\n### Interruption and IDT-vectoring information\n\n");
    write_bits(EXIT_LAYOUT_EVENT);
    printf("\n## One by one\n");
    write_reasons();
    printf("\n## What the exit qualification holds\n\n"
           "For reasons that are not linked here it is 0 or undefined. Bits that are not named are "
           "reserved or undefined.\nGeneral registers are numbered 0 to 15: RAX, RCX, RDX, RBX, "
           "RSP, RBP, RSI, RDI, R8 to R15.\n");
    write_layouts("Exit qualification", false);
    printf("\n## What the VM-exit instruction information holds\n\n"
           "For reasons that are not linked here it is undefined.\n");
    write_layouts("Instruction information", true);
    return ferror(stdout) || fflush(stdout) != 0 ? 1 : 0;
}
