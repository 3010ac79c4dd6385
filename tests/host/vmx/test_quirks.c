/*
 * Which emulator is below, from what CPUID says and what the x87 makes of pi; and that a processor
 * has no quirk. vmx/quirks.def and tools/quirks.def: the rows are complete.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "tests/host/model_cpu.h"
#include "vm/guests/test_guests.h"
#include "vmx/quirks.h"
#include "vmx/selftest/vmentry_departures.h"

/* The SDM's pi has 66 bits: FLDPI is 2^-64 more than it. */
static const struct x87_number processor = {1ull << 63, 0xbfbf};
/* As it came of FSIN in twelve models of Bochs 2.7, and of 3.0's sources. */
static const struct x87_number bochs = {3ull << 62, 0xbfc0};

static const struct cpuid_registers virtual_cpu = {.ecx = 1u << 31}, real_cpu = {0};
/* "KVMKVMKVM\0\0\0", "VMwareVMware", "Microsoft Hv": EBX, ECX, EDX. */
static const struct cpuid_registers kvm = {0x40000001, 0x4b4d564b, 0x564b4d56, 0x4d},
                                    vmware = {0x40000010, 0x61774d56, 0x4d566572, 0x65726177},
                                    hyper_v = {0x4000000b, 0x7263694d, 0x666f736f, 0x76482074};

static uint32_t found(struct cpuid_registers features, struct cpuid_registers hypervisor,
                      struct x87_number sine)
{
    return emulators_of(&(struct emulator_traits){features, hypervisor, sine});
}

static void a_processor_is_no_emulator(void **state)
{
    /* Beyond the highest leaf CPUID gives the highest's data (Vol. 2, "CPUID"): whatever it is. */
    (void)state;
    assert_int_equal(found(real_cpu, real_cpu, processor), 0);
    assert_int_equal(found(real_cpu, (struct cpuid_registers){7, 0x340, 0x340, 0}, processor), 0);
    assert_int_equal(found(real_cpu, kvm, processor), 0);
    /* With pi right to 128 bits, and in double precision only. */
    assert_int_equal(found(real_cpu, real_cpu, (struct x87_number){0xece675d1fc8f8cbb, 0xbfbe}), 0);
    assert_int_equal(found(real_cpu, real_cpu, (struct x87_number){0x8d313198a2e03800, 0x3fca}), 0);
}

static void another_hypervisor_is_not_known(void **state)
{
    (void)state;
    assert_int_equal(found(virtual_cpu, vmware, processor), 0);
    assert_int_equal(found(virtual_cpu, hyper_v, processor), 0);
    assert_int_equal(found(virtual_cpu, real_cpu, processor), 0);
    for (unsigned i = 0; i < 3; i++) {
        struct cpuid_registers almost = kvm;

        *(i == 0 ? &almost.ebx : i == 1 ? &almost.ecx : &almost.edx) ^= 1;
        assert_int_equal(found(virtual_cpu, almost, processor), 0);
    }
}

static void each_emulator_is_known(void **state)
{
    (void)state;
    assert_int_equal(found(real_cpu, real_cpu, bochs), IN_BOCHS);
    assert_int_equal(found(virtual_cpu, vmware, bochs), ABOVE_BOCHS);
    assert_int_equal(found(virtual_cpu, kvm, processor), IN_KVM);
    assert_int_equal(found(virtual_cpu, kvm, bochs), IN_KVM | ABOVE_BOCHS);
    assert_int_equal(found(real_cpu, real_cpu, (struct x87_number){3ull << 62, 0x3fc0}), 0);
    assert_int_equal(found(real_cpu, real_cpu, (struct x87_number){1ull << 63, 0xbfc0}), 0);
}

static const uint32_t having[QUIRK_COUNT] = {
#define QUIRK(id, emulators) [QUIRK_##id] = (emulators),
#include "vmx/quirks.def"
#undef QUIRK
};

static const struct {
    const char *since, *manual, *instead, *see;
} rows[QUIRK_COUNT] = {
#define QUIRK_TEXT(id, since, manual, instead, see) [QUIRK_##id] = {since, manual, instead, see},
#include "tools/quirks.def"
#undef QUIRK_TEXT
};

