/*
 * What vmcheck is given beside dumps as they come out of a log: what Bochs has read of a VMCS,
 * texts in other encodings, numbers that are no value of a field.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tools/entry/read_vmcs.h"

static struct vmcs_text text;

static void read_bytes(const char *bytes, size_t length)
{
    vmcs_text_free(&text);
    vmcs_text_read(bytes, length, &text);
}

static void read_string(const char *string)
{
    read_bytes(string, strlen(string));
}

static void assert_field(enum vmcs_field field, uint64_t value)
{
    if (!vmcs_image_has(&text.dump[0].image, field) ||
        vmcs_image_get(&text.dump[0].image, field) != value)
        fail_msg("field %#x: %#lx, wanted %#lx", field, vmcs_image_get(&text.dump[0].image, field),
                 value);
}

static void assert_not_read(enum vmcs_field field)
{
    assert_false(vmcs_image_has(&text.dump[0].image, field));
}

/*
 * `show "VMX"` in the debugger of Bochs 2.7: its first control word is the pin-based one, CR3
 * targets count from 1, counts are decimal, and what is 0 was perhaps never read.
 */
static void bochs(void **state)
{
    (void)state;
    read_string(
        "show param name: <VMX>\nVMX = {\n  vmcsptr = 0xfed1000\n  in_vmx_guest = false\n"
        "  VMCS_CACHE = {\n    VMEXEC_CTRLS = {\n      vmexec_ctrls1 = 0x0000003f\n"
        "      vmexec_ctrls2 = 0xb5186df2\n      vmexec_ctrls3 = 0x000010ea\n"
        "      vm_exceptions_bitmap = 0x00060002\n      tsc_multiplier = 0x0\n"
        "      io_bitmap_addr1 = 0x3000\n      msr_bitmap_addr = 0x4000\n"
        "      vm_cr0_mask = 0x60000020\n      vm_cr3_target_cnt = 0\n"
        "      vm_cr3_target_value1 = 0x5000\n      vmcs_linkptr = 0x7000\n"
        "      eptptr = 0x605e\n      vpid = 0x0001\n      svi = 0x11\n"
        "      eoi_exit_bitmap1 = 0x00000022\n    }\n    VMEXIT_CTRLS = {\n"
        "      vmexit_ctrls = 0x007fefff\n      vmexit_msr_store_cnt = 12\n"
        "      vmexit_msr_load_addr = 0x8000\n    }\n    VMENTRY_CTRLS = {\n"
        "      vmentry_ctrls = 0x0000d3ff\n      vmentry_msr_load_cnt = 0\n"
        "      vmentry_interr_info = 0x80000b0d\n    }\n    HOST_STATE = {\n"
        "      CR0 = 0x80010033\n      ES = 0x0010\n      FS = 0x0000\n"
        "      FS_BASE = 0xffff800000000000\n      TR = 0x00000018\n"
        "      sysenter_esp_msr = 0x9000\n      pat_msr = 0x7040100070406\n"
        "      efer_msr = 0xd00\n      interrupt_ssp_table_address = 0xa000\n    }\n  }\n}\n");
    assert_int_equal(text.count, 1);
    assert_int_equal(text.dump[0].format, VMCS_FORMAT_BOCHS);
    assert_int_equal(text.not_understood, 0);
    assert_field(VMCS_PIN_BASED_VM_EXECUTION_CONTROLS, 0x3f);
    assert_field(VMCS_PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS, 0xb5186df2);
    assert_field(VMCS_SECONDARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS, 0x10ea);
    assert_field(VMCS_EXCEPTION_BITMAP, 0x60002);
    assert_field(VMCS_ADDRESS_OF_IO_BITMAP_A, 0x3000);
    assert_field(VMCS_ADDRESS_OF_MSR_BITMAPS, 0x4000);
    assert_field(VMCS_CR0_GUEST_HOST_MASK, 0x60000020);
    assert_field(VMCS_CR3_TARGET_VALUE_0, 0x5000);
    assert_field(VMCS_EPT_POINTER, 0x605e);
    assert_field(VMCS_VIRTUAL_PROCESSOR_IDENTIFIER, 1);
    assert_field(VMCS_PRIMARY_VM_EXIT_CONTROLS, 0x7fefff);
    assert_field(VMCS_VM_EXIT_MSR_STORE_COUNT, 12);
    assert_field(VMCS_VM_EXIT_MSR_LOAD_ADDRESS, 0x8000);
    assert_field(VMCS_VM_ENTRY_CONTROLS, 0xd3ff);
    assert_field(VMCS_VM_ENTRY_INTERRUPTION_INFORMATION, 0x80000b0d);
    assert_field(VMCS_HOST_CR0, 0x80010033);
    assert_field(VMCS_HOST_ES_SELECTOR, 0x10);
    assert_field(VMCS_HOST_FS_BASE, 0xffff800000000000);
    assert_field(VMCS_HOST_TR_SELECTOR, 0x18);
    assert_field(VMCS_HOST_IA32_SYSENTER_ESP, 0x9000);
    assert_field(VMCS_HOST_IA32_PAT, 0x7040100070406);
    assert_field(VMCS_HOST_IA32_EFER, 0xd00);
    assert_field(VMCS_HOST_IA32_INTERRUPT_SSP_TABLE_ADDR, 0xa000);
    assert_not_read(VMCS_HOST_FS_SELECTOR);
    assert_not_read(VMCS_TSC_MULTIPLIER);
    assert_not_read(VMCS_VM_ENTRY_MSR_LOAD_COUNT);
    assert_not_read(VMCS_LINK_POINTER);
    assert_not_read(VMCS_EOI_EXIT_BITMAP_1);
    assert_not_read(VMCS_GUEST_CR0);
}

