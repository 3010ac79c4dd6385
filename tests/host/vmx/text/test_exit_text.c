/*
 * VM exits in words. Every number is put together by hand from the SDM's tables of exit
 * qualifications ("Basic VM-Exit Information"), event information and instruction information.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "vmx/exit_reason.h"
#include "vmx/text/exit_text.h"

static char text[512];
static struct text_buffer buffer;

static struct sink *fresh(void)
{
    text_buffer_init(&buffer, text, sizeof text);
    return &buffer.sink;
}

/* The SDM's appendix "VMX Basic Exit Reasons". */
static void basic_exit_reasons_have_the_names_of_the_appendix(void **state)
{
    static const uint32_t undefined[] = {35, 38, 42, 71, 82, 83, 86, 1000, UINT32_MAX};
    static const struct {
        uint32_t number;
        const char *name;
    } known[] = {
        {0, "exception or non-maskable interrupt (NMI)"},
        {2, "triple fault"},
        {9, "task switch"},
        {10, "CPUID"},
        {12, "HLT"},
        {18, "VMCALL"},
        {27, "VMXON"},
        {28, "control-register access"},
        {30, "I/O instruction"},
        {32, "WRMSR"},
        {33, "VM-entry failure due to invalid guest state"},
        {37, "monitor trap flag"},
        {40, "PAUSE"},
        {44, "APIC access"},
        {48, "EPT violation"},
        {49, "EPT misconfiguration"},
        {52, "VMX-preemption timer expired"},
        {55, "XSETBV"},
        {61, "RDSEED"},
        {64, "XRSTORS"},
        {70, "ENCLV"},
        {74, "bus lock"},
        {77, "TDCALL"},
        {79, "WRMSRLIST"},
    };
    unsigned defined = 0;

    (void)state;
    for (unsigned i = 0; i < sizeof known / sizeof *known; i++)
        assert_string_equal(exit_reason_name(known[i].number), known[i].name);
    for (unsigned i = 0; i < sizeof undefined / sizeof *undefined; i++)
        assert_null(exit_reason_name(undefined[i]));
    for (unsigned i = 0; i < EXIT_REASON_COUNT; i++)
        defined += exit_reason_name(i) != NULL;
    assert_int_equal(EXIT_REASON_COUNT, 86);
    assert_int_equal(defined, 86 - 6);
}

/* Two that the manual leaves out are two keys of a report. */
static void every_reason_has_a_word(void **state)
{
    char one[EXIT_REASON_WORD_SIZE], other[EXIT_REASON_WORD_SIZE];

    (void)state;
    assert_string_equal(exit_reason_word(10, one), "CPUID");
    assert_string_equal(exit_reason_word(71, one), "undefined (71)");
    assert_string_equal(exit_reason_word(UINT32_MAX, other), "undefined (4294967295)");
    assert_string_equal(one, "undefined (71)");
}

static void the_reason_is_reported_with_its_flags(void **state)
{
    static const struct {
        uint32_t reason;
        const char *wanted;
    } rows[] = {
        {48, "EPT violation"},
        {0x80000021, "VM-entry failure due to invalid guest state; VM-entry failure"},
        {0x0400000a, "CPUID; bus lock asserted"},
        {0x08000000 | 1, "external interrupt; in enclave mode"},
        {0x30000000 | 6, "other SMI; pending monitor trap flag, from VMX root operation"},
        {35, "exit reason 35, which the manual does not define"},
        {0x0001000c, "HLT; bits 0x10000"},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        exit_reason_print(fresh(), rows[i].reason);
        assert_string_equal(text, rows[i].wanted);
    }
}

enum {
    VALID = 1u << 31,
    HARDWARE = 3 << 8,
    ERROR_CODE = 1 << 11,
};

