/*
 * KVM's and Xen's labels are those of dump_vmcs() and vmcs_dump_vcpu(), their lines those that they
 * print where the controls say that a field is in use.
 */
#include "tests/host/tools/vmcs_formats.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "vmx/text/vmcs_dump.h"

#define FIELD(id, ...) #id,
static const char *const ids[VMCS_FIELD_COUNT] = {
#include "vmx/vmcs_fields.def"
};

bool vmcs_text_shows_all(enum text_format format)
{
    return format < TEXT_KVM_4;
}

bool vmcs_text_alters(enum text_format format)
{
    return format >= TEXT_BOCHS;
}

/* GUEST_CR0: kGuestCr0 */
static void print_camel(struct sink *sink, const char *id)
{
    bool first = true;

    print_to(sink, "k");
    for (; *id != '\0'; id++) {
        if (*id == '_')
            first = true;
        else {
            print_to(sink, "%c", first ? *id : tolower((unsigned char)*id));
            first = false;
        }
    }
}

static void write_list(enum text_format format, const struct vmcs_image *image, struct sink *sink)
{
    for (uint32_t row = 0; row < VMCS_FIELD_COUNT; row++) {
        uint64_t value = image->value[row];
        char upper[17];

        if (!image->present[row])
            continue;
        switch (format) {
        case TEXT_SDM:
            print_to(sink, "%s: 0x%lx\n", vmcs_field_table[row].name, value);
            break;
        case TEXT_LINUX:
            print_to(sink, "%s 0x%016lx\n", ids[row], value);
            break;
        case TEXT_WINDOWS:
            print_to(sink, "12:30:01.123\tINF\t#0\t");
            print_camel(sink, ids[row]);
            print_to(sink, " = %08lx`%08lx\r\n", value >> 32, value & 0xffffffff);
            break;
        case TEXT_IA32_DOC:
            snprintf(upper, sizeof(upper), "%lX", value);
            print_to(sink, "| VMCS_%s | %s |\n", ids[row], upper);
            break;
        case TEXT_HAXM:
            print_to(sink, "haxm_warning: %04x %s: %lx\n", (unsigned)vmcs_field_table[row].field,
                     ids[row], value);
            break;
        case TEXT_VMCS_RUST:
            print_to(sink, "    %s: : %#lx,\n", vmcs_field_table[row].name, value);
            break;
        case TEXT_HVEXT:
            print_to(sink, "0x%016lx %s\n", value, vmcs_field_table[row].name);
            break;
        default:
            print_to(sink, "0x%04x = 0x%lx\n", (unsigned)vmcs_field_table[row].field, value);
        }
    }
}

#define GET(id) vmcs_image_get(image, VMCS_##id)

static bool has_control(const struct vmcs_image *image, enum vmcs_field word, uint32_t bit)
{
    return vmcs_image_get(image, word) & bit;
}

/* A line of a kernel: what stands before it depends on where it was found. */
static void begin_line(struct sink *sink, enum text_format format)
{
    if (format == TEXT_KVM_6)
        print_to(sink, "[ 1234.567890] kvm_intel: ");
    else if (format == TEXT_XEN)
        print_to(sink, "(XEN) ");
}

static void write_segment(struct sink *sink, enum text_format format,
                          const struct vmcs_image *image, const char *name, unsigned segment)
{
    uint64_t selector = vmcs_image_get(image, vmcs_of_segment(VMCS_GUEST_ES_SELECTOR, segment));
    uint64_t rights = vmcs_image_get(image, vmcs_of_segment(VMCS_GUEST_ES_ACCESS_RIGHTS, segment));
    uint64_t limit = vmcs_image_get(image, vmcs_of_segment(VMCS_GUEST_ES_LIMIT, segment));
    uint64_t base = vmcs_image_get(image, vmcs_of_segment(VMCS_GUEST_ES_BASE, segment));

    begin_line(sink, format);
    print_to(sink,
             format == TEXT_XEN ? "%4s: %04lx %05lx %08lx %016lx\n"
                                : "%s   sel=0x%04lx, attr=0x%05lx, limit=0x%08lx, base=0x%016lx\n",
             name, selector, rights, limit, base);
}

