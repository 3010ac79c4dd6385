/*
 * What the rules of VM entry ask of the processor, against what CPUID and MSRs of a made-up one
 * say. Bits and leaves: SDM Vol. 2, CPUID; Vol. 4, the MSRs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "lib/x86.h"
#include "vmx/entry/vmentry_rule.h"
#include "vmx/vmx_result.h"

/* The processor: some of CPUID, and the MSRs that it has. */
static struct {
    struct cpuid_registers max, features, structured[3], performance, extended, sizes;
    uint64_t tme, perf_capabilities, rtit;
    unsigned msr_reads;
    bool has_no_vmcs;
} cpu;

static struct vmentry_context context;
static const struct vmx_capability capability;

struct cpuid_registers cpuid(uint32_t leaf, uint32_t subleaf)
{
    switch (leaf) {
    case 0:
        return cpu.max;
    case 1:
        return cpu.features;
    case 7:
        assert_in_range(subleaf, 0, cpu.structured[0].eax);
        return cpu.structured[subleaf];
    case 0xa:
        return cpu.performance;
    case 0x80000001:
        return cpu.extended;
    default:
        assert_int_equal(leaf, 0x80000008);
        return cpu.sizes;
    }
}

uint8_t rdmsr_safe(uint32_t msr, uint64_t *value)
{
    cpu.msr_reads++;
    *value = msr == 0x982   ? cpu.tme
             : msr == 0x345 ? cpu.perf_capabilities
             : msr == 0x570 ? cpu.rtit
                            : 0;
    return 0;
}

struct vmx_result vmptrst(uint64_t *region)
{
    if (cpu.has_no_vmcs)
        return (struct vmx_result){VMX_FAIL_INVALID, 0, 0};
    *region = 0x5000;
    return (struct vmx_result){VMX_SUCCEED, 0, 0};
}

/* A processor of the first with VMX: nothing of what came later. */
static void reset(void)
{
    memset(&cpu, 0, sizeof cpu);
    cpu.max.eax = 1;
    cpu.sizes.eax = 36;
}

/* One with leaf 7 and its subleaves. */
static void reset_newer(void)
{
    reset();
    cpu.max.eax = 0xd;
    cpu.structured[0].eax = 2;
    cpu.sizes.eax = 57 << 8 | 46;
}

static void read_it(void)
{
    memset(&context, 0xee, sizeof context);
    vmentry_context_read(&capability, 0x12, &context);
}

static void the_first_processors_have_nothing_of_it(void **state)
{
    (void)state;
    reset();
    read_it();
    assert_ptr_equal(context.capability, &capability);
    assert_int_equal(context.physical_address_width, 36);
    assert_int_equal(context.guest_address_width, 36);
    assert_int_equal(context.linear_address_width, 48);
    assert_int_equal(context.revision_id, 0x12);
    assert_int_equal(context.current_vmcs, 0x5000);
    assert_true(context.ia32e_mode && context.sti_blocks_nmi);
    assert_false(context.rtm || context.sgx || context.lam || context.bus_lock_debug ||
                 context.tracing);
    assert_true(context.perf_global_ctrl_reserved == UINT64_MAX);
    assert_true(context.spec_ctrl_reserved == UINT64_MAX);
    /* SDM Vol. 4, IA32_RTIT_CTL: 47:0 and 55, 56 are controls, each of some processor. */
    assert_true(context.rtit_ctl_reserved == ~(((1ull << 48) - 1) | 3ull << 55));
    /* LME, LMA and SCE without NXE. */
    assert_true(context.efer_reserved == ~0x501ull);
    /* "IA32_DEBUGCTL MSR": 5:2 and 63:16 are reserved. */
    assert_true(context.debugctl_reserved == 0xffffffffffff003cull);
    assert_int_equal(cpu.msr_reads, 0);
}

static void features_are_reported_by_their_bits(void **state)
{
    (void)state;
    reset_newer();
    cpu.structured[0].ebx = 1 << 2 | 1 << 11 | 1 << 25;
    cpu.structured[0].ecx = 1 << 24;
    cpu.structured[1].eax = 1 << 26;
    cpu.extended.edx = 1 << 20;
    cpu.rtit = 1;
    read_it();
    assert_true(context.rtm && context.sgx && context.lam && context.bus_lock_debug &&
                context.tracing);
    assert_int_equal(context.linear_address_width, 57);
    assert_true(context.efer_reserved == ~0xd01ull);
    assert_true(context.debugctl_reserved == 0xffffffffffff0038ull);
    /* Without a subleaf 1 nothing is asked of it. */
    cpu.structured[0].eax = 0;
    read_it();
    assert_false(context.lam);
    cpu.structured[0].eax = 1; /* and with it, of bit 26 */
    read_it();
    assert_true(context.lam);
    cpu.structured[1].eax = ~(1u << 26);
    read_it();
    assert_false(context.lam);
}

/* Each leaf is asked where it is the last one, too; bits 7:0 of EAX are the width, even or odd. */
static void the_last_leaf_counts(void **state)
{
    (void)state;
    reset_newer();
    cpu.max.eax = 7;
    cpu.structured[0].ebx = 1 << 11;
    cpu.structured[0].edx = 1u << 27;
    cpu.performance.eax = 0x07300801;
    cpu.sizes.eax = 57 << 8 | 39;
    read_it();
    assert_true(context.rtm);
    assert_true(context.spec_ctrl_reserved == ~2ull);
    assert_true(context.perf_global_ctrl_reserved == UINT64_MAX);
    assert_int_equal(context.guest_address_width, 39);
    cpu.max.eax = 9;
    read_it();
    assert_true(context.perf_global_ctrl_reserved == UINT64_MAX);
    cpu.max.eax = 10;
    read_it();
    assert_true(context.perf_global_ctrl_reserved == ~0xffull);
    cpu.max.eax = 6;
    read_it();
    assert_false(context.rtm);
    assert_true(context.spec_ctrl_reserved == UINT64_MAX);
}

