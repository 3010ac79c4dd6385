/*
 * Writes docs/refusals.md to standard output, from the table of findings:
 * `ninja -C build gen_refusals && build/tools/gen_refusals > docs/refusals.md`.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "vmx/text/capability_text.h"

enum { PREFIXES_MAX = 3 };

/* In the order of the page; a rule stands in the first group that has the beginning of its name. */
static const struct group {
    const char *title, *introduction;
    const char *prefixes[PREFIXES_MAX];
} groups[] = {
    {"The machine",
     "What the boot loader and the firmware give, before VMX is looked at.",
     {"boot-", "cpu-", "nmi-"}},
    {"CPUID", "Whether there is VMX at all. CPUID decides, not the maker's name.", {"cpuid-"}},
    {"IA32_FEATURE_CONTROL", "Whether the firmware lets VMXON through.", {"feature-control-"}},
    {"IA32_VMX_BASIC",
     "KVM's three checks and a size of 0 refuse always. The rest a physical processor is trusted "
     "with, and a virtual register is not.",
     {"basic-"}},
    {"Capability MSRs", "Whether all are there, and what they say about each other.", {"msr-"}},
    {"Controls",
     "The VM-execution, VM-exit and VM-entry controls: what the processor allows against what a "
     "minimal hypervisor asks for.",
     {"control-"}},
    {"CR0 and CR4", "The bits that VMX operation fixes.", {"cr-"}},
    {"One configuration for all CPUs", "Each CPU derives its own and is compared.", {"compare-"}},
    {"Regions", "Memory for the VMXON region and the VMCS of each CPU.", {"region-"}},
    {"VMX instructions", "What the processor itself said.", {"vmxon-", "instruction-", "vmptrst-"}},
    {"selftest", "Failures provoked on purpose, and held against the tables.", {"selftest-"}},
    {"Guests", "What ran on top, and did otherwise than it should.", {"guest-", "linux-"}},
    {"The command line", "What was typed and could not be followed.", {"command-line"}},
    {"pretend=", "Values that do not come from the processor.", {"pretend"}},
};

enum { GROUP_COUNT = sizeof(groups) / sizeof(groups[0]) };

static int group_of(const char *name)
{
    for (int group = 0; group < GROUP_COUNT; group++) {
        for (int i = 0; i < PREFIXES_MAX && groups[group].prefixes[i]; i++) {
            if (!strncmp(name, groups[group].prefixes[i], strlen(groups[group].prefixes[i])))
                return group;
        }
    }
    return -1;
}

/* Each paragraph begins with a capital letter and ends with a full stop. */
static void write_sentence(const char *label, const char *text)
{
    printf("%s%c%s.\n\n", label, toupper((unsigned char)text[0]), text + 1);
}

static void write_severity(const enum severity *severity)
{
    enum severity kvm = severity[VMX_CHECK_KVM], virtual = severity[VMX_CHECK_VIRTUAL],
                  strict = severity[VMX_CHECK_STRICT];

    printf("*%s", severity_name(kvm));
    if (virtual != kvm && virtual == strict)
        printf("; %s under a hypervisor and with check=strict", severity_name(strict));
    if (virtual != kvm && virtual != strict)
        printf("; %s under a hypervisor", severity_name(virtual));
    if (strict != virtual)
        printf("; %s with check=strict", severity_name(strict));
    printf("*\n\n");
}

static void write_rule(const struct rule_row *rule, struct rule_text text)
{
    printf("### %s\n\n", rule->name);
    write_severity(rule->severity);
    write_sentence("", text.text);
    write_sentence(strncmp(text.remedy, "nothing to do", 13) ? "What to do: " : "", text.remedy);
    printf("Source: %s.\n\n", text.sdm);
}

static void write_groups(void)
{
    for (int group = 0; group < GROUP_COUNT; group++) {
        bool begun = false;

        for (int rule = 0; rule < RULE_COUNT; rule++) {
            if (group_of(rule_table[rule].name) != group)
                continue;
            if (!begun)
                printf("## %s\n\n%s\n\n", groups[group].title, groups[group].introduction);
            begun = true;
            write_rule(&rule_table[rule], rule_text(rule));
        }
    }
}

int main(void)
{
    for (int rule = 0; rule < RULE_COUNT; rule++) {
        if (group_of(rule_table[rule].name) < 0) {
            fprintf(stderr, "gen_refusals: no group of tools/gen_refusals.c holds the rule %s\n",
                    rule_table[rule].name);
            return 1;
        }
    }
    printf("# What Rootmode finds, and what to do about it\n\n"
           "<!-- Made by tools/gen_refusals from vmx/findings.def and vmx/text/finding_text.def: "
           "edit them there. -->\n\n"
           "Whatever is worth telling about a machine is a finding: it names its rule, the MSR or "
           "field and bits,\nthe value seen, the value wanted and the CPU. A *note* and a "
           "*warning* let the boot go on; with a\n*refusal* no CPU stays in VMX operation, and the "
           "verdict is `refused`. How severe a rule is can depend\non `check=`: \"under a "
           "hypervisor\" is what `check=auto`, the default, means where CPUID says that a\n"
           "hypervisor is present, so that the register is virtual. `check=kvm` never goes beyond "
           "what is named\nfirst. Sources are sections of the Intel SDM, Volume 3, by title, where "
           "nothing else is said.\n\n");
    write_groups();
    return ferror(stdout) || fflush(stdout) != 0 ? 1 : 0;
}
