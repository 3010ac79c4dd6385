#include "lib/string.h"
#include "vmx/text/vmcs_dump.h"

#include "vmx/entry/vmentry_check.h"
#include "vmx/text/exit_text.h"
#include "vmx/text/failure_text.h"
#include "vmx/capability/vmxon_registers.h"

/* A value that is to be reported. */
struct field_value {
    struct sink *sink;
    const struct vmcs_image *image;
    uint64_t value;
    uint32_t argument; /* from the table of printers */
};

void vmx_controls_print(struct sink *sink, unsigned word, uint64_t value)
{
    struct bit_name names[32];
    uint32_t count = 0;

    for (uint32_t i = 0; i < vmx_control_count; i++) {
        if (vmx_control_table[i].word == word)
            names[count++] =
                (struct bit_name){vmx_control_table[i].mask, vmx_control_table[i].name};
    }
    bit_names_print(sink, value, names, count);
}

/* The bits of a register by the names of lib/x86_registers.h. */
#define BIT_NAME(reg, bit) \
    {                      \
        reg##_##bit, #bit  \
    }

/* The argument is the register's digit. */
static void print_control_register(const struct field_value *of)
{
    struct bit_name names[CR_BIT_COUNT];
    uint32_t count = 0;

    for (uint32_t i = 0; i < CR_BIT_COUNT; i++) {
        if (cr_bits[i].name[2] == (char)of->argument)
            names[count++] = (struct bit_name){cr_bits[i].mask, cr_bits[i].name + CR_NAME_PREFIX};
    }
    bit_names_print(of->sink, of->value, names, count);
}

/* SDM Vol. 1, "EFLAGS Register"; bit 1 is always 1. IOPL is a number. */
static void print_rflags(const struct field_value *of)
{
    static const struct bit_name names[] = {
        BIT_NAME(RFLAGS, CF), BIT_NAME(RFLAGS, PF),  BIT_NAME(RFLAGS, AF),  BIT_NAME(RFLAGS, ZF),
        BIT_NAME(RFLAGS, SF), BIT_NAME(RFLAGS, TF),  BIT_NAME(RFLAGS, IF),  BIT_NAME(RFLAGS, DF),
        BIT_NAME(RFLAGS, OF), BIT_NAME(RFLAGS, NT),  BIT_NAME(RFLAGS, RF),  BIT_NAME(RFLAGS, VM),
        BIT_NAME(RFLAGS, AC), BIT_NAME(RFLAGS, VIF), BIT_NAME(RFLAGS, VIP), BIT_NAME(RFLAGS, ID)};
    const uint64_t always = 1u << 1;

    bit_names_print(of->sink, of->value & ~(RFLAGS_IOPL | always), names, COUNT(names));
    print_to(of->sink, ", IOPL %u", (unsigned)(of->value >> 12 & 3));
}

/* SDM Vol. 3, "Extended Feature Enable Register". */
static const struct bit_name efer[] = {BIT_NAME(EFER, SCE), BIT_NAME(EFER, LME),
                                       BIT_NAME(EFER, LMA), BIT_NAME(EFER, NXE)};

static void print_exception_bitmap(const struct field_value *of)
{
    struct bit_name names[32];
    uint32_t count = 0;

    for (uint32_t vector = 0; vector < COUNT(names); vector++) {
        if (exception_name(vector))
            names[count++] = (struct bit_name){1ull << vector, exception_name(vector)};
    }
    bit_names_print(of->sink, of->value, names, count);
}

static void print_ept_pointer(const struct field_value *of)
{
    uint64_t type = of->value & EPTP_MEMORY_TYPE;

    print_to(of->sink, "tables at %#lx, %u levels, memory type %s%s%s", of->value & EPTP_TABLES,
             (unsigned)((of->value & EPTP_WALK) >> EPTP_WALK_SHIFT) + 1,
             type == 6   ? "WB"
             : type == 0 ? "UC"
                         : "reserved",
             of->value & EPTP_ACCESSED_DIRTY ? ", accessed and dirty flags" : "",
             of->value & EPTP_SHADOW_STACK ? ", supervisor shadow-stack control" : "");
}

static void print_link_pointer(const struct field_value *of)
{
    if (of->value == UINT64_MAX)
        print_to(of->sink, "none");
}

