/*
 * Which bits the exit qualification and the VM-exit instruction information have, and of which exit
 * reason, against the SDM: Vol. 3, "Basic VM-Exit Information", its tables, and "Information for VM
 * Exits Due to Instruction Execution".
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "vmx/text/exit_text.h"
#include "vmx/exit_reason.h"

/* The fields of each layout, as the manual's table has them: "high:low", in its order. */
#define MEMORY_FIELDS "9:7 17:15 21:18 22:22 26:23 27:27"
static const char *const fields[EXIT_LAYOUT_COUNT] = {
    [EXIT_LAYOUT_NOTHING] = "",
    [EXIT_LAYOUT_UNDECODED] = "",
    [EXIT_LAYOUT_REASON] = "15:0 25:25 26:26 27:27 28:28 29:29 31:31",
    [EXIT_LAYOUT_EVENT] = "7:0 10:8 11:11 12:12 13:13 31:31",
    [EXIT_LAYOUT_EXCEPTION] = "3:0 11:11 13:13 14:14 16:16 63:0 63:0",
    [EXIT_LAYOUT_VECTOR] = "7:0",
    [EXIT_LAYOUT_TASK_SWITCH] = "15:0 31:30",
    [EXIT_LAYOUT_LINEAR_ADDRESS] = "63:0",
    [EXIT_LAYOUT_DISPLACEMENT] = "63:0",
    [EXIT_LAYOUT_CONTROL_REGISTER] = "3:0 5:4 6:6 11:8 31:16",
    [EXIT_LAYOUT_MOV_DR] = "2:0 4:4 11:8",
    [EXIT_LAYOUT_IO] = "2:0 3:3 4:4 5:5 6:6 31:16",
    [EXIT_LAYOUT_GUEST_STATE] = "63:0",
    [EXIT_LAYOUT_LIST_ENTRY] = "63:0",
    [EXIT_LAYOUT_MWAIT] = "0:0",
    [EXIT_LAYOUT_APIC_ACCESS] = "11:0 15:12 16:16",
    [EXIT_LAYOUT_EPT_VIOLATION] =
        ("0:0 1:1 2:2 3:3 4:4 5:5 6:6 7:7 8:8 9:9 10:10 11:11 12:12 13:13 "
         "14:14 15:15 16:16"),
    [EXIT_LAYOUT_OFFSET] = "11:0",
    [EXIT_LAYOUT_NMI_UNBLOCKING] = "12:12",
    [EXIT_LAYOUT_SPP] = "11:11 12:12",
    [EXIT_LAYOUT_INSTRUCTION_TIMEOUT] = "0:0 12:12",
    [EXIT_LAYOUT_MSR] = "31:0",
    [EXIT_LAYOUT_STRING] = "9:7 17:15",
    [EXIT_LAYOUT_MEMORY] = ("1:0 " MEMORY_FIELDS),
    [EXIT_LAYOUT_TYPE_AND_MEMORY] = ("1:0 " MEMORY_FIELDS " 31:28"),
    [EXIT_LAYOUT_VMCS_FIELD] = ("1:0 6:3 10:10 " MEMORY_FIELDS " 31:28"),
    [EXIT_LAYOUT_TABLE] = ("1:0 11:11 " MEMORY_FIELDS " 29:28"),
    [EXIT_LAYOUT_SYSTEM_SEGMENT] = ("1:0 6:3 10:10 " MEMORY_FIELDS " 29:28"),
    [EXIT_LAYOUT_REGISTER_AND_SIZE] = "6:3 12:11",
    [EXIT_LAYOUT_XMM_REGISTERS] = "6:3 31:28",
    [EXIT_LAYOUT_MSR_OPERAND] = "6:3",
};

#define EXIT_LAYOUT(...)
#define EXIT_BITS(id, high, low, text) {EXIT_LAYOUT_##id, (high), (low)},
static const struct {
    enum exit_layout layout;
    unsigned high, low;
} rows[] = {
#include "tools/exit_layouts.def"
};

static void every_layout_has_the_manuals_fields(void **state)
{
    (void)state;
    for (unsigned layout = 0; layout < EXIT_LAYOUT_COUNT; layout++) {
        char text[256] = "";

        for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
            if (rows[i].layout == layout)
                snprintf(text + strlen(text), sizeof text - strlen(text), "%s%u:%u",
                         *text ? " " : "", rows[i].high, rows[i].low);
        }
        assert_non_null(fields[layout]);
        assert_string_equal(text, fields[layout]);
    }
}

#define L(qualification, information)                          \
    {                                                          \
        EXIT_LAYOUT_##qualification, EXIT_LAYOUT_##information \
    }

