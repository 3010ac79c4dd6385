#include "tests/host/model_cpu.h"

#include <sanitizer/asan_interface.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mm/page_alloc.h"
#include "mm/memory_use.h"

struct model_cpu model_cpu;

static _Alignas(MODEL_PAGE) uint8_t memory[MODEL_PAGES * MODEL_PAGE];
static uint8_t page_used[MODEL_PAGES]; /* 1: taken */
static unsigned page_limit;
static uint64_t misalignment;

static void reject(const char *what, uint64_t value)
{
    fprintf(stderr, "model CPU: %s: 0x%llx\n", what, (unsigned long long)value);
    abort();
}

/* Core i7-4770, as its register dump in InstLatx64 has them; VMFUNC as Bochs' Haswell. */
static const struct {
    uint32_t msr;
    uint64_t value;
} haswell[] = {
    {IA32_VMX_BASIC, 0x00da040000000012},
    {IA32_VMX_PINBASED_CTLS, 0x0000007f00000016},
    {IA32_VMX_PROCBASED_CTLS, 0xfff9fffe0401e172},
    {IA32_VMX_EXIT_CTLS, 0x007fffff00036dff},
    {IA32_VMX_ENTRY_CTLS, 0x0000ffff000011ff},
    {IA32_VMX_MISC, 0x00000000300481e5},
    {IA32_VMX_CR0_FIXED0, 0x80000021},
    {IA32_VMX_CR0_FIXED1, 0xffffffff},
    {IA32_VMX_CR4_FIXED0, 0x2000},
    {IA32_VMX_CR4_FIXED1, 0x1767ff},
    {IA32_VMX_VMCS_ENUM, 0x2a},
    {IA32_VMX_PROCBASED_CTLS2, 0x00007cff00000000},
    {IA32_VMX_EPT_VPID_CAP, 0x00000f0106334141},
    {IA32_VMX_TRUE_PINBASED_CTLS, 0x0000007f00000016},
    {IA32_VMX_TRUE_PROCBASED_CTLS, 0xfff9fffe04006172},
    {IA32_VMX_TRUE_EXIT_CTLS, 0x007fffff00036dfb},
    {IA32_VMX_TRUE_ENTRY_CTLS, 0x0000ffff000011fb},
    {IA32_VMX_VMFUNC, 0x1},
};

/* SDM Vol. 2, "CPUID": leaf 1, ECX; leaf 80000001H, EDX. */
enum { FEATURE_XSAVE = 1 << 26, FEATURE_OSXSAVE = 1 << 27 };
enum { EXTENDED_NX = 1 << 20, EXTENDED_RDTSCP = 1 << 27 };

void model_cpu_reset(void)
{
    model_cpu = (struct model_cpu){
        .vmx = true,
        .smx = true,
        .physical_address_width = 39,
        .cr4_supported = 0x1767ff,
        .feature_control_present = true,
        .cr0 = CR0_PE | CR0_ET | CR0_WP | CR0_PG,
        .cr3 = 0x1000,
        .cr4 = CR4_PAE | CR4_PGE,
        .feature_control = FEATURE_CONTROL_LOCK | FEATURE_CONTROL_VMX,
        .current_vmcs = MODEL_NO_VMCS,
        .xcr0_supported = 7,
        .xcr0 = 1,
        .dr6 = 0xffff0ff0,
        .extended_leaves = 0x80000008,
        .sine_of_pi = {1ull << 63, 0xbfbf}, /* SDM Vol. 1, "Approximation of Pi": 66 bits of it */
        .more_features = {.edx = EXTENDED_NX | EXTENDED_RDTSCP},
    };
    *model_msr(IA32_EFER) = EFER_LME | EFER_LMA | EFER_NXE;
    *model_msr(IA32_PAT) = 0x0007040600070406;
    *model_msr(IA32_APIC_BASE) = 0xfee00900;
    for (unsigned i = 0; i < sizeof haswell / sizeof *haswell; i++) {
        model_cpu.msrs.present |= 1u << (haswell[i].msr - VMX_MSR_FIRST);
        model_cpu.msrs.value[haswell[i].msr - VMX_MSR_FIRST] = haswell[i].value;
    }
    ASAN_UNPOISON_MEMORY_REGION(memory, sizeof memory);
    memset(memory, 0, sizeof memory);
    ASAN_POISON_MEMORY_REGION(memory, sizeof memory);
    memset(page_used, 0, sizeof page_used);
    page_limit = MODEL_PAGES;
    misalignment = 0;
}

void model_cpu_inject(struct model_injection injection)
{
    model_cpu.injection = injection;
}

enum model_effect model_execute(enum model_operation operation)
{
    struct model_injection *injection = &model_cpu.injection;
    enum model_effect effect;

