
#include "vmx/text/exit_text.h"

/* SDM, table "Exit Qualification for Debug Exceptions". */
static void print_debug_exceptions(struct sink *sink, uint64_t qualification)
{
    static const struct bit_name bits[] = {
        {1u << 0, "breakpoint 0"}, {1u << 1, "breakpoint 1"},
        {1u << 2, "breakpoint 2"}, {1u << 3, "breakpoint 3"},
        {1u << 11, "bus lock"},    {1u << 13, "access to a debug register"},
        {1u << 14, "single step"}, {1u << 16, "transactional region"},
    };

    bit_names_print(sink, qualification, bits, COUNT(bits));
}

static void print_exception(struct sink *sink, uint32_t event_information, uint64_t qualification)
{
    uint32_t vector = event_vector(event_information);

    if (!(event_information & EVENT_INFORMATION_VALID) ||
        event_type_of(event_information) == EVENT_NMI)
        return;
    if (vector == X86_VECTOR_DB)
        print_debug_exceptions(sink, qualification);
    else if (vector == X86_VECTOR_PF)
        print_to(sink, "linear address %#lx", qualification);
    else if (vector == X86_VECTOR_NM && qualification)
        print_to(sink, "IA32_XFD_ERR %#lx", qualification);
}

/* SDM, table "Exit Qualification for Task Switches". */
static void print_task_switch(struct sink *sink, uint64_t qualification)
{
    static const char *const sources[4] = {"CALL", "IRET", "JMP", "task gate in the IDT"};

    print_to(sink, "%s to the TSS with selector %#x", sources[qualification >> 30 & 3],
             (unsigned)(qualification & 0xffff));
}

/* SDM, table "Exit Qualification for Control-Register Accesses". */
static void print_control_register(struct sink *sink, uint64_t qualification)
{
    unsigned number = qualification & 15;
    const char *name = exit_register_names[qualification >> 8 & 15];

    switch (qualification >> 4 & 3) {
    case 0:
        print_to(sink, "MOV to CR%u from %s", number, name);
        break;
    case 1:
        print_to(sink, "MOV from CR%u to %s", number, name);
        break;
    case 2:
        print_to(sink, "CLTS");
        break;
    default:
        print_to(sink, "LMSW of %#x from %s", (unsigned)(qualification >> 16 & 0xffff),
                 qualification >> 6 & 1 ? "memory" : "a register");
    }
}

/* SDM, table "Exit Qualification for MOV DR". */
static void print_mov_dr(struct sink *sink, uint64_t qualification)
{
    bool from = qualification >> 4 & 1;

    print_to(sink, "MOV %s DR%u %s %s", from ? "from" : "to", (unsigned)(qualification & 7),
             from ? "to" : "from", exit_register_names[qualification >> 8 & 15]);
}

/* SDM, table "Exit Qualification for I/O Instructions". */
static void print_io(struct sink *sink, uint64_t qualification)
{
    unsigned bytes = (qualification & 7) + 1;
    bool in = qualification >> 3 & 1, string = qualification >> 4 & 1;

    print_to(sink, "%s%s%s port %#x (%s), %u byte%s", qualification >> 5 & 1 ? "REP " : "",
             in ? "IN" : "OUT", string ? "S" : "", (unsigned)(qualification >> 16 & 0xffff),
             qualification >> 6 & 1 ? "immediate" : "DX", bytes, bytes == 1 ? "" : "s");
}

/* SDM, table "Exit Qualification for APIC-Access VM Exits from Linear Accesses and …". */
static void print_apic_access(struct sink *sink, uint64_t qualification)
{
    static const char *const types[] = {"data read",
                                        "data write",
                                        "instruction fetch",
                                        "access during event delivery",
                                        [10] = "guest-physical access during event delivery",
                                        [15] = "guest-physical access of an instruction"};
    unsigned type = qualification >> 12 & 15;

    if (types[type] != NULL)
        print_to(sink, "%s", types[type]);
    else
        print_to(sink, "access of type %u", type);
    if (type < 10)
        print_to(sink, " at offset %#x", (unsigned)(qualification & 0xfff));
    else
        print_to(sink, ", offset not given");
    if (qualification >> 16 & 1)
        print_to(sink, ", asynchronous");
}