static void write_table(struct sink *sink, enum text_format format, const char *name,
                        uint64_t limit, uint64_t base)
{
    begin_line(sink, format);
    print_to(sink,
             format == TEXT_XEN ? "%s:            %08lx %016lx\n"
                                : "%s:                           limit=0x%08lx, base=0x%016lx\n",
             name, limit, base);
}

#define LINE(...) (begin_line(sink, format), print_to(sink, __VA_ARGS__))

static void write_guest(struct sink *sink, enum text_format format, const struct vmcs_image *image)
{
    static const struct {
        const char *kvm, *xen;
        unsigned segment;
    } segments[] = {
        {"CS:", "CS", SEGMENT_CS}, {"DS:", "DS", SEGMENT_DS}, {"SS:", "SS", SEGMENT_SS},
        {"ES:", "ES", SEGMENT_ES}, {"FS:", "FS", SEGMENT_FS}, {"GS:", "GS", SEGMENT_GS},
    };

    LINE("*** Guest State ***\n");
    LINE("CR0: actual=0x%016lx, shadow=0x%016lx, gh_mask=%016lx\n", GET(GUEST_CR0),
         GET(CR0_READ_SHADOW), GET(CR0_GUEST_HOST_MASK));
    LINE("CR4: actual=0x%016lx, shadow=0x%016lx, gh_mask=%016lx\n", GET(GUEST_CR4),
         GET(CR4_READ_SHADOW), GET(CR4_GUEST_HOST_MASK));
    LINE("CR3 = 0x%016lx\n", GET(GUEST_CR3));
    if (has_control(image, VMCS_SECONDARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS,
                    SECONDARY_ENABLE_EPT) &&
        vmcs_image_has(image, VMCS_GUEST_PDPTE0)) {
        const char *name = format == TEXT_XEN ? "PDPTE" : "PDPTR";

        LINE("%s0 = 0x%016lx  %s1 = 0x%016lx\n", name, GET(GUEST_PDPTE0), name, GET(GUEST_PDPTE1));
        LINE("%s2 = 0x%016lx  %s3 = 0x%016lx\n", name, GET(GUEST_PDPTE2), name, GET(GUEST_PDPTE3));
    }
    if (format == TEXT_XEN) {
        LINE("RSP = 0x%016lx (0x%016lx)  RIP = 0x%016lx (0x%016lx)\n", GET(GUEST_RSP), 1ul,
             GET(GUEST_RIP), 2ul);
        LINE("RFLAGS=0x%08lx (0x%08lx)  DR7 = 0x%016lx\n", GET(GUEST_RFLAGS), 3ul, GET(GUEST_DR7));
    } else {
        LINE("RSP = 0x%016lx  RIP = 0x%016lx\n", GET(GUEST_RSP), GET(GUEST_RIP));
        LINE("RFLAGS=0x%08lx         DR7 = 0x%016lx\n", GET(GUEST_RFLAGS), GET(GUEST_DR7));
    }
    LINE("Sysenter RSP=%016lx CS:RIP=%04lx:%016lx\n", GET(GUEST_IA32_SYSENTER_ESP),
         GET(GUEST_IA32_SYSENTER_CS), GET(GUEST_IA32_SYSENTER_EIP));
    if (format == TEXT_XEN)
        LINE("       sel  attr  limit   base\n");
    for (unsigned i = 0; i < sizeof(segments) / sizeof(segments[0]); i++)
        write_segment(sink, format, image, format == TEXT_XEN ? segments[i].xen : segments[i].kvm,
                      segments[i].segment);
    write_table(sink, format, "GDTR", GET(GUEST_GDTR_LIMIT), GET(GUEST_GDTR_BASE));
    write_segment(sink, format, image, format == TEXT_XEN ? "LDTR" : "LDTR:", SEGMENT_LDTR);
    write_table(sink, format, "IDTR", GET(GUEST_IDTR_LIMIT), GET(GUEST_IDTR_BASE));
    write_segment(sink, format, image, format == TEXT_XEN ? "TR" : "TR:", SEGMENT_TR);
    if (has_control(image, VMCS_VM_ENTRY_CONTROLS, ENTRY_LOAD_EFER)) {
        if (format == TEXT_KVM_6)
            LINE("EFER= 0x%016lx\n", GET(GUEST_IA32_EFER));
        else
            LINE("%s0x%016lx\n",
                 format == TEXT_XEN ? "EFER(VMCS) = " : "EFER =     ", GET(GUEST_IA32_EFER));
    } else if (format == TEXT_KVM_6) {
        LINE("EFER= 0x%016lx (effective)\n", 0x500ul);
    }
    if (has_control(image, VMCS_VM_ENTRY_CONTROLS, ENTRY_LOAD_PAT))
        LINE("PAT = 0x%016lx\n", GET(GUEST_IA32_PAT));
    LINE("DebugCtl = 0x%016lx  DebugExceptions = 0x%016lx\n", GET(GUEST_IA32_DEBUGCTL),
         GET(GUEST_PENDING_DEBUG_EXCEPTIONS));
    if (has_control(image, VMCS_VM_ENTRY_CONTROLS, ENTRY_LOAD_PERF_GLOBAL_CTRL))
        LINE("PerfGlobCtl = 0x%016lx\n", GET(GUEST_IA32_PERF_GLOBAL_CTRL));
    if (has_control(image, VMCS_VM_ENTRY_CONTROLS, ENTRY_LOAD_BNDCFGS))
        LINE("BndCfgS = 0x%016lx\n", GET(GUEST_IA32_BNDCFGS));
    LINE("Interruptibility = %08lx  ActivityState = %08lx\n", GET(GUEST_INTERRUPTIBILITY_STATE),
         GET(GUEST_ACTIVITY_STATE));
}

