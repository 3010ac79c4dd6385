#include "vmx/exit_text.h"

#include <stddef.h>

#include "lib/x86.h"
#include "vmx/exit_reason.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const registers[16] = {
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
    static const char *const types[8] = {
        "external interrupt", "event of type 1",    "NMI",
        "hardware exception", "software interrupt", "privileged software exception",
        "software exception", "other event",
    };
    uint32_t type = EVENT_INFORMATION_TYPE(event_information);
    uint32_t vector = event_information & EVENT_INFORMATION_VECTOR;
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
    uint32_t vector = event_information & EVENT_INFORMATION_VECTOR;

    if (!(event_information & EVENT_INFORMATION_VALID) ||
        EVENT_INFORMATION_TYPE(event_information) == EVENT_NMI)
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
    const char *name = registers[qualification >> 8 & 15];

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
             from ? "to" : "from", registers[qualification >> 8 & 15]);
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
    unsigned type = qualification >> 12 & 15;

    switch (type) {
    case 0:
        print_to(sink, "data read at");
        break;
    case 1:
        print_to(sink, "data write at");
        break;
    case 2:
        print_to(sink, "instruction fetch at");
        break;
    case 3:
        print_to(sink, "access during event delivery at");
        break;
    case 10:
        print_to(sink, "guest-physical access during event delivery, ");
        break;
    case 15:
        print_to(sink, "guest-physical access of an instruction, ");
        break;
    default:
        print_to(sink, "access of type %u at", type);
    }
    if (type < 10)
        print_to(sink, " offset %#x", (unsigned)(qualification & 0xfff));
    else
        print_to(sink, "offset not given");
    if (qualification >> 16 & 1)
        print_to(sink, ", asynchronous");
}