static void print_access_rights(const struct field_value *of)
{
    static const char *const system[16] = {
        [2] = "LDT", [3] = "busy 16-bit TSS", [9] = "available TSS", [11] = "busy TSS"};
    unsigned type = of->value & 15;

    if (of->value >> 16 & 1) {
        print_to(of->sink, "unusable");
        return;
    }
    if (!(of->value >> 4 & 1))
        print_to(of->sink, "%s", system[type] ? system[type] : "system segment of another type");
    else if (type & 8)
        print_to(of->sink, "code%s%s%s", type & 2 ? ", readable" : "",
                 type & 4 ? ", conforming" : "", type & 1 ? ", accessed" : "");
    else
        print_to(of->sink, "data%s%s%s", type & 2 ? ", writable" : "",
                 type & 4 ? ", expand-down" : "", type & 1 ? ", accessed" : "");
    print_to(of->sink, ", DPL %u%s%s%s%s%s", (unsigned)(of->value >> 5 & 3),
             of->value >> 7 & 1 ? ", present" : ", not present",
             of->value >> 13 & 1 ? ", 64-bit" : "", of->value >> 14 & 1 ? ", 32-bit" : "",
             of->value >> 15 & 1 ? ", limit in pages" : "",
             of->value >> 12 & 1 ? ", available bit" : "");
}

static const struct bit_name interruptibility[] = {{1u << 0, "blocking by STI"},
                                                   {1u << 1, "blocking by MOV SS"},
                                                   {1u << 2, "blocking by SMI"},
                                                   {1u << 3, "blocking by NMI"},
                                                   {1u << 4, "enclave interruption"}};

static void print_activity(const struct field_value *of)
{
    static const char *const states[] = {"active", "HLT", "shutdown", "wait-for-SIPI"};

    print_to(of->sink, "%s", of->value < COUNT(states) ? states[of->value] : "reserved");
}

static const struct bit_name pending_debug[] = {
    {1u << 0, "breakpoint 0"}, {1u << 1, "breakpoint 1"},
    {1u << 2, "breakpoint 2"}, {1u << 3, "breakpoint 3"},
    {1u << 11, "bus lock"},    {1u << 12, "enabled breakpoint"},
    {1u << 14, "single step"}, {1u << 16, "transactional region"}};

static void print_error(const struct field_value *of)
{
    const char *text = vmx_error_text((uint32_t)of->value);

    print_to(of->sink, "%s", of->value == 0 ? "none" : text ? text : "not defined");
}

static uint32_t basic_reason(const struct vmcs_image *image)
{
    return vmcs_image_get(image, VMCS_EXIT_REASON) & EXIT_REASON_BASIC;
}

/* Bit 12 where it is undefined, which is then not put into words. */
static uint32_t undefined_bits(const struct vmcs_image *image)
{
    bool defined = nmi_unblocking_is_defined(
        (uint32_t)vmcs_image_get(image, VMCS_PIN_BASED_VM_EXECUTION_CONTROLS),
        (uint32_t)vmcs_image_get(image, VMCS_VM_EXIT_INTERRUPTION_INFORMATION),
        (uint32_t)vmcs_image_get(image, VMCS_IDT_VECTORING_INFORMATION));

    return defined ? 0 : EVENT_INFORMATION_NMI_UNBLOCKING;
}

/* Exit reason, exit qualification and VM-exit instruction information: the argument is the field.
 */
static void print_exit(const struct field_value *of)
{
    uint32_t reason = basic_reason(of->image);
    uint64_t event = vmcs_image_get(of->image, VMCS_VM_EXIT_INTERRUPTION_INFORMATION);
    uint64_t undefined = nmi_unblocking_is_in_qualification(reason) ? undefined_bits(of->image) : 0;

    if (of->argument == VMCS_EXIT_REASON)
        exit_reason_print(of->sink, (uint32_t)of->value);
    else if (of->argument == VMCS_EXIT_QUALIFICATION)
        exit_qualification_print(of->sink, reason, (uint32_t)event, of->value & ~undefined);
    else
        instruction_information_print(of->sink, reason, (uint32_t)of->value);
}

/* The argument is the field with the event's error code. */
static void print_event(const struct field_value *of)
{
    uint64_t error_code = vmcs_image_get(of->image, (enum vmcs_field)of->argument);

    event_information_print(of->sink, (uint32_t)of->value, (uint32_t)error_code);
}

/* Of what a VM exit interrupted bit 12 is never defined. */
static void print_exit_event(const struct field_value *of)
{
    bool vectoring = of->argument == VMCS_IDT_VECTORING_ERROR_CODE;
    struct field_value defined = *of;

    defined.value &=
        ~(uint64_t)(vectoring ? EVENT_INFORMATION_NMI_UNBLOCKING : undefined_bits(of->image));
    print_event(&defined);
}