/* SDM Vol. 3, "VMPTRST": FFFFFFFF_FFFFFFFFH where no VMCS is current. */
static void without_a_current_vmcs_there_is_none(void **state)
{
    (void)state;
    reset_newer();
    cpu.has_no_vmcs = true;
    read_it();
    assert_true(context.current_vmcs == UINT64_MAX);
}

/* IA32_TME_ACTIVATE[39:36] bits, where CPUID says TME and bit 0 says that it is configured. */
static void memory_encryption_narrows_the_hosts_addresses_alone(void **state)
{
    (void)state;
    reset_newer();
    cpu.tme = 0x6000000001;
    read_it();
    assert_int_equal(context.physical_address_width, 46);
    cpu.structured[0].ecx = 1 << 13;
    read_it();
    assert_int_equal(context.physical_address_width, 40);
    assert_int_equal(context.guest_address_width, 46);
    cpu.tme = 0x6000000000;
    read_it();
    assert_int_equal(context.physical_address_width, 46);
}

static void each_counter_has_its_bit(void **state)
{
    (void)state;
    reset_newer();
    /* Version 4, 8 counters, 4 fixed ones (Ice Lake), with performance metrics. */
    cpu.performance = (struct cpuid_registers){.eax = 0x07300804, .edx = 0x604};
    read_it();
    assert_true(context.perf_global_ctrl_reserved == ~0xf000000ffull);
    cpu.features.ecx = 1 << 15;
    cpu.perf_capabilities = 1 << 15;
    read_it();
    assert_true(context.perf_global_ctrl_reserved == ~0x1000f000000ffull);
    /* Version 1 has no fixed counters; version 5 may name more in ECX. */
    cpu.features.ecx = 0;
    cpu.performance = (struct cpuid_registers){.eax = 0x07300201, .edx = 0x604};
    read_it();
    assert_true(context.perf_global_ctrl_reserved == ~0x3ull);
    cpu.performance = (struct cpuid_registers){.eax = 0x07300605, .ecx = 0x77, .edx = 0x603};
    read_it();
    assert_true(context.perf_global_ctrl_reserved == ~0x770000003full);
}

/* SDM Vol. 2, CPUID.0AH: EAX[15:8] counters; EDX[4:0] fixed ones, from version 2 on. */
static void each_number_of_counters(void **state)
{
    (void)state;
    for (unsigned version = 1; version <= 4; version++) {
        for (unsigned count = 0; count < 16; count++) {
            uint64_t bits = (1ull << count) - 1, fixed = (1ull << (15 - count)) - 1;

            reset_newer();
            cpu.performance = (struct cpuid_registers){
                .eax = 0x07300000 | count << 8 | version, .ecx = 0x10, .edx = 0x600 | (15 - count)};
            read_it();
            assert_true(context.perf_global_ctrl_reserved ==
                        ~(bits | (version >= 2 ? fixed << 32 : 0)));
        }
    }
}

/* SDM Vol. 4, IA32_SPEC_CTRL. */
static void each_bit_of_spec_ctrl_is_offered_by_its_own(void **state)
{
    static const struct {
        unsigned subleaf, edx;
        uint64_t bits;
    } offers[] = {
        {0, 26, 0x3}, {0, 27, 0x2}, {0, 31, 0x4},  {2, 0, 0x80},
        {2, 1, 0x18}, {2, 2, 0x60}, {2, 3, 0x100}, {2, 4, 0x400},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof offers / sizeof *offers; i++) {
        reset_newer();
        cpu.structured[offers[i].subleaf].edx = 1u << offers[i].edx;
        read_it();
        assert_true(context.spec_ctrl_reserved == ~offers[i].bits);
    }
}

/* IA32_TME_ACTIVATE: bit 0, locked as it is; 39:36, how many bits the trust domains' keys have. */
static void each_number_of_key_bits_narrows_addresses(void **state)
{
    (void)state;
    for (unsigned active = 0; active < 2; active++) {
        for (uint64_t bits = 0; bits < 16; bits++) {
            reset_newer();
            cpu.structured[0].ecx = 1u << 13;
            cpu.tme = (UINT64_MAX & ~(0xfull << 36) & ~1ull) | bits << 36 | active;
            read_it();
            assert_int_equal(context.physical_address_width, active ? 46 - bits : 46);
            assert_int_equal(context.guest_address_width, 46);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_processors_have_nothing_of_it),
        cmocka_unit_test(features_are_reported_by_their_bits),
        cmocka_unit_test(the_last_leaf_counts),
        cmocka_unit_test(without_a_current_vmcs_there_is_none),
        cmocka_unit_test(memory_encryption_narrows_the_hosts_addresses_alone),
        cmocka_unit_test(each_counter_has_its_bit),
        cmocka_unit_test(each_number_of_counters),
        cmocka_unit_test(each_bit_of_spec_ctrl_is_offered_by_its_own),
        cmocka_unit_test(each_number_of_key_bits_narrows_addresses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
