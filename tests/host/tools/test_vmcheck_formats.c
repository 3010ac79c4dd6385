/*
 * Dumps as other programs print them, where they differ from what vmcs_formats.c writes: lines of
 * newer and older versions, other monitors. The labels are those of their sources; the values ours.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "tools/entry/read_vmcs.h"

static struct vmcs_text text;

static void read_string(const char *string)
{
    vmcs_text_free(&text);
    vmcs_text_read(string, strlen(string), &text);
}

static int end(void **state)
{
    (void)state;
    vmcs_text_free(&text);
    return 0;
}

struct value {
    enum vmcs_field field;
    uint64_t value;
};

/* The dump is all there is, and has these values; what it has beside them is not looked at. */
#define ASSERT_READ(format, ...)                                           \
    do {                                                                   \
        static const struct value wanted[] = {__VA_ARGS__};                \
        assert_read((format), wanted, sizeof(wanted) / sizeof(wanted[0])); \
    } while (0)

static void assert_read(enum vmcs_format format, const struct value *wanted, size_t count)
{
    assert_int_equal(text.count, 1);
    assert_int_equal(text.dump[0].format, format);
    if (text.not_understood != 0)
        fail_msg("not understood: line %u, %s", text.passed[0].line, text.passed[0].text);
    for (size_t i = 0; i < count; i++) {
        const uint64_t *value = vmcs_image_find(&text.dump[0].image, wanted[i].field);

        if (value == NULL || *value != wanted[i].value)
            fail_msg("field %#x: %#lx, wanted %#lx", wanted[i].field, value ? *value : 0,
                     wanted[i].value);
    }
}

static void assert_not_read(enum vmcs_field field)
{
    assert_false(vmcs_image_has(&text.dump[0].image, field));
}

/* arch/x86/kvm/vmx/vmx.c: lists of MSRs, FRED, CET, an EFER that is not the field. */
static void newer_kvm(void **state)
{
    (void)state;
    read_string(
        "kvm_intel: VMCS 00000000deadbeef, last attempted VM-entry on CPU 3\n"
        "kvm_intel: *** Guest State ***\n"
        "kvm_intel: RSP = 0x000000000000a000  RIP = 0x000000000000fff0\n"
        "kvm_intel: FRED guest: config=0x0000000000001000, stack_levels=0x0000000000000002\n"
        "RSP0=0x0000000000000010, RSP1=0x0000000000000011\n"
        "RSP2=0x0000000000000012, RSP3=0x0000000000000013\n"
        "kvm_intel: EFER= 0x0000000000000d01 (autoload)\n"
        "kvm_intel: S_CET = 0x0000000000000001, SSP = 0x0000000000002000, "
        "SSP TABLE = 0x0000000000003000\n"
        "kvm_intel: MSR guest autoload:\n"
        "kvm_intel:    0: msr=0x00000600 value=0x0000000000000017\n"
        "kvm_intel: *** Host State ***\n"
        "kvm_intel: RIP = 0xffffffff81000000  RSP = 0xffffc90000000000\n"
        "kvm_intel: FRED host: config=0x0000000000004000, stack_levels=0x0000000000000004\n"
        "RSP0=0x0000000000000020, RSP1=0x0000000000000021\n"
        "kvm_intel: S_CET = 0x0000000000000000, SSP = 0x0000000000005000, "
        "SSP TABLE = 0x0000000000006000\n"
        "kvm_intel: MSR host autoload:\n"
        "kvm_intel:    0: msr=0x00000600 value=0xfffffe0000000000\n"
        "kvm_intel: *** Control State ***\n"
        "kvm_intel: CPUBased=0xb5a26dfa SecondaryExec=0x061037eb "
        "TertiaryExec=0x0000000000000010\n"
        "kvm_intel: PinBased=0x000000ff EntryControls=0087d3ff ExitControls=8f2befff\n"
        "kvm_intel: SVI|RVI = 00|20 TPR Threshold = 0x03\n"
        "kvm_intel: APIC-access addr = 0x00000000fee00000 virt-APIC addr = "
        "0x0000000000007000\n"
        "kvm_intel: PLE Gap=00000080 Window=00001000\n");
    ASSERT_READ(VMCS_FORMAT_KVM, {VMCS_GUEST_RSP, 0xa000}, {VMCS_GUEST_RIP, 0xfff0},
                {VMCS_GUEST_IA32_FRED_CONFIG, 0x1000}, {VMCS_GUEST_IA32_FRED_STKLVLS, 2},
                {VMCS_GUEST_IA32_FRED_RSP1, 0x11}, {VMCS_GUEST_IA32_FRED_RSP2, 0x12},
                {VMCS_GUEST_IA32_FRED_RSP3, 0x13}, {VMCS_GUEST_IA32_S_CET, 1},
                {VMCS_GUEST_SSP, 0x2000}, {VMCS_GUEST_IA32_INTERRUPT_SSP_TABLE_ADDR, 0x3000},
                {VMCS_HOST_RSP, 0xffffc90000000000}, {VMCS_HOST_IA32_FRED_CONFIG, 0x4000},
                {VMCS_HOST_IA32_FRED_RSP1, 0x21}, {VMCS_HOST_SSP, 0x5000},
                {VMCS_TERTIARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS, 0x10},
                {VMCS_PIN_BASED_VM_EXECUTION_CONTROLS, 0xff}, {VMCS_TPR_THRESHOLD, 3},
                {VMCS_APIC_ACCESS_ADDRESS, 0xfee00000}, {VMCS_VIRTUAL_APIC_ADDRESS, 0x7000},
                {VMCS_PLE_GAP, 0x80}, {VMCS_PLE_WINDOW, 0x1000});
    assert_not_read(VMCS_GUEST_IA32_EFER);
}

