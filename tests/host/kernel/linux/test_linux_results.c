/*
 * What is said of a Linux guest: what is wrong with its module, with a CPU, with its end; and its
 * parts of the report.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/linux/linux_results.h"
#include "kernel/report/report.h"
#include "tests/host/compact_json.h"

static struct machine *subject;
static struct vmx_cpu vmx_list[2];
static struct cpu cpu_list[2], *cpu_pointers[2] = {&cpu_list[0], &cpu_list[1]};
static struct linux_vcpu vcpu, second;

static int set_up(void **state)
{
    (void)state;
    subject = calloc(1, sizeof(*subject));
    subject->cpus = cpu_pointers;
    subject->cpu_count = 2;
    subject->boot.module_count = 1;
    subject->memory.ram_bytes = 512ull << 20;
    memset(&linux_results, 0, sizeof(linux_results));
    memset(&vcpu, 0, sizeof(vcpu));
    memset(&second, 0, sizeof(second));
    linux_results.vm.cpu_count = 2;
    linux_results.vm.vcpus[0] = &vcpu;
    linux_results.vm.vcpus[1] = &second;
    linux_results.vm.ended_by = &vcpu.vcpu;
    vcpu.vcpu.cpu = &vmx_list[0];
    vcpu.has_started = true;
    second.vcpu.cpu = &vmx_list[1];
    for (uint32_t i = 0; i < 2; i++) {
        vmx_list[i].cpu = i;
        cpu_list[i].vmx = &vmx_list[i];
        cpu_list[i].phase = CPU_READY;
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(subject);
    return 0;
}

static const struct finding *only_finding(enum rule rule)
{
    const struct finding *finding = &subject->findings.item[0];

    assert_int_equal(subject->findings.count, 1);
    assert_int_equal(finding->rule, rule);
    subject->findings.count = 0;
    return finding;
}

static void modules(void **state)
{
    (void)state;
    assert_true(guest_check_modules(subject, 2, "modules"));
    subject->boot.module_count = 2;
    assert_true(guest_check_modules(subject, 2, "modules"));
    assert_int_equal(subject->findings.count, 0);
    subject->boot.module_lost = 1;
    assert_false(guest_check_modules(subject, 2, "modules"));
    assert_int_equal(only_finding(RULE_LINUX_MODULES)->seen, 3);
    subject->boot.module_lost = 0;
    strcpy(subject->boot.modules[0].string, "quiet");
    subject->boot.modules[0].string_lost = 7;
    assert_false(guest_check_modules(subject, 2, "modules"));
    assert_int_equal(only_finding(RULE_LINUX_MODULES)->seen, 12);
}

static void an_image(void **state)
{
    struct linux_image image = {.seen = 0x20b, .wanted = 0x20c, .command_line_most = 5};
    const struct finding *finding;

    (void)state;
    assert_false(check_linux_image(subject, LINUX_IMAGE_OLD, &image));
    finding = only_finding(RULE_LINUX_MODULES);
    assert_int_equal(finding->severity, SEVERITY_REFUSAL);
    assert_int_equal(finding->seen, 0x20b);
    assert_int_equal(finding->wanted, 0x20c);
    assert_non_null(strstr(finding->detail, "2.12"));
    for (unsigned i = LINUX_IMAGE_OK + 1; i < LINUX_IMAGE_RESULT_COUNT; i++) {
        assert_false(check_linux_image(subject, (enum linux_image_result)i, &image));
        assert_true(strlen(only_finding(RULE_LINUX_MODULES)->detail) > 10);
    }
    strcpy(subject->boot.modules[0].string, "quiet");
    assert_true(check_linux_image(subject, LINUX_IMAGE_OK, &image));
    strcpy(subject->boot.modules[0].string, "quiet ");
    assert_false(check_linux_image(subject, LINUX_IMAGE_OK, &image));
    finding = only_finding(RULE_LINUX_MODULES);
    assert_int_equal(finding->seen, 6);
    assert_int_equal(finding->wanted, 5);
}

static void places_and_cpus(void **state)
{
    struct linux_plan plan = {.wanted = 77};
    const struct finding *finding;

    (void)state;
    assert_true(check_linux_plan(subject, LINUX_PLAN_OK, &plan));
    assert_true(check_linux_cpu(subject, NULL));
    assert_int_equal(subject->findings.count, 0);
    assert_false(check_linux_plan(subject, LINUX_PLAN_NO_INITRD, &plan));
    assert_int_equal(only_finding(RULE_LINUX_MODULES)->wanted, 77);
    assert_false(check_linux_cpu(subject, "EPT"));
    assert_string_equal(only_finding(RULE_LINUX_CPU)->detail, "EPT");
    assert_true(check_linux_cpus(subject, 0, 1)); /* no table names any */
    assert_true(check_linux_cpus(subject, 2, 2));
    assert_false(check_linux_cpus(subject, 2, 1)); /* cpus=1, or one is silent */
    finding = only_finding(RULE_LINUX_MODULES);
    assert_int_equal(finding->seen, 1);
    assert_int_equal(finding->wanted, 2);
    check_linux_ranges(subject);
    assert_int_equal(only_finding(RULE_BOOT_RANGES)->severity, SEVERITY_WARNING);
}