static const char *const known_by[EMULATOR_COUNT] = {
#define EMULATOR_TEXT(id, text) [EMULATOR_BIT_##id] = (text),
#include "tools/quirks.def"
#undef EMULATOR_TEXT
};

static void every_row_says_all(void **state)
{
    (void)state;
    for (unsigned i = QUIRK_NONE + 1; i < QUIRK_COUNT; i++) {
        assert_true(having[i] != 0 && having[i] < 1 << EMULATOR_COUNT);
        assert_non_null(rows[i].since);
        assert_non_null(strchr(rows[i].since, '.')); /* a version */
        assert_non_null(strstr(rows[i].manual, "(Vol. "));
        assert_non_null(strchr(rows[i].manual, '"')); /* a section by its title */
        assert_true(strlen(rows[i].instead) > 10);
        assert_true(strncmp(rows[i].see, "tools/run --on ", 15) == 0 ||
                    strncmp(rows[i].see, "none: ", 6) == 0 ||
                    strncmp(rows[i].see, "not runnable here: ", 19) == 0);
    }
    for (unsigned i = 0; i < EMULATOR_COUNT; i++)
        assert_non_null(known_by[i]);
    assert_string_equal(emulator_name(IN_BOCHS), "Bochs 2.7");
    assert_string_equal(emulator_name(IN_BOCHS | ABOVE_BOCHS), "Bochs 2.7");
    assert_string_equal(emulator_name(IN_KVM), "KVM");
    assert_null(emulator_name(0));
}

static void quirks_are_those_of_the_emulator(void **state)
{
    uint32_t every = 0;

    (void)state;
    assert_int_equal(quirks_of(0), 0);
    for (uint32_t emulators = 0; emulators < 1 << EMULATOR_COUNT; emulators++) {
        for (unsigned i = 0; i < QUIRK_COUNT; i++)
            assert_int_equal(quirks_of(emulators) >> i & 1, (having[i] & emulators) != 0);
        every |= quirks_of(emulators);
    }
    assert_int_equal(every, (1u << QUIRK_COUNT) - 2); /* all but QUIRK_NONE */
}

static void none_is_active_on_a_processor(void **state)
{
    (void)state;
    model_cpu_reset();
    quirks_detect();
    assert_int_equal(emulators_here, 0);
    assert_int_equal(quirks_here, 0);
    for (unsigned i = 0; i < QUIRK_COUNT; i++) {
        assert_false(quirk((enum quirk)i));
        assert_null(quirk_lacks((enum quirk)i));
    }
}

static void what_is_detected_is_active(void **state)
{
    (void)state;
    model_cpu_reset();
    model_cpu.sine_of_pi = bochs;
    quirks_detect();
    assert_int_equal(emulators_here, IN_BOCHS);
    assert_true(quirk(QUIRK_INIT_STAYS_PENDING));
    assert_non_null(strstr(quirk_lacks(QUIRK_INIT_STAYS_PENDING), "INIT"));
    assert_false(quirk(QUIRK_NO_EOI_EXITS));
    assert_false(quirk(QUIRK_SPINS_WITHOUT_EXITS)); /* nothing is below that would need the CPU */
    /* What Bochs does with INIT its hypervisor's guest does not see; how it handles IF it does. */
    model_cpu.hypervisor = true;
    quirks_detect();
    assert_int_equal(emulators_here, IN_KVM | ABOVE_BOCHS);
    assert_false(quirk(QUIRK_INIT_STAYS_PENDING));
    assert_null(quirk_lacks(QUIRK_INIT_STAYS_PENDING));
    assert_true(quirk(QUIRK_INTERRUPTS_WAIT_FOR_IF));
    assert_true(quirk(QUIRK_SPINS_WITHOUT_EXITS));
    assert_true(quirk(QUIRK_NO_EOI_EXITS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_processor_is_no_emulator),
        cmocka_unit_test(another_hypervisor_is_not_known),
        cmocka_unit_test(each_emulator_is_known),
        cmocka_unit_test(every_row_says_all),
        cmocka_unit_test(quirks_are_those_of_the_emulator),
        cmocka_unit_test(none_is_active_on_a_processor),
        cmocka_unit_test(what_is_detected_is_active),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
