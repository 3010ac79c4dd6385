/*
 * IA32_FEATURE_CONTROL: every combination of lock, inside-SMX and outside-SMX bits (SDM Vol. 3,
 * "Enabling and Entering VMX Operation"), and what counts after the write. And the fixed bits of
 * CR0 and CR4.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "lib/x86.h"
#include "vmx/capability/vmxon_registers.h"

enum { CPU = 3, NO_RULE = -1 };

static void assert_only(const struct findings *findings, int rule, enum severity severity)
{
    if (rule == NO_RULE) {
        assert_int_equal(findings->count, 0);
        return;
    }
    assert_int_equal(findings->count, 1);
    assert_int_equal(findings->item[0].rule, rule);
    assert_int_equal(findings->item[0].severity, severity);
    assert_int_equal(findings->item[0].cpu, CPU);
    assert_int_equal(findings->item[0].msr, IA32_FEATURE_CONTROL);
}

static void every_combination(void **state)
{
    static const struct {
        uint64_t value;
        uint64_t write; /* 0: nothing */
        int rule;
        enum severity severity;
    } cases[] = {
        /* lock 1, inside SMX 2, outside SMX 4 */
        {0, 5, RULE_FEATURE_CONTROL_UNLOCKED, SEVERITY_NOTE},
        {1, 0, RULE_FEATURE_CONTROL_LOCKED_OFF, SEVERITY_REFUSAL},
        {2, 7, RULE_FEATURE_CONTROL_UNLOCKED, SEVERITY_NOTE},
        {3, 0, RULE_FEATURE_CONTROL_SMX_ONLY, SEVERITY_REFUSAL},
        /* on, but VMXON faults until it is locked as well */
        {4, 5, RULE_FEATURE_CONTROL_UNLOCKED, SEVERITY_NOTE},
        {5, 0, NO_RULE, SEVERITY_NONE},
        {6, 7, RULE_FEATURE_CONTROL_UNLOCKED, SEVERITY_NOTE},
        {7, 0, NO_RULE, SEVERITY_NONE},
        /* the other features' bits stay as they are: SENTER, SGX, LMCE */
        {0x14ff00, 0x14ff05, RULE_FEATURE_CONTROL_UNLOCKED, SEVERITY_NOTE},
        /* as SeaBIOS leaves it for a KVM guest with LMCE */
        {0x100005, 0, NO_RULE, SEVERITY_NONE},
        /* SENTER enabled does not make up for VMX */
        {0xff01, 0, RULE_FEATURE_CONTROL_LOCKED_OFF, SEVERITY_REFUSAL},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct findings findings = {.cpu = CPU};

        assert_int_equal(feature_control_decide(true, cases[i].value, &findings), cases[i].write);
        assert_int_equal(feature_control_is_locked_off(cases[i].value),
                         cases[i].severity == SEVERITY_REFUSAL);
        assert_only(&findings, cases[i].rule, cases[i].severity);
    }
}

static void refusals_name_the_bit(void **state)
{
    struct findings findings = {.cpu = CPU};

    (void)state;
    (void)feature_control_decide(true, 1, &findings);
    assert_int_equal(findings.item[0].high, 2);
    assert_int_equal(findings.item[0].low, 2);
    assert_int_equal(findings.item[0].seen, 0);
    assert_int_equal(findings.item[0].wanted, 1);
}

/* VMXON will report; only who wants everything by the book is refused. */
static void absent_is_a_warning(void **state)
{
    static const enum severity severity[VMX_CHECK_COUNT] = {
        [VMX_CHECK_KVM] = SEVERITY_WARNING,
        [VMX_CHECK_VIRTUAL] = SEVERITY_WARNING,
        [VMX_CHECK_STRICT] = SEVERITY_REFUSAL,
    };

    (void)state;
    for (int mode = 0; mode < VMX_CHECK_COUNT; mode++) {
        struct findings findings = {.check = mode, .cpu = CPU};

        assert_int_equal(feature_control_decide(false, 0, &findings), 0);
        assert_only(&findings, RULE_FEATURE_CONTROL_ABSENT, severity[mode]);
    }
}

static void what_is_read_back_counts(void **state)
{
    static const struct {
        uint64_t read_back;
        int rule;
        uint8_t vector;
    } cases[] = {
        {5, NO_RULE, 0},
        {0x100007, NO_RULE, 0},
        {0, RULE_FEATURE_CONTROL_NOT_KEPT, 0},
        {4, RULE_FEATURE_CONTROL_NOT_KEPT, 0},
        {1, RULE_FEATURE_CONTROL_NOT_KEPT, 0},
        {0, RULE_FEATURE_CONTROL_WRITE_FAULT, X86_VECTOR_GP},
        {1, RULE_FEATURE_CONTROL_WRITE_FAULT, X86_VECTOR_GP},
        /* the other thread of the core was faster */
        {5, NO_RULE, X86_VECTOR_GP},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct findings findings = {.cpu = CPU};
        bool usable = feature_control_written(cases[i].vector, cases[i].read_back, &findings);

        assert_int_equal(usable, cases[i].rule == NO_RULE);
        assert_only(&findings, cases[i].rule, SEVERITY_REFUSAL);
        if (usable)
            continue;
        /* Of a fault its vector, where none was wanted; else the value, and with it bits 2 and 0.
         */
        assert_int_equal(findings.item[0].seen,
                         cases[i].vector ? cases[i].vector : cases[i].read_back);
        assert_int_equal(findings.item[0].wanted, cases[i].vector ? 0 : cases[i].read_back | 5);
    }
}