/* SDM, table "Exit Qualification for EPT Violations". */
static void print_ept_violation(struct sink *sink, uint64_t qualification)
{
    static const struct bit_name accesses[] = {
        {1u << 0, "read"}, {1u << 1, "write"}, {1u << 2, "instruction fetch"}};
    static const struct bit_name others[] = {{1u << 6, "user-mode fetches allowed"},
                                             {1u << 9, "user-mode address"},
                                             {1u << 10, "writable in the guest's paging"},
                                             {1u << 11, "execute-disable in the guest's paging"},
                                             {1u << 12, "NMI unblocking due to IRET"},
                                             {1u << 13, "shadow-stack access"},
                                             {1u << 14, "supervisor shadow stack"},
                                             {1u << 15, "guest-paging verification"},
                                             {1u << 16, "asynchronous"}};
    bool translated = (qualification >> 7 & 3) == 3;
    uint64_t other = qualification & (translated ? 0x1fe40 : 0x1f040);

    bit_names_print(sink, qualification & 7, accesses, COUNT(accesses));
    print_to(sink, " where EPT allows %s%s%s", qualification >> 3 & 1 ? "r" : "-",
             qualification >> 4 & 1 ? "w" : "-", qualification >> 5 & 1 ? "x" : "-");
    if (!(qualification >> 7 & 1))
        print_to(sink, ", no linear address");
    else
        print_to(sink, qualification >> 8 & 1 ? ", of the translated address"
                                              : ", of a paging-structure entry");
    if (other) {
        print_to(sink, ", ");
        bit_names_print(sink, other, others, COUNT(others));
    }
}

/* SDM, "Checking and Loading Guest State": what the VM-entry failure's qualification says. */
static void print_guest_state(struct sink *sink, uint64_t qualification)
{
    static const char *const causes[] = {[2] = "loading the PDPTEs",
                                         [3] = "injecting an NMI with blocking by STI",
                                         [4] = "VMCS link pointer"};

    if (qualification < COUNT(causes) && causes[qualification])
        print_to(sink, "%s", causes[qualification]);
    else if (qualification)
        print_to(sink, "qualification %#lx", qualification);
}

/* What is not decoded; where there should be nothing there is nothing, or it is shown as it is. */
static void print_undecoded(struct sink *sink, uint64_t qualification)
{
    if (qualification)
        print_to(sink, "qualification %#lx", qualification);
}

/* A function; the format of a number; or what one bit says, and bit 12 where it is defined. */
static const struct {
    void (*print)(struct sink *sink, uint64_t qualification);
    const char *format;
    uint64_t mask;
    uint8_t bit;
    bool nmi_unblocking;
    const char *says[2]; /* where the bit is 0, 1 */
} qualifications[EXIT_LAYOUT_COUNT] = {
    [EXIT_LAYOUT_NOTHING] = {.print = print_undecoded},
    [EXIT_LAYOUT_UNDECODED] = {.print = print_undecoded},
    [EXIT_LAYOUT_VECTOR] = {.format = "vector %#lx", .mask = 0xff},
    [EXIT_LAYOUT_TASK_SWITCH] = {.print = print_task_switch},
    [EXIT_LAYOUT_LINEAR_ADDRESS] = {.format = "linear address %#lx", .mask = UINT64_MAX},
    [EXIT_LAYOUT_DISPLACEMENT] = {.format = "displacement %#lx", .mask = UINT64_MAX},
    [EXIT_LAYOUT_CONTROL_REGISTER] = {.print = print_control_register},
    [EXIT_LAYOUT_MOV_DR] = {.print = print_mov_dr},
    [EXIT_LAYOUT_IO] = {.print = print_io},
    [EXIT_LAYOUT_GUEST_STATE] = {.print = print_guest_state},
    [EXIT_LAYOUT_LIST_ENTRY] = {.format = "entry %lu of the list", .mask = UINT64_MAX},
    [EXIT_LAYOUT_MWAIT] = {.says = {"monitoring not armed", "monitoring armed"}},
    [EXIT_LAYOUT_APIC_ACCESS] = {.print = print_apic_access},
    [EXIT_LAYOUT_EPT_VIOLATION] = {.print = print_ept_violation},
    [EXIT_LAYOUT_OFFSET] = {.format = "offset %#lx", .mask = 0xfff},
    [EXIT_LAYOUT_NMI_UNBLOCKING] = {.bit = 12, .says = {"", "NMI unblocking due to IRET"}},
    [EXIT_LAYOUT_SPP] = {.bit = 11,
                         .nmi_unblocking = true,
                         .says = {"SPPT misconfiguration", "SPPT miss"}},
    [EXIT_LAYOUT_INSTRUCTION_TIMEOUT] = {.nmi_unblocking = true,
                                         .says = {"the guest's state is valid",
                                                  "the guest's state is lost"}},
    [EXIT_LAYOUT_MSR] = {.format = "MSR %#lx", .mask = UINT32_MAX},
};

void exit_qualification_print(struct sink *sink, uint32_t basic_reason, uint32_t event_information,
                              uint64_t qualification)
{
    enum exit_layout layout = exit_layouts(basic_reason).qualification;

    if (layout == EXIT_LAYOUT_EXCEPTION)
        print_exception(sink, event_information, qualification);
    else if (qualifications[layout].print != NULL)
        qualifications[layout].print(sink, qualification);
    else if (qualifications[layout].format != NULL)
        print_to(sink, qualifications[layout].format, qualification & qualifications[layout].mask);
    else
        print_to(sink, "%s%s",
                 qualifications[layout].says[qualification >> qualifications[layout].bit & 1],
                 qualifications[layout].nmi_unblocking && qualification >> 12 & 1
                     ? ", NMI unblocking due to IRET"
                     : "");
}
