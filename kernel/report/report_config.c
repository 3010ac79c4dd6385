/* What the boot CPU says of its VMX, bit by bit, and the controls that are on by name. */
#include "kernel/report/report_page.h"
#include "lib/string.h"
#include "vmx/capability/vmx_controls.h"
#include "vmx/text/capability_text.h"

enum { PAGE_COLUMNS = 78 };

static void paint(struct sink *sink, enum severity severity)
{
    (void)sink;
    console_colour(severity == SEVERITY_REFUSAL   ? COLOUR_REFUSAL
                   : severity == SEVERITY_WARNING ? COLOUR_WARNING
                                                  : COLOUR_PLAIN);
}

/* The names of the controls that are on, in lines of the page's width. */
static void controls_text(struct sink *page, enum vmx_control_word word, uint32_t value)
{
    unsigned column = PAGE_COLUMNS;

    print_to(page, "  %-48s%#010x", vmx_control_words[word].name, value);
    console_colour(COLOUR_DIM);
    for (uint32_t i = 0; i < vmx_control_count; i++) {
        const struct vmx_control *control = &vmx_control_table[i];
        unsigned length = (unsigned)strlen(control->name) + 2;

        if (control->word != word || (value & control->mask) == 0)
            continue;
        if (column + length > PAGE_COLUMNS) {
            print_to(page, "\n     ");
            column = 5;
        }
        print_to(page, " %s;", control->name);
        column += length;
    }
    console_colour(COLOUR_PLAIN);
    print_to(page, "\n");
}

static void basic_text(const struct vmx_cpu *cpu, struct sink *page)
{
    print_in(page, COLOUR_HEADING, "\nWhat the boot CPU says of its VMX\n");
    basic_render(page, vmx_msr_value(&cpu->checked, IA32_VMX_BASIC), &cpu->findings, paint);
}

static void config_text(const struct vmcs_config *config, struct sink *page)
{
    print_in(page, COLOUR_HEADING, "\nvmcs_config, as KVM derives it\n");
    for (uint32_t i = 0; i < vmcs_config_field_count; i++) {
        const struct field *field = &vmcs_config_fields[i];

        print_to(page, field->kind == FIELD_HEX ? "  %-26s%#lx\n" : "  %-26s%lu\n", field->name,
                 field_value(field, config));
    }
}

static void boot_cpu_text(const struct machine *machine, struct sink *page)
{
    const struct vmx_cpu *cpu = machine->cpus[0]->vmx;
    const struct vmcs_config *config = &cpu->checked_config;

    if (!vmx_msr_is_present(&cpu->checked, IA32_VMX_BASIC))
        return;
    basic_text(cpu, page);
    config_text(config, page);
    print_in(page, COLOUR_HEADING, "\nControls that are on\n");
    for (enum vmx_control_word word = 0; word < VMX_CONTROL_WORD_COUNT; word++) {
        if (word != VMX_CONTROL_SECONDARY || config->controls[word] != 0)
            controls_text(page, word, config->controls[word]);
    }
}

REPORT_TEXT(020, boot_cpu_text);