/* xen/arch/x86/hvm/vmx/vmcs.c of 4.4: segments as Linux has them, CR3 with its targets. */
static void older_xen(void **state)
{
    (void)state;
    read_string("(XEN) *********** VMCS Areas **************\n(XEN) \n(XEN) >>> Domain 1 <<<\n"
                "(XEN)  VCPU 0\n(XEN) *** Guest State ***\n"
                "(XEN) CR0: actual=0x0000000080050033, shadow=0x0000000000000011, "
                "gh_mask=ffffffffffffffff\n"
                "(XEN) CR3: actual=0x000000003f000000, target_count=4\n"
                "(XEN)      target0=0000000000001000, target1=0000000000002000\n"
                "(XEN)      target2=0000000000003000, target3=0000000000004000\n"
                "(XEN) RSP = 0x000000000000fff8 (0x0000000000000000)  RIP = 0x0000000000001000 "
                "(0x0000000000000000)\n"
                "(XEN) RFLAGS=0x0000000000000002 (0x0000000000000246)  DR7 = 0x0000000000000400\n"
                "(XEN) Sysenter RSP=000000000000aaa0 CS:RIP=0010:000000000000bbb0\n"
                "(XEN) CS: sel=0x0008, attr=0x0a09b, limit=0xffffffff, base=0x0000000000000000\n"
                "(XEN) GDTR:                           limit=0x0000007f, base=0x0000000000009000\n"
                "(XEN) Guest PAT = 0x0007040600070406\n(XEN) TSC Offset = fffffff123456789\n"
                "(XEN) DebugCtl=0000000000000000 DebugExceptions=0000000000000000\n"
                "(XEN) Interruptibility=0001 ActivityState=0000\n"
                "(XEN) *** Host State ***\n"
                "(XEN) RSP = 0xffff830000007f90  RIP = 0xffff82c4c01d0000\n"
                "(XEN) CS=e008 DS=0000 ES=0000 FS=0000 GS=0000 SS=0000 TR=e040\n"
                "(XEN) Host PAT = 0x0000050100070406\n"
                "(XEN) *** Control State ***\n"
                "(XEN) PinBased=0000003f CPUBased=b6a1edfe SecondaryExec=000000eb\n"
                "(XEN) EntryControls=0000d3ff ExitControls=002fefff\n"
                "(XEN)         reason=80000021 qualification=00000000\n"
                "(XEN) EPT pointer = 0x000000012345601e\n(XEN) Virtual processor ID = 0x0017\n"
                "(XEN) **************************************\n");
    ASSERT_READ(VMCS_FORMAT_XEN, {VMCS_GUEST_CR0, 0x80050033}, {VMCS_CR0_READ_SHADOW, 0x11},
                {VMCS_GUEST_CR3, 0x3f000000}, {VMCS_CR3_TARGET_COUNT, 4},
                {VMCS_CR3_TARGET_VALUE_0, 0x1000}, {VMCS_CR3_TARGET_VALUE_3, 0x4000},
                {VMCS_GUEST_RSP, 0xfff8}, {VMCS_GUEST_RIP, 0x1000}, {VMCS_GUEST_RFLAGS, 2},
                {VMCS_GUEST_IA32_SYSENTER_CS, 0x10}, {VMCS_GUEST_CS_ACCESS_RIGHTS, 0xa09b},
                {VMCS_GUEST_GDTR_LIMIT, 0x7f}, {VMCS_GUEST_GDTR_BASE, 0x9000},
                {VMCS_GUEST_IA32_PAT, 0x0007040600070406}, {VMCS_TSC_OFFSET, 0xfffffff123456789},
                {VMCS_GUEST_INTERRUPTIBILITY_STATE, 1}, {VMCS_HOST_RIP, 0xffff82c4c01d0000},
                {VMCS_HOST_SS_SELECTOR, 0}, {VMCS_HOST_TR_SELECTOR, 0xe040},
                {VMCS_HOST_IA32_PAT, 0x50100070406}, {VMCS_EXIT_REASON, 0x80000021},
                {VMCS_EPT_POINTER, 0x12345601e}, {VMCS_VIRTUAL_PROCESSOR_IDENTIFIER, 0x17});
}