static void write_host(struct sink *sink, enum text_format format, const struct vmcs_image *image)
{
    LINE("*** Host State ***\n");
    if (format == TEXT_XEN)
        LINE("RIP = 0x%016lx (vmx_asm_vmexit_handler+0x10/0x20)  RSP = 0x%016lx\n", GET(HOST_RIP),
             GET(HOST_RSP));
    else
        LINE("RIP = 0x%016lx  RSP = 0x%016lx\n", GET(HOST_RIP), GET(HOST_RSP));
    LINE("CS=%04lx SS=%04lx DS=%04lx ES=%04lx FS=%04lx GS=%04lx TR=%04lx\n", GET(HOST_CS_SELECTOR),
         GET(HOST_SS_SELECTOR), GET(HOST_DS_SELECTOR), GET(HOST_ES_SELECTOR), GET(HOST_FS_SELECTOR),
         GET(HOST_GS_SELECTOR), GET(HOST_TR_SELECTOR));
    LINE("FSBase=%016lx GSBase=%016lx TRBase=%016lx\n", GET(HOST_FS_BASE), GET(HOST_GS_BASE),
         GET(HOST_TR_BASE));
    LINE("GDTBase=%016lx IDTBase=%016lx\n", GET(HOST_GDTR_BASE), GET(HOST_IDTR_BASE));
    LINE("CR0=%016lx CR3=%016lx CR4=%016lx\n", GET(HOST_CR0), GET(HOST_CR3), GET(HOST_CR4));
    LINE("Sysenter RSP=%016lx CS:RIP=%04lx:%016lx\n", GET(HOST_IA32_SYSENTER_ESP),
         GET(HOST_IA32_SYSENTER_CS), GET(HOST_IA32_SYSENTER_EIP));
    if (has_control(image, VMCS_PRIMARY_VM_EXIT_CONTROLS, EXIT_LOAD_EFER))
        LINE("%s0x%016lx\n", format == TEXT_KVM_6 ? "EFER= " : "EFER = ", GET(HOST_IA32_EFER));
    if (has_control(image, VMCS_PRIMARY_VM_EXIT_CONTROLS, EXIT_LOAD_PAT))
        LINE("PAT = 0x%016lx\n", GET(HOST_IA32_PAT));
}