    model_cpu.executed[operation]++;
    if (injection->effect == MODEL_AS_IT_SHOULD || injection->operation != operation)
        return MODEL_AS_IT_SHOULD;
    if (injection->after > 0) {
        injection->after--;
        return MODEL_AS_IT_SHOULD;
    }
    effect = injection->effect;
    if (!injection->always)
        injection->effect = MODEL_AS_IT_SHOULD;
    return effect;
}

uint8_t *model_bios_data;

void *phys_to_virt(uint64_t physical)
{
    if (model_bios_data != NULL && physical < 4096)
        return model_bios_data + physical;
    if (physical < MODEL_MEMORY_BASE || physical - MODEL_MEMORY_BASE >= sizeof memory)
        reject("no memory at this physical address", physical);
    return memory + (physical - MODEL_MEMORY_BASE);
}

/* Of the model's memory; false where a byte is outside of it, or in a page that nobody has. */
bool memory_read(uint64_t physical, void *to, size_t bytes)
{
    if (physical < MODEL_MEMORY_BASE || bytes > sizeof memory ||
        physical - MODEL_MEMORY_BASE > sizeof memory - bytes)
        return false;
    for (uint64_t at = physical - MODEL_MEMORY_BASE; at < physical - MODEL_MEMORY_BASE + bytes;
         at++) {
        if (!page_used[at / MODEL_PAGE])
            return false;
    }
    memcpy(to, memory + (physical - MODEL_MEMORY_BASE), bytes);
    return true;
}

unsigned model_pages_used(void)
{
    unsigned used = 0;

    for (unsigned i = 0; i < MODEL_PAGES; i++)
        used += page_used[i];
    return used;
}

void model_pages_limit(unsigned pages)
{
    page_limit = pages;
}

void model_pages_misalign(uint64_t bytes)
{
    misalignment = bytes;
}

uint64_t pages_alloc(int order)
{
    size_t count = (size_t)1 << order;

    if (model_pages_used() + count > page_limit)
        return 0;
    for (size_t first = 0; first + count <= MODEL_PAGES; first += count) {
        if (memchr(page_used + first, 1, count))
            continue;
        memset(page_used + first, 1, count);
        ASAN_UNPOISON_MEMORY_REGION(memory + first * MODEL_PAGE, count * MODEL_PAGE);
        memset(memory + first * MODEL_PAGE, 0, count * MODEL_PAGE);
        return MODEL_MEMORY_BASE + first * MODEL_PAGE + misalignment;
    }
    return 0;
}

void pages_free(uint64_t address, int order)
{
    uint64_t first, count = 1u << order;

    address -= misalignment;
    first = (address - MODEL_MEMORY_BASE) / MODEL_PAGE;
    if (address % MODEL_PAGE || first + count > MODEL_PAGES)
        reject("freed what is no page", address);
    if (memchr(page_used + first, 0, count))
        reject("freed what is not allocated", address);
    memset(page_used + first, 0, count);
    ASAN_POISON_MEMORY_REGION(memory + first * MODEL_PAGE, count * MODEL_PAGE);
}

/* SDM Vol. 4, "IA32_MISC_ENABLE", bit 34: firmware can hide execute disable. */
static uint32_t more_features(void)
{
    bool hidden = (*model_msr(IA32_MISC_ENABLE) & MISC_ENABLE_XD_DISABLE) != 0;

    return model_cpu.more_features.edx & ~(hidden ? EXTENDED_NX : 0u);
}

void cpuid_in_place(uint64_t reg[4])
{
    struct cpuid_registers r = cpuid((uint32_t)reg[0], (uint32_t)reg[1]);

    reg[0] = r.eax;
    reg[1] = r.ecx;
    reg[2] = r.edx;
    reg[3] = r.ebx;
}

struct cpuid_registers cpuid(uint32_t leaf, uint32_t subleaf)
{
    struct cpuid_registers r = {0};

    (void)subleaf;
    if (model_cpu.every_feature)
        return (struct cpuid_registers){
            leaf == 0x80000008 ? 0xffff3000 | model_cpu.physical_address_width : UINT32_MAX,
            UINT32_MAX, UINT32_MAX, UINT32_MAX};
    if (leaf == 0x80000000)
        r.eax = model_cpu.extended_leaves;
    else if (leaf == 0)
        r.eax = 0xd;
    else if (leaf == 1)
        r.ecx = (uint32_t)model_cpu.vmx << 5 | (uint32_t)model_cpu.smx << 6 |
                (uint32_t)model_cpu.hypervisor << 31 |
                (model_cpu.xcr0_supported != 0 ? FEATURE_XSAVE : 0) |
                ((model_cpu.cr4 & CR4_OSXSAVE) != 0 ? FEATURE_OSXSAVE : 0);
    else if (leaf == 7)
        r = model_cpu.features;
    else if (leaf == 0xd)
        r = model_cpu.xsave_features;
    else if (leaf == 0x40000000 && model_cpu.hypervisor) /* "KVMKVMKVM" */
        r = (struct cpuid_registers){0x40000001, 0x4b4d564b, 0x564b4d56, 0x4d};
    else if (leaf == 0x80000001)
        r = (struct cpuid_registers){.ecx = model_cpu.more_features.ecx | (uint32_t)model_cpu.svm
                                                                              << 2,
                                     .edx = more_features()};
    else if (leaf == 0x80000008)
        r.eax = model_cpu.physical_address_width;
    return r;
}

