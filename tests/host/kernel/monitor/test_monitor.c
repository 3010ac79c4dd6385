/*
 * What the monitor answers, on the model CPU: the scripts of docs/monitor/, and line by line what
 * they leave out: names, numbers, bounds, and what is not done. Values are the model's, which is
 * Bochs's corei7_haswell_4770 (revision identifier 0x2b, 40 bits of physical addresses).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "tests/host/kernel/monitor/monitor_machine.h"
#include "tests/host/model_cpu.h"

#define SCRIPTS TEST_DATA "/../../docs/monitor"

static void drop(struct sink *sink, const char *text, size_t length)
{
    (void)sink;
    (void)text;
    (void)length;
}

static struct sink nowhere = {drop};

static int begin(void **state)
{
    (void)state;
    monitor_machine_reset(&nowhere);
    return 0;
}

static const char *answer(const char *line)
{
    monitor_machine_obey(line);
    return monitor.answer;
}

/* A line, and a piece of its answer; of "=..." the whole answer. NULL: it is not asked for. */
struct said {
    const char *line, *wanted;
};

static void talk(const struct said *row)
{
    for (; row->line != NULL; row++) {
        const char *got = answer(row->line);
        bool right =
            row->wanted == NULL || (row->wanted[0] == '=' ? strcmp(got, row->wanted + 1) == 0
                                                          : strstr(got, row->wanted) != NULL);

        if (!right)
            fail_msg("%s: \"%s\", wanted \"%s\"", row->line, got, row->wanted);
    }
}

#define TALK(...) talk((const struct said[]){__VA_ARGS__, {NULL, NULL}})
#define CURRENT                                              \
    {"vmxon", NULL}, {"alloc v", NULL}, {"vmclear v", NULL}, \
    {                                                        \
        "vmptrld v", NULL                                    \
    }
#define GUEST                                       \
    CURRENT, {"setup", NULL}, {"alloc code", NULL}, \
    {                                               \
        "ept map 0x1000 code", "=mapped\n"          \
    }

static void every_script_ends_as_it_expects(void **state)
{
    static char text[1 << 16], line[LINE_SIZE];
    unsigned scripts = 0;
    DIR *folder = opendir(SCRIPTS);

    (void)state;
    assert_non_null(folder);
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char path[sizeof(SCRIPTS) + sizeof(entry->d_name) + 1];
        struct command_text script = {text, 0};
        FILE *file;

        /* the model is one CPU */
        if (strstr(entry->d_name, ".mon") == NULL || strstr(entry->d_name, "another-cpu") != NULL)
            continue;
        (void)snprintf(path, sizeof(path), "%s/%s", SCRIPTS, entry->d_name);
        file = fopen(path, "r");
        assert_non_null(file);
        script.length = fread(text, 1, sizeof(text), file);
        (void)fclose(file);
        monitor_machine_reset(&nowhere);
        while (!monitor.left) {
            monitor_machine_obey(line_next(&script, "", line, &nowhere) ? line : "quit");
            if (monitor.failed)
                fail_msg("%s: %s: the answer is \"%s\"", entry->d_name, line, monitor.answer);
        }
        scripts++;
    }
    (void)closedir(folder);
    assert_true(scripts >= 20);
}