static void qualifications_are_reported_by_reason(void **state)
{
    static const struct {
        uint32_t reason, event;
        uint64_t qualification;
        const char *wanted;
    } rows[] = {
        /* #DB: bits 3:0 the breakpoints, 11 bus lock, 13 BD, 14 BS, 16 RTM */
        {0, VALID | HARDWARE | 1, 0x4009, "breakpoint 0, breakpoint 3, single step"},
        {0, VALID | HARDWARE | 1, 0x2000, "access to a debug register"},
        {0, VALID | HARDWARE | 1, 0x16, "breakpoint 1, breakpoint 2, bits 0x10"},
        {0, VALID | HARDWARE | 1, 0x800, "bus lock"},
        {0, VALID | HARDWARE | 1, 0x10000, "transactional region"},
        {0, VALID | HARDWARE | 14 | ERROR_CODE, 0xfffff000, "linear address 0xfffff000"},
        {0, VALID | 2 << 8 | 2, 0, ""},
        /* #NM: what IA32_XFD_ERR becomes, where it is by XFD; an NMI has no qualification */
        {0, VALID | HARDWARE | 7, 0x40000, "IA32_XFD_ERR 0x40000"},
        {0, VALID | HARDWARE | 7, 0, ""},
        {0, VALID | 2 << 8 | 7, 0x40000, ""},
        {0, HARDWARE | 7, 0x40000, ""},
        {0, VALID | HARDWARE | 8, 0x40000, ""},
        {0, VALID | HARDWARE | 6, 0, ""},
        {4, 0, 0x9f, "vector 0x9f"},
        /* Task switches: 15:0 selector, 31:30 CALL, IRET, JMP, IDT */
        {9, 0, 0x00000028, "CALL to the TSS with selector 0x28"},
        {9, 0, 0x40000030, "IRET to the TSS with selector 0x30"},
        {9, 0, 0x80000038, "JMP to the TSS with selector 0x38"},
        {9, 0, 0xc0000040, "task gate in the IDT to the TSS with selector 0x40"},
        {9, 0, 0x8000ffff, "JMP to the TSS with selector 0xffff"},
        {14, 0, 0x7fffdeadb000, "linear address 0x7fffdeadb000"},
        /* CRs: 3:0 number, 5:4 access, 6 operand, 11:8 register, 31:16 LMSW's data */
        {28, 0, 0x300, "MOV to CR0 from RBX"},
        {28, 0, 0xf14, "MOV from CR4 to R15"},
        {28, 0, 0x013, "MOV from CR3 to RAX"},
        {28, 0, 0x008, "MOV to CR8 from RAX"},
        {28, 0, 0x020, "CLTS"},
        {28, 0, 0x00090030, "LMSW of 0x9 from a register"},
        {28, 0, 0xfff00070, "LMSW of 0xfff0 from memory"},
        /* DRs: 2:0 number, 4 direction, 11:8 register */
        {29, 0, 0x107, "MOV to DR7 from RCX"},
        {29, 0, 0x616, "MOV from DR6 to RSI"},
        /* I/O: 2:0 bytes less 1, 3 in, 4 string, 5 REP, 6 immediate, 31:16 port */
        {30, 0, 0x03f80000, "OUT port 0x3f8 (DX), 1 byte"},
        {30, 0, 0x00e90040, "OUT port 0xe9 (immediate), 1 byte"},
        {30, 0, 0x0cf8000b, "IN port 0xcf8 (DX), 4 bytes"},
        {30, 0, 0x01f00039, "REP INS port 0x1f0 (DX), 2 bytes"},
        {30, 0, 0x01f00011, "OUTS port 0x1f0 (DX), 2 bytes"},
        {30, 0, 0x01f00021, "REP OUT port 0x1f0 (DX), 2 bytes"},
        {33, 0, 0, ""},
        {33, 0, 2, "loading the PDPTEs"},
        {33, 0, 3, "injecting an NMI with blocking by STI"},
        {33, 0, 4, "VMCS link pointer"},
        {33, 0, 1, "qualification 0x1"},
        {33, 0, 5, "qualification 0x5"},
        {34, 0, 3, "entry 3 of the list"},
        {36, 0, 1, "monitoring armed"},
        {36, 0, 0, "monitoring not armed"},
        /* APIC accesses: 11:0 offset, 15:12 type */
        {44, 0, 0x0080, "data read at offset 0x80"},
        {44, 0, 0x1300, "data write at offset 0x300"},
        {44, 0, 0x1fff, "data write at offset 0xfff"},
        {44, 0, 0x20b0, "instruction fetch at offset 0xb0"},
        {44, 0, 0x30b0, "access during event delivery at offset 0xb0"},
        {44, 0, 0xa000, "guest-physical access during event delivery, offset not given"},
        {44, 0, 0xf000, "guest-physical access of an instruction, offset not given"},
        {44, 0, 0xb000, "access of type 11, offset not given"},
        {44, 0, 0x9080, "access of type 9 at offset 0x80"},
        {44, 0, 0x10080, "data read at offset 0x80, asynchronous"},
        {44, 0, 0x20080, "data read at offset 0x80"},
        {45, 0, 0x31, "vector 0x31"},
        {46, 0, 0x10, "displacement 0x10"},
        /* EPT: 2:0 access, 5:3 rights, 7 linear address valid, 8 its translation */
        {48, 0, 0x182, "write where EPT allows ---, of the translated address"},
        {48, 0, 0x181 | 1 << 5, "read where EPT allows --x, of the translated address"},
        {48, 0, 0x08a, "write where EPT allows r--, of a paging-structure entry"},
        {48, 0, 0x03c & ~0x20, "instruction fetch where EPT allows rw-, no linear address"},
        {48, 0, 0x1183,
         "read, write where EPT allows ---, of the translated address, NMI unblocking due to IRET"},
        {56, 0, 0x3f0, "offset 0x3f0"},
        {56, 0, 0x1fff, "offset 0xfff"},
        {62, 0, 0x1000, "NMI unblocking due to IRET"},
        {62, 0, 0, ""},
        {62, 0, 0x2000, ""},
        /* SDM, tables of the newer reasons: 75: 0 state lost, 12 NMI; 80 and 84: the MSR */
        {48, 0, 0x1e40 | 0x184,
         "instruction fetch where EPT allows ---, of the translated address, user-mode fetches "
         "allowed, user-mode address, writable in the guest's paging, execute-disable in the "
         "guest's paging, NMI unblocking due to IRET"},
        {48, 0, 0x4e00, "none where EPT allows ---, no linear address, supervisor shadow stack"},
        {66, 0, 0x1800, "SPPT miss, NMI unblocking due to IRET"},
        {75, 0, 0, "the guest's state is valid"},
        {75, 0, 0x1001, "the guest's state is lost, NMI unblocking due to IRET"},
        {80, 0, 0x1b, "MSR 0x1b"},
        {84, 0, 0xc0000080, "MSR 0xc0000080"},
        {66, 0, 0x800, "SPPT miss"},
        {66, 0, 0, "SPPT misconfiguration"},
        {10, 0, 0, ""},
        {10, 0, 5, "qualification 0x5"},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        exit_qualification_print(fresh(), rows[i].reason, rows[i].event, rows[i].qualification);
        assert_string_equal(text, rows[i].wanted);
    }
}