uint64_t rdtsc(void)
{
    return model_cpu.tsc += 100;
}

static const uint32_t plain_msrs[MODEL_MSRS] = {
    IA32_APIC_BASE, IA32_PAT,   IA32_EFER,           IA32_STAR,    IA32_LSTAR,
    IA32_CSTAR,     IA32_FMASK, IA32_KERNEL_GS_BASE, IA32_TSC_AUX, IA32_MISC_ENABLE,
};

uint64_t *model_msr(uint32_t msr)
{
    for (unsigned i = 0; i < MODEL_MSRS; i++) {
        if (plain_msrs[i] == msr)
            return &model_cpu.msr[i];
    }
    return NULL;
}

uint64_t rdmsr(uint32_t msr)
{
    uint64_t value;

    if (rdmsr_safe(msr, &value) != 0)
        reject("bare RDMSR faulted", msr);
    return value;
}

uint8_t rdmsr_safe(uint32_t msr, uint64_t *value)
{
    *value = 0;
    if (model_execute(MODEL_RDMSR) == MODEL_FAULT)
        return (uint8_t)model_cpu.injection.number;
    if (msr == IA32_FEATURE_CONTROL && model_cpu.feature_control_present) {
        *value = model_cpu.feature_control;
        return 0;
    }
    if (msr == IA32_FS_BASE || msr == IA32_GS_BASE) {
        *value = msr == IA32_FS_BASE ? model_cpu.fs_base : model_cpu.gs_base;
        return 0;
    }
    if (model_msr(msr) != NULL) {
        *value = *model_msr(msr);
        return 0;
    }
    if (model_cpu.vmx && msr >= VMX_MSR_FIRST && msr <= VMX_MSR_LAST &&
        model_cpu.msrs.present >> (msr - VMX_MSR_FIRST) & 1) {
        *value = model_cpu.msrs.value[msr - VMX_MSR_FIRST];
        return 0;
    }
    return model_cpu.every_feature ? 0 : X86_VECTOR_GP;
}

/* SDM Vol. 2, "WRMSR": #GP for an address that is not canonical, and for reserved bits. */
static uint8_t write_plain_msr(uint32_t msr, uint64_t value)
{
    bool is_address = msr == IA32_LSTAR || msr == IA32_CSTAR || msr == IA32_KERNEL_GS_BASE;
    bool is_short = msr == IA32_FMASK || msr == IA32_TSC_AUX;

    if ((is_address && (int64_t)(value << 16) >> 16 != (int64_t)value) ||
        (is_short && value >> 32 != 0) ||
        (msr == IA32_EFER && (value & EFER_NXE) != 0 && (more_features() & EXTENDED_NX) == 0))
        return X86_VECTOR_GP;
    *model_msr(msr) = value;
    return 0;
}

/* SDM Vol. 4, "IA32_FEATURE_CONTROL": a write after the lock bit is set is #GP, as are bits that
 * belong to features this processor has not. */
uint8_t wrmsr_safe(uint32_t msr, uint64_t value)
{
    uint64_t allowed = FEATURE_CONTROL_LOCK;
    enum model_effect effect = model_execute(MODEL_WRMSR);

    if (effect == MODEL_FAULT)
        return (uint8_t)model_cpu.injection.number;
    if (model_msr(msr) != NULL)
        return write_plain_msr(msr, value);
    if (msr != IA32_FEATURE_CONTROL || !model_cpu.feature_control_present)
        return model_cpu.every_feature ? 0 : X86_VECTOR_GP;
    if (model_cpu.vmx)
        allowed |= FEATURE_CONTROL_VMX;
    if (model_cpu.smx)
        allowed |= FEATURE_CONTROL_SENTER | FEATURE_CONTROL_SENTER_EN;
    if (model_cpu.vmx && model_cpu.smx)
        allowed |= FEATURE_CONTROL_VMX_SMX;
    if (model_cpu.feature_control & FEATURE_CONTROL_LOCK || value & ~allowed)
        return X86_VECTOR_GP;
    if (effect != MODEL_OVERRIDES)
        model_cpu.feature_control = value;
    return 0;
}

