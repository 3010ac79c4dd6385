#include "vmx/text/exit_text.h"

#define EXIT_REASON(number, id, name, qualification, information) \
    [number] = {(name), {EXIT_LAYOUT_##qualification, EXIT_LAYOUT_##information}},
static const struct {
    const char *name;
    struct exit_layouts layouts;
} reasons[EXIT_REASON_COUNT + 1] = {
#include "vmx/exit_reason.def"
};
#undef EXIT_REASON

/* The last row, which is empty, for a number beyond the table. */
static uint32_t row_of(uint32_t basic_reason)
{
    return basic_reason < EXIT_REASON_COUNT ? basic_reason : EXIT_REASON_COUNT;
}

struct exit_layouts exit_layouts(uint32_t basic_reason)
{
    return reasons[row_of(basic_reason)].layouts;
}

const char *exit_reason_name(uint32_t basic_reason)
{
    return reasons[row_of(basic_reason)].name;
}

const char *exit_reason_word(uint32_t basic_reason, char text[EXIT_REASON_WORD_SIZE])
{
    if (exit_reason_name(basic_reason) != NULL)
        return exit_reason_name(basic_reason);
    format_text(text, EXIT_REASON_WORD_SIZE, "undefined (%u)", basic_reason);
    return text;
}

const char *const exit_register_names[16] = {
    "RAX", "RCX", "RDX", "RBX", "RSP", "RBP", "RSI", "RDI",
    "R8",  "R9",  "R10", "R11", "R12", "R13", "R14", "R15",
};

static const char *const exceptions[] = {
    [X86_VECTOR_DE] = "#DE", [X86_VECTOR_DB] = "#DB", [X86_VECTOR_NMI] = "NMI",
    [X86_VECTOR_BP] = "#BP", [X86_VECTOR_OF] = "#OF", [X86_VECTOR_BR] = "#BR",
    [X86_VECTOR_UD] = "#UD", [X86_VECTOR_NM] = "#NM", [X86_VECTOR_DF] = "#DF",
    [X86_VECTOR_TS] = "#TS", [X86_VECTOR_NP] = "#NP", [X86_VECTOR_SS] = "#SS",
    [X86_VECTOR_GP] = "#GP", [X86_VECTOR_PF] = "#PF", [X86_VECTOR_MF] = "#MF",
    [X86_VECTOR_AC] = "#AC", [X86_VECTOR_MC] = "#MC", [X86_VECTOR_XM] = "#XM",
    [X86_VECTOR_VE] = "#VE", [X86_VECTOR_CP] = "#CP",
};

const char *exception_name(uint32_t vector)
{
    return vector < COUNT(exceptions) ? exceptions[vector] : NULL;
}

void bit_names_print(struct sink *sink, uint64_t value, const struct bit_name *names,
                     uint32_t count)
{
    const char *comma = "";

    for (uint32_t i = 0; i < count; i++) {
        if (!(value & names[i].mask))
            continue;
        print_to(sink, "%s%s", comma, names[i].name);
        value &= ~names[i].mask;
        comma = ", ";
    }
    if (value)
        print_to(sink, "%sbits %#lx", comma, value);
    else if (!*comma)
        print_to(sink, "none");
}

void exit_reason_print(struct sink *sink, uint32_t exit_reason)
{
    static const struct bit_name flags[] = {
        {EXIT_REASON_BUSY_SHADOW_STACK, "prematurely busy shadow stack"},
        {EXIT_REASON_BUS_LOCK_ASSERTED, "bus lock asserted"},
        {EXIT_REASON_ENCLAVE, "in enclave mode"},
        {EXIT_REASON_PENDING_MTF, "pending monitor trap flag"},
        {EXIT_REASON_FROM_ROOT, "from VMX root operation"},
        {EXIT_REASON_ENTRY_FAILURE, "VM-entry failure"},
    };
    uint32_t basic = exit_reason & EXIT_REASON_BASIC, rest = exit_reason & ~EXIT_REASON_BASIC;
    const char *name = exit_reason_name(basic);

    if (name)
        print_to(sink, "%s", name);
    else
        print_to(sink, "exit reason %u, which the manual does not define", basic);
    if (rest) {
        print_to(sink, "; ");
        bit_names_print(sink, rest, flags, COUNT(flags));
    }
}

void event_information_print(struct sink *sink, uint32_t event_information, uint32_t error_code)
{
    static const char *const types[] = {
        "external interrupt", "event of type 1",    "NMI",
        "hardware exception", "software interrupt", "privileged software exception",
        "software exception", "other event",
    };
    uint32_t type = event_type_of(event_information);
    uint32_t vector = event_vector(event_information);
    bool exception =
        type == EVENT_HARDWARE_EXCEPTION || type >= EVENT_PRIVILEGED_SOFTWARE_EXCEPTION;

    if (!(event_information & EVENT_INFORMATION_VALID)) {
        print_to(sink, "none");
        return;
    }
    print_to(sink, "%s %u", types[type], vector);
    if (exception && type != EVENT_OTHER && exception_name(vector))
        print_to(sink, " (%s)", exception_name(vector));
    if (event_information & EVENT_INFORMATION_ERROR_CODE)
        print_to(sink, ", error code %#x", error_code);
    if (event_information & EVENT_INFORMATION_NMI_UNBLOCKING)
        print_to(sink, ", NMI unblocking due to IRET");
    if (event_information & EVENT_INFORMATION_NESTED)
        print_to(sink, ", nested");
}

/* SDM, "Format of the VM-Exit Instruction-Information Field as Used for …": what they share. */
static void print_memory(struct sink *sink, uint32_t information)
{
    static const char *const segments[] = {"ES", "CS", "SS", "DS", "FS", "GS", "?", "?"};
    bool base = !(information >> 27 & 1), index = !(information >> 22 & 1);

    print_to(sink, "[%s:", segments[information >> 15 & 7]);
    if (base)
        print_to(sink, "%s + ", exit_register_names[information >> 23 & 15]);
    if (index)
        print_to(sink, "%s*%u + ", exit_register_names[information >> 18 & 15],
                 1u << (information & 3));
    print_to(sink, "displacement]");
}

void instruction_information_print(struct sink *sink, uint32_t basic_reason, uint32_t information)
{
    /* GDTR or IDTR; LDTR or TR. */
    static const char *const accesses[] = {"SGDT", "SIDT", "LGDT", "LIDT",
                                           "SLDT", "STR",  "LLDT", "LTR"};
    enum exit_layout layout = exit_layouts(basic_reason).information;
    bool is_field = layout == EXIT_LAYOUT_VMCS_FIELD;
    bool is_system = layout == EXIT_LAYOUT_SYSTEM_SEGMENT;
    bool has_memory = layout >= EXIT_LAYOUT_MEMORY && layout <= EXIT_LAYOUT_SYSTEM_SEGMENT;
    const char *first = exit_register_names[information >> 3 & 15];
    unsigned second = information >> 28 & 15;

    if (layout == EXIT_LAYOUT_TABLE || is_system)
        print_to(sink, "%s ", accesses[4 * is_system + (second & 3)]);
    else if (layout == EXIT_LAYOUT_TYPE_AND_MEMORY || is_field)
        print_to(sink, "%s in %s, ", is_field ? "field" : "type", exit_register_names[second]);
    else if (layout == EXIT_LAYOUT_REGISTER_AND_SIZE)
        print_to(sink, "%u bits of %s", 16u << (information >> 11 & 3), first);
    else if (layout == EXIT_LAYOUT_XMM_REGISTERS)
        print_to(sink, "XMM%u, XMM%u", information >> 3 & 15, second);
    if (layout == EXIT_LAYOUT_MSR_OPERAND || ((is_system || is_field) && information >> 10 & 1))
        print_to(sink, "%s", first);
    else if (has_memory)
        print_memory(sink, information);
}