/* Bochs 3 has a name for the pin-based word, and counts the others from 1. */
static void bochs_3(void **state)
{
    (void)state;
    read_string("VMCS_CACHE = {\n  VMEXEC_CTRLS = {\n    pin_vmexec_ctrls = 0x0000003f\n"
                "    vmexec_ctrls1 = 0xb5186df2\n    vmexec_ctrls2 = 0x000010ea\n"
                "    vmexec_ctrls3 = 0x0000000000000010\n    vm_cr3_target_value4 = 0x5000\n"
                "    pid_addr = 0x6000\n  }\n  VMEXIT_CTRLS = {\n    vmexit_ctrls = 0x007fefff\n"
                "    vmexit_ctrls2 = 0x8\n  }\n}\n");
    assert_int_equal(text.count, 1);
    assert_field(VMCS_PIN_BASED_VM_EXECUTION_CONTROLS, 0x3f);
    assert_field(VMCS_PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS, 0xb5186df2);
    assert_field(VMCS_SECONDARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS, 0x10ea);
    assert_field(VMCS_TERTIARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS, 0x10);
    assert_field(VMCS_CR3_TARGET_VALUE_3, 0x5000);
    assert_field(VMCS_POSTED_INTERRUPT_DESCRIPTOR_ADDRESS, 0x6000);
    assert_field(VMCS_SECONDARY_VM_EXIT_CONTROLS, 8);
}

/* What stands before a heading, whatever it is, stands before each line; a time in it goes on. */
static void prefixes_of_no_known_form(void **state)
{
    static const char *const prefixes[] = {
        "kern  :err   : [  913.42000@] kvm_intel: ",
        "May 02 11:22:33.12345@ host.example.org kernel: ",
        "{\"PRIORITY\":\"3\",\"MESSAGE\":\"kvm_intel: ",
        "\x1b[0;31m",
        "&gt; ",
        "+",
        "line 100@: ",
        "[kernel]  ",
    };
    static const char *const lines[] = {
        "*** Guest State ***",
        "CR0: actual=0x0000000080050033, shadow=0x0000000080050033, gh_mask=fffffffffffffff7",
        "CS:   sel=0x0010, attr=0x0a09b, limit=0xffffffff, base=0x0000000000000000",
        "*** Control State ***",
        "        reason=80000021 qualification=0000000000000000",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        char bytes[1024] = "";

        for (size_t line = 0; line < sizeof(lines) / sizeof(lines[0]); line++) {
            size_t length = strlen(bytes);

            snprintf(bytes + length, sizeof(bytes) - length, "%s%s\n", prefixes[i], lines[line]);
            for (char *digit = bytes + length; (digit = strchr(digit, '@')) != NULL;)
                *digit = (char)('3' + line);
        }
        read_string(bytes);
        assert_int_equal(text.count, 1);
        assert_int_equal(text.not_understood, 0);
        assert_field(VMCS_CR0_READ_SHADOW, 0x80050033);
        assert_field(VMCS_GUEST_CS_ACCESS_RIGHTS, 0xa09b);
        assert_field(VMCS_EXIT_REASON, 0x80000021);
    }
}

