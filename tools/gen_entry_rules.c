/*
 * Writes docs/entry-rules.md to standard output, from the table that the kernel checks VM entries
 * with: `ninja -C build gen_entry_rules && build/tools/gen_entry_rules > docs/entry-rules.md`.
 */
#include <stdio.h>
#include <string.h>

#include "tools/entry/rule_field.h"
#include "vmx/entry/vmentry_check.h"
#include "vmx/quirks.h"
#include "vmx/selftest/vmentry_departures.h"

static void write_text(const char *text)
{
    for (; *text != '\0'; text++)
        printf("%s%c", *text == '|' ? "\\" : "", *text);
}

static void write_fields(enum vmentry_rule rule)
{
    enum vmcs_field field;

    for (unsigned n = 0; rule_field(rule, n, &field); n++)
        printf("%s%s", n > 0 ? "; " : "", vmcs_field_table[vmcs_field_index(field)].name);
}

static void write_rules(void)
{
    const char *section = "";

    for (enum vmentry_rule rule = 0; rule < VMENTRY_RULE_COUNT; rule++) {
        const struct vmentry_rule_text row = vmentry_rule_text(rule);

        if (strcmp(section, row.section) != 0) {
            section = row.section;
            printf("\n## %s\n\n| rule | must hold | fails with | fields |\n|---|---|---|---|\n",
                   section);
        }
        printf("| `%s` | ", row.name);
        write_text(row.text);
        printf(" | %s%s | ", vmentry_class_name(row.class), row.may ? ", or is not checked" : "");
        write_fields(rule);
        printf(" |\n");
    }
}

static void write_sources(void)
{
    printf(
        "\n## What the rules were held against\n\n"
        "Sentence by sentence against the manual of February 2026, from \"Checks on VMX Controls\" "
        "to \"Loading MSRs\":\neach check has its rule, but for those of entries from "
        "system-management mode and into trust domains (SEAM),\nand for what depends on the model "
        "alone. Also against what KVM checks of a guest's VMCS (Linux 6.1,\n"
        "arch/x86/kvm/vmx/nested.c) and Bochs of every one (cpu/vmx.cc): both check less, and "
        "nothing else but what\nthe next section says.\n\n"
        "Where the manual is not of one mind:\n\n"
        "- Bit 11 of the pending debug exceptions (a bus lock) must be 0 in the list of checks, "
        "and "
        "has a meaning in\n  the field's table. It is taken as allowed where CPUID says that the "
        "processor has it; likewise EPTP bit 7.\n"
        "- Guest SSP above 4 GiB outside of 64-bit mode is forbidden where the loading is "
        "described "
        "alone.\n"
        "- An NMI under blocking by STI was left to the processor in earlier editions.\n"
        "- Which MSRs an entry may refuse to load is said with each MSR, in Vol. 4: of the two for "
        "microcode.\n");
}

static void write_departures(const char *name, uint32_t emulator)
{
    static const char *const kinds[] = {
        [DEPARTURE_LAXER] = "does not check",
        [DEPARTURE_STRICTER] = "refuses what is allowed",
        [DEPARTURE_FATAL] = "ends itself: not tried",
    };

    printf("\n## What %s does otherwise\n\n| rule | it | what it does |\n|---|---|---|\n", name);
    for (enum vmentry_departure i = 0; i < VMENTRY_DEPARTURE_COUNT; i++) {
        const struct vmentry_departure_text *row = &vmentry_departure_table[i];

        if ((row->emulators & emulator) == 0)
            continue;
        printf("| %s%s%s | %s | ", row->rule < VMENTRY_RULE_COUNT ? "`" : "",
               row->rule < VMENTRY_RULE_COUNT ? vmentry_rule_text(row->rule).name
                                              : "any of guest state",
               row->rule < VMENTRY_RULE_COUNT ? "`" : "", kinds[row->kind]);
        write_text(row->text);
        printf(" |\n");
    }
}

int main(void)
{
    printf(
        "# The rules of a VM entry\n\n"
        "<!-- Made by tools/gen_entry_rules from vmx/entry/vmentry_rules.def and "
        "vmx/selftest/departures.def: edit them there. -->\n\n"
        "VMLAUNCH and VMRESUME check the VMCS by these %u rules before the guest runs. When an "
        "entry fails, Rootmode\ntells which are broken; with `check-entry=always` it looks before "
        "each entry. `selftest=entry` breaks each\nthat the processor lets it break and compares "
        "verdicts.\n\n"
        "The sections are those of the manual (SDM Vol. 3, chapter \"VM Entries\"). Where no field "
        "is named, several\ntogether decide.\n",
        (unsigned)VMENTRY_RULE_COUNT);
    write_rules();
    write_sources();
    write_departures(emulator_name(IN_BOCHS), IN_BOCHS);
    write_departures(emulator_name(IN_KVM), IN_KVM);
    return ferror(stdout) || fflush(stdout) != 0 ? 1 : 0;
}