/* Quoted in a mail, whose lines are short: what has no prefix is the rest of the line before. */
static void lines_that_a_mail_broke(void **state)
{
    (void)state;
    read_string(">> (XEN) [2024-11-02 14:09:46] *** Guest State ***\n"
                ">> (XEN) [2024-11-02 14:09:46] CR0: actual=0x0000000080050031,\n"
                ">> shadow=0x0000000080050030, gh_mask=ffffffffffffffff\n"
                ">> (XEN) [2024-11-02 14:09:46] RFLAGS=0x00000187 (0x00000187)  DR7 =\n"
                ">> 0x0000000000000400\n"
                ">> (XEN) [2024-11-02 14:09:46] Interruptibility = 00000002  ActivityState\n"
                ">> = 00000001\n"
                ">> (XEN) [2024-11-02 14:09:46] *** Host State ***\n"
                ">> (XEN) [2024-11-02 14:09:46] CS=e008 SS=0000 DS=0000 ES=0000 FS=0000\n"
                ">> GS=0000 TR=e040\n"
                ">> (XEN) [2024-11-02 14:09:46] *** Control State ***\n"
                ">> (XEN) [2024-11-02 14:09:46] Virtual processor ID = 0x5a02 VMfunc\n"
                ">> controls = 0000000000000001\n");
    ASSERT_READ(VMCS_FORMAT_XEN, {VMCS_CR0_READ_SHADOW, 0x80050030},
                {VMCS_CR0_GUEST_HOST_MASK, ~0ull}, {VMCS_GUEST_DR7, 0x400},
                {VMCS_GUEST_ACTIVITY_STATE, 1}, {VMCS_HOST_TR_SELECTOR, 0xe040},
                {VMCS_VIRTUAL_PROCESSOR_IDENTIFIER, 0x5a02}, {VMCS_VM_FUNCTION_CONTROLS, 1});
}

/* What begins something is no rest, whatever stands before it. */
static void what_follows_a_dump_is_not_its_end(void **state)
{
    (void)state;
    read_string("kvm_intel: *** Guest State ***\nkvm_intel: CR3 = 0x1000\n"
                "KVM: entry failed, hardware error 0x80000021\n"
                "EAX=00000000 EBX=00000000\nEIP=0000fff0 EFL=00000002 [-------]\n");
    assert_int_equal(text.count, 2);
    assert_int_equal(text.dump[0].format, VMCS_FORMAT_KVM);
    assert_int_equal(text.dump[1].format, VMCS_FORMAT_QEMU);
    assert_int_equal(vmcs_image_get(&text.dump[1].image, VMCS_EXIT_REASON), 0x80000021);
    assert_int_equal(vmcs_image_get(&text.dump[1].image, VMCS_GUEST_RIP), 0xfff0);
    read_string("kvm_intel: *** Guest State ***\nkvm_intel: Frob = 1 Other = 2\n"
                "kvm_intel: CR3 = 0x1000\n");
    assert_int_equal(text.not_understood, 1);
}

/* core/dump.c of HAXM: "%04x %s: %llx". */
static void haxm(void **state)
{
    (void)state;
    read_string("haxm_warning: 4000 VMX_PIN_CONTROLS: 3f\nhaxm_warning: 0000 VMX_VPID: 1\n"
                "haxm_warning: 4402 VM_EXIT_INFO_REASON: 80000021\n"
                "haxm_warning: 6800 GUEST_CR0: 80000031\nhaxm_warning: 4816 GUEST_CS_AR: a09b\n"
                "haxm_warning: 4826 GUEST_ACTIVITY_STATE: 0\n");
    ASSERT_READ(VMCS_FORMAT_LIST, {VMCS_PIN_BASED_VM_EXECUTION_CONTROLS, 0x3f},
                {VMCS_VIRTUAL_PROCESSOR_IDENTIFIER, 1}, {VMCS_EXIT_REASON, 0x80000021},
                {VMCS_GUEST_CR0, 0x80000031}, {VMCS_GUEST_CS_ACCESS_RIGHTS, 0xa09b},
                {VMCS_GUEST_ACTIVITY_STATE, 0});
}

/* Numbers as a Windows debugger has them, in DebugView's and a debugger's lines. */
static void windows(void **state)
{
    (void)state;
    read_string("00000012\t4.56789017\tkGuestCr0 = 00000000`80050033\r\n"
                "00000013\t4.56789100\tkGuestRip = fffff801`2345abcd\r\n"
                "VMCS_HOST_CR4: 0x00000000`000626f8\r\n"
                "0: kd> ? VMCS_GUEST_RFLAGS = 0000000000000246\r\n");
    ASSERT_READ(VMCS_FORMAT_LIST, {VMCS_GUEST_CR0, 0x80050033},
                {VMCS_GUEST_RIP, 0xfffff8012345abcd}, {VMCS_HOST_CR4, 0x626f8},
                {VMCS_GUEST_RFLAGS, 0x246});
}

