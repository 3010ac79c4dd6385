/*
 * The capability MSRs of three real machines, from tests/data/vmx-msrs/vmx-msrs.csv: one with all
 * that a hypervisor wants, one from before TRUE controls and EPT, and one of the very first.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "vmx/capability/vmx_msr.h"

struct real_msr {
    uint32_t msr;
    uint64_t value;
};

/* Core i7-6500U (row ilx-406e3-skylake-cpuid); its dump ends before 0x491. */
static const struct real_msr skylake[] = {
    {0x480, 0x00da040000000004}, {0x481, 0x0000007f00000016}, {0x482, 0xfff9fffe0401e172},
    {0x483, 0x01ffffff00036dff}, {0x484, 0x0003ffff000011ff}, {0x485, 0x000000007004c1e7},
    {0x486, 0x0000000080000021}, {0x487, 0x00000000ffffffff}, {0x488, 0x0000000000002000},
    {0x489, 0x00000000003727ff}, {0x48a, 0x000000000000002e}, {0x48b, 0x001fbcff00000000},
    {0x48c, 0x00000f0106334141}, {0x48d, 0x0000007f00000016}, {0x48e, 0xfff9fffe04006172},
    {0x48f, 0x01ffffff00036dfb}, {0x490, 0x0003ffff000011fb}, {0, 0},
};

/* Xeon E7450 (row ilx-106d1-dunnington-cpuid): secondary controls, but no EPT and no TRUE MSRs. */
static const struct real_msr dunnington[] = {
    {0x480, 0x005a08000000000d},
    {0x481, 0x0000003f00000016},
    {0x482, 0xf7f9fffe0401e172},
    {0x483, 0x0003ffff00036dff},
    {0x484, 0x00003fff000011ff},
    {0x485, 0x00000000000403c0},
    {0x486, 0x0000000080000021},
    {0x487, 0x00000000ffffffff},
    {0x488, 0x0000000000002000},
    {0x489, 0x00000000000027ff},
    {0x48a, 0x000000000000002c},
    {0x48b, 0x0000004100000000},
    {0, 0},
};

/* Core 2 X6800 (row ilx-006f6-conroe-cpuid): no secondary controls. */
static const struct real_msr conroe[] = {
    {0x480, 0x001a040000000007}, {0x481, 0x0000001f00000016}, {0x482, 0x77b9fffe0401e172},
    {0x483, 0x0003efff00036dff}, {0x484, 0x00001fff000011ff}, {0x485, 0x00000000000403c0},
    {0x486, 0x0000000080000021}, {0x487, 0x00000000ffffffff}, {0x488, 0x0000000000002000},
    {0x489, 0x00000000000027ff}, {0x48a, 0x000000000000002c}, {0, 0},
};

static inline struct vmx_msrs real_msrs(const struct real_msr *machine)
{
    struct vmx_msrs msrs = {0};

    for (; machine->msr; machine++)
        vmx_msr_set(&msrs, machine->msr, machine->value);
    return msrs;
}