/* SDM, table "Exit Qualification for EPT Violations": one violation for each bit. */
static void each_bit_of_an_ept_violation_is_reported(void **state)
{
    static const char *const untranslated[] = {
        [0] = "read where EPT allows ---, no linear address",
        [1] = "write where EPT allows ---, no linear address",
        [2] = "instruction fetch where EPT allows ---, no linear address",
        [3] = "none where EPT allows r--, no linear address",
        [4] = "none where EPT allows -w-, no linear address",
        [5] = "none where EPT allows --x, no linear address",
        [6] = "none where EPT allows ---, no linear address, user-mode fetches allowed",
        [7] = "none where EPT allows ---, of a paging-structure entry",
        [8] = "none where EPT allows ---, no linear address",
        /* 9 to 11: only where bits 7 and 8 are both set */
        [9] = "none where EPT allows ---, no linear address",
        [10] = "none where EPT allows ---, no linear address",
        [11] = "none where EPT allows ---, no linear address",
        [12] = "none where EPT allows ---, no linear address, NMI unblocking due to IRET",
        [13] = "none where EPT allows ---, no linear address, shadow-stack access",
        [14] = "none where EPT allows ---, no linear address, supervisor shadow stack",
        [15] = "none where EPT allows ---, no linear address, guest-paging verification",
        [16] = "none where EPT allows ---, no linear address, asynchronous",
        [17] = "none where EPT allows ---, no linear address",
    };
    static const char *const translated[] = {
        [6] = "user-mode fetches allowed",
        [9] = "user-mode address",
        [10] = "writable in the guest's paging",
        [11] = "execute-disable in the guest's paging",
        [12] = "NMI unblocking due to IRET",
        [13] = "shadow-stack access",
        [14] = "supervisor shadow stack",
        [15] = "guest-paging verification",
        [16] = "asynchronous",
    };

    (void)state;
    for (unsigned bit = 0; bit < sizeof untranslated / sizeof *untranslated; bit++) {
        exit_qualification_print(fresh(), 48, 0, 1ull << bit);
        assert_string_equal(text, untranslated[bit]);
    }
    for (unsigned bit = 0; bit < sizeof translated / sizeof *translated; bit++) {
        char wanted[128] = "none where EPT allows ---, of the translated address, ";

        if (translated[bit] == NULL)
            continue;
        exit_qualification_print(fresh(), 48, 0, 0x180 | 1ull << bit);
        strcat(wanted, translated[bit]);
        assert_string_equal(text, wanted);
    }
}

