/*
 * What monitors and tools print that do not show the VMCS as it is: QEMU's "info registers", a
 * structure of KVM in Rust, VirtualBox's log, bhyvectl, Bochs's parameter tree. Labels and order
 * are those of their sources.
 */
#include "tests/host/tools/vmcs_formats.h"

#include "lib/x86_registers.h"

#define GET(id)   vmcs_image_get(image, VMCS_##id)
#define LINE(...) print_to(sink, __VA_ARGS__)

static const struct {
    const char *upper, *lower;
    unsigned segment;
} segments[] = {
    {"ES ", "es", SEGMENT_ES}, {"CS ", "cs", SEGMENT_CS},    {"SS ", "ss", SEGMENT_SS},
    {"DS ", "ds", SEGMENT_DS}, {"FS ", "fs", SEGMENT_FS},    {"GS ", "gs", SEGMENT_GS},
    {"TR ", "tr", SEGMENT_TR}, {"LDT", "ldt", SEGMENT_LDTR},
};
enum { SEGMENT_ROWS = sizeof(segments) / sizeof(segments[0]) };

struct shown_segment {
    uint64_t selector, base, limit, rights;
};

static struct shown_segment segment_of(const struct vmcs_image *image, unsigned row)
{
    static const enum vmcs_field of_es[] = {VMCS_GUEST_ES_SELECTOR, VMCS_GUEST_ES_BASE,
                                            VMCS_GUEST_ES_LIMIT, VMCS_GUEST_ES_ACCESS_RIGHTS};
    uint64_t value[4];

    for (unsigned i = 0; i < 4; i++)
        value[i] = vmcs_image_get(image, vmcs_of_segment(of_es[i], segments[row].segment));
    return (struct shown_segment){value[0], value[1], value[2], value[3]};
}

/* target/i386/cpu-dump.c of QEMU; registers that are shown in 32 bits lose the rest. */
static void write_qemu(const struct vmcs_image *image, struct sink *sink)
{
    LINE("KVM: entry failed, hardware error 0x80000021\n");
    LINE("RAX=%016lx RBX=%016lx RCX=%016lx RDX=%016lx\n", 1ul, 2ul, 3ul, 4ul);
    LINE("RSI=%016lx RDI=%016lx RBP=%016lx RSP=%016lx\n", 5ul, 6ul, 7ul, GET(GUEST_RSP));
    LINE("RIP=%016lx RFL=%08x [-------] CPL=0 II=0 A20=1 SMM=0 HLT=0\n", GET(GUEST_RIP),
         (uint32_t)GET(GUEST_RFLAGS));
    for (unsigned row = 0; row < SEGMENT_ROWS; row++) {
        struct shown_segment s = segment_of(image, row);

        LINE("%s=%04lx %016lx %08lx %08lx DPL=0 DS   [-WA]\n", segments[row].upper, s.selector,
             s.base, s.limit, s.rights & RIGHTS_UNUSABLE ? 0 : (s.rights & 0xf0ff) << 8);
    }
    LINE("GDT=     %016lx %08lx\n", GET(GUEST_GDTR_BASE), GET(GUEST_GDTR_LIMIT));
    LINE("IDT=     %016lx %08lx\n", GET(GUEST_IDTR_BASE), GET(GUEST_IDTR_LIMIT));
    LINE("CR0=%08x CR2=%016lx CR3=%016lx CR4=%08x\n", (uint32_t)GET(GUEST_CR0) & ~(uint32_t)CR0_NE,
         9ul, GET(GUEST_CR3), (uint32_t)GET(GUEST_CR4) & ~(uint32_t)CR4_VMXE);
    LINE("DR6=00000000ffff0ff0 DR7=%016lx\nEFER=%016lx\n", GET(GUEST_DR7), GET(GUEST_IA32_EFER));
}