/*
 * KVM_GET_REGS and KVM_GET_SREGS as Rust prints structures: numbers are decimal, access rights in
 * attributes, CR0 and CR4 what the guest sees.
 */
static void structures_of_rust(void **state)
{
    (void)state;
    read_string(
        "[ERROR vmm] kvm_regs { rax: 1, rbx: 0, rsp: 32768, rbp: 0, rip: 1048576, rflags: 2 }\n"
        "[ERROR vmm] kvm_sregs { cs: kvm_segment { base: 0, limit: 4294967295, selector: 16, "
        "type_: 11, present: 1, dpl: 0, db: 0, s: 1, l: 1, g: 1, avl: 0, unusable: 0, padding: 0 "
        "}, es: kvm_segment { base: 4096, limit: 65535, selector: 24, type_: 3, present: 0, dpl: "
        "3, db: 1, s: 1, l: 0, g: 0, avl: 0, unusable: 0, padding: 0 }, tr: kvm_segment { base: "
        "0, limit: 103, selector: 32, type_: 11, present: 1, dpl: 0, db: 0, s: 0, l: 0, g: 0, avl: "
        "0, unusable: 0, padding: 0 }, gdt: kvm_dtable { base: 1280, limit: 31, padding: [0, 0, 0] "
        "}, idt: kvm_dtable { base: 1312, limit: 7, padding: [0, 0, 0] }, cr0: 2147483649, cr2: 0, "
        "cr3: 36864, cr4: 32, cr8: 0, efer: 1280, apic_base: 4276094976, interrupt_bitmap: [0, 0, "
        "0, 0] }\n");
    ASSERT_READ(VMCS_FORMAT_REGISTERS, {VMCS_GUEST_RSP, 0x8000}, {VMCS_GUEST_RIP, 0x100000},
                {VMCS_GUEST_RFLAGS, 2}, {VMCS_GUEST_CS_SELECTOR, 16},
                {VMCS_GUEST_CS_LIMIT, 0xffffffff}, {VMCS_GUEST_CS_ACCESS_RIGHTS, 0xa09b},
                {VMCS_GUEST_ES_ACCESS_RIGHTS, RIGHTS_UNUSABLE}, {VMCS_GUEST_ES_BASE, 0x1000},
                {VMCS_GUEST_TR_ACCESS_RIGHTS, 0x8b}, {VMCS_GUEST_TR_LIMIT, 0x67},
                {VMCS_GUEST_GDTR_BASE, 0x500}, {VMCS_GUEST_GDTR_LIMIT, 31},
                {VMCS_GUEST_IDTR_BASE, 0x520}, {VMCS_GUEST_CR0, 0x80000021},
                {VMCS_GUEST_CR3, 0x9000}, {VMCS_GUEST_CR4, 0x2020}, {VMCS_GUEST_IA32_EFER, 0x500});
    read_string("kvm_sregs {\n    ds: kvm_segment {\n        base: 0x0,\n        limit: 0xffff,\n"
                "        selector: 0x10,\n        type_: 0x3,\n        present: 0x1,\n"
                "        dpl: 0x0,\n        db: 0x1,\n        s: 0x1,\n        l: 0x0,\n"
                "        g: 0x0,\n        avl: 0x0,\n    },\n    cr0: 0x11,\n}\n");
    ASSERT_READ(VMCS_FORMAT_REGISTERS, {VMCS_GUEST_DS_ACCESS_RIGHTS, 0x4093},
                {VMCS_GUEST_DS_SELECTOR, 0x10}, {VMCS_GUEST_CR0, 0x31});
}

/* Of attributes that are not all there no access rights come. */
static void some_attributes_are_no_access_rights(void **state)
{
    (void)state;
    read_string("Registers:\ncs: sel=0x8 base=0x0 limit=0xffff db=1 l=0 g=1 type=0xb present=1\n");
    ASSERT_READ(VMCS_FORMAT_REGISTERS, {VMCS_GUEST_CS_SELECTOR, 8}, {VMCS_GUEST_CS_LIMIT, 0xffff});
    assert_not_read(VMCS_GUEST_CS_ACCESS_RIGHTS);
    read_string("Registers:\ncs: sel=0x8 db=1 l=0 g=1 type=0xb present=1 s=1 dpl=3\n");
    ASSERT_READ(VMCS_FORMAT_REGISTERS, {VMCS_GUEST_CS_ACCESS_RIGHTS, 0xc0fb});
}