static void pages_have_names_of_their_own(void **state)
{
    (void)state;
    TALK({"alloc a", "=a = 0x100000, with revision id 0x2b\n"},
         {"alloc b", "=b = 0x101000, with revision id 0x2b\n"}, {"alloc a", "no page"},
         {"alloc A", "no page"}, {"alloc 12", "no page"}, {"alloc 0x12", "no page"},
         {"alloc a+1", "=unknown here: \"a+1\"\n"}, {"alloc a-b", "unknown here"},
         {"alloc a|b", "unknown here"}, {"alloc a&b", "unknown here"},
         {"alloc GUEST_RIP", "no page"}, {"alloc guest_rip", "no page"},
         {"alloc IA32_LSTAR", "no page"}, {"alloc abcdefghijklmnop", "no page"},
         {"alloc abcdefghijklmno", "=abcdefghijklmno = 0x102000, with revision id 0x2b\n"},
         {"state", "=CPU 0: CR4.VMXE 0, VMX operation off, current VMCS: none\n"
                   "  a, launch state: unknown\n  b, launch state: unknown\n"
                   "  abcdefghijklmno, launch state: unknown\n"},
         {"alloc", "=expected: alloc NAME\n"});
    for (unsigned i = 3; i < PAGES_MAX; i++) {
        char line[16];

        (void)snprintf(line, sizeof(line), "alloc p%u", i);
        assert_non_null(strstr(answer(line), "revision id"));
    }
    TALK({"alloc one_more", "no page"});
    assert_int_equal(model_pages_used(), PAGES_MAX);
    TALK({"reset", NULL}, {"alloc a", "=a = 0x100000, with revision id 0x2b\n"});
    assert_int_equal(model_pages_used(), 1);
}

static void without_memory_there_is_no_page(void **state)
{
    (void)state;
    model_pages_limit(0);
    TALK({"alloc a", "no page"}, {"a", "unknown here"});
    model_pages_limit(MODEL_PAGES);
    TALK({"vmxon", NULL});
    model_pages_limit(1);
    TALK({"setup", "=no page is left\n"});
}

/* SDM, "VMXON": the registers that it needs, which `vmxon` alone sets; and what `reset` undoes. */
static void vmxon_alone_sets_what_it_needs_and_reset_undoes_it(void **state)
{
    uint64_t cr0 = model_cpu.cr0 & ~(uint64_t)CR0_NE, cr4 = model_cpu.cr4;

    (void)state;
    model_cpu.cr0 = cr0;
    model_cpu.feature_control = 0;
    monitor_init(&nowhere);
    TALK({"vmxon", "=vmxon0 = 0x100000, with revision id 0x2b\n"
                   "VMsucceed; there is no current VMCS yet\n"});
    assert_int_equal(model_cpu.feature_control & 5, 5);
    assert_int_equal(model_cpu.cr0, cr0 | CR0_NE);
    assert_int_equal(model_cpu.cr4, cr4 | CR4_VMXE);
    TALK({"state", "=CPU 0: CR4.VMXE 1, VMX operation on, current VMCS: none\n"
                   "  vmxon0, launch state: unknown\n"},
         {"vmxoff", "=VMsucceed; CR4.VMXE stays\n"},
         {"vmxon", "=VMsucceed; there is no current VMCS yet\n"}, {"reset", NULL});
    assert_false(model_cpu.vmx_operation);
    assert_int_equal(model_cpu.cr0, cr0);
    assert_int_equal(model_cpu.cr4, cr4);
    assert_int_equal(model_pages_used(), 0);
}

/* Without VMX there is no register to set and no page to make: the processor's #UD is told. */
static void without_vmx_there_is_the_processors_answer(void **state)
{
    (void)state;
    model_cpu.vmx = false;
    TALK({"vmxon", "#UD; this processor has no VMX"}, {"vmxoff", "#UD; this processor has no VMX"});
    assert_int_equal(model_pages_used(), 0);
}

static void a_failed_expectation_stays(void **state)
{
    (void)state;
    TALK({"expect", "=expected: expect TEXT\n"}, {"alloc v", NULL}); /* before any answer */
    monitor.failed = false;
    TALK({"alloc v", NULL}, {"expect no page", NULL}, {"reset", NULL},
         {"expect", "=expected: expect TEXT\n"}, {"reset", NULL});
    monitor.failed = false;
    TALK({"alloc v", NULL}, {"expect v = 0x100000", NULL});
    assert_false(monitor.failed);
    TALK({"expect revision id 0x2b", NULL});
    assert_false(monitor.failed);
    TALK({"expect revision id 0x2c", NULL});
    assert_true(monitor.failed);
    TALK({"reset", NULL});
    assert_true(monitor.failed);
    assert_false(monitor.left);
    TALK({"quit", NULL});
    assert_true(monitor.left);
}