/* struct kvm_segment of include/uapi/asm/kvm.h, as #[derive(Debug)] prints it. */
static void write_rust_segment(const char *name, struct shown_segment s, struct sink *sink)
{
    unsigned rights = (unsigned)s.rights;

    LINE("%s: kvm_segment { base: %lu, limit: %lu, selector: %lu, type_: %u, present: %u, dpl: %u, "
         "db: %u, s: %u, l: %u, g: %u, avl: %u, unusable: %u, padding: 0 }, ",
         name, s.base, s.limit, s.selector, rights & 15, rights >> 7 & 1, rights >> 5 & 3,
         rights >> 14 & 1, rights >> 4 & 1, rights >> 13 & 1, rights >> 15 & 1, rights >> 12 & 1,
         rights >> 16 & 1);
}

static void write_rust(const struct vmcs_image *image, struct sink *sink)
{
    LINE("kvm_regs { rax: 1, rbx: 2, rsp: %lu, rbp: 3, rip: %lu, rflags: %lu }\n", GET(GUEST_RSP),
         GET(GUEST_RIP), GET(GUEST_RFLAGS));
    LINE("kvm_sregs { ");
    for (unsigned row = 0; row < SEGMENT_ROWS; row++)
        write_rust_segment(segments[row].lower, segment_of(image, row), sink);
    LINE("gdt: kvm_dtable { base: %lu, limit: %lu, padding: [0, 0, 0] }, idt: kvm_dtable { base: "
         "%lu, limit: %lu, padding: [0, 0, 0] }, ",
         GET(GUEST_GDTR_BASE), GET(GUEST_GDTR_LIMIT) & 0xffff, GET(GUEST_IDTR_BASE),
         GET(GUEST_IDTR_LIMIT) & 0xffff);
    LINE("cr0: %lu, cr2: 0, cr3: %lu, cr4: %lu, cr8: 0, efer: %lu, apic_base: 4276094976 }\n",
         GET(GUEST_CR0) & ~(uint64_t)CR0_NE, GET(GUEST_CR3), GET(GUEST_CR4) & ~(uint64_t)CR4_VMXE,
         GET(GUEST_IA32_EFER));
}

/* cpumR3InfoGuest() in src/VBox/VMM/VMMR3/CPUM.cpp. */
static void write_virtualbox(const struct vmcs_image *image, struct sink *sink)
{
    LINE("00:00:05.481470 Guest CPUM (VCPU 0) state:\n00:00:05.481471 rax=0000000000000001 "
         "rbx=0000000000000002\n");
    LINE("00:00:05.481472 rip=%016lx rsp=%016lx rbp=0000000000000000 iopl=0\n", GET(GUEST_RIP),
         GET(GUEST_RSP));
    for (unsigned row = 0; row < SEGMENT_ROWS; row++) {
        struct shown_segment s = segment_of(image, row);

        LINE("00:00:05.481473 %s%s={%04lx base=%016lx limit=%08lx flags=%08lx}\n",
             segments[row].lower, segments[row].segment == SEGMENT_LDTR ? "r" : "", s.selector,
             s.base, s.limit, s.rights);
    }
    LINE("00:00:05.481475 cr0=%016lx cr2=0000000000000000 cr3=%016lx cr4=%016lx\n",
         GET(GUEST_CR0) & ~(uint64_t)CR0_NE, GET(GUEST_CR3), GET(GUEST_CR4) & ~(uint64_t)CR4_VMXE);
    LINE("00:00:05.481476 dr6=00000000ffff0ff0 dr7=%016lx\n", GET(GUEST_DR7));
    LINE("00:00:05.481477 gdtr=%016lx:%04lx  idtr=%016lx:%04lx  eflags=%08x\n",
         GET(GUEST_GDTR_BASE), GET(GUEST_GDTR_LIMIT) & 0xffff, GET(GUEST_IDTR_BASE),
         GET(GUEST_IDTR_LIMIT) & 0xffff, (uint32_t)GET(GUEST_RFLAGS));
    LINE("00:00:05.481480 SysEnter={cs=%04lx eip=%016lx esp=%016lx}\n", GET(GUEST_IA32_SYSENTER_CS),
         GET(GUEST_IA32_SYSENTER_EIP), GET(GUEST_IA32_SYSENTER_ESP));
    LINE("00:00:05.481482 EFER         =%016lx\n", GET(GUEST_IA32_EFER));
}

