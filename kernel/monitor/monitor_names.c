#include "kernel/monitor/monitor.h"

#include "lib/string.h"
#include "lib/x86_registers.h"
#include "vmx/text/vmcs_dump.h"

/* Beside the capability MSRs, whose addresses go on from VMX_MSR_FIRST. */
#define MSRS(MSR)             \
    MSR(IA32_FEATURE_CONTROL) \
    MSR(IA32_EFER)            \
    MSR(IA32_PAT)             \
    MSR(IA32_APIC_BASE) MSR(IA32_FS_BASE) MSR(IA32_GS_BASE) MSR(IA32_STAR) MSR(IA32_LSTAR)
#define ADDRESS_OF(msr) msr,
#define NAME_OF(msr)    #msr,
static const uint32_t other_msrs[] = {MSRS(ADDRESS_OF)};
static const char *const other_msr_names[] = {MSRS(NAME_OF)};
enum { MSR_COUNT = VMX_MSR_COUNT + sizeof(other_msrs) / sizeof(other_msrs[0]) };

bool monitor_names(int kind, uint32_t n, char *name)
{
    uint32_t fields_from = kind == VALUE ? monitor.page_count : 0;
    const char *text = NULL;

    if (kind == VALUE && n < monitor.page_count)
        text = monitor.page[n].name;
    else if (kind <= FIELD)
        return vmcs_field_symbol(n - fields_from, name);
    else if (kind == MSR && n < MSR_COUNT)
        text = n < VMX_MSR_COUNT ? vmx_msr_name(VMX_MSR_FIRST + n)
                                 : other_msr_names[n - VMX_MSR_COUNT];
    else if (kind == COMMAND_NAME && set_monitor_commands + n < set_monitor_commands_end)
        text = set_monitor_commands[n]->name;
    if (text != NULL)
        format_text(name, COMPLETION_SIZE, "%s", text);
    return text != NULL;
}

static bool is_named(enum monitor_kind kind, struct command_text word, uint64_t *value)
{
    uint32_t n;

    if (!completion_find(monitor_names, kind, word.start, word.length, &n))
        return false;
    *value = n;
    if (kind == FIELD)
        *value = vmcs_field_table[n].field;
    else if (kind == MSR)
        *value = n < VMX_MSR_COUNT ? VMX_MSR_FIRST + n : other_msrs[n - VMX_MSR_COUNT];
    else if (kind == VALUE && n < monitor.page_count)
        *value = monitor.page[n].address;
    else if (kind == VALUE)
        return vmx_ok(vmread(vmcs_field_table[n - monitor.page_count].field, value));
    return true;
}

static bool is_number(struct command_text text, uint64_t *value)
{
    bool hex = text.length > 2 && strncmp(text.start, "0x", 2) == 0;

    return command_text_number(text, hex ? 16 : 10, UINT64_MAX, value);
}

/* TERM{OPERATOR TERM}, from left to right, without spaces. */
static bool is_value(struct command_text text, uint64_t *value)
{
    for (int before = '|'; before != '\0';) {
        struct command_text term = {text.start, 0};
        uint64_t operand;

        while (term.length < text.length && strchr("+-|&", term.start[term.length]) == NULL)
            term.length++;
        if (!is_number(term, &operand) && !is_named(VALUE, term, &operand))
            return false;
        *value = before == '+'   ? *value + operand
                 : before == '-' ? *value - operand
                 : before == '|' ? *value | operand
                                 : *value & operand;
        before = term.length < text.length ? text.start[term.length++] : '\0';
        text = (struct command_text){text.start + term.length, text.length - term.length};
    }
    return true;
}

bool monitor_meaning(enum monitor_kind kind, struct command_text word, uint64_t *value)
{
    *value = 0;
    if (kind == VALUE)
        return is_value(word, value);
    return kind >= TEXT || is_named(kind, word, value) ||
           (kind != COMMAND_NAME && is_number(word, value));
}

const struct monitor_command *monitor_find_command(struct command_text *line)
{
    SET_FOR_EACH(monitor_commands, command) {
        size_t length = strlen((*command)->name);

        if (line->length >= length && strncmp(line->start, (*command)->name, length) == 0 &&
            (line->length == length || line->start[length] == ' ')) {
            line->start += length;
            line->length -= length;
            return *command;
        }
    }
    return NULL;
}

/* By the word's first letter: FIELD, MSR, COMMAND, NAME of something new, TEXT up to the end. */
enum monitor_kind monitor_next_kind(struct command_text *kinds)
{
    static const char letters[] = "FMCNT";
    static const enum monitor_kind of_letter[] = {FIELD, MSR, COMMAND_NAME, TEXT, LINE};
    struct command_text kind = command_text_cut(kinds, ' ');
    const char *letter = NULL;

    if (kind.length > 0)
        letter = strchr(letters, kind.start[kind.start[0] == '[']);
    return kind.length == 0 ? LINE : letter != NULL ? of_letter[letter - letters] : VALUE;
}

size_t monitor_complete(const char *line, char *more, struct sink *list)
{
    struct command_text last = {line, strlen(line)}, kinds = {"COMMAND", 7};
    const struct monitor_command *command = monitor_find_command(&last);
    enum monitor_kind kind = COMMAND_NAME;

    if (command != NULL && last.length > 0) {
        kinds = (struct command_text){command->arguments, strlen(command->arguments)};
        do {
            (void)command_text_cut(&last, ' ');
            kind = monitor_next_kind(&kinds);
        } while (kind != LINE && strchr(last.start, ' ') != NULL);
    }
    return completion_add(monitor_names, kind, last.start, more, list);
}
