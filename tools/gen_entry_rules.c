/*
 * Writes docs/entry-rules.md to standard output, from the table that the kernel judges VM entries
 * with: `ninja -C build gen_entry_rules && build/tools/gen_entry_rules > docs/entry-rules.md`.
 */
#include <stdio.h>
#include <string.h>

#include "vmx/vmentry_check.h"
#include "vmx/vmentry_departures.h"

static void write_text(const char *text)
{
    for (; *text != '\0'; text++)
        printf("%s%c", *text == '|' ? "\\" : "", *text);
}

static void write_fields(enum vmentry_rule rule)
{
    enum vmcs_field field;

    for (unsigned n = 0; vmentry_rule_field(rule, n, &field); n++)
        printf("%s%s", n > 0 ? "; " : "", vmcs_field_table[vmcs_field_index(field)].name);
}

static void write_rules(void)
{
    const char *section = "";

    for (enum vmentry_rule rule = 0; rule < VMENTRY_RULE_COUNT; rule++) {
        const struct vmentry_rule_text *row = &vmentry_rule_table[rule];

        if (strcmp(section, row->section) != 0) {
            section = row->section;
            printf("\n## %s\n\n| rule | must hold | fails with | fields |\n|---|---|---|---|\n",
                   section);
        }
        printf("| `%s` | ", row->name);
        write_text(row->text);
        printf(" | %s%s | ", vmentry_class_name(row->class), row->may ? ", or is not checked" : "");
        write_fields(rule);
        printf(" |\n");
    }
}

static void write_departures(void)
{
    static const char *const kinds[] = {
        [DEPARTURE_LAXER] = "does not check",
        [DEPARTURE_STRICTER] = "refuses what is allowed",
        [DEPARTURE_FATAL] = "ends itself: not tried",
    };

    printf(
        "\n## What Bochs 2.7 does otherwise\n\n| rule | Bochs | what it does |\n|---|---|---|\n");
    for (enum vmentry_departure i = 0; i < VMENTRY_DEPARTURE_COUNT; i++) {
        const struct vmentry_departure_text *row = &vmentry_departure_table[i];

        printf("| `%s` | %s | ", vmentry_rule_table[row->rule].name, kinds[row->kind]);
        write_text(row->text);
        printf(" |\n");
    }
}

int main(void)
{
    printf(
        "# The rules of a VM entry\n\n"
        "<!-- Made by tools/gen_entry_rules from vmx/vmentry_rules.def and "
        "vmx/vmentry_departures.def: edit them there. -->\n\n"
        "VMLAUNCH and VMRESUME check the VMCS by these %u rules before the guest runs. When an "
        "entry fails, Rootmode\ntells which are broken; with `check-entry=always` it looks before "
        "each entry. `selftest=entry` breaks each\nthat the processor lets it break and compares "
        "verdicts.\n\n"
        "The sections are those of the manual (SDM Vol. 3, chapter \"VM Entries\"). Where no field "
        "is named, several\ntogether decide. Rules about entries from system-management mode, and "
        "model-specific reasons not to load an\nMSR, are not judged.\n",
        (unsigned)VMENTRY_RULE_COUNT);
    write_rules();
    write_departures();
    return ferror(stdout) || fflush(stdout) != 0 ? 1 : 0;
}