/* usr.sbin/bhyvectl/bhyvectl.c of FreeBSD. */
static void write_bhyve(const struct vmcs_image *image, struct sink *sink)
{
    static const struct {
        const char *name;
        enum vmcs_field field;
    } fields[] = {
        {"cr0", VMCS_GUEST_CR0},
        {"cr3", VMCS_GUEST_CR3},
        {"cr4", VMCS_GUEST_CR4},
        {"dr7", VMCS_GUEST_DR7},
        {"rsp", VMCS_GUEST_RSP},
        {"rip", VMCS_GUEST_RIP},
        {"rflags", VMCS_GUEST_RFLAGS},
        {"cr0_mask", VMCS_CR0_GUEST_HOST_MASK},
        {"cr0_shadow", VMCS_CR0_READ_SHADOW},
        {"cr4_mask", VMCS_CR4_GUEST_HOST_MASK},
        {"cr3_target_count", VMCS_CR3_TARGET_COUNT},
        {"pinbased_ctls", VMCS_PIN_BASED_VM_EXECUTION_CONTROLS},
        {"procbased_ctls", VMCS_PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS},
        {"procbased_ctls2", VMCS_SECONDARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS},
        {"entry_interruption_info", VMCS_VM_ENTRY_INTERRUPTION_INFORMATION},
        {"exit_ctls", VMCS_PRIMARY_VM_EXIT_CONTROLS},
        {"entry_ctls", VMCS_VM_ENTRY_CONTROLS},
        {"host_pat", VMCS_HOST_IA32_PAT},
        {"host_cr0", VMCS_HOST_CR0},
        {"host_cr3", VMCS_HOST_CR3},
        {"host_cr4", VMCS_HOST_CR4},
        {"host_rip", VMCS_HOST_RIP},
        {"host_rsp", VMCS_HOST_RSP},
        {"vmcs_pointer", VMCS_LINK_POINTER},
        {"vmcs_guest_interruptibility", VMCS_GUEST_INTERRUPTIBILITY_STATE},
        {"guest_sysenter_cs", VMCS_GUEST_IA32_SYSENTER_CS},
        {"guest_sysenter_sp", VMCS_GUEST_IA32_SYSENTER_ESP},
        {"guest_sysenter_ip", VMCS_GUEST_IA32_SYSENTER_EIP},
        {"exit_reason", VMCS_EXIT_REASON},
    };

    LINE("efer[0]\t\t0x%016lx\n", GET(GUEST_IA32_EFER));
    for (unsigned row = 0; row < SEGMENT_ROWS; row++) {
        struct shown_segment s = segment_of(image, row);
        const char *r = segments[row].segment == SEGMENT_LDTR ? "r" : "";

        LINE("%s%s desc[0]\t0x%016lx/0x%08lx/0x%08lx\n%s%s[0]\t\t0x%04lx\n", segments[row].lower, r,
             s.base, s.limit, s.rights, segments[row].lower, r, s.selector);
    }
    LINE("gdtr[0]\t\t0x%016lx/0x%08lx\nidtr[0]\t\t0x%016lx/0x%08lx\n", GET(GUEST_GDTR_BASE),
         GET(GUEST_GDTR_LIMIT), GET(GUEST_IDTR_BASE), GET(GUEST_IDTR_LIMIT));
    for (unsigned i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (vmcs_image_has(image, fields[i].field))
            LINE("%s[0]\t\t0x%016lx\n", fields[i].name, vmcs_image_get(image, fields[i].field));
    }
}