/* SDM, table "Exit Qualification for EPT Violations". */
static void print_ept_violation(struct sink *sink, uint64_t qualification)
{
    static const struct bit_name accesses[] = {
        {1u << 0, "read"}, {1u << 1, "write"}, {1u << 2, "instruction fetch"}};
    static const struct bit_name others[] = {{1u << 12, "NMI unblocking due to IRET"},
                                             {1u << 13, "shadow-stack access"},
                                             {1u << 15, "guest-paging verification"},
                                             {1u << 16, "asynchronous"}};
    uint64_t other = qualification & (1u << 12 | 1u << 13 | 1u << 15 | 1u << 16);

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

static void print_vector(struct sink *sink, uint64_t qualification)
{
    print_to(sink, "vector %#x", (unsigned)(qualification & 0xff));
}

static void print_linear_address(struct sink *sink, uint64_t qualification)
{
    print_to(sink, "linear address %#lx", qualification);
}

static void print_list_entry(struct sink *sink, uint64_t qualification)
{
    print_to(sink, "entry %lu of the list", qualification);
}

static void print_mwait(struct sink *sink, uint64_t qualification)
{
    print_to(sink, "monitoring %s", qualification & 1 ? "armed" : "not armed");
}

static void print_offset(struct sink *sink, uint64_t qualification)
{
    print_to(sink, "offset %#x", (unsigned)(qualification & 0xfff));
}

static void print_nmi_unblocking(struct sink *sink, uint64_t qualification)
{
    print_to(sink, "%s", qualification >> 12 & 1 ? "NMI unblocking due to IRET" : "");
}

static void print_spp(struct sink *sink, uint64_t qualification)
{
    print_to(sink, "%s", qualification >> 11 & 1 ? "SPPT miss" : "SPPT misconfiguration");
}

/* Of the instruction's memory operand. */
static void print_displacement(struct sink *sink, uint64_t qualification)
{
    print_to(sink, "displacement %#lx", qualification);
}

static void (*const qualifications[EXIT_REASON_COUNT])(struct sink *, uint64_t) = {
    [EXIT_REASON_SIPI] = print_vector,
    [EXIT_REASON_TASK_SWITCH] = print_task_switch,
    [EXIT_REASON_INVLPG] = print_linear_address,
    [EXIT_REASON_VMCLEAR] = print_displacement,
    [EXIT_REASON_VMPTRLD] = print_displacement,
    [EXIT_REASON_VMPTRST] = print_displacement,
    [EXIT_REASON_VMREAD] = print_displacement,
    [EXIT_REASON_VMWRITE] = print_displacement,
    [EXIT_REASON_VMXON] = print_displacement,
    [EXIT_REASON_CONTROL_REGISTER_ACCESS] = print_control_register,
    [EXIT_REASON_MOV_DR] = print_mov_dr,
    [EXIT_REASON_IO_INSTRUCTION] = print_io,
    [EXIT_REASON_ENTRY_FAILURE_GUEST_STATE] = print_guest_state,
    [EXIT_REASON_ENTRY_FAILURE_MSR_LOADING] = print_list_entry,
    [EXIT_REASON_MWAIT] = print_mwait,
    [EXIT_REASON_APIC_ACCESS] = print_apic_access,
    [EXIT_REASON_VIRTUALIZED_EOI] = print_vector,
    [EXIT_REASON_GDTR_IDTR_ACCESS] = print_displacement,
    [EXIT_REASON_LDTR_TR_ACCESS] = print_displacement,
    [EXIT_REASON_EPT_VIOLATION] = print_ept_violation,
    [EXIT_REASON_INVEPT] = print_displacement,
    [EXIT_REASON_INVVPID] = print_displacement,
    [EXIT_REASON_APIC_WRITE] = print_offset,
    [EXIT_REASON_INVPCID] = print_displacement,
    [EXIT_REASON_PML_FULL] = print_nmi_unblocking,
    [EXIT_REASON_XSAVES] = print_displacement,
    [EXIT_REASON_XRSTORS] = print_displacement,
    [EXIT_REASON_SPP_EVENT] = print_spp,
};

void exit_qualification_print(struct sink *sink, uint32_t basic_reason, uint32_t event_information,
                              uint64_t qualification)
{
    if (basic_reason == EXIT_REASON_EXCEPTION_OR_NMI)
        print_exception(sink, event_information, qualification);
    else if (basic_reason < EXIT_REASON_COUNT && qualifications[basic_reason])
        qualifications[basic_reason](sink, qualification);
    else if (qualification)
        print_to(sink, "qualification %#lx", qualification);
}

/* SDM, "Format of the VM-Exit Instruction-Information Field as Used for …": what they share. */
static void print_memory(struct sink *sink, uint32_t information)
{
    static const char *const segments[8] = {"ES", "CS", "SS", "DS", "FS", "GS", "?", "?"};
    bool base = !(information >> 27 & 1), index = !(information >> 22 & 1);

    print_to(sink, "[%s:", segments[information >> 15 & 7]);
    if (base)
        print_to(sink, "%s + ", registers[information >> 23 & 15]);
    if (index)
        print_to(sink, "%s*%u + ", registers[information >> 18 & 15], 1u << (information & 3));
    print_to(sink, "displacement]");
}

/* GDTR or IDTR: SGDT, SIDT, LGDT, LIDT; LDTR or TR: SLDT, STR, LLDT, LTR. */
static void print_table_access(struct sink *sink, bool system, uint32_t information)
{
    static const char *const tables[4] = {"SGDT", "SIDT", "LGDT", "LIDT"};
    static const char *const systems[4] = {"SLDT", "STR", "LLDT", "LTR"};

    print_to(sink, "%s ", (system ? systems : tables)[information >> 28 & 3]);
    if (system && information >> 10 & 1)
        print_to(sink, "%s", registers[information >> 3 & 15]);
    else
        print_memory(sink, information);
}

void instruction_information_print(struct sink *sink, uint32_t basic_reason, uint32_t information)
{
    switch (basic_reason) {
    case EXIT_REASON_GDTR_IDTR_ACCESS:
    case EXIT_REASON_LDTR_TR_ACCESS:
        print_table_access(sink, basic_reason == EXIT_REASON_LDTR_TR_ACCESS, information);
        break;
    case EXIT_REASON_VMCLEAR:
    case EXIT_REASON_VMPTRLD:
    case EXIT_REASON_VMPTRST:
    case EXIT_REASON_VMXON:
    case EXIT_REASON_XSAVES:
    case EXIT_REASON_XRSTORS:
        print_memory(sink, information);
        break;
    case EXIT_REASON_INVEPT:
    case EXIT_REASON_INVVPID:
    case EXIT_REASON_INVPCID:
        print_to(sink, "type in %s, ", registers[information >> 28 & 15]);
        print_memory(sink, information);
        break;
    case EXIT_REASON_VMREAD:
    case EXIT_REASON_VMWRITE:
        print_to(sink, "field in %s, ", registers[information >> 28 & 15]);
        if (information >> 10 & 1)
            print_to(sink, "%s", registers[information >> 3 & 15]);
        else
            print_memory(sink, information);
        break;
    case EXIT_REASON_RDRAND:
    case EXIT_REASON_RDSEED:
        print_to(sink, "%u bits of %s", 16u << (information >> 11 & 3),
                 registers[information >> 3 & 15]);
        break;
    default:
        break;
    }
}
