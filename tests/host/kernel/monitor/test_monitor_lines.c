/*
 * What a line of the monitor's means: commands, values and names, and how Tab goes on with them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "tests/host/kernel/monitor/monitor_talk.h"

static void a_line_is_a_command_and_its_arguments(void **state)
{
    (void)state;
    TALK({"cr", "=expected: cr VALUE [VALUE\n"},
         {"cr 0 0x80010033 1", "=expected: cr VALUE [VALUE\n"}, {"cr x", "=unknown here: \"x\"\n"},
         {"vmread GUEST_RIQ", "=unknown here: \"GUEST_RIQ\"; the nearest is GUEST_RIP\n"},
         {"vmlunch", "=unknown here: \"vmlunch\"; the nearest is vmlaunch\n"},
         {"staten", "nearest is state"},
         {"vmreadx GUEST_RIP", "unknown here: \"vmreadx GUEST_RIP\""},
         {"vmwrite GUEST_RIP", "=expected: vmwrite FIELD VALUE\n"},
         {"vmread", "=expected: vmread FIELD\n"},
         {"help quit", "=  quit                                   ends the machine\n"},
         {"help ept map", "  ept map   "}, {"help nothing", "unknown here: \"nothing\""},
         {"help", "\n  wrmsr     MSR VALUE                    writes it\n"},
         {"help", "  alloc     NAME"});
    TALK({"cpu 3", "="});
    assert_int_equal(monitor.wanted_cpu, 3);
    answer("state");
    answer(""); /* is no command, and has no answer */
    assert_non_null(strstr(monitor.answer, "CPU 3"));
}

/* From left to right; a number is decimal, or hex with 0x. */
static void a_value_is_a_sum(void **state)
{
    static const struct {
        const char *text;
        uint64_t value;
    } rows[] = {
        {"0", 0},
        {"10", 10},
        {"0x10", 16},
        {"0xffffffffffffffff", UINT64_MAX},
        {"18446744073709551615", UINT64_MAX},
        {"1+2", 3},
        {"5-2+1", 4},
        {"6|1", 7},
        {"7&2", 2},
        {"1|6&4", 4},
        {"1-2", UINT64_MAX},
        {"v", 0x100000},
        {"V", 0x100000},
        {"v+8", 0x100008},
        {"8+v", 0x100008},
        {"v+0x10-0x10", 0x100000},
    };
    static const char *const wrong[] = {"",
                                        "+",
                                        "1+",
                                        "+1",
                                        "x",
                                        "0x",
                                        "0xg",
                                        "1 2",
                                        "v+",
                                        "vv",
                                        "w",
                                        "ten",
                                        "18446744073709551616",
                                        "1a",
                                        "GUEST_RIP"};
    uint64_t value;

    (void)state;
    answer("alloc v");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct command_text word = {rows[i].text, strlen(rows[i].text)};

        if (!line_meaning(&monitor_language, LINE_VALUE, word, &value) || value != rows[i].value)
            fail_msg("%s: %#lx", rows[i].text, value);
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        if (line_meaning(&monitor_language, LINE_VALUE,
                         (struct command_text){wrong[i], strlen(wrong[i])}, &value))
            fail_msg("%s: %#lx", wrong[i], value);
    }
    TALK({"vmxon", NULL}, {"vmclear v", NULL}, {"vmptrld v", NULL},
         {"vmwrite GUEST_RIP 0x123", "=VMsucceed; 0x123\n"},
         {"vmwrite GUEST_RSP GUEST_RIP-0x23", "=VMsucceed; 0x100\n"},
         {"vmread guest_rsp", "=VMsucceed; 0x100\n"}, {"vmread 0x681c", "=VMsucceed; 0x100\n"});
}

