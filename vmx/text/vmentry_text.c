/* How the findings of vmx/entry/vmentry_check.h are explained to a person. */
#include "lib/string.h"
#include "lib/wrapped.h"
#include "vmx/text/vmcs_dump.h"
#include "vmx/entry/vmentry_check.h"
#include "vmx/entry/vmentry_state.h"

enum { INDENT = 9, COLUMNS = 78, LINE_SIZE = 512, BIT_RANGES_MAX = 4 };

const char *vmentry_class_name(enum vmentry_class class)
{
    static const char *const names[VMENTRY_CLASS_COUNT] = {
        [VMENTRY_CONTROLS] = "VMfailValid 7", [VMENTRY_HOST] = "VMfailValid 8",
        [VMENTRY_GUEST] = "exit reason 33",   [VMENTRY_MSR_LOAD] = "exit reason 34",
        [VMENTRY_ENTERS] = "enters",
    };

    return names[class];
}

const char *vmentry_class_text(enum vmentry_class class)
{
    static const char *const texts[VMENTRY_CLASS_COUNT] = {
        [VMENTRY_CONTROLS] =
            "VM-instruction error 7: a control field is wrong. The processor has loaded nothing of "
            "the guest and goes on behind VMLAUNCH or VMRESUME.",
        [VMENTRY_HOST] =
            "VM-instruction error 8: the host-state area is wrong, to which the next VM exit would "
            "lead. The processor has loaded nothing and goes on behind VMLAUNCH or VMRESUME.",
        [VMENTRY_GUEST] =
            "Exit reason 33: controls and host state are well, the guest-state area is wrong. The "
            "processor came back to host RIP as if by a VM exit, with bit 31 of the exit reason 1.",
        [VMENTRY_MSR_LOAD] =
            "Exit reason 34: all state is well, an entry of the VM-entry MSR-load area is not; the "
            "exit qualification counts which, from 1. The processor came back to host RIP as if by "
            "a VM exit, with bit 31 of the exit reason 1.",
        [VMENTRY_ENTERS] = "No rule of the manual's is broken by what the VMCS holds now.",
    };

    return texts[class];
}

/* Whose value a finding has seen, where it is not its field's. */
static const char *place_of(enum vmentry_rule rule)
{
    switch (rule) {
    case VMENTRY_LINK_POINTER_REVISION:
        return "the first four bytes in memory at the ";
    case VMENTRY_PDPTE_MEMORY:
        return "a PDPTE in memory at ";
    case VMENTRY_TPR_THRESHOLD_VTPR:
        return "bits 3:0 of ";
    default:
        return "";
    }
}

/* "bits 63:32, 3" */
static void print_bits(struct sink *sink, uint64_t bits)
{
    const char *comma = bits & (bits - 1) ? "bits " : "bit ";

    for (int high = 63; high >= 0; high--) {
        int low = high;

        if (!(bits >> high & 1))
            continue;
        while (low > 0 && bits >> (low - 1) & 1)
            low--;
        if (high == low)
            print_to(sink, "%s%d", comma, high);
        else
            print_to(sink, "%s%d:%d", comma, high, low);
        comma = ", ";
        high = low;
    }
}

static unsigned ranges_in(uint64_t bits)
{
    unsigned count = 0;

    for (uint64_t lowest = bits & ~(bits << 1); lowest != 0; lowest &= lowest - 1)
        count++;
    return count;
}

/* What makes the one value of the other, where it is a bit here or there. */
static void print_change(struct sink *sink, const struct vmentry_finding *finding)
{
    uint64_t set = finding->wanted & ~finding->seen, clear = finding->seen & ~finding->wanted;

    if ((set && clear) || ranges_in(set | clear) > BIT_RANGES_MAX)
        return;
    print_to(sink, set ? "; set " : "; clear ");
    print_bits(sink, set | clear);
    if (vmentry_forms[finding->rule].kind == FORM_ALLOWED1) {
        print_to(sink, " (");
        vmx_controls_print(sink, vmentry_forms[finding->rule].when.word, clear);
        print_to(sink, ")");
    }
}

static void print_values(struct sink *sink, const struct vmentry_finding *finding)
{
    if (finding->entry != 0) {
        print_to(sink, "entry %u of the VM-entry MSR-load area: MSR %#lx", finding->entry,
                 finding->seen);
        return;
    }
    print_to(sink, "%s%s: seen %#lx, wanted for example %#lx", place_of(finding->rule),
             vmcs_field_table[vmcs_field_index(finding->field)].name, finding->seen,
             finding->wanted);
    print_change(sink, finding);
}

void vmentry_explain(struct sink *sink, const struct vmentry_finding *finding)
{
    const struct vmentry_rule_text rule = vmentry_rule_text(finding->rule);
    char line[LINE_SIZE];
    struct text_buffer text;

    print_to(sink, "%*s%s%s\n", INDENT - 2, "", rule.name,
             rule.may ? ", which a processor need not check" : "");
    text_buffer_init(&text, line, sizeof(line));
    print_to(&text.sink, "must hold: %s", rule.text);
    print_wrapped(sink, INDENT, COLUMNS - INDENT, line);
    text_buffer_init(&text, line, sizeof(line));
    print_values(&text.sink, finding);
    print_wrapped(sink, INDENT, COLUMNS - INDENT, line);
    print_to(sink, "%*smanual: \"%s\"\n", INDENT, "", rule.section);
}

void vmentry_names_print(struct sink *sink, const struct vmentry_findings *findings)
{
    for (uint32_t i = 0; i < findings->count; i++) {
        if (i == 0 || findings->item[i].rule != findings->item[i - 1].rule)
            print_to(sink, "%s%s", i == 0 ? "" : ", ",
                     vmentry_rule_text(findings->item[i].rule).name);
    }
}