/* A dump that ends within a number, or right behind one: kernels write all digits. */
static void a_text_that_is_cut(void **state)
{
    static const char *const cut[] = {
        "kvm_intel: *** Guest State ***\nkvm_intel: CR3 = 0x1000\nkvm_intel: RFLAGS=0x0000",
        "(XEN) *** Guest State ***\n(XEN) CR3 = 0x1000\n(XEN) RFLAGS=0x0000000",
        "kvm_intel: *** Guest State ***\nkvm_intel: CS:   sel=0x0010, attr=0x0a",
        "kvm_intel: *** Guest State ***\nkvm_intel: CR3 = 0x1000\nkvm_intel: CR4: actual=0x000000",
        "EAX=00000000 EBX=00000000\nEIP=0000fff0 EFL=0000",
        "EAX=00000000 EBX=00000000\nEIP=0000fff0\nCS =f000 ffff0000 0000ffff 00009b",
        "RAX=0000000000000000\nRIP=000000000000fff0\nTR =0040 ffffff80001",
    };
    static const enum vmcs_field fields[] = {
        VMCS_GUEST_RFLAGS, VMCS_GUEST_RFLAGS,           VMCS_GUEST_CS_ACCESS_RIGHTS, VMCS_GUEST_CR4,
        VMCS_GUEST_RFLAGS, VMCS_GUEST_CS_ACCESS_RIGHTS, VMCS_GUEST_TR_BASE};

    (void)state;
    for (size_t i = 0; i < sizeof(cut) / sizeof(cut[0]); i++) {
        read_string(cut[i]);
        assert_int_equal(text.count, 1);
        assert_not_read(fields[i]);
        assert_int_equal(text.not_understood, 1);
    }
    read_string("kvm_intel: *** Guest State ***\nkvm_intel: RFLAGS=0x00000000");
    assert_field(VMCS_GUEST_RFLAGS, 0);
    read_string("kvm_intel: *** Control State ***\nkvm_intel: Virtual processor ID = 0x0001");
    assert_field(VMCS_VIRTUAL_PROCESSOR_IDENTIFIER, 1);
    read_string("kvm_intel: *** Guest State ***\nkvm_intel: RFLAGS=0x0\n");
    assert_field(VMCS_GUEST_RFLAGS, 0);
    read_string("GUEST_RFLAGS = 0");
    assert_field(VMCS_GUEST_RFLAGS, 0);
}

/* Each character as two bytes, the low one at `low`. */
static size_t widen(const char *string, unsigned low, const char *mark, char *wide)
{
    size_t length = strlen(mark);

    memcpy(wide, mark, length);
    for (; *string != '\0'; string++, length += 2) {
        wide[length + low] = *string;
        wide[length + !low] = '\0';
    }
    return length;
}

/* With a mark and without, the low byte first or last, and cut within a character. */
static void utf16(void **state)
{
    static const char string[] = "GUEST_CR0 = 0x80000031\r\nGUEST_RFLAGS = 0x2\r\n";
    static const struct {
        unsigned low;
        const char *mark;
    } forms[] = {{0, "\xff\xfe"}, {1, "\xfe\xff"}, {0, ""}, {1, ""}};
    char wide[256];

    (void)state;
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        size_t length = widen(string, forms[i].low, forms[i].mark, wide);

        read_bytes(wide, length);
        assert_int_equal(text.count, 1);
        assert_int_equal(text.dump[0].line, 1);
        assert_field(VMCS_GUEST_CR0, 0x80000031);
        assert_field(VMCS_GUEST_RFLAGS, 2);
        read_bytes(wide, length - 1);
        assert_field(VMCS_GUEST_CR0, 0x80000031);
    }
    read_bytes("\xff\xfe", 2);
    assert_int_equal(text.count, 0);
    read_bytes("\xff\xfe\0", 3);
    assert_int_equal(text.count, 0);
}

static void assert_passed(const char *line, const char *expected)
{
    read_string(line);
    assert_int_equal(text.count, 0);
    assert_int_equal(text.not_understood, 1);
    assert_non_null(strstr(text.passed[0].expected, expected));
}