/* SDM Vol. 3, "Field Encoding in VMCS", and Vol. 4. */
static void fields_msrs_and_commands_have_names(void **state)
{
    static const struct {
        int kind;
        const char *name;
        uint64_t value;
    } rows[] = {
        {MONITOR_FIELD, "VIRTUAL_PROCESSOR_IDENTIFIER", 0x0000},
        {MONITOR_FIELD, "GUEST_CS_SELECTOR", 0x0802},
        {MONITOR_FIELD, "ADDRESS_OF_IO_BITMAP_A", 0x2000},
        {MONITOR_FIELD, "EPT_POINTER", 0x201a},
        {MONITOR_FIELD, "guest_rip", 0x681e},
        {MONITOR_FIELD, "0x681e", 0x681e},
        {MONITOR_FIELD, "HOST_RIP", 0x6c16},
        {MONITOR_MSR, "IA32_VMX_BASIC", 0x480},
        {MONITOR_MSR, "ia32_vmx_vmfunc", 0x491},
        {MONITOR_MSR, "IA32_FEATURE_CONTROL", 0x3a},
        {MONITOR_MSR, "IA32_EFER", 0xc0000080},
        {MONITOR_MSR, "IA32_PAT", 0x277},
        {MONITOR_MSR, "IA32_APIC_BASE", 0x1b},
        {MONITOR_MSR, "IA32_FS_BASE", 0xc0000100},
        {MONITOR_MSR, "IA32_GS_BASE", 0xc0000101},
        {MONITOR_MSR, "IA32_STAR", 0xc0000081},
        {MONITOR_MSR, "IA32_LSTAR", 0xc0000082},
        {MONITOR_MSR, "16", 16},
    };
    uint64_t value;
    char name[COMPLETION_SIZE];
    uint32_t n = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct command_text word = {rows[i].name, strlen(rows[i].name)};

        if (!line_meaning(&monitor_language, rows[i].kind, word, &value) || value != rows[i].value)
            fail_msg("%s: %#lx", rows[i].name, value);
    }
    assert_false(
        line_meaning(&monitor_language, LINE_COMMAND, (struct command_text){"5", 1}, &value));
    assert_false(line_meaning(&monitor_language, MONITOR_MSR, (struct command_text){"GUEST_RIP", 9},
                              &value));
    assert_true(
        line_meaning(&monitor_language, LINE_NAME, (struct command_text){"anything", 8}, &value));
    assert_true(
        line_meaning(&monitor_language, LINE_TEXT, (struct command_text){"any thing", 9}, &value));
    while (monitor_language.names(MONITOR_MSR, n, name))
        n++;
    assert_int_equal(n, 20 + 8); /* 0x480 to 0x493, and those above */
    answer("alloc v");
    assert_true(monitor_language.names(LINE_VALUE, 0, name)); /* pages come first, then fields */
    assert_string_equal(name, "v");
    assert_true(monitor_language.names(LINE_VALUE, 1, name));
    assert_string_equal(name, "VIRTUAL_PROCESSOR_IDENTIFIER");
    assert_false(monitor_language.names(LINE_NAME, 0, name));
}

/* The first name of each kind is offered as the others are. */
static void a_name_with_a_letter_too_many_is_answered_by_itself(void **state)
{
    static const struct {
        int kind;
        const char *command;
    } rows[] = {{MONITOR_MSR, "rdmsr "}, {MONITOR_FIELD, "vmread "}, {LINE_COMMAND, ""}};
    char name[COMPLETION_SIZE], line[2 * COMPLETION_SIZE], wanted[2 * COMPLETION_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_true(monitor_language.names(rows[i].kind, 0, name));
        (void)snprintf(line, sizeof(line), "%s%sz", rows[i].command, name);
        (void)snprintf(wanted, sizeof(wanted), "the nearest is %s\n", name);
        assert_non_null(strstr(answer(line), wanted));
    }
}

static void tab_completes_a_commands_arguments(void **state)
{
    static const struct {
        const char *line, *more;
    } rows[] = {
        {"vmla", "unch "},
        {"vmclear", " "},
        {"vmx", "o"},
        {"vmxof", "f "},
        {"vmread GUEST_RI", "P "},
        {"vmread guest_tr_a", "ccess_rights "},
        {"vmwrite GUEST_RIP regio", "n "},
        {"vmclear reg", "ion "},
        {"vmclear r", "egion "},
        {"rdmsr IA32_EF", "ER "},
        {"rdmsr IA32_LS", "TAR "},
        {"help vmptrs", "t "},
        {"ept w", "alk "},
        {"mem read reg", "ion "},
        {"alloc reg", ""},
        {"expect reg", ""},
        {"nothing reg", ""},
        {"invept 1 EPT_POIN", "TER "},
        {"ept map 0x1000 reg", "ion "},
        {"vmxoff reg", ""},
        {"zz", ""},
    };
    char more[COMPLETION_SIZE], text[256];
    struct text_buffer list;

    (void)state;
    answer("alloc region");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t length = line_complete(&monitor_language, rows[i].line, more, NULL);

        assert_int_equal(length, strlen(more));
        if (strcasecmp(more, rows[i].more) != 0)
            fail_msg("%s: \"%s\"", rows[i].line, more);
    }
    text_buffer_init(&list, text, sizeof(text));
    (void)line_complete(&monitor_language, "vmx", more, &list.sink);
    assert_string_equal(text, "vmxoff vmxon ");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_line_is_a_command_and_its_arguments, begin),
        cmocka_unit_test_setup(a_value_is_a_sum, begin),
        cmocka_unit_test_setup(fields_msrs_and_commands_have_names, begin),
        cmocka_unit_test_setup(a_name_with_a_letter_too_many_is_answered_by_itself, begin),
        cmocka_unit_test_setup(tab_completes_a_commands_arguments, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