/* x86/kvm-cpu.c of kvmtool: a row a segment, attribute by attribute. */
static void kvmtool(void **state)
{
    (void)state;
    read_string("\n Registers:\n ----------\n"
                " rip: 000000000000fff0   rsp: 0000000000000000 flags: 0000000000000002\n"
                " rax: 0000000000000000   rbx: 0000000000000000   rcx: 0000000000000000\n"
                " cr0: 0000000060000010   cr2: 0000000000000000   cr3: 0000000000001000\n"
                " cr4: 0000000000000000   cr8: 0000000000000000\n\n Segment registers:\n"
                " ------------------\n"
                " register  selector  base              limit     type  p dpl db s l g avl\n"
                " cs        f000      00000000ffff0000  0000ffff  0b    1 0   0  1 0 0 0\n"
                " tr        0000      0000000000000000  0000ffff  0b    1 0   0  0 0 0 0\n"
                " ldt       0000      0000000000000000  0000ffff  02    0 0   0  0 0 0 0\n"
                " gdt                 0000000000005000  0037\n"
                " idt                 0000000000006000  03ff\n\n APIC:\n -----\n"
                " efer: 0000000000000000  apic base: 00000000fee00900  nmi: enabled\n");
    ASSERT_READ(
        VMCS_FORMAT_REGISTERS, {VMCS_GUEST_RIP, 0xfff0}, {VMCS_GUEST_RFLAGS, 2},
        {VMCS_GUEST_CR0, 0x60000030}, {VMCS_GUEST_CR3, 0x1000}, {VMCS_GUEST_CS_SELECTOR, 0xf000},
        {VMCS_GUEST_CS_BASE, 0xffff0000}, {VMCS_GUEST_CS_LIMIT, 0xffff},
        {VMCS_GUEST_CS_ACCESS_RIGHTS, 0x9b}, {VMCS_GUEST_TR_ACCESS_RIGHTS, 0x8b},
        {VMCS_GUEST_LDTR_ACCESS_RIGHTS, RIGHTS_UNUSABLE}, {VMCS_GUEST_GDTR_BASE, 0x5000},
        {VMCS_GUEST_GDTR_LIMIT, 0x37}, {VMCS_GUEST_IDTR_LIMIT, 0x3ff}, {VMCS_GUEST_IA32_EFER, 0});
}

static void assert_said(unsigned n, unsigned line, enum vmentry_rule first, unsigned rules)
{
    unsigned count = 0;

    assert_true(n < text.said_count);
    assert_int_equal(text.said[n].line, line);
    assert_int_equal(text.said[n].rules[0], first);
    while (text.said[n].rules[count] != VMENTRY_RULE_COUNT)
        count++;
    assert_int_equal(count, rules);
}

/* cpu/vmx.cc of Bochs: a message for each check; what it says beside them is none. */
static void log_of_bochs(void **state)
{
    (void)state;
    read_string("00085435234e[CPU0  ] VMENTER FAIL: VMCS guest RFLAGS[1] cleared\n"
                "00085435234i[CPU0  ] VMEXIT: Guest State Checks Failed\n"
                "00085435999e[CPU1  ] VMFAIL: VMCS EXEC CTRL: invalid EPTPTR value\n"
                "00085436000e[CPU0  ] VMENTER FAIL: VMCS guest RFLAGS[1] cleared\n"
                "00085436001e[CPU0  ] VMENTER FAIL: Guest interruptibility state broken\n"
                "00085436002e[CPU0  ] VMENTER FAIL: Guest interruptibility state broken when "
                "entering non active CPU state 2\n"
                "00085436003e[CPU0  ] VMENTER FAIL: VMCS guest TR not present\n"
                "00085436004e[CPU0  ] VMENTER FAIL: VMCS guest CS not present\n"
                "00085436005e[CPU0  ] VMENTER FAIL: nobody knows\n"
                "00085436006i[CPU0  ] WARNING: HALT instruction with IF=0!\n");
    assert_int_equal(text.count, 0);
    assert_int_equal(text.said_count, 6);
    assert_said(0, 1, VMENTRY_GUEST_RFLAGS_BIT_1, 1);
    assert_said(1, 3, VMENTRY_EPTP_MEMORY_TYPE, 6);
    assert_said(2, 5, VMENTRY_BLOCKING_RESERVED, 4);
    assert_said(3, 6, VMENTRY_ACTIVITY_BLOCKED, 1);
    assert_said(4, 7, VMENTRY_SYSTEM_SEGMENT_PRESENT, 1);
    assert_said(5, 8, VMENTRY_SEGMENT_PRESENT, 1);
    assert_string_equal(text.said[0].text, "VMENTER FAIL: VMCS guest RFLAGS[1] cleared");
}