/* They are told, and nothing is made of them. */
static void numbers_that_are_no_value(void **state)
{
    (void)state;
    assert_passed("VMCS_LINK_POINTER = -1\n", "sign");
    assert_passed("GUEST_CR0 = 0xfffffffffffffffff\n", "16 hex digits");
    assert_passed("GUEST_CR0: 99999999999999999999\n", "16 hex digits");
    assert_passed("GUEST_CS_SELECTOR = 0x12345\n", "as wide as its field");
    assert_passed("0x4402 = 0x180000021\n", "as wide as its field");
    read_string("sha256 = 0123456789abcdef0123456789abcdef\nkey - 10 GUEST_CR0 - 31\n");
    assert_int_equal(text.not_understood, 0);
    assert_field(VMCS_GUEST_CR0, 0x31);
}

/* Rust's {:?} prints a structure in decimal, {:x?} in hex without 0x, {:#x?} with it. */
static void structures_of_rust(void **state)
{
    (void)state;
    read_string(
        "VMCS: Vmcs { Current VMCS: : 2130706432, Guest CS Access Rights: : 41115, Guest CR4: "
        ": 8224, Host TR Selector: : 64 }\nGUEST_RFLAGS: 10\n");
    assert_int_equal(text.count, 1);
    assert_field(VMCS_GUEST_CS_ACCESS_RIGHTS, 0xa09b);
    assert_field(VMCS_GUEST_CR4, 0x2020);
    assert_field(VMCS_HOST_TR_SELECTOR, 0x40);
    assert_field(VMCS_GUEST_RFLAGS, 0x10); /* is none of the structure */
    read_string(
        "Vmcs { Guest CS Access Rights: : a09b, Guest CR4: : 2020, Host TR Selector: : 40 }\n");
    assert_field(VMCS_GUEST_CR4, 0x2020);
    assert_field(VMCS_HOST_TR_SELECTOR, 0x40);
    read_string("Vmcs {\n    Guest CS Access Rights: : 0xa09b,\n    Guest CR4: : 0x2020,\n}\n");
    assert_field(VMCS_GUEST_CR4, 0x2020);
    read_string(
        "kvm_sregs { cs: kvm_segment { base: 0, limit: ffffffff, selector: 10, type_: b, present: "
        "1, dpl: 0, db: 0, s: 1, l: 1, g: 1, avl: 0, unusable: 0, padding: 0 }, cr3: 9000 }\n");
    assert_field(VMCS_GUEST_CS_SELECTOR, 0x10);
    assert_field(VMCS_GUEST_CS_ACCESS_RIGHTS, 0xa09b);
    assert_field(VMCS_GUEST_CR3, 0x9000);
}

/* The value first, by a debugger's script; what a wrapper of VMREAD or VMWRITE logs. */
static void values_and_accesses(void **state)
{
    (void)state;
    read_string("0x0000000000000005 Virtual-processor identifier (VPID)\n"
                "***** FAILED ***** HLAT prefix size\n"
                "0x0000000080000031 Guest CR0\n0x000000000000a09b Guest CS access rights\n"
                "0x0000000000000017 apples\n");
    assert_int_equal(text.count, 1);
    assert_field(VMCS_VIRTUAL_PROCESSOR_IDENTIFIER, 5);
    assert_field(VMCS_GUEST_CR0, 0x80000031);
    assert_field(VMCS_GUEST_CS_ACCESS_RIGHTS, 0xa09b);
    read_string("vmwrite(0x4000, 0x3f)\n__vmx_vmwrite(6800, 80000031)\nvmread(0x6820) = 00000002\n"
                "vmread(GUEST_DR7) = 0x400\nVmxVmWrite(kGuestRip, 0xfff0)\n");
    assert_int_equal(text.count, 1);
    assert_field(VMCS_PIN_BASED_VM_EXECUTION_CONTROLS, 0x3f);
    assert_field(VMCS_GUEST_CR0, 0x80000031);
    assert_field(VMCS_GUEST_RFLAGS, 2);
    assert_field(VMCS_GUEST_DR7, 0x400);
    assert_field(VMCS_GUEST_RIP, 0xfff0);
}