/* SDM, "Format of the VM-Exit Interruption-Information Field". */
static void events_are_told(void **state)
{
    static const struct {
        uint32_t information, error_code;
        const char *wanted;
    } rows[] = {
        {0x00000b0e, 2, "none"},
        {0x80000b0e, 2, "hardware exception 14 (#PF), error code 0x2"},
        {0x80000306, 7, "hardware exception 6 (#UD)"},
        {0x80000021, 0, "external interrupt 33"},
        {0x80000202, 0, "NMI 2"},
        {0x80001202, 0, "NMI 2, NMI unblocking due to IRET"},
        {0x80000480, 0, "software interrupt 128"},
        {0x80000501, 0, "privileged software exception 1 (#DB)"},
        {0x80000603, 0, "software exception 3 (#BP)"},
        {0x80000700, 0, "other event 0"},
        {0x80002b0d, 0x18, "hardware exception 13 (#GP), error code 0x18, nested"},
        {0x80000316, 0, "hardware exception 22"},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        event_information_print(fresh(), rows[i].information, rows[i].error_code);
        assert_string_equal(text, rows[i].wanted);
    }
}

/*
 * SDM, "Format of the VM-Exit Instruction-Information Field": 1:0 scaling, 6:3 register, 10
 * register operand, 17:15 segment, 21:18 index, 22 no index, 26:23 base, 27 no base, 31:28 second
 * register or instruction.
 */
static void instructions_are_told(void **state)
{
    static const struct {
        uint32_t reason, information;
        const char *wanted;
    } rows[] = {
        {46, 2u << 28 | 3 << 15 | 1 << 22 | 3 << 23, "LGDT [DS:RBX + displacement]"},
        {46, 1u << 28 | 2 << 15 | 1 << 18 | 4 << 23 | 3, "SIDT [SS:RSP + RCX*8 + displacement]"},
        {47, 3u << 28 | 1 << 10 | 8 << 3, "LTR R8"},
        {47, 1u << 28 | 1 << 10 | 9 << 3, "STR R9"},
        {47, 0u << 28 | 5 << 15 | 1 << 22 | 1 << 27, "SLDT [GS:displacement]"},
        {21, 3 << 15 | 1 << 22 | 6 << 23, "[DS:RSI + displacement]"},
        {50, 1u << 28 | 3 << 15 | 1 << 22 | 7 << 23, "type in RCX, [DS:RDI + displacement]"},
        {23, 2u << 28 | 1 << 10 | 0 << 3, "field in RDX, RAX"},
        {25, 2u << 28 | 3 << 15 | 1 << 22 | 0 << 23, "field in RDX, [DS:RAX + displacement]"},
        {57, 2 << 11 | 15 << 3, "64 bits of R15"},
        {61, 0 << 11 | 2 << 3, "16 bits of RDX"},
        {67, 1 << 11 | 7 << 3, "32 bits of RDI"},
        {69, 9u << 28 | 2 << 3, "XMM2, XMM9"},
        {69, 2u << 28 | 9 << 3, "XMM9, XMM2"},
        {85, 12 << 3, "R12"},
        {10, 0xffffffff, ""},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        instruction_information_print(fresh(), rows[i].reason, rows[i].information);
        assert_string_equal(text, rows[i].wanted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(basic_exit_reasons_have_the_names_of_the_appendix),
        cmocka_unit_test(every_reason_has_a_word),
        cmocka_unit_test(the_reason_is_reported_with_its_flags),
        cmocka_unit_test(qualifications_are_reported_by_reason),
        cmocka_unit_test(each_bit_of_an_ept_violation_is_reported),
        cmocka_unit_test(events_are_told),
        cmocka_unit_test(instructions_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