uint64_t read_cr0(void)
{
    return model_cpu.cr0;
}

void write_cr2(uint64_t value)
{
    model_cpu.cr2 = value;
}

struct x87_number x87_sine_of_pi(void)
{
    return model_cpu.sine_of_pi;
}

void take_interrupt(void)
{
    model_cpu.interrupts_taken++;
}

uint64_t read_dr(unsigned number)
{
    return number < 4 ? model_cpu.dr[number] : model_cpu.dr6;
}

/* SDM Vol. 3, "Debug Registers": bits 63:32 are #GP; BLD and RTM, bits 11 and 16, exist. */
#define DR6_ONES 0xfffe07f0ull
#define DR6_ZERO 0x1000ull

void write_dr(unsigned number, uint64_t value)
{
    if (number < 4)
        model_cpu.dr[number] = value;
    else if (value >> 32 != 0)
        reject("#GP from MOV to DR6", value);
    else
        model_cpu.dr6 = (value | DR6_ONES) & ~DR6_ZERO;
}

/* SDM Vol. 2, "XSETBV"; Vol. 1, "Enabling the XSAVE Feature Set": x87 always, AVX only with SSE. */
uint8_t xsetbv_safe(uint32_t number, uint64_t value)
{
    if ((model_cpu.cr4 & CR4_OSXSAVE) == 0)
        return X86_VECTOR_UD;
    if (number != 0 || (value & ~model_cpu.xcr0_supported) != 0 || (value & 1) == 0 ||
        (value & 6) == 4)
        return X86_VECTOR_GP;
    model_cpu.xcr0 = value;
    return 0;
}

/* SDM Vol. 2, "RDPKRU". */
uint32_t rdpkru(void)
{
    if ((model_cpu.cr4 & CR4_PKE) == 0)
        reject("#UD from RDPKRU", model_cpu.cr4);
    return model_cpu.pkru;
}

uint64_t read_cr3(void)
{
    return model_cpu.cr3;
}

uint64_t read_cr4(void)
{
    return model_cpu.cr4;
}

static bool within_fixed(uint64_t value, uint32_t fixed0_msr, uint32_t fixed1_msr)
{
    uint64_t fixed0 = model_cpu.msrs.value[fixed0_msr - VMX_MSR_FIRST];
    uint64_t fixed1 = model_cpu.msrs.value[fixed1_msr - VMX_MSR_FIRST];

    return (value & fixed0) == fixed0 && !(value & ~fixed1);
}

bool model_cr0_supported(uint64_t value)
{
    return within_fixed(value, IA32_VMX_CR0_FIXED0, IA32_VMX_CR0_FIXED1);
}

bool model_cr4_supported(uint64_t value)
{
    return within_fixed(value, IA32_VMX_CR4_FIXED0, IA32_VMX_CR4_FIXED1);
}

/* SDM Vol. 2, "MOV - Move to/from Control Registers", 64-Bit Mode Exceptions. */
uint8_t write_cr0_safe(uint64_t value)
{
    enum model_effect effect = model_execute(MODEL_WRITE_CR0);

    if (effect == MODEL_FAULT)
        return (uint8_t)model_cpu.injection.number;
    if (value >> 32 || !(value & CR0_PE) || !(value & CR0_PG) ||
        (value & CR0_NW && !(value & CR0_CD)))
        return X86_VECTOR_GP;
    if (model_cpu.vmx_operation && !model_cr0_supported(value))
        return X86_VECTOR_GP;
    if (effect != MODEL_OVERRIDES)
        model_cpu.cr0 = value | CR0_ET;
    return 0;
}

uint8_t write_cr4_safe(uint64_t value)
{
    enum model_effect effect = model_execute(MODEL_WRITE_CR4);

    if (effect == MODEL_FAULT)
        return (uint8_t)model_cpu.injection.number;
    if (value & ~model_cpu.cr4_supported || !(value & CR4_PAE))
        return X86_VECTOR_GP;
    if (model_cpu.vmx_operation && !model_cr4_supported(value))
        return X86_VECTOR_GP;
    if (effect != MODEL_OVERRIDES)
        model_cpu.cr4 = value;
    return 0;
}

struct x86_segments x86_segments(void)
{
    return (struct x86_segments){.es = 0x10,
                                 .cs = 0x08,
                                 .ss = 0x10,
                                 .ds = 0x10,
                                 .tr = 0x18,
                                 .gdt = {39, 0xffff800000200000},
                                 .idt = {4095, 0xffff800000201000},
                                 .tr_base = 0xffff800000202000};
}