/* BX_CPU_C::register_vmx_state() in cpu/vmx.cc of Bochs 2.7. */
static void write_bochs(const struct vmcs_image *image, struct sink *sink)
{
    LINE("VMX = {\n  VMCS_CACHE = {\n    VMEXEC_CTRLS = {\n      vmexec_ctrls1 = 0x%08lx\n"
         "      vmexec_ctrls2 = 0x%08lx\n      vmexec_ctrls3 = 0x%08lx\n",
         GET(PIN_BASED_VM_EXECUTION_CONTROLS), GET(PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS),
         GET(SECONDARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS));
    LINE("      vm_exceptions_bitmap = 0x%08lx\n      io_bitmap_addr1 = 0x%lx\n"
         "      io_bitmap_addr2 = 0x%lx\n      msr_bitmap_addr = 0x%lx\n      vm_cr3_target_cnt = "
         "%lu\n",
         GET(EXCEPTION_BITMAP), GET(ADDRESS_OF_IO_BITMAP_A), GET(ADDRESS_OF_IO_BITMAP_B),
         GET(ADDRESS_OF_MSR_BITMAPS), GET(CR3_TARGET_COUNT));
    LINE("      virtual_apic_page_addr = 0x%lx\n      vm_tpr_threshold = 0x%08lx\n"
         "      eptptr = 0x%lx\n      vpid = 0x%04lx\n    }\n",
         GET(VIRTUAL_APIC_ADDRESS), GET(TPR_THRESHOLD), GET(EPT_POINTER),
         GET(VIRTUAL_PROCESSOR_IDENTIFIER));
    LINE("    VMEXIT_CTRLS = {\n      vmexit_ctrls = 0x%08lx\n      vmexit_msr_store_cnt = %lu\n"
         "      vmexit_msr_store_addr = 0x%lx\n    }\n    VMENTRY_CTRLS = {\n"
         "      vmentry_ctrls = 0x%08lx\n      vmentry_interr_info = 0x%08lx\n    }\n",
         GET(PRIMARY_VM_EXIT_CONTROLS), GET(VM_EXIT_MSR_STORE_COUNT),
         GET(VM_EXIT_MSR_STORE_ADDRESS), GET(VM_ENTRY_CONTROLS),
         GET(VM_ENTRY_INTERRUPTION_INFORMATION));
    LINE("    HOST_STATE = {\n      CR0 = 0x%lx\n      CR3 = 0x%lx\n      CR4 = 0x%lx\n"
         "      ES = 0x%04lx\n      CS = 0x%04lx\n      SS = 0x%04lx\n      FS_BASE = 0x%lx\n",
         GET(HOST_CR0), GET(HOST_CR3), GET(HOST_CR4), GET(HOST_ES_SELECTOR), GET(HOST_CS_SELECTOR),
         GET(HOST_SS_SELECTOR), GET(HOST_FS_BASE));
    LINE("      GDTR_BASE = 0x%lx\n      TR = 0x%08lx\n      RSP = 0x%lx\n      RIP = 0x%lx\n"
         "      sysenter_eip_msr = 0x%lx\n      pat_msr = 0x%lx\n      efer_msr = 0x%lx\n    }\n  "
         "}\n}\n",
         GET(HOST_GDTR_BASE), GET(HOST_TR_SELECTOR), GET(HOST_RSP), GET(HOST_RIP),
         GET(HOST_IA32_SYSENTER_EIP), GET(HOST_IA32_PAT), GET(HOST_IA32_EFER));
}

void vmcs_text_write_registers(enum text_format format, const struct vmcs_image *image,
                               struct sink *sink)
{
    if (format == TEXT_QEMU)
        write_qemu(image, sink);
    else if (format == TEXT_RUST)
        write_rust(image, sink);
    else if (format == TEXT_VIRTUALBOX)
        write_virtualbox(image, sink);
    else if (format == TEXT_BHYVE)
        write_bhyve(image, sink);
    else
        write_bochs(image, sink);
}