/* vmx.c of Xen says the reason before the dump. */
static void what_xen_says(void **state)
{
    (void)state;
    read_string("(XEN) d12v0 vmentry failure (reason 0x80000021): Invalid guest state (0)\n"
                "(XEN) ************* VMCS Area **************\n(XEN) *** Guest State ***\n"
                "(XEN) RFLAGS=0x00000080 (0x00000082)  DR7 = 0x0000000000000400\n");
    assert_int_equal(text.count, 1);
    assert_int_equal(text.dump[0].format, VMCS_FORMAT_XEN);
    assert_field(VMCS_EXIT_REASON, 0x80000021);
    assert_field(VMCS_GUEST_RFLAGS, 0x80);
}

/* Two CPUs print at the same time: a field of which both say something is unknown. */
static void dumps_that_are_mixed(void **state)
{
    (void)state;
    read_string("kvm_intel: *** Guest State ***\nkvm_intel: CR3 = 0x1000\n"
                "kvm_intel: *** Guest State ***\nkvm_intel: CR3 = 0x2000\n"
                "kvm_intel: RFLAGS=0x00000002         DR7 = 0x0000000000000400\n"
                "kvm_intel: RFLAGS=0x00000000         DR7 = 0x0000000000000400\n"
                "kvm_intel: RFLAGS=0x00000002         DR7 = 0x0000000000000400\n");
    assert_int_equal(text.count, 2);
    assert_int_equal(vmcs_image_get(&text.dump[1].image, VMCS_GUEST_CR3), 0x2000);
    assert_int_equal(vmcs_image_get(&text.dump[1].image, VMCS_GUEST_DR7), 0x400);
    assert_false(vmcs_image_has(&text.dump[1].image, VMCS_GUEST_RFLAGS));
    assert_int_equal(text.not_understood, 2);
    assert_int_equal(text.passed[0].line, 6);
}

/* KVM_EXIT_FAIL_ENTRY, by those who print what KVM_RUN gave them; the number is an exit reason or
 * error. */
static void what_monitors_say(void **state)
{
    static const char *const words[] = {
        "ERROR: KVM_EXIT_FAIL_ENTRY: hardware_entry_failure_reason = 0x80000021\n",
        "VcpuExitFailEntry { hardware_entry_failure_reason: 2147483681, cpu: 2 }\n",
        "panicked: not implemented: FailEntry(2147483681, 2)\n",
        "kvm: vm entry failed with error 0x80000021\n",
    };
    char bytes[256];

    (void)state;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        snprintf(bytes, sizeof(bytes), "%skvm_regs { rip: 16, rflags: 2 }\n", words[i]);
        read_string(bytes);
        assert_int_equal(text.count, 1);
        assert_field(VMCS_EXIT_REASON, 0x80000021);
        assert_field(VMCS_GUEST_RIP, 16);
    }
    read_string("KVM: entry failed, hardware error 0x7\nEAX=00000000 EBX=00000000\nEIP=0000fff0 "
                "EFL=00000002 [-------]\n");
    assert_field(VMCS_VM_INSTRUCTION_ERROR, 7);
}

/* A line's first word and the one before a number are together longer than a name can be. */
static void words_that_are_too_long(void **state)
{
    static const char *const ends[] = {"High", "Flags", "Full", "All"};
    char bytes[256];

    (void)state;
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        snprintf(bytes, sizeof(bytes), "%.*s: x = 1 %.*s%s = 2\nGUEST_DR7 = 0x400\n", 78,
                 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                 70,
                 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
                 ends[i]);
        read_string(bytes);
        assert_int_equal(text.count, 1);
        assert_field(VMCS_GUEST_DR7, 0x400);
    }
}

static int end(void **state)
{
    (void)state;
    vmcs_text_free(&text);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bochs),
        cmocka_unit_test(bochs_3),
        cmocka_unit_test(prefixes_of_no_known_form),
        cmocka_unit_test(a_text_that_is_cut),
        cmocka_unit_test(utf16),
        cmocka_unit_test(numbers_that_are_no_value),
        cmocka_unit_test(structures_of_rust),
        cmocka_unit_test(values_and_accesses),
        cmocka_unit_test(what_xen_says),
        cmocka_unit_test(what_monitors_say),
        cmocka_unit_test(dumps_that_are_mixed),
        cmocka_unit_test(words_that_are_too_long),
    };

    return cmocka_run_group_tests(tests, NULL, end);
}