/* By basic exit reason; what is not here has neither. */
static const struct exit_layouts layouts[EXIT_REASON_COUNT] = {
    [0] = L(EXCEPTION, NOTHING),
    [4] = L(VECTOR, NOTHING),
    [5] = L(UNDECODED, UNDECODED),
    [9] = L(TASK_SWITCH, NOTHING),
    [14] = L(LINEAR_ADDRESS, NOTHING),
    [19] = L(DISPLACEMENT, MEMORY),     /* VMCLEAR */
    [21] = L(DISPLACEMENT, MEMORY),     /* VMPTRLD */
    [22] = L(DISPLACEMENT, MEMORY),     /* VMPTRST */
    [23] = L(DISPLACEMENT, VMCS_FIELD), /* VMREAD */
    [25] = L(DISPLACEMENT, VMCS_FIELD), /* VMWRITE */
    [27] = L(DISPLACEMENT, MEMORY),     /* VMXON */
    [28] = L(CONTROL_REGISTER, NOTHING),
    [29] = L(MOV_DR, NOTHING),
    [30] = L(IO, STRING),
    [33] = L(GUEST_STATE, NOTHING),
    [34] = L(LIST_ENTRY, NOTHING),
    [36] = L(MWAIT, NOTHING),
    [44] = L(APIC_ACCESS, NOTHING),
    [45] = L(VECTOR, NOTHING),
    [46] = L(DISPLACEMENT, TABLE),
    [47] = L(DISPLACEMENT, SYSTEM_SEGMENT),
    [48] = L(EPT_VIOLATION, NOTHING),
    [50] = L(DISPLACEMENT, TYPE_AND_MEMORY), /* INVEPT */
    [53] = L(DISPLACEMENT, TYPE_AND_MEMORY), /* INVVPID */
    [56] = L(OFFSET, NOTHING),
    [57] = L(NOTHING, REGISTER_AND_SIZE),    /* RDRAND */
    [58] = L(DISPLACEMENT, TYPE_AND_MEMORY), /* INVPCID */
    [61] = L(NOTHING, REGISTER_AND_SIZE),    /* RDSEED */
    [62] = L(NMI_UNBLOCKING, NOTHING),
    [63] = L(DISPLACEMENT, MEMORY), /* XSAVES */
    [64] = L(DISPLACEMENT, MEMORY), /* XRSTORS */
    [66] = L(SPP, NOTHING),
    [67] = L(NOTHING, REGISTER_AND_SIZE), /* UMWAIT */
    [68] = L(NOTHING, REGISTER_AND_SIZE), /* TPAUSE */
    [69] = L(NOTHING, XMM_REGISTERS),     /* LOADIWKEY */
    [72] = L(UNDECODED, UNDECODED),
    [73] = L(UNDECODED, UNDECODED),
    [75] = L(INSTRUCTION_TIMEOUT, NOTHING),
    [78] = L(UNDECODED, UNDECODED),
    [79] = L(UNDECODED, UNDECODED),
    [80] = L(MSR, MSR_OPERAND), /* URDMSR */
    [81] = L(MSR, MSR_OPERAND), /* UWRMSR */
    [84] = L(MSR, MSR_OPERAND),
    [85] = L(MSR, MSR_OPERAND),
};

static void every_reason_has_the_manuals_layouts(void **state)
{
    (void)state;
    for (uint32_t reason = 0; reason < EXIT_REASON_COUNT; reason++) {
        struct exit_layouts has = exit_layouts(reason);

        if (has.qualification != layouts[reason].qualification ||
            has.information != layouts[reason].information)
            fail_msg("exit reason %u", reason);
    }
    assert_int_equal(exit_layouts(EXIT_REASON_COUNT).qualification, EXIT_LAYOUT_NOTHING);
    assert_int_equal(exit_layouts(UINT32_MAX).information, EXIT_LAYOUT_NOTHING);
}

/* Of each reason: the section as tools/exit_reasons.def has it. */
static const char *const sections[EXIT_REASON_COUNT] = {
#define EXIT_TEXT(id, section, ...) [EXIT_REASON_##id] = #section,
#define EXIT_WHY(...)
#include "tools/exit_reasons.def"
#undef EXIT_TEXT
};

/* SDM Vol. 3, "Instructions That Cause VM Exits Unconditionally"; TDX adds the last two. */
static const uint8_t unconditional[] = {10, 11, 13, 18, 19, 20, 21, 22,
                                        24, 26, 27, 50, 53, 55, 76, 77};
/* "Instructions That Cause VM Exits Conditionally". */
static const uint8_t conditional[] = {12, 14, 15, 16, 17, 23, 25, 28, 29, 30, 31, 32,
                                      36, 39, 40, 46, 47, 51, 54, 57, 58, 60, 61, 63,
                                      64, 65, 67, 68, 69, 70, 78, 79, 80, 81, 84, 85};
/* "Other Causes of VM Exits", where the cause has no section of its own. */
static const uint8_t other[] = {0, 1, 2, 3, 4, 7, 8, 74, 75};

static bool is_in(uint32_t reason, const uint8_t *list, size_t count)
{
    return memchr(list, (int)reason, count) != NULL;
}

static void each_reason_stands_in_the_manuals_section(void **state)
{
    (void)state;
    for (uint32_t reason = 0; reason < EXIT_REASON_COUNT; reason++) {
        const char *section = sections[reason];

        if (is_in(reason, unconditional, sizeof unconditional))
            assert_string_equal(section, "UNCONDITIONAL");
        else if (is_in(reason, conditional, sizeof conditional))
            assert_string_equal(section, "CONDITIONAL");
        else if (is_in(reason, other, sizeof other))
            assert_string_equal(section, "OTHER");
        else
            assert_true(section == NULL ? exit_reason_name(reason) == NULL : section[0] == '"');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_layout_has_the_manuals_fields),
        cmocka_unit_test(every_reason_has_the_manuals_layouts),
        cmocka_unit_test(each_reason_stands_in_the_manuals_section),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