/* Nobody sees a script's answers: what the monitor could make nothing of must not pass for done. */
static void a_line_that_is_not_understood_fails_unless_it_is_expected(void **state)
{
    static const struct {
        const char *line, *next;
        bool failed;
    } rows[] = {
        {"vmlunch", "state", true},
        {"vmlunch", "quit", true}, /* as the end of a script is */
        {"vmlunch", "vmlunch", true},
        {"vmlunch", "expect the nearest is vmlaunch", false},
        {"vmlunch", "expect something else", true},
        {"vmread GUEST_RIQ", "state", true},
        {"vmwrite GUEST_RIP", "state", true},
        {"cr 0 1 2", "state", true},
        {"cr 3", "state", true},
        {"cr 3", "expect 0 or 4", false},
        {"out 0x10000 0", "state", true},
        {"mem write 0 100", "state", true},
        {"alloc 12", "state", true},
        {"ept map 0x1000000000000 v", "state", true},
        {"ept map 0x1000 v rwx 8", "state", true},
        {"expect", "state", true},
        {"vmclear v", "state", false}, /* #UD, "not done" and the like are answers */
        {"vmclear 0x150000", "state", false},
        {"mem read 0xfffffffffffff000", "state", false},
        {"wrmsr IA32_EFER 0", "state", false},
        {"ept map 0x1000 0x150000", "state", false},
        {"", "state", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        monitor_machine_reset(&nowhere);
        TALK({"alloc v", NULL}, {rows[i].line, NULL});
        assert_false(monitor.failed);
        TALK({rows[i].next, NULL}, {"quit", NULL});
        if (monitor.failed != rows[i].failed)
            fail_msg("%s, %s", rows[i].line, rows[i].next);
    }
}

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

static void memory_is_shown_and_written_byte_by_byte(void **state)
{
    (void)state;
    TALK({"alloc v", NULL}, {"alloc w", NULL}, {"mem write v+8 01 02 a3", "=3 bytes written\n"},
         {"mem read v+8 3", "=01 02 a3\n"},
         {"mem read v", "=2b 00 00 00 00 00 00 00 01 02 a3 00 00 00 00 00\n"},
         {"mem read v+1 17", "=00 00 00 00 00 00 00 01 02 a3 00 00 00 00 00 00\n00\n"},
         {"mem read v 1", "=2b\n"}, {"mem write v 100", "=unknown here: \"100\"\n"},
         {"mem write v 1 zz 2", "=unknown here: \"zz\"\n"},
         {"mem write v 90b8cdabf4", "=unknown here: \"90b8cdabf4\"\n"},
         {"mem  write \t v  2b   0 ", "=2 bytes written\n"}, {"mem read v  2 ", "=2b 00\n"},
         {"mem write v+0xffe 1 2 ff", "=3 bytes written\n"}, {"mem read w 1", "=ff\n"},
         {"mem read v+0xffe 2", "=01 02\n"}, {"mem write w+0xfff 1 2", "1 bytes written"},
         {"mem write 0x0 1", "not done: 0x0 is no page of the monitor's"},
         {"mem write 0x150000 1", "not done: 0x150000 is its page pool; `alloc NAME` gives a page"},
         {"mem read 0xfffffffffffff000", "no RAM to be shown at 0xfffffffffffff000"},
         {"mem read v 0", "="},
         {"mem read v 4096", "=2b 00 00 00 00 00 00 00 01 02 a3 00 00 00 00 00\n"});
    assert_int_equal(strlen(answer("mem read v 4095")), 3 * 4095);
}

/* What Rootmode itself runs on: SDM Vol. 4; an MTRR is 0x200 to 0x2ff, x2APIC's are 0x800 to 0x8ff.
 */
static void what_rootmode_runs_on_is_not_written(void **state)
{
    static const uint32_t vital[] = {0x10,  0x3b,  0x1b,  0xc0000080, 0xc0000101, 0x200,
                                     0x277, 0x2ff, 0x800, 0x83f,      0x8ff};
    static const uint32_t others[] = {0x1a,  0x1c,  0xc0000081, 0xc0000100,
                                      0x1ff, 0x300, 0x7ff,      0x900};
    char line[40];

    (void)state;
    for (size_t i = 0; i < sizeof(vital) / sizeof(vital[0]); i++) {
        (void)snprintf(line, sizeof(line), "wrmsr %#x 0", vital[i]);
        assert_string_equal(answer(line), "not done: Rootmode runs on this MSR\n");
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        (void)snprintf(line, sizeof(line), "wrmsr %#x 0", others[i]);
        assert_null(strstr(answer(line), "not done"));
    }
    /* SDM Vol. 4, "IA32_MISC_ENABLE": bit 34 is XD Bit Disable */
    TALK({"wrmsr 0x1a0 0x400000000", "=not done: Rootmode runs on this MSR\n"},
         {"wrmsr 0x1a0 0x3ffffffff", NULL});
    assert_null(strstr(monitor.answer, "not done"));
    TALK({"rdmsr IA32_VMX_BASIC", "=is 0xd810000000002b\n"},
         {"wrmsr IA32_LSTAR 0x1234", "=is 0x1234\n"}, {"rdmsr IA32_LSTAR", "=is 0x1234\n"},
         {"wrmsr IA32_VMX_BASIC 0", "=#GP; 0x0\n"}, {"wrmsr 0x3a 4", "=#GP; 0x4\n"});
}

static void what_it_took_is_given_back(void **state)
{
    unsigned before = model_pages_used();

    (void)state;
    TALK({"alloc v", NULL}, {"vmxon", NULL}, {"ept map 0 v", "=mapped\n"});
    assert_true(model_pages_used() > before);
    monitor_forget();
    assert_int_equal(model_pages_used(), before);
}

static void control_registers_ports_and_cpuid(void **state)
{
    (void)state;
    TALK({"in 0x10064", "=more than 16 bits: \"0x10064\"\n"}, {"in 0xffff", "=is 0xff\n"},
         {"out 0x10064 0", "more than 16 bits"},
         {"out 0x60 0x100", "=more than 8 bits: \"0x100\"\n"}, {"out 0x60 0xff", "="},
         {"rdmsr 0x10000003a", "=more than 32 bits: \"0x10000003a\"\n"},
         {"wrmsr 0x10000003a 0", "more than 32 bits"}, {"rdmsr 0xffffffff", "#GP"},
         {"cpuid 0x100000000", "more than 32 bits"}, {"cpuid 0 0x100000000", "more than 32 bits"},
         {"cpu 0x100000001", "=more than 32 bits: \"0x100000001\"\n"});
    assert_int_equal(monitor.wanted_cpu, 0);
    TALK({"cr 3", "=0 or 4\n"}, {"cr 8 0", "=0 or 4\n"}, {"cr 0x100000000 0", "=0 or 4\n"});
    TALK({"cr 0", "=CR0 0x80010033\n"}, {"cr 4", "CR4 0x"}, {"cr 4 0xffffffff", "#GP; 0x"},
         {"cr 4 0x2020", "=CR4 0x2020\n"}, {"cr 4", "=CR4 0x2020\n"},
         {"cr 0 0x80010013", "=CR0 0x80010013\n"}, {"in 0x60", "=is 0xff\n"}, {"out 0x60 1", "="},
         {"cpuid 0x80000008", "=EAX 0x00000028  EBX 0x00000000  ECX 0x00000000  EDX 0x00000000\n"},
         {"state", "CR4.VMXE 1, VMX operation off"},
         {"regs", "RIP 0x0000000000000000  RFL 0x0000000000000000\n"}); /* there is no VMCS */
}

/* What the processor would refuse anyway is tried; what it would take is not. */
static void regions_are_the_monitors_own(void **state)
{
    (void)state;
    TALK(CURRENT, {"vmclear 0x150000", "not done: 0x150000 is its page pool"},
         {"vmclear 0x150001", "VMfailValid 2 (VMCLEAR with invalid physical address); the address "
                              "is no multiple of 4096"},
         {"vmclear 0x10000000000",
          "VMfailValid 2 (VMCLEAR with invalid physical address); physical addresses have 40 bits"},
         {"vmclear 0xfffffff000", "not done: 0xfffffff000 is no page of the monitor's"},
         {"vmptrld 0x150000", "not done: 0x150000 is its page pool"},
         {"vmptrst", "=VMsucceed; current VMCS: v\n"}, {"vmclear v+0x1000", "not done"},
         {"vmptrld v", "=VMsucceed; current VMCS: v, launch state: clear\n"},
         {"vmclear v", "=VMsucceed; launch state of v: clear\n"},
         {"vmptrst", "=VMsucceed; current VMCS: none\n"}, {"vmptrld 0xfffffff000", "not done"});
    TALK({"alloc w", NULL},
         {"vmptrld w", "=VMsucceed; current VMCS: w, launch state: unknown\n"
                       "  it was never cleared: VMCLEAR comes first\n"},
         {"cpu 1", "="}, {"vmptrld w", "  it is active on CPU 0: VMCLEAR there comes first\n"},
         {"vmclear w", NULL}, {"vmptrld w", "=VMsucceed; current VMCS: w, launch state: clear\n"});
}

static void failures_name_what_explains_them(void **state)
{
    (void)state;
    TALK(CURRENT,
         {"vmread 0x6ffe", "=VMfailValid 12 (VMREAD/VMWRITE from/to unsupported VMCS component); "
                           "this processor has no field 0x6ffe\n"
                           "  SDM Vol. 3, \"VMX Instruction Reference\": vmread\n"},
         {"vmresume", "VMfailValid 5 (VMRESUME with non-launched VMCS); launch state of v: clear"},
         {"vmlaunch", "VMfailValid 7 (VM entry with invalid control field(s)); broken: "
                      "pin-must-be-1, primary-must-be-1, exit-must-be-1"},
         {"invept 3", "VMfailValid 28"}, {"invept 2", "=VMsucceed\n"},
         {"invvpid 2", "=VMsucceed\n"}, {"invvpid 1 0", "VMfailValid 28"},
         {"invvpid 0 1 0x800000000000", "VMfailValid 28"}, {"invvpid 0 1 0x1000", "=VMsucceed\n"},
         {"vmxon", "VMfailValid 15"}, {"rules", "broken; VM entry: VMfailValid 7\n"},
         {"dump", "Guest state\n"}, {"vmclear v", NULL}, {"rules", "=there is no current VMCS\n"},
         {"dump", "=there is no current VMCS\n"}, {"vmlaunch", "VMfailInvalid"}, {"vmxoff", NULL},
         {"rules", "=there is no current VMCS\n"}, {"vmlaunch", "#UD"});
    assert_int_equal(model_cpu.invalidated.linear, 0x1000);
    assert_int_equal(model_cpu.invalidated.context, 1);
}

/* SDM Vol. 3, "Basic VM-Exit Information": 12 HLT, 10 CPUID, 48 EPT violation. */
static void a_guest_runs_up_to_its_exit(void **state)
{
    (void)state;
    TALK(GUEST, {"rules", "=0 broken; VM entry: enters\n"},
         {"mem write code b8 34 12 0f a2 f4", NULL},
         {"vmlaunch", "=VMsucceed\n  EXIT_REASON 0xa: CPUID\n  GUEST_RIP 0x1003\n"},
         {"regs", "RAX 0x0000000000001234  RCX 0x0000000000000000  RDX 0x0000000000000000\nRBX "},
         {"regs", "R15 0x0000000000000000  RIP 0x0000000000001003  RFL 0x0000000000000002\n"},
         {"state", "  v, launch state: launched\n"}, {"vmlaunch", "VMfailValid 4"},
         {"vmlaunch", "; launch state of v: launched\n"},
         {"vmwrite GUEST_RIP GUEST_RIP+VM_EXIT_INSTRUCTION_LENGTH", NULL},
         {"vmresume", "=VMsucceed\n  EXIT_REASON 0xc: HLT\n  GUEST_RIP 0x1005\n"},
         {"vmwrite GUEST_RIP 0x2000", NULL},
         {"vmresume", "EXIT_REASON 0x30: EPT violation\n  EXIT_QUALIFICATION 0x184: "},
         {"vmresume", "\n  GUEST_PHYSICAL_ADDRESS 0x2000\n  GUEST_RIP 0x2000\n"},
         {"vmwrite GUEST_RSP 0x777", NULL}, {"regs", "RSP 0x0000000000000777"});
}

/* By RFLAGS.TF and #DB, which are afterwards as they were. */
static void a_step_is_one_instruction(void **state)
{
    (void)state;
    TALK(GUEST, {"mem write code 90 b8 cd ab 90 f4", NULL}, {"vmwrite EXCEPTION_BITMAP 0x40", NULL},
         {"step", "VM_EXIT_INTERRUPTION_INFORMATION 0x80000301: "},
         {"vmread GUEST_RIP", "=VMsucceed; 0x1001\n"}, {"vmread GUEST_RFLAGS", "VMsucceed; 0x2:"},
         {"vmread EXCEPTION_BITMAP", "VMsucceed; 0x40:"}, {"step", "GUEST_RIP 0x1004\n"},
         {"regs", "RAX 0x000000000000abcd"}, {"step", "GUEST_RIP 0x1005\n"},
         {"step", "EXIT_REASON 0xc: HLT\n"});
}

static void what_would_not_come_back_is_not_entered(void **state)
{
    (void)state;
    TALK(GUEST, {"mem write code f4", NULL}, {"vmwrite VM_EXIT_MSR_LOAD_COUNT 1", NULL},
         {"vmlaunch", "=not done: the VM exit would load or store MSRs\n"},
         {"vmwrite VM_EXIT_MSR_LOAD_COUNT 0", NULL}, {"vmwrite VM_EXIT_MSR_STORE_COUNT 1", NULL},
         {"vmlaunch", "=not done: the VM exit would load or store MSRs\n"},
         {"vmwrite VM_EXIT_MSR_STORE_COUNT 0", NULL}, {"vmwrite HOST_CR3 0x7000", NULL},
         {"vmlaunch", "not done: HOST_CR3 is 0x7000, this CPU has 0x"},
         {"vmlaunch", ": the VM exit would end the machine\n"}, {"setup", NULL},
         {"vmwrite EPT_POINTER EPT_POINTER+0x40000", NULL}, {"vmlaunch", "not done: 0x"},
         {"vmwrite EPT_POINTER EPT_POINTER-0x40000", NULL}, {"vmlaunch", "EXIT_REASON 0xc: HLT"});
}

/*
 * SDM Vol. 3, "Loading Host Control Registers, Debug Registers, MSRs": IA32_EFER (VM entry's bit
 * 15, VM exit's bit 21) and IA32_PAT (14, 19) are loaded back only where both controls are 1.
 */
static void what_the_exit_would_not_load_back_is_not_entered(void **state)
{
    const char *stays =
        "=not done: VM entry would load IA32_EFER or IA32_PAT, and the VM exit not\n";
    const char *runs = "=not done: VM entry would load an MSR that Rootmode runs on\n";

    (void)state;
    TALK(GUEST, {"mem write code f4", NULL},
         {"vmwrite VM_ENTRY_CONTROLS VM_ENTRY_CONTROLS|0x8000", NULL}, {"vmlaunch", stays},
         {"vmwrite PRIMARY_VM_EXIT_CONTROLS PRIMARY_VM_EXIT_CONTROLS|0x80000", NULL},
         {"vmlaunch", stays},
         {"vmwrite PRIMARY_VM_EXIT_CONTROLS PRIMARY_VM_EXIT_CONTROLS|0x200000", NULL},
         {"vmlaunch", "EXIT_REASON 0xc: HLT"},
         {"vmwrite VM_ENTRY_CONTROLS VM_ENTRY_CONTROLS|0x4000", NULL},
         {"vmwrite GUEST_IA32_PAT 0x0007040600070406", NULL}, {"vmresume", "EXIT_REASON 0xc: HLT"},
         {"vmwrite PRIMARY_VM_EXIT_CONTROLS PRIMARY_VM_EXIT_CONTROLS-0x80000", NULL},
         {"vmresume", stays}, {"setup", NULL});
    TALK({"alloc list", NULL}, {"vmwrite VM_ENTRY_MSR_LOAD_ADDRESS list", NULL},
         {"mem write list 82 00 00 c0 00 00 00 00 00 00 00 00 00 00 00 00", NULL},
         {"mem write list+16 80 00 00 c0 00 00 00 00 00 00 00 00 00 00 00 00", NULL},
         {"vmwrite VM_ENTRY_MSR_LOAD_COUNT 2", NULL}, {"vmresume", runs},
         {"vmwrite VM_ENTRY_MSR_LOAD_COUNT 1", NULL}, {"vmresume", "EXIT_REASON 0xc: HLT"},
         {"mem write list 10 00 00 00", NULL}, {"vmresume", runs},
         {"mem write list a0 01 00 00", NULL}, {"vmresume", "EXIT_REASON 0xc: HLT"},
         {"mem write list+12 04", NULL}, {"vmresume", runs},
         {"vmwrite VM_ENTRY_MSR_LOAD_ADDRESS 0xfffffff000", NULL}, {"vmresume", runs});
}

/*
 * External-interrupt exiting is bit 0, the VMX-preemption timer bit 6; 2 is shutdown, in which
 * external interrupts are blocked, 3 wait-for-SIPI, in which the timer ends nothing, either.
 */
static void what_nothing_would_end_is_not_entered(void **state)
{
    const char *never = "=not done: nothing would bring the guest back\n";

    (void)state;
    TALK(GUEST, {"mem write code f4", NULL}, {"vmwrite PIN_BASED_VM_EXECUTION_CONTROLS 0x16", NULL},
         {"vmlaunch", never}, {"step", never},
         {"vmwrite PIN_BASED_VM_EXECUTION_CONTROLS 0x17", NULL},
         {"vmlaunch", "EXIT_REASON 0xc: HLT"}, {"vmwrite GUEST_ACTIVITY_STATE 2", NULL},
         {"vmresume", never}, {"vmwrite PIN_BASED_VM_EXECUTION_CONTROLS 0x56", NULL},
         {"vmresume", "EXIT_REASON"}, {"vmwrite GUEST_ACTIVITY_STATE 1", NULL},
         {"vmresume", "EXIT_REASON"}, {"vmwrite PIN_BASED_VM_EXECUTION_CONTROLS 0x57", NULL},
         {"vmwrite GUEST_ACTIVITY_STATE 3", NULL}, {"vmresume", never});
}

/* What a guest in 64-bit mode needs, but with page tables of its own, and then with the host's. */
static void without_ept_there_is_no_guest_but_the_hosts(void **state)
{
    (void)state;
    TALK(GUEST, {"vmwrite SECONDARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS 0", NULL},
         {"vmwrite GUEST_CR0 0x80000031", NULL}, {"vmwrite GUEST_CR3 code", NULL},
         {"vmlaunch", "=not done: without EPT the guest would have all memory\n"},
         {"vmwrite GUEST_CR3 HOST_CR3", NULL}, {"vmlaunch", "EXIT_REASON"});
}

/* SDM Vol. 3, "Format of an EPT Page-Table Entry that Maps a 4-KByte Page". */
static void ept_entries_are_as_asked_for(void **state)
{
    (void)state;
    TALK(
        GUEST, {"ept map 0x2000 code r", "=mapped\n"}, {"ept map 0x3000 code w", "=mapped\n"},
        {"ept map 0x4000 code rx 0", "=mapped\n"}, {"ept map 0x5000 code rwx 2", "=mapped\n"},
        {"ept walk 0x1000", "=level 1, bits 0x37: code\n"},
        {"ept walk 0x2000", "=level 1, bits 0x31: code\n"},
        {"ept walk 0x3000", "=level 1, bits 0x32: misconfigured, it allows writes but not reads\n"},
        {"ept walk 0x4000", "=level 1, bits 0x5: code\n"},
        {"ept walk 0x5000", "level 1, bits 0x17: misconfigured, "},
        {"ept walk 0x6000", "=level 1, bits 0x0: not present\n"},
        {"ept map 0x1000000000000 code",
         "=no table for that address, or no such right or memory type\n"},
        {"ept map 0x1000 code rwx 8",
         "=no table for that address, or no such right or memory type\n"},
        {"ept map 0x1000 code rwz",
         "=no table for that address, or no such right or memory type\n"},
        {"ept map 0x1000 code rwx 0x1000000000", "or memory type"},
        {"ept map 0x8000 code rwx 7", "=mapped\n"}, {"ept map 0xfffffffff000 code", "=mapped\n"},
        {"ept map 0x7000 0x150000", "not done: 0x150000 is its page pool"},
        {"ept walk 0x7000", "not present"});
}

/* Without "unrestricted guest" there is no real mode: SDM Vol. 3, "Checks on Guest Control
 * Registers". */
static void without_unrestricted_guest_setup_is_another_guest(void **state)
{
    struct vmx_msrs *msrs = &model_cpu.msrs;

    (void)state;
    msrs->value[IA32_VMX_PROCBASED_CTLS2 - VMX_MSR_FIRST] &= ~(uint64_t)SECONDARY_UNRESTRICTED_GUEST
                                                             << 32;
    TALK(CURRENT,
         {"setup", "=VMsucceed; no unrestricted guest here: one that executes CPUID in "
                   "the host's address space\n"},
         {"vmread PIN_BASED_VM_EXECUTION_CONTROLS", "VMsucceed; 0x17: external-interrupt exiting"},
         {"vmwrite GUEST_CR3 GUEST_CR3+0x1000", NULL}, {"vmlaunch", "not done: without EPT"},
         {"vmwrite GUEST_CR3 HOST_CR3", NULL}, {"vmlaunch", "VMsucceed"});
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_script_ends_as_it_expects, begin),
        cmocka_unit_test_setup(pages_have_names_of_their_own, begin),
        cmocka_unit_test_setup(without_memory_there_is_no_page, begin),
        cmocka_unit_test_setup(vmxon_alone_sets_what_it_needs_and_reset_undoes_it, begin),
        cmocka_unit_test_setup(without_vmx_there_is_the_processors_answer, begin),
        cmocka_unit_test_setup(a_failed_expectation_stays, begin),
        cmocka_unit_test_setup(a_line_that_is_not_understood_fails_unless_it_is_expected, begin),
        cmocka_unit_test_setup(a_line_is_a_command_and_its_arguments, begin),
        cmocka_unit_test_setup(a_value_is_a_sum, begin),
        cmocka_unit_test_setup(fields_msrs_and_commands_have_names, begin),
        cmocka_unit_test_setup(a_name_with_a_letter_too_many_is_answered_by_itself, begin),
        cmocka_unit_test_setup(tab_completes_a_commands_arguments, begin),
        cmocka_unit_test_setup(memory_is_shown_and_written_byte_by_byte, begin),
        cmocka_unit_test_setup(what_rootmode_runs_on_is_not_written, begin),
        cmocka_unit_test_setup(what_it_took_is_given_back, begin),
        cmocka_unit_test_setup(control_registers_ports_and_cpuid, begin),
        cmocka_unit_test_setup(regions_are_the_monitors_own, begin),
        cmocka_unit_test_setup(failures_name_what_explains_them, begin),
        cmocka_unit_test_setup(a_guest_runs_up_to_its_exit, begin),
        cmocka_unit_test_setup(a_step_is_one_instruction, begin),
        cmocka_unit_test_setup(what_would_not_come_back_is_not_entered, begin),
        cmocka_unit_test_setup(what_the_exit_would_not_load_back_is_not_entered, begin),
        cmocka_unit_test_setup(what_nothing_would_end_is_not_entered, begin),
        cmocka_unit_test_setup(without_ept_there_is_no_guest_but_the_hosts, begin),
        cmocka_unit_test_setup(ept_entries_are_as_asked_for, begin),
        cmocka_unit_test_setup(without_unrestricted_guest_setup_is_another_guest, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