static void ends(void **state)
{
    struct linux_vm *vm = &linux_results.vm;

    (void)state;
    vm->end = LINUX_POWERED_OFF;
    check_linux_end(subject);
    vm->end = LINUX_RESET;
    check_linux_end(subject);
    assert_int_equal(subject->findings.count, 0);
    vm->end = LINUX_TRIPLE_FAULT;
    check_linux_end(subject);
    assert_int_equal(only_finding(RULE_LINUX_TRIPLE_FAULT)->severity, SEVERITY_WARNING);
    vm->end = LINUX_BROKEN;
    vcpu.vcpu.end = GUEST_END_UNHANDLED;
    vcpu.vcpu.end_number = EXIT_REASON_TASK_SWITCH;
    check_linux_end(subject);
    assert_string_equal(only_finding(RULE_GUEST_DIED)->detail, "task switch");
    vcpu.vcpu.end = GUEST_END_MEMORY;
    vcpu.vcpu.end_value = 0x200000;
    check_linux_end(subject);
    assert_int_equal(only_finding(RULE_GUEST_DIED)->seen, 0x200000);
    vcpu.vcpu.end = GUEST_END_ENTRY_FAILED;
    strcpy(vcpu.vcpu.broken, "guest-rflags-bit-1"); /* where a room knows the rules */
    check_linux_end(subject);
    assert_string_equal(only_finding(RULE_GUEST_DIED)->detail,
                        "guest: a VM entry failed; broken: guest-rflags-bit-1");
    vm->ended_by = NULL;
    check_linux_end(subject);
    assert_non_null(strstr(only_finding(RULE_GUEST_DIED)->detail, "memory"));
    vm->end = LINUX_RUNS; /* it could not be made */
    check_linux_end(subject);
    (void)only_finding(RULE_GUEST_DIED);
}

static char text[4000];

static const struct guest_loader loader = {.kind = "Linux"};

static const char *in_json(void)
{
    struct text_buffer buffer;
    struct json json;

    text_buffer_init(&buffer, text, sizeof(text));
    json_init(&json, &buffer.sink);
    json_object_begin(&json, NULL);
    SET_FOR_EACH(report_json, part)
        (*part)(subject, &json);
    json_object_end(&json);
    return compact_json(text);
}

static void the_report(void **state)
{
    struct text_buffer buffer;

    (void)state;
    assert_string_equal(in_json(), "{}"); /* without a guest */
    linux_results.is_planned = true;
    linux_results.loader = &loader;
    strcpy(linux_results.load.version, "6.1.0");
    linux_results.load.places.kept = (struct guest_range){2u << 20, 4u << 20};
    linux_results.vm.end = LINUX_POWERED_OFF;
    linux_results.vm.handover_tsc = 0x1234;
    linux_results.vm.accesses_refused = 3;
    vcpu.vcpu.exit_count[EXIT_REASON_CPUID] = 5;
    vcpu.vcpu.exit_count[EXIT_REASON_RDMSR] = 1;
    assert_string_equal(
        in_json(), "{\"linux\":{\"kind\":\"Linux\",\"version\":\"6.1.0\",\"end\":\"power-off\","
                   "\"cpus_started\":1,"
                   "\"memory\":{\"given\":534773760,\"kept\":2097152,\"kept_base\":\"0x200000\","
                   "\"accesses_refused\":3,\"image_unchanged\":true},\"handover_tsc\":\"0x1234\","
                   "\"script_status\":null,"
                   "\"exits\":[{\"cpu\":0,\"reasons\":{\"CPUID\":5,\"RDMSR\":1}}]}}");
    second.has_started = true;
    second.vcpu.exit_count[0] = 9; /* the first reason, and one that the manual does not define */
    second.vcpu.exit_count[71] = 6;
    second.vcpu.exit_count[EXIT_REASON_SIPI] = 2;
    assert_non_null(strstr(in_json(), "\"cpus_started\":2"));
    assert_non_null(strstr(in_json(), "{\"cpu\":1,\"reasons\":{"
                                      "\"exception or non-maskable interrupt (NMI)\":9,"
                                      "\"start-up IPI (SIPI)\":2,\"undefined (71)\":6}}"));
    linux_results.vm.vcpus[0] = NULL; /* no memory for it */
    assert_non_null(strstr(in_json(), "\"cpus_started\":1"));
    linux_results.vm.vcpus[0] = &vcpu;
    linux_results.vm.has_script_status = true;
    linux_results.vm.script_status = 4;
    assert_non_null(strstr(in_json(), "\"script_status\":4"));

    text_buffer_init(&buffer, text, sizeof(text));
    SET_FOR_EACH(report_text, part)
        (*part)(subject, &buffer.sink);
    assert_non_null(strstr(text, "exits of CPU 0, 5 CPUID, 1 RDMSR\n"));
    assert_non_null(strstr(text, "refused       3 accesses to what is kept\n"));
    assert_non_null(strstr(text, "exits of CPU 1, 9 exception or non-maskable interrupt (NMI), "
                                 "2 start-up IPI (SIPI), 6 undefined (71)\n"));
    assert_non_null(strstr(text, "script        ended with status 4\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(modules, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_image, set_up, tear_down),
        cmocka_unit_test_setup_teardown(places_and_cpus, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ends, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_report, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
