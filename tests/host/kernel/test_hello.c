/*
 * What is said of the core's own guest (kernel/hello.c): of each CPU that ran it and of no other,
 * and a finding where it did otherwise than it should.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/report/report.h"
#include "tests/host/compact_json.h"
#include "vm/hello.h"

enum { CPUS = 4 };

const char hello_ok[] = "ok";
const char hello_without_ept[] = "this CPU does not offer EPT";

static struct machine *subject;
static struct cpu cpu_list[CPUS], *cpu_pointers[CPUS];
static struct vmx_cpu vmx_list[CPUS];
static const char *outcome[CPUS];
static bool comes_back[CPUS];
static char text[2000];

const char *hello_run(struct vmx_cpu *cpu)
{
    return outcome[cpu->cpu];
}

/* As on a machine: a CPU that is not ready gets no work, and one may not come back from it. */
void vmx_all_run(struct machine *machine, void (*work)(struct cpu *cpu), uint64_t microseconds)
{
    assert_true(microseconds > 0);
    for (uint32_t i = 0; i < machine->cpu_count; i++) {
        if (machine->cpus[i]->phase == CPU_READY && comes_back[i])
            work(machine->cpus[i]);
    }
}

static int set_up(void **state)
{
    (void)state;
    subject = calloc(1, sizeof(*subject));
    for (uint32_t i = 0; i < CPUS; i++) {
        cpu_list[i].vmx = &vmx_list[i];
        cpu_list[i].index = cpu_list[i].vmx->cpu = i;
        cpu_list[i].phase = CPU_READY;
        cpu_list[i].vmx->state = VMX_CPU_LOADED;
        cpu_pointers[i] = &cpu_list[i];
        outcome[i] = hello_ok;
        comes_back[i] = true;
    }
    subject->cpus = cpu_pointers;
    subject->cpu_count = CPUS;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(subject);
    return 0;
}

static const char *in_words(void)
{
    struct text_buffer buffer;

    text_buffer_init(&buffer, text, sizeof(text));
    SET_FOR_EACH(report_text, part)
        (*part)(subject, &buffer.sink);
    return text;
}

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
    compact_json(text);
    return text;
}

/* First, while nothing has run in this program. */
static void where_it_did_not_run_nothing_is_said(void **state)
{
    (void)state;
    cpu_list[1].vmx->state = VMX_CPU_OFF;
    hello_run_all(subject);
    assert_string_equal(in_words(), "");
    assert_string_equal(in_json(), "{}");
}

static void a_cpu_that_ran_nothing_is_not_well(void **state)
{
    (void)state;
    cpu_list[0].phase = CPU_SILENT;
    comes_back[2] = false;
    hello_run_all(subject);
    assert_string_equal(in_words(), "\n  hello on CPU 1: ok\n  hello on CPU 3: ok\n");
    assert_string_equal(in_json(), "{\"hello\":[{\"cpu\":1,\"result\":\"ok\"},"
                                   "{\"cpu\":3,\"result\":\"ok\"}]}");
    assert_int_equal(subject->findings.count, 0);
}

static void what_it_does_otherwise_is_a_finding(void **state)
{
    (void)state;
    outcome[1] = hello_without_ept;
    outcome[2] = "it came to another end than its own call";
    hello_run_all(subject);
    assert_int_equal(subject->findings.count, 1);
    assert_int_equal(subject->findings.item[0].rule, RULE_GUEST_DIED);
    assert_int_equal(subject->findings.item[0].cpu, 2);
    assert_string_equal(subject->findings.item[0].detail, outcome[2]);
    assert_string_equal(in_words(), "\n  hello on CPU 0: ok\n"
                                    "  hello on CPU 1: this CPU does not offer EPT\n"
                                    "  hello on CPU 2: it came to another end than its own call\n"
                                    "  hello on CPU 3: ok\n");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(where_it_did_not_run_nothing_is_said),
        TEST(a_cpu_that_ran_nothing_is_not_well),
        TEST(what_it_does_otherwise_is_a_finding),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