/* No more are kept than there is room for; more of them do no harm. */
static void a_log_of_bochs_without_end(void **state)
{
    static const char *const segments[] = {"ES", "CS", "SS", "DS", "FS", "GS"};
    char log[4096] = "";

    (void)state;
    for (unsigned i = 0; i < 12; i++) {
        strcat(log, "1e[CPU0  ] VMENTER FAIL: VMCS guest ");
        strcat(log, segments[i % 6]);
        strcat(log, i < 6 ? " not present\n" : " not segment\n");
    }
    read_string(log);
    assert_int_equal(text.said_count, EMULATOR_SAID_MAX);
}

/* usr.sbin/bhyvectl/bhyvectl.c of FreeBSD: the index is a CPU's, tables say base before limit. */
static void bhyvectl(void **state)
{
    (void)state;
    read_string("efer[0]\t\t0x0000000000000501\ncr0[0]\t\t0x0000000080010031\n"
                "cr3[0]\t\t0x0000000000003000\ncr4[0]\t\t0x0000000000002020\n"
                "dr7[0]\t\t0x0000000000000401\nrip[0]\t\t0x0000000000101000\n"
                "rax[0]\t\t0x0000000000000004\nrflags[0]\t0x0000000000000046\n"
                "ds desc[0]\t0x0000000000000010/0x0000ffff/0x00000093\n"
                "cs desc[0]\t0x0000000000000020/0xffffffff/0x0000a09b\n"
                "tr desc[0]\t0x0000000000000030/0x00000067/0x0000008b\n"
                "ldtr desc[0]\t0x0000000000000000/0x0000ffff/0x00000082\n"
                "gdtr[0]\t\t0x0000000000004000/0x0000002f\n"
                "idtr[0]\t\t0x0000000000005000/0x00000fff\n"
                "cs[0]\t\t0x0008\nds[0]\t\t0x0010\nldtr[0]\t\t0x0040\n"
                "cr0_mask[0]\t\t0x0000000060000020\ncr4_shadow[0]\t\t0x0000000000000021\n"
                "cr3_target_count[0]\t0x0000000000000001\ncr3_target1[0]\t\t0x0000000000006000\n"
                "pinbased_ctls[0]\t0x000000000000003f\nprocbased_ctls[0]\t0x00000000b5186dfa\n"
                "procbased_ctls2[0]\t0x00000000000010aa\ngla[0]\t\t0x0000000000000007\n"
                "gpa[0]\t\t0x0000000000000008\nentry_interruption_info[0]\t0x0000000080000b0d\n"
                "instruction_error[0]\t0x0000000000000000\nexit_ctls[0]\t\t0x00000000003fffff\n"
                "entry_ctls[0]\t\t0x00000000000093ff\nhost_cr0[0]\t\t0x0000000080050033\n"
                "host_rip[0]\t\t0xffffffff82a3a0c0\nvmcs_pointer[0]\t0xffffffffffffffff\n"
                "vmcs_exit_interruption_error[0]\t0x0000000000000009\n"
                "vmcs_guest_interruptibility[0]\t0x0000000000000001\n"
                "vmcs_exit_inst_length[0]\t0x00000003\nio_bitmap[0]\t0x0000000000007000\n"
                "guest_sysenter_sp[0]\t0xa000\nguest_sysenter_ip[0]\t0xb000\n"
                "exit_reason[0]\t0x80000021\n");
    ASSERT_READ(VMCS_FORMAT_BHYVE, {VMCS_GUEST_IA32_EFER, 0x501}, {VMCS_GUEST_CR0, 0x80010031},
                {VMCS_GUEST_CR4, 0x2020}, {VMCS_GUEST_DR7, 0x401}, {VMCS_GUEST_RIP, 0x101000},
                {VMCS_GUEST_RFLAGS, 0x46}, {VMCS_GUEST_DS_BASE, 0x10},
                {VMCS_GUEST_DS_LIMIT, 0xffff}, {VMCS_GUEST_CS_BASE, 0x20},
                {VMCS_GUEST_CS_ACCESS_RIGHTS, 0xa09b}, {VMCS_GUEST_TR_BASE, 0x30},
                {VMCS_GUEST_TR_ACCESS_RIGHTS, 0x8b}, {VMCS_GUEST_LDTR_ACCESS_RIGHTS, 0x82},
                {VMCS_GUEST_GDTR_BASE, 0x4000}, {VMCS_GUEST_GDTR_LIMIT, 0x2f},
                {VMCS_GUEST_IDTR_BASE, 0x5000}, {VMCS_GUEST_IDTR_LIMIT, 0xfff},
                {VMCS_GUEST_CS_SELECTOR, 8}, {VMCS_GUEST_LDTR_SELECTOR, 0x40},
                {VMCS_CR0_GUEST_HOST_MASK, 0x60000020}, {VMCS_CR4_READ_SHADOW, 0x21},
                {VMCS_CR3_TARGET_COUNT, 1}, {VMCS_CR3_TARGET_VALUE_1, 0x6000},
                {VMCS_PIN_BASED_VM_EXECUTION_CONTROLS, 0x3f},
                {VMCS_PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS, 0xb5186dfa},
                {VMCS_SECONDARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS, 0x10aa},
                {VMCS_GUEST_LINEAR_ADDRESS, 7}, {VMCS_GUEST_PHYSICAL_ADDRESS, 8},
                {VMCS_VM_ENTRY_INTERRUPTION_INFORMATION, 0x80000b0d},
                {VMCS_PRIMARY_VM_EXIT_CONTROLS, 0x3fffff}, {VMCS_VM_ENTRY_CONTROLS, 0x93ff},
                {VMCS_HOST_CR0, 0x80050033}, {VMCS_HOST_RIP, 0xffffffff82a3a0c0},
                {VMCS_LINK_POINTER, ~0ull}, {VMCS_VM_EXIT_INTERRUPTION_ERROR_CODE, 9},
                {VMCS_GUEST_INTERRUPTIBILITY_STATE, 1}, {VMCS_VM_EXIT_INSTRUCTION_LENGTH, 3},
                {VMCS_ADDRESS_OF_IO_BITMAP_A, 0x7000}, {VMCS_GUEST_IA32_SYSENTER_ESP, 0xa000},
                {VMCS_GUEST_IA32_SYSENTER_EIP, 0xb000}, {VMCS_EXIT_REASON, 0x80000021});
}

