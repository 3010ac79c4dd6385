/*
 * Capability MSRs of a processor that has everything that the SDM names, made by hand: each control
 * may be 1, the TRUE MSRs clear what real processors clear, no two MSRs contradict each other.
 */
#pragma once

#include <stdint.h>

#include "vmx/capability/vmx_msr.h"

static inline struct vmx_msrs full_msrs(void)
{
    static const struct {
        uint32_t msr;
        uint64_t value;
    } values[] = {
        {0x480, 0x07da060000000015}, {0x481, 0x000000ff00000016}, {0x482, 0xfffbfffe0401e172},
        {0x483, 0xffffffff00036dff}, {0x484, 0x03ffffff000011ff}, {0x485, 0x000000007004c1e7},
        {0x486, 0x0000000080000021}, {0x487, 0x00000000ffffffff}, {0x488, 0x0000000000002000},
        {0x489, 0x000000011bff7fff}, {0x48a, 0x0000000000000034}, {0x48b, 0xdfffffff00000000},
        {0x48c, 0x00010f0106f341c1}, {0x48d, 0x000000ff00000016}, {0x48e, 0xfffbfffe04006172},
        {0x48f, 0xffffffff00036dfb}, {0x490, 0x03ffffff000011fb}, {0x491, 0x0000000000000001},
        {0x492, 0x00000000000013ff}, {0x493, 0x000000000000000f},
    };
    struct vmx_msrs msrs = {0};

    for (unsigned i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        vmx_msr_set(&msrs, values[i].msr, values[i].value);
    return msrs;
}

/* Clears bits of one MSR, and of the TRUE one of the same word: 0x481 … 0x484 have 0x48d … 0x490.
 */
static inline void clear_bits(struct vmx_msrs *msrs, uint32_t msr, uint64_t bits)
{
    vmx_msr_set(msrs, msr, vmx_msr_value(msrs, msr) & ~bits);
    if (msr >= 0x481 && msr <= 0x484)
        vmx_msr_set(msrs, msr + 12, vmx_msr_value(msrs, msr + 12) & ~bits);
}

/* Takes an MSR's value away. */
static inline void forget(struct vmx_msrs *msrs, uint32_t msr)
{
    msrs->present &= ~(1u << (msr - 0x480));
    msrs->value[msr - 0x480] = 0;
}