static struct vmx_msrs fixed_msrs(uint64_t cr0_0, uint64_t cr0_1, uint64_t cr4_0, uint64_t cr4_1)
{
    struct vmx_msrs msrs = {0};

    vmx_msr_set(&msrs, IA32_VMX_CR0_FIXED0, cr0_0);
    vmx_msr_set(&msrs, IA32_VMX_CR0_FIXED1, cr0_1);
    vmx_msr_set(&msrs, IA32_VMX_CR4_FIXED0, cr4_0);
    vmx_msr_set(&msrs, IA32_VMX_CR4_FIXED1, cr4_1);
    return msrs;
}

static void what_must_be_1_is_added(void **state)
{
    struct vmx_msrs msrs = fixed_msrs(0x80000021, 0xffffffff, 0x2000, 0x1767ff);

    (void)state;
    assert_int_equal(cr0_for_vmx(0x80010001, &msrs), 0x80010021);
    assert_int_equal(cr4_for_vmx(0xa0, &msrs), 0x20a0);
    /* VMXE also where CR4_FIXED0 forgets to demand it */
    vmx_msr_set(&msrs, IA32_VMX_CR4_FIXED0, 0);
    assert_int_equal(cr4_for_vmx(0xa0, &msrs), 0x20a0);
    /* a bit above 31, as CR4.FRED is */
    vmx_msr_set(&msrs, IA32_VMX_CR4_FIXED0, 1ull << 32);
    assert_true(cr4_for_vmx(0xa0, &msrs) == 0x1000020a0);
}

static void what_must_be_0_is_named(void **state)
{
    static const struct {
        uint64_t cr0, cr4, cr0_fixed1, cr4_fixed1;
        uint32_t msr;
        int bit;
        const char *detail;
    } cases[] = {
        {0x80010001, 0xa0, 0xffffffff & ~CR0_WP, 0x1767ff, IA32_VMX_CR0_FIXED1, 16, "CR0.WP"},
        {0x80010001, 0x106a0, 0xffffffff, 0x676ff, IA32_VMX_CR4_FIXED1, 16, "CR4.FSGSBASE"},
        {0x80010001, 0xa0, 0xffffffff, 0x17677f, IA32_VMX_CR4_FIXED1, 7, "CR4.PGE"},
        {0x80010001, 0xa0, 0xffffffff, 0x1747ff, IA32_VMX_CR4_FIXED1, 13, "CR4.VMXE"},
        {0x80010001, 0x1000000a0, 0xffffffff, 0x1767ff, IA32_VMX_CR4_FIXED1, 32, "CR4.FRED"},
        /* a bit that the table has no name for */
        {0x80010001, 1ull << 40, 0xffffffff, 0x1767ff, IA32_VMX_CR4_FIXED1, 40, "CR4"},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t cr4_fixed1 = cases[i].cr4_fixed1 & ~(1ull << cases[i].bit);
        struct vmx_msrs msrs =
            fixed_msrs(0x80000021, cases[i].cr0_fixed1, 0,
                       cases[i].msr == IA32_VMX_CR4_FIXED1 ? cr4_fixed1 : cases[i].cr4_fixed1);
        struct findings findings = {.cpu = CPU};

        cr_fixed_check(cases[i].cr0, cases[i].cr4, &msrs, &findings);
        assert_int_equal(findings.count, 1);
        assert_int_equal(findings.item[0].rule, RULE_CR_BIT_MUST_BE_ZERO);
        assert_int_equal(findings.item[0].severity, SEVERITY_REFUSAL);
        assert_int_equal(findings.item[0].msr, cases[i].msr);
        assert_int_equal(findings.item[0].high, cases[i].bit);
        assert_int_equal(findings.item[0].low, cases[i].bit);
        assert_string_equal(findings.item[0].detail, cases[i].detail);
    }
}

/* Every bit that is in use, and not only the first. */
static void all_bits_are_reported(void **state)
{
    struct vmx_msrs msrs = fixed_msrs(0x80000021, 0x80000021, 0x2000, 0x2000);
    struct findings findings = {.cpu = CPU};

    (void)state;
    cr_fixed_check(CR0_PE | CR0_ET | CR0_WP | CR0_PG, CR4_PAE | CR4_PGE, &msrs, &findings);
    assert_int_equal(findings.count, 4); /* ET, WP; PAE, PGE */
}

/* A contradiction between FIXED0 and FIXED1, and MSRs that could not be read, are reported
 * elsewhere.
 */
static void what_others_tell_is_not_reported_twice(void **state)
{
    struct vmx_msrs contradiction = fixed_msrs(0xc0000021, 0xbfffffff, 0x2000, 0x1767ff);
    struct vmx_msrs none = {0};
    struct findings findings = {.cpu = CPU};

    (void)state;
    cr_fixed_check(0x80010001, 0xa0, &contradiction, &findings);
    cr_fixed_check(0x80010001, 0xa0, &none, &findings);
    assert_int_equal(findings.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_combination),
        cmocka_unit_test(refusals_name_the_bit),
        cmocka_unit_test(absent_is_a_warning),
        cmocka_unit_test(what_is_read_back_counts),
        cmocka_unit_test(what_must_be_1_is_added),
        cmocka_unit_test(what_must_be_0_is_named),
        cmocka_unit_test(all_bits_are_reported),
        cmocka_unit_test(what_others_tell_is_not_reported_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