/*
 * src/VBox/VMM/VMMR3/CPUM.cpp of VirtualBox: access rights as in the VMCS; of CR0 and CR4 what the
 * guest sees. CS and DS of the FPU are none of the guest's, nor are those of SYSENTER.
 */
static void virtualbox(void **state)
{
    (void)state;
    read_string(
        "00:00:05.481470 Guest CPUM (VCPU 0) state:\n"
        "00:00:05.481471 rax=0000000000000001 rbx=0000000000000002\n"
        "00:00:05.481472 rip=00000000dab44a40 rsp=00000000daff1e80 rbp=0000000000000000 iopl=0\n"
        "00:00:05.481473 cs={0038 base=0000000000000010 limit=ffffffff flags=0000a09b}\n"
        "00:00:05.481474 gs={0030 base=0000000000000020 limit=0000ffff flags=0001c0f3}\n"
        "00:00:05.481475 cr0=00000000c0010013 cr2=0000000000000000 cr3=00000000db001000 "
        "cr4=0000000000000660\n"
        "00:00:05.481476 dr4=0000000000000000 dr5=0000000000000000 dr6=00000000ffff0ff0 "
        "dr7=0000000000000401\n"
        "00:00:05.481477 gdtr=00000000daff2018:0047  idtr=00000000da7fe250:0fff  "
        "eflags=00000006\n"
        "00:00:05.481478 ldtr={0000 base=00000000 limit=0000ffff flags=00000082}\n"
        "00:00:05.481479 tr  ={0040 base=00000030 limit=00000067 flags=0000008b}\n"
        "00:00:05.481480 SysEnter={cs=0018 eip=00000000000000e0 esp=00000000000000f0}\n"
        "00:00:05.481481 FPUIP=00000000 CS=0099 Rsrvd1=0000  FPUDP=00000000 DS=0098 Rsvrd2=0000\n"
        "00:00:05.481482 EFER         =0000000000000500\n"
        "00:00:05.481483 CPU[0]: VT-x info:\n00:00:05.481484     Real-on-v86 active = true\n"
        "00:00:05.481485       EFlags  = 0x7\n00:00:05.481486       Attr CS = 0x9b\n");
    ASSERT_READ(VMCS_FORMAT_VIRTUALBOX, {VMCS_GUEST_RIP, 0xdab44a40}, {VMCS_GUEST_RSP, 0xdaff1e80},
                {VMCS_GUEST_CS_SELECTOR, 0x38}, {VMCS_GUEST_CS_BASE, 0x10},
                {VMCS_GUEST_CS_LIMIT, 0xffffffff}, {VMCS_GUEST_CS_ACCESS_RIGHTS, 0xa09b},
                {VMCS_GUEST_GS_ACCESS_RIGHTS, 0x1c0f3}, {VMCS_GUEST_CR0, 0xc0010033},
                {VMCS_GUEST_CR4, 0x2660}, {VMCS_GUEST_DR7, 0x401},
                {VMCS_GUEST_GDTR_BASE, 0xdaff2018}, {VMCS_GUEST_GDTR_LIMIT, 0x47},
                {VMCS_GUEST_IDTR_LIMIT, 0xfff}, {VMCS_GUEST_RFLAGS, 6},
                {VMCS_GUEST_LDTR_ACCESS_RIGHTS, 0x82}, {VMCS_GUEST_TR_SELECTOR, 0x40},
                {VMCS_GUEST_TR_LIMIT, 0x67}, {VMCS_GUEST_IA32_SYSENTER_CS, 0x18},
                {VMCS_GUEST_IA32_SYSENTER_EIP, 0xe0}, {VMCS_GUEST_IA32_SYSENTER_ESP, 0xf0},
                {VMCS_GUEST_IA32_EFER, 0x500});
    assert_not_read(VMCS_GUEST_DS_SELECTOR);
}