static void write_controls(struct sink *sink, enum text_format format,
                           const struct vmcs_image *image)
{
    const uint64_t pin = GET(PIN_BASED_VM_EXECUTION_CONTROLS);
    const uint64_t primary = GET(PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS);
    const uint64_t secondary = GET(SECONDARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS);

    LINE("*** Control State ***\n");
    if (format == TEXT_KVM_6) {
        LINE("CPUBased=0x%08lx SecondaryExec=0x%08lx TertiaryExec=0x%016lx\n", primary, secondary,
             GET(TERTIARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS));
        LINE("PinBased=0x%08lx EntryControls=%08lx ExitControls=%08lx\n", pin,
             GET(VM_ENTRY_CONTROLS), GET(PRIMARY_VM_EXIT_CONTROLS));
    } else {
        LINE("PinBased=%08lx CPUBased=%08lx SecondaryExec=%08lx\n", pin, primary, secondary);
        LINE("EntryControls=%08lx ExitControls=%08lx\n", GET(VM_ENTRY_CONTROLS),
             GET(PRIMARY_VM_EXIT_CONTROLS));
    }
    LINE("ExceptionBitmap=%08lx PFECmask=%08lx PFECmatch=%08lx\n", GET(EXCEPTION_BITMAP),
         GET(PAGE_FAULT_ERROR_CODE_MASK), GET(PAGE_FAULT_ERROR_CODE_MATCH));
    LINE("VMEntry: intr_info=%08lx errcode=%08lx ilen=%08lx\n",
         GET(VM_ENTRY_INTERRUPTION_INFORMATION), GET(VM_ENTRY_EXCEPTION_ERROR_CODE),
         GET(VM_ENTRY_INSTRUCTION_LENGTH));
    LINE("VMExit: intr_info=%08lx errcode=%08lx ilen=%08lx\n",
         GET(VM_EXIT_INTERRUPTION_INFORMATION), GET(VM_EXIT_INTERRUPTION_ERROR_CODE),
         GET(VM_EXIT_INSTRUCTION_LENGTH));
    LINE("        reason=%08lx qualification=%016lx\n", GET(EXIT_REASON), GET(EXIT_QUALIFICATION));
    LINE("IDTVectoring: info=%08lx errcode=%08lx\n", GET(IDT_VECTORING_INFORMATION),
         GET(IDT_VECTORING_ERROR_CODE));
    LINE("TSC Offset = 0x%016lx\n", GET(TSC_OFFSET));
    if (secondary & SECONDARY_TSC_SCALING)
        LINE("TSC Multiplier = 0x%016lx\n", GET(TSC_MULTIPLIER));
    if (primary & PRIMARY_TPR_SHADOW) {
        LINE("TPR Threshold = 0x%02lx\n", GET(TPR_THRESHOLD));
        if (format == TEXT_KVM_6)
            LINE("APIC-access addr = 0x%016lx virt-APIC addr = 0x%016lx\n",
                 GET(APIC_ACCESS_ADDRESS), GET(VIRTUAL_APIC_ADDRESS));
    }
    if (pin & PIN_POSTED_INTERRUPTS)
        LINE("PostedIntrVec = 0x%02lx\n", GET(POSTED_INTERRUPT_NOTIFICATION_VECTOR));
    if (secondary & SECONDARY_ENABLE_EPT)
        LINE("EPT pointer = 0x%016lx\n", GET(EPT_POINTER));
    if (secondary & SECONDARY_ENABLE_VPID)
        LINE("Virtual processor ID = 0x%04lx\n", GET(VIRTUAL_PROCESSOR_IDENTIFIER));
}

void vmcs_text_write(enum text_format format, const struct vmcs_image *image, struct sink *sink)
{
    struct json json;

    if (format == TEXT_ROOTMODE) {
        vmcs_dump_text(image, (struct vmcs_marks){NULL, 0}, sink);
    } else if (format == TEXT_JSON) {
        json_init(&json, sink);
        vmcs_dump_json(image, &json, NULL);
        print_to(sink, "\n");
    } else if (vmcs_text_shows_all(format)) {
        if (format == TEXT_VMCS_RUST)
            print_to(sink, "VMCS: Vmcs {\n");
        write_list(format, image, sink);
    } else if (format >= TEXT_BHYVE) {
        vmcs_text_write_registers(format, image, sink);
    } else {
        write_guest(sink, format, image);
        write_host(sink, format, image);
        write_controls(sink, format, image);
    }
}