#define PRINT(field, how, with) field, field, how, with, NULL
#define BITS(field, names)      field, field, NULL, COUNT(names), names
static const struct {
    enum vmcs_field first, last;
    void (*print)(const struct field_value *of); /* NULL: bits by name */
    uint32_t argument;                           /* of bits how many */
    const struct bit_name *bits;
} printers[] = {
    {PRINT(VMCS_EXCEPTION_BITMAP, print_exception_bitmap, 0)},
    {PRINT(VMCS_EPT_POINTER, print_ept_pointer, 0)},
    {PRINT(VMCS_LINK_POINTER, print_link_pointer, 0)},
    {PRINT(VMCS_VM_ENTRY_INTERRUPTION_INFORMATION, print_event,
           VMCS_VM_ENTRY_EXCEPTION_ERROR_CODE)},
    {VMCS_GUEST_ES_ACCESS_RIGHTS, VMCS_GUEST_TR_ACCESS_RIGHTS, print_access_rights, 0, NULL},
    {PRINT(VMCS_CR0_GUEST_HOST_MASK, print_control_register, '0')},
    {PRINT(VMCS_CR4_GUEST_HOST_MASK, print_control_register, '4')},
    {PRINT(VMCS_CR0_READ_SHADOW, print_control_register, '0')},
    {PRINT(VMCS_CR4_READ_SHADOW, print_control_register, '4')},
    {PRINT(VMCS_GUEST_CR0, print_control_register, '0')},
    {PRINT(VMCS_GUEST_CR4, print_control_register, '4')},
    {PRINT(VMCS_HOST_CR0, print_control_register, '0')},
    {PRINT(VMCS_HOST_CR4, print_control_register, '4')},
    {BITS(VMCS_GUEST_IA32_EFER, efer)},
    {BITS(VMCS_HOST_IA32_EFER, efer)},
    {PRINT(VMCS_GUEST_RFLAGS, print_rflags, 0)},
    {BITS(VMCS_GUEST_INTERRUPTIBILITY_STATE, interruptibility)},
    {PRINT(VMCS_GUEST_ACTIVITY_STATE, print_activity, 0)},
    {BITS(VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS, pending_debug)},
    {PRINT(VMCS_VM_INSTRUCTION_ERROR, print_error, 0)},
    {PRINT(VMCS_EXIT_REASON, print_exit, VMCS_EXIT_REASON)},
    {PRINT(VMCS_EXIT_QUALIFICATION, print_exit, VMCS_EXIT_QUALIFICATION)},
    {PRINT(VMCS_VM_EXIT_INSTRUCTION_INFORMATION, print_exit, 0)},
    {PRINT(VMCS_VM_EXIT_INTERRUPTION_INFORMATION, print_exit_event,
           VMCS_VM_EXIT_INTERRUPTION_ERROR_CODE)},
    {PRINT(VMCS_IDT_VECTORING_INFORMATION, print_exit_event, VMCS_IDT_VECTORING_ERROR_CODE)},
};

void vmcs_field_print(struct sink *sink, const struct vmcs_image *image, enum vmcs_field field)
{
    struct field_value of = {.sink = sink, .image = image, .value = vmcs_image_get(image, field)};

    if (!vmcs_image_has(image, field))
        return;
    for (unsigned word = 0; word < VMX_CONTROL_NONE; word++) {
        if (vmentry_word_field(word) == field)
            vmx_controls_print(sink, word, of.value);
    }
    for (uint32_t i = 0; i < COUNT(printers); i++) {
        if (field < printers[i].first || field > printers[i].last)
            continue;
        of.argument = printers[i].argument;
        if (printers[i].print != NULL)
            printers[i].print(&of);
        else
            bit_names_print(sink, of.value, printers[i].bits, printers[i].argument);
    }
}

bool vmcs_field_symbol(uint32_t row, char *name)
{
    const char *text = row < VMCS_FIELD_COUNT ? vmcs_field_table[row].name : "";

    while (*text != '\0' && strncmp(text, " (", 2) != 0 && strcmp(text, " field") != 0) {
        char c = *text++;

        if (c >= 'a' && c <= 'z')
            c = (char)(c - 'a' + 'A');
        if (c != '/' || *text != 'O') /* I/O */
            *name++ = (char)((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ? c : '_');
    }
    *name = '\0';
    return row < VMCS_FIELD_COUNT;
}