/* km, a monitor for unikernels: a register's attributes go on in the next line. */
static void attributes_in_the_next_line(void **state)
{
    (void)state;
    read_string("== KVM_GET_REGS ==\nRAX: 0x5          RBX: 0x0\nRIP: 0x1000    RFLAGS: 0x46\n"
                "0x1000    : 0x55 0x48 0x89\n== KVM_GET_SREGS ==\n"
                "CS  base: 0x70     limit:0xfffff selector: 0x8 type: 0xb present: 0x1\n"
                "    dpl:0x3 db:0x0 s:0x1 l:0x1 g:0x1 avl:0x0 unusable:0x0\n"
                "DS  base: 0x0      limit:0x1 selector: 0x10 type: 0x3 present: 0x0\n"
                "    dpl:0x0 db:0x0 s:0x0 l:0x0 g:0x0 avl:0x0 unusable:0x1\n"
                "GDT base: 0x5000   limit: 0x7f\nCR0: 0x80050033 CR3: 0x2000 CR4: 0x6f0\n"
                "EFER: 0xd00\n");
    ASSERT_READ(VMCS_FORMAT_REGISTERS, {VMCS_GUEST_RIP, 0x1000}, {VMCS_GUEST_RFLAGS, 0x46},
                {VMCS_GUEST_CS_BASE, 0x70}, {VMCS_GUEST_CS_LIMIT, 0xfffff},
                {VMCS_GUEST_CS_SELECTOR, 8}, {VMCS_GUEST_CS_ACCESS_RIGHTS, 0xa0fb},
                {VMCS_GUEST_DS_LIMIT, 1}, {VMCS_GUEST_DS_ACCESS_RIGHTS, RIGHTS_UNUSABLE},
                {VMCS_GUEST_GDTR_LIMIT, 0x7f}, {VMCS_GUEST_CR0, 0x80050033},
                {VMCS_GUEST_CR4, 0x26f0}, {VMCS_GUEST_IA32_EFER, 0xd00});
}

/* Of AMD's VMRUN QEMU shows the same, with a number that is no exit reason of VMX. */
static void a_failed_vmrun(void **state)
{
    (void)state;
    read_string("KVM: entry failed, hardware error 0xffffffff\n"
                "EAX=00000000 EBX=00000000\nEIP=00008000 EFL=00000002 [-------] CPL=0\n");
    assert_int_equal(text.count, 1);
    assert_not_read(VMCS_EXIT_REASON);
    assert_int_equal(text.not_understood, 1);
    assert_non_null(strstr(text.passed[0].expected, "AMD"));
}

/*
 * bx_debug/dbg_main.cc of Bochs: it checks guest state before it loads any, so the registers that
 * its debugger shows after a VM entry that failed are the host's.
 */
static void registers_of_a_debugger(void **state)
{
    (void)state;
    read_string("<bochs:2> sreg\nes:0x0010, dh=0x00cf9300, dl=0x0000ffff, valid=1\n"
                "cs:0x0008, dh=0x00af9b00, dl=0x0000ffff, valid=1\n"
                "gdtr:base=0xffffffff80105000, limit=0x2f\n<bochs:3> creg\n"
                "CR0=0x80000031: PG cd nw ac wp NE ET ts em mp PE\nCR4=0x00002020: VMXE PAE\n"
                "<bochs:4> r\nrip: ffffffff_80100000\neflags 0x00000046: id vip vif\n");
    assert_int_equal(text.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(newer_kvm),
        cmocka_unit_test(older_xen),
        cmocka_unit_test(lines_that_a_mail_broke),
        cmocka_unit_test(what_follows_a_dump_is_not_its_end),
        cmocka_unit_test(haxm),
        cmocka_unit_test(windows),
        cmocka_unit_test(structures_of_rust),
        cmocka_unit_test(some_attributes_are_no_access_rights),
        cmocka_unit_test(kvmtool),
        cmocka_unit_test(log_of_bochs),
        cmocka_unit_test(a_log_of_bochs_without_end),
        cmocka_unit_test(bhyvectl),
        cmocka_unit_test(virtualbox),
        cmocka_unit_test(attributes_in_the_next_line),
        cmocka_unit_test(a_failed_vmrun),
        cmocka_unit_test(registers_of_a_debugger),
    };

    return cmocka_run_group_tests(tests, NULL, end);
}
