#include "kernel/monitor/monitor.h"

#include "lib/string.h"
#include "vmx/text/exit_text.h"

#define NAMED(msr) \
    {              \
#msr, msr  \
    }
static const struct {
    const char *name;
    uint32_t msr;
} other_msrs[] = {
    NAMED(IA32_FEATURE_CONTROL),
    NAMED(IA32_EFER),
    NAMED(IA32_PAT),
    NAMED(IA32_APIC_BASE),
    NAMED(IA32_MISC_ENABLE),
    NAMED(IA32_SYSENTER_CS),
    NAMED(IA32_FS_BASE),
    NAMED(IA32_GS_BASE),
    NAMED(IA32_KERNEL_GS_BASE),
    NAMED(IA32_STAR),
    NAMED(IA32_LSTAR),
    NAMED(IA32_FMASK),
};
enum { MSRS = VMX_MSR_COUNT + sizeof(other_msrs) / sizeof(other_msrs[0]) };

static char upper(char c)
{
    return (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
}

/* "Address of I/O bitmap A" becomes ADDRESS_OF_IO_BITMAP_A; "(EPTP)" and "field" are left out. */
static void make_field_name(const char *text, char *name)
{
    while (*text != '\0' && strncmp(text, " (", 2) != 0 && strcmp(text, " field") != 0) {
        char c = upper(*text++);

        if (c != '/' || *text != 'O')
            *name++ = (char)((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ? c : '_');
    }
    *name = '\0';
}

bool monitor_name(enum monitor_kind kind, uint32_t n, char *name)
{
    const char *text = NULL;

    if (kind == VALUE && n >= monitor.page_count)
        return monitor_name(FIELD, n - monitor.page_count, name);
    if (kind == VALUE)
        text = monitor.page[n].name;
    else if (kind == FIELD && n < VMCS_FIELD_COUNT)
        make_field_name(vmcs_field_table[n].name, name);
    else if (kind == MSR && n < MSRS)
        text = n < VMX_MSR_COUNT ? vmx_msr_name(VMX_MSR_FIRST + n)
                                 : other_msrs[n - VMX_MSR_COUNT].name;
    else if (kind == REGISTER && n < 16)
        text = exit_register_names[n];
    else if (kind == COMMAND)
        text = monitor_commands[n].name;
    if (text != NULL)
        format_text(name, MONITOR_NAME_SIZE, "%s", text);
    return text != NULL || (kind == FIELD && n < VMCS_FIELD_COUNT);
}

/* Are the first `length` characters the same, in upper or lower case? */
static bool begins(const char *name, const char *start, size_t length)
{
    size_t i = 0;

    while (i < length && name[i] != '\0' && upper(name[i]) == upper(start[i]))
        i++;
    return i == length;
}

static bool is_named(enum monitor_kind kind, struct command_text word, uint64_t *value)
{
    char name[MONITOR_NAME_SIZE];
    uint32_t n = 0;

    while (monitor_name(kind, n, name) &&
           !(strlen(name) == word.length && begins(name, word.start, word.length)))
        n++;
    if (!monitor_name(kind, n, name))
        return false;
    *value = n;
    if (kind == FIELD)
        *value = vmcs_field_table[n].field;
    else if (kind == MSR)
        *value = n < VMX_MSR_COUNT ? VMX_MSR_FIRST + n : other_msrs[n - VMX_MSR_COUNT].msr;
    else if (kind == VALUE && n < monitor.page_count)
        *value = monitor.page[n].address;
    else if (kind == VALUE)
        return vmx_ok(vmread(vmcs_field_table[n - monitor.page_count].field, value));
    return true;
}

static bool is_number(struct command_text text, uint64_t *value)
{
    bool hex = text.length > 2 && begins("0x", text.start, 2);

    return command_text_number(text, hex ? 16 : 10, UINT64_MAX, value);
}

/* TERM{OPERATOR TERM}, from left to right, without spaces. */
static bool is_value(struct command_text text, uint64_t *value)
{
    for (char before = '|'; before != '\0';) {
        struct command_text term = text;
        uint64_t operand;

        term.length = 0;
        while (term.length < text.length && strchr("+-|&", term.start[term.length]) == NULL)
            term.length++;
        if (!is_number(term, &operand) && !is_named(VALUE, term, &operand))
            return false;
        *value = before == '+'   ? *value + operand
                 : before == '-' ? *value - operand
                 : before == '|' ? *value | operand
                                 : *value & operand;
        before = term.length < text.length ? term.start[term.length++] : '\0';
        text = (struct command_text){text.start + term.length, text.length - term.length};
    }
    return true;
}

enum monitor_kind monitor_kind(struct command_text argument)
{
    switch (argument.length > 0 ? argument.start[argument.start[0] == '['] : '\0') {
    case 'F':
        return FIELD;
    case 'M':
        return MSR;
    case 'R':
        return REGISTER;
    case 'C':
        return COMMAND;
    case 'N':
        return TEXT;
    case 'T':
    case '\0':
        return LINE;
    default:
        return VALUE;
    }
}

bool monitor_meaning(enum monitor_kind kind, struct command_text word, uint64_t *value)
{
    *value = 0;
    return kind >= COMMAND || (kind == VALUE && is_value(word, value)) ||
           (kind != VALUE && is_named(kind, word, value)) ||
           (kind <= MSR && is_number(word, value));
}

const struct monitor_command *monitor_find_command(struct command_text *line)
{
    const struct monitor_command *command = monitor_commands;

    for (; command->name != NULL; command++) {
        size_t length = strlen(command->name);

        if (line->length >= length && begins(command->name, line->start, length) &&
            (line->length == length || line->start[length] == ' ')) {
            line->start += length;
            line->length -= length;
            return command;
        }
    }
    return NULL;
}

/* What the last word of a line, which `line` becomes, is to be. */
static enum monitor_kind kind_at_end(struct command_text *line)
{
    const struct monitor_command *command = monitor_find_command(line);
    struct command_text kinds, kind;

    if (command == NULL || line->length == 0)
        return COMMAND;
    kinds = (struct command_text){command->arguments, strlen(command->arguments)};
    do {
        (void)command_text_cut(line, ' ');
        kind = command_text_cut(&kinds, ' ');
    } while (monitor_kind(kind) != LINE && strchr(line->start, ' ') != NULL);
    return monitor_kind(kind);
}

size_t monitor_complete(const char *line, char *more, struct sink *list)
{
    struct command_text last = {line, strlen(line)};
    enum monitor_kind kind = kind_at_end(&last);
    char name[MONITOR_NAME_SIZE];
    uint32_t fitting = 0;

    more[0] = '\0';
    for (uint32_t n = 0; kind <= COMMAND && monitor_name(kind, n, name); n++) {
        size_t same = 0;

        if (!begins(name, last.start, last.length))
            continue;
        if (list != NULL)
            print_to(list, "%s ", name);
        if (fitting++ == 0)
            format_text(more, MONITOR_NAME_SIZE, "%s ", name + last.length);
        while (more[same] != '\0' && more[same] == name[last.length + same])
            same++;
        more[fitting == 1 ? same + 1 : same] = '\0';
    }
    return strlen(more);
}
