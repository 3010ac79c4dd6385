/*
 * What a Linux guest sees and may do, on the model CPU: CPUID and MSRs by SDM Vol. 2, "CPUID", and
 * Vol. 4; every MSR that exits, written with every single bit; memory that is kept; how a CPU
 * starts by VM exits (SDM Vol. 3, "Other Causes of VM Exits").
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "lib/host/apic.h"
#include "lib/host/clock.h"
#include "lib/x86_rooms.h"
#include "tests/host/guest_machine.h"
#include "vm/exit.h"
#include "vm/guests/guest_run.h"
#include "vm/linux/linux.h"

enum { RIP = 0x1000, KEPT = 0x200000, KEPT_END = 0x400000 };
#define APIC 0xfee00000ull

static struct linux_vm vm;
static struct linux_vcpu own;
static struct vcpu *const vcpu = &own.vcpu;
static struct {
    uint16_t port;
    uint32_t value;
    unsigned count;
} out;
static unsigned flushes;

/* What the handlers reach beside the model CPU. */
volatile void *apic_registers(void)
{
    return NULL;
}

uint64_t clock_deadline(uint64_t microseconds)
{
    return rdtsc() + microseconds;
}

static void remember_out(uint16_t port, uint32_t value)
{
    out.port = port;
    out.value = value;
    out.count++;
}

void out8(uint16_t port, uint8_t value)
{
    remember_out(port, value);
}

void out16(uint16_t port, uint16_t value)
{
    remember_out(port, value);
}

void out32(uint16_t port, uint32_t value)
{
    remember_out(port, value);
}

uint8_t in8(uint16_t port)
{
    return (uint8_t)port;
}

uint16_t in16(uint16_t port)
{
    return port;
}

uint32_t in32(uint16_t port)
{
    return port;
}

void cpu_relax(void)
{
}

void wbinvd(void)
{
    flushes++;
}

/* The MTRRs that the CPU is said to have: only the default type, WB, but in one range from 8 MiB
 * on. */
static uint64_t range_type = MEMORY_TYPE_WB;

void memory_types_read(struct memory_types_state *state)
{
    memset(state, 0, sizeof(*state));
    state->mtrr = true;
    state->physical_width = 36;
    state->mtrrcap = 1;
    state->def_type = MTRR_DEF_TYPE_E | MEMORY_TYPE_WB;
    state->physbase[0] = 8u << 20 | range_type;
    state->physmask[0] = (0xfffffffffull & ~((2ull << 20) - 1)) | MTRR_PHYSMASK_V;
    state->pat = PAT_ROOTMODE;
}

/* A Linux VM with its vCPU in 64-bit mode, on the CPU of guest_machine. */
static void start(const struct vm_policy *policy)
{
    const struct vcpu *guest = guest_machine_in(GUEST_LONG);
    const struct vcpu_start in_long_mode = guest_start(GUEST_LONG);

    vm = (struct linux_vm){.kept = {KEPT, KEPT_END}, .cpu_count = 1, .vcpus = {&own}};
    memset(&own, 0, sizeof(own));
    memset(&out, 0, sizeof(out));
    assert_true(vm_create(&vm.vm, policy));
    assert_int_equal(ept_init(&vm.vm.ept, &guest->capability,
                              guest_machine.cpu.memory_types.physical_width, &vm.vm.pages),
                     MAP_OK);
    vm.vm.eptp = ept_pointer(&vm.vm.ept);
    vcpu_init(vcpu, &vm.vm, guest->cpu);
    memcpy(vcpu->controls, guest->controls, sizeof(vcpu->controls));
    assert_true(vcpu_create(vcpu));
    vcpu->exits_left = INT64_MAX;
    assert_true(vmx_ok(vcpu_load(vcpu, &in_long_mode)));
}

static int shown(void **state)
{
    (void)state;
    start(&linux_policy_shown);
    return 0;
}

static enum exit_done serve(uint32_t reason, uint64_t qualification)
{
    FIELD(GUEST_RIP) = RIP;
    guest_machine_exit(reason, qualification, 2);
    return vm_exit(vcpu);
}

static struct cpuid_registers shows(const struct vm_policy *policy, uint32_t leaf,
                                    struct cpuid_registers processor)
{
    return vm_policy_cpuid(policy, leaf, 0, processor, CR4_OSXSAVE,
                           SECONDARY_ENABLE_INVPCID | SECONDARY_ENABLE_RDTSCP);
}

static const struct cpuid_registers everything = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};

/* SDM Vol. 2, "CPUID", leaf 1: ECX 2 DTES64, 4 DS-CPL, 5 VMX, 6 SMX, 31 of hypervisors; EDX 21 DS.
 */
static void features(void **state)
{
    struct cpuid_registers r = shows(&linux_policy_shown, 1, everything);

    (void)state;
    assert_int_equal(r.ecx, ~(1u << 2 | 1u << 4 | 1u << 5 | 1u << 6));
    assert_int_equal(r.edx, ~(1u << 21));
    assert_int_equal(r.eax & r.ebx, UINT32_MAX);
    r = shows(&linux_policy_hidden, 1, everything);
    assert_int_equal(r.ecx, ~(1u << 2 | 1u << 4 | 1u << 5 | 1u << 6 | 1u << 31));
    r = shows(&linux_policy_shown, 7, everything);
    assert_int_equal(r.ebx, ~(1u << 2 | 1u << 25)); /* SGX, Processor Trace */
    /* Key Locker, SGX_LC; WAITPKG without its control; OSPKE as CR4.PKE */
    assert_int_equal(r.ecx, ~(1u << 23 | 1u << 30 | 1u << 5 | 1u << 4));
    assert_int_equal(shows(&linux_policy_shown, 0x14, everything).eax, 0);
    assert_int_equal(shows(&linux_policy_shown, 0xd, everything).eax, UINT32_MAX);
}

/*
 * Each instruction that is #UD without its secondary control (SDM Vol. 3, "Definitions of Secondary
 * Processor-Based VM-Execution Controls") is shown where the control is set, and where it is not
 * its bit alone goes. WAITPKG's needs 26, PCONFIG's 27, INVPCID's 12, those of TSC_AUX 3.
 */
static void features_with_their_controls(void **state)
{
    enum { EBX = 1, ECX, EDX };
    static const struct {
        uint32_t leaf, reg, bit, control;
    } rows[] = {
        {7, EBX, 10, 12}, {7, ECX, 5, 26},          {7, ECX, 22, 3},
        {7, EDX, 18, 27}, {0x80000001, EDX, 27, 3},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (uint32_t control = 0; control < 32; control++) {
            struct cpuid_registers r = vm_policy_cpuid(&linux_policy_shown, rows[i].leaf, 0,
                                                       everything, CR4_PKE, ~(1u << control));
            uint32_t value = rows[i].reg == EBX ? r.ebx : rows[i].reg == ECX ? r.ecx : r.edx;

            assert_int_equal(value >> rows[i].bit & 1, control != rows[i].control);
        }
    }
    /* Leaf 7: EDX 1 are SGX's keys; all else of EAX, EBX and EDX is shown. */
    assert_int_equal(vm_policy_cpuid(&linux_policy_shown, 7, 0, everything, 0, UINT32_MAX).edx,
                     ~(1u << 1));
    for (uint32_t leaf = 0; leaf < 0x20; leaf++) {
        struct cpuid_registers r =
            vm_policy_cpuid(&linux_policy_shown, leaf, 0, everything, 0, UINT32_MAX);
        bool hidden = leaf == 0x12 || leaf == 0x14 || leaf == 0x19; /* SGX, trace, Key Locker */

        assert_int_equal(r.eax, hidden ? 0 : UINT32_MAX);
        assert_true(!hidden || (r.ebx | r.ecx | r.edx) == 0);
    }
}

/*
 * SDM Vol. 3, "FRED Event Delivery": CPUID.7.1:EAX[17], CR4[32] and MSRs 1CCH to 1D4H; NMI sources,
 * EAX[20], come with it. LKGS, EAX[18], is an instruction of its own. No other subleaf loses any.
 */
static void fred_is_hidden_whole(void **state)
{
    struct cpuid_registers r =
        vm_policy_cpuid(&linux_policy_hidden, 7, 1, everything, CR4_PKE, UINT32_MAX);

    (void)state;
    assert_int_equal(r.eax, ~(1u << 17 | 1u << 20));
    assert_int_equal(r.ebx & r.ecx & r.edx, UINT32_MAX);
    r = vm_policy_cpuid(&linux_policy_shown, 7, 1, everything, CR4_PKE, UINT32_MAX);
    assert_int_equal(r.eax, ~(1u << 17 | 1u << 20));
    r = vm_policy_cpuid(&linux_policy_shown, 7, 2, everything, CR4_PKE, UINT32_MAX);
    assert_int_equal(r.eax, UINT32_MAX);
    assert_int_equal(linux_policy_shown.cr4_guest >> 32, ~1u);
    assert_int_equal(linux_policy_hidden.cr4_guest >> 32, ~1u);
}

/* The signature, and no leaf of a hypervisor below where ours is hidden. */
static void leaves_of_a_hypervisor(void **state)
{
    struct cpuid_registers r = shows(&linux_policy_shown, 0x40000000, everything);
    char name[13] = {0};

    (void)state;
    memcpy(name, &r.ebx, 4);
    memcpy(name + 4, &r.ecx, 4);
    memcpy(name + 8, &r.edx, 4);
    assert_string_equal(name, "RootmodeVMX ");
    assert_int_equal(r.eax, 0x40000001);
    r = shows(&linux_policy_shown, 0x40000001, everything);
    assert_int_equal(r.eax, 1);
    assert_int_equal(r.ebx, 0xf);
    for (uint32_t leaf = 0x40000000; leaf < 0x40000100; leaf++) {
        r = shows(&linux_policy_hidden, leaf, everything);
        assert_int_equal(r.eax | r.ebx | r.ecx | r.edx, 0);
        r = shows(&linux_policy_shown, leaf, everything);
        assert_true(leaf < 0x40000002 || (r.eax | r.ebx | r.ecx | r.edx) == 0);
    }
}

static enum exit_done write_msr(uint32_t msr, uint64_t value)
{
    vcpu->reg[VCPU_RCX] = msr;
    vcpu->reg[VCPU_RAX] = (uint32_t)value;
    vcpu->reg[VCPU_RDX] = value >> 32;
    return serve(EXIT_REASON_WRMSR, 0);
}

static enum exit_done read_msr(uint32_t msr)
{
    vcpu->reg[VCPU_RCX] = msr;
    return serve(EXIT_REASON_RDMSR, 0);
}

static bool is_protection(enum exit_done done)
{
    return done == EXIT_INJECTED && guest_machine_injects_error(X86_VECTOR_GP, 0) &&
           FIELD(GUEST_RIP) == RIP;
}

/* What no write may change: the host's state, and what makes the guest exit. */
static bool same_host(const struct model_cpu *before)
{
    static const uint32_t hosts[] = {IA32_EFER, IA32_PAT, IA32_APIC_BASE};

    for (unsigned i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        if (*model_msr(hosts[i]) != before->msr[model_msr(hosts[i]) - model_cpu.msr])
            return false;
    }
    return model_cpu.cr0 == before->cr0 && model_cpu.cr4 == before->cr4 &&
           model_cpu.feature_control == before->feature_control &&
           model_cpu.msrs.present == before->msrs.present &&
           memcmp(model_cpu.msrs.value, before->msrs.value, sizeof(before->msrs.value)) == 0;
}

/* Page tables of the host's, from which those are made on which a CPU leaves. */
static uint64_t host_pml4(void)
{
    static uint64_t page;

    if (page == 0)
        page = pages_alloc(0);
    return page;
}

/* With each bit alone, all and none. */
static void every_bit_of_every_msr(void **state)
{
    const struct vm_policy *policy = &linux_policy_shown;

    (void)state;
    own.waits = true; /* so that none is how many CPUs would leave */
    for (uint32_t i = 0; i < policy->msr_count; i++) {
        uint32_t msr = policy->msrs[i].msr;

        for (unsigned bit = 0; bit < 66; bit++) {
            uint64_t value = bit < 64 ? 1ull << bit : bit == 64 ? 0 : UINT64_MAX;
            struct model_cpu before;
            enum exit_done done;

            model_cpu.cr3 = host_pml4();
            before = model_cpu;
            done = write_msr(msr, value);

            assert_true(same_host(&before));
            assert_true(is_protection(done) || FIELD(GUEST_RIP) == RIP + 2);
            assert_true(is_protection(done) || msr == 0x79 || msr == IA32_MISC_ENABLE ||
                        msr == MSR_LINUX_SCRIPT_STATUS || msr == MSR_LINUX_EXITS ||
                        msr == MSR_LINUX_REPORT || (msr == MSR_LINUX_LEAVES && value == 0));
        }
    }
}

static void msrs(void **state)
{
    static const uint32_t hidden[] = {0x480, 0x48b, 0x491, 0x493, 0x9b,
                                      0x3f1, 0x600, 0x570, 0x1cc, 0x1d4};

    (void)state;
    for (unsigned i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
        assert_true(is_protection(read_msr(hidden[i])));
    assert_int_equal(read_msr(IA32_FEATURE_CONTROL), EXIT_EMULATED); /* locked, VMX off */
    assert_int_equal(vcpu->reg[VCPU_RAX], 1);
    assert_int_equal(vcpu->reg[VCPU_RDX], 0);
    assert_int_equal(write_msr(0x79, 0x1234), EXIT_IGNORED); /* a microcode update */
    assert_int_equal(write_msr(IA32_MISC_ENABLE, 1ull << 34 | 1), EXIT_EMULATED);
    assert_int_equal(*model_msr(IA32_MISC_ENABLE), 1); /* XD stays */
    assert_int_equal(write_msr(MSR_LINUX_SCRIPT_STATUS, 0x103), EXIT_EMULATED);
    assert_true(vm.has_script_status);
    assert_int_equal(vm.script_status, 3);
    vcpu->exit_count[EXIT_REASON_CPUID] = 0x12345678;
    vcpu->exit_count[0] = 0;
    assert_int_equal(write_msr(MSR_LINUX_EXITS, EXIT_REASON_CPUID), EXIT_EMULATED);
    assert_int_equal(read_msr(MSR_LINUX_EXITS), EXIT_EMULATED);
    assert_int_equal(vcpu->reg[VCPU_RAX], 0x12345678);
    assert_int_equal(vcpu->reg[VCPU_RDX], EXIT_REASON_CPUID);
    assert_int_equal(write_msr(MSR_LINUX_EXITS, 0x100), EXIT_EMULATED); /* bits 7:0 count */
    assert_int_equal(read_msr(MSR_LINUX_EXITS), EXIT_EMULATED);
    assert_int_equal(vcpu->reg[VCPU_RAX], 0);
    assert_int_equal(vcpu->reg[VCPU_RDX], 0);
}

/* Four bytes under their offset, zeros where there is none. */
static void report(void **state)
{
    static char text[2 * LINUX_REPORT_BYTES] = "The way here";

    (void)state;
    memcpy(text + sizeof(text) - 4, "last", 4);
    assert_int_equal(write_msr(MSR_LINUX_REPORT, 4), EXIT_EMULATED);
    assert_int_equal(read_msr(MSR_LINUX_REPORT), EXIT_EMULATED);
    assert_int_equal(vcpu->reg[VCPU_RAX], 0);
    vm.report = text;
    assert_int_equal(read_msr(MSR_LINUX_REPORT), EXIT_EMULATED);
    assert_memory_equal(&vcpu->reg[VCPU_RAX], "way ", 4);
    assert_int_equal(vcpu->reg[VCPU_RDX], 4);
    assert_int_equal(write_msr(MSR_LINUX_REPORT, sizeof(text) - 4), EXIT_EMULATED);
    assert_int_equal(read_msr(MSR_LINUX_REPORT), EXIT_EMULATED);
    assert_memory_equal(&vcpu->reg[VCPU_RAX], "last", 4);
    assert_int_equal(write_msr(MSR_LINUX_REPORT, sizeof(text) - 3), EXIT_EMULATED);
    assert_int_equal(read_msr(MSR_LINUX_REPORT), EXIT_EMULATED);
    assert_int_equal(vcpu->reg[VCPU_RAX], 0);
    assert_int_equal(write_msr(MSR_LINUX_REPORT, UINT32_MAX), EXIT_EMULATED);
    assert_int_equal(read_msr(MSR_LINUX_REPORT), EXIT_EMULATED);
    assert_int_equal(vcpu->reg[VCPU_RAX], 0);
}

/*
 * SDM Vol. 3, "Loading Guest Control Registers, Debug Registers, and MSRs", "Loading Host Control
 * Registers, Debug Registers, MSRs": CR0.CD and NW are the processor's own, and no VM entry or exit
 * loads them. A MOV to CR0 that exits because it changes NE too must have set them all the same.
 */
static enum exit_done write_cr0(uint64_t value)
{
    vcpu->reg[VCPU_RBX] = value;
    return serve(EXIT_REASON_CONTROL_REGISTER_ACCESS, VCPU_RBX << 8);
}

static void caches_are_the_guests(void **state)
{
    const uint64_t now = CR0_PG | CR0_PE | CR0_ET, host = model_cpu.cr0;

    (void)state;
    assert_int_equal(FIELD(CR0_GUEST_HOST_MASK) & (CR0_CD | CR0_NW), 0);
    assert_int_equal(write_cr0(now | CR0_NE | CR0_CD), EXIT_EMULATED);
    assert_int_equal(model_cpu.cr0, host | CR0_CD);
    assert_int_equal(FIELD(GUEST_CR0) & (CR0_CD | CR0_NW), CR0_CD);
    assert_int_equal(write_cr0(now | CR0_CD | CR0_NW), EXIT_EMULATED);
    assert_int_equal(model_cpu.cr0, host | CR0_CD | CR0_NW);
    assert_int_equal(write_cr0(now | CR0_NE | CR0_NW), EXIT_INJECTED);
    assert_int_equal(model_cpu.cr0, host | CR0_CD | CR0_NW);
    assert_int_equal(write_cr0(now | CR0_NE | CR0_WP), EXIT_EMULATED);
    assert_int_equal(model_cpu.cr0, host);
    assert_int_equal(FIELD(GUEST_CR0) & (CR0_CD | CR0_NW), 0);
}

/* In the bitmap of MSRs: reads of the low ones at 0, their writes at 2048. */
static void what_exits(void **state)
{
    static const uint32_t hidden[] = {
        0x480, 0x481, 0x482, 0x483, 0x484, 0x485, 0x486, 0x487, 0x488, 0x489, 0x48a, 0x48b, 0x48c,
        0x48d, 0x48e, 0x48f, 0x490, 0x491, 0x492, 0x493, 0x560, 0x561, 0x570, 0x571, 0x9b,  0x3f1,
        0x600, 0x3a,  0x1cc, 0x1cd, 0x1ce, 0x1cf, 0x1d0, 0x1d1, 0x1d2, 0x1d3, 0x1d4,
    };
    static const uint32_t written[] = {0x79, 0x1a0, 0x2ff, 0x830};
    const uint8_t *bitmap = phys_to_virt(vm.vm.msr_bitmap);
    unsigned reads = 0, writes = 0;

    (void)state;
    for (uint32_t msr = 0; msr < 0x2000; msr++) {
        reads += bitmap[msr / 8] >> msr % 8 & 1;
        writes += bitmap[2048 + msr / 8] >> msr % 8 & 1;
    }
    for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
        assert_int_equal(bitmap[hidden[i] / 8] & bitmap[2048 + hidden[i] / 8] & 1u << hidden[i] % 8,
                         1u << hidden[i] % 8);
    for (size_t i = 0; i < sizeof(written) / sizeof(written[0]); i++)
        assert_int_equal(bitmap[2048 + written[i] / 8] & 1u << written[i] % 8,
                         1u << written[i] % 8);
    /* Hidden: 20 of VMX, 4 of Processor Trace, SMM's, the debug store's 2, FRED's 9; and 0x3a. To
     * write also 0x79, IA32_MISC_ENABLE, IA32_MTRR_DEF_TYPE, the ICR. */
    assert_int_equal(reads, 37);
    assert_int_equal(writes, 41);
    assert_int_equal(bitmap[0x10 / 8] >> (0x10 % 8) & 1, 0);
}

/* None of the policy's; of a guest that does not announce resets those that can reset. */
static void ports_that_exit(void **state)
{
    const uint8_t *bitmap = phys_to_virt(vm.vm.io_bitmap);

    (void)state;
    for (uint32_t port = 0; port < 0x10000; port++)
        assert_int_equal(bitmap[port / 8] >> port % 8 & 1, 0);
    linux_watch_resets(&vm);
    for (uint32_t port = 0; port < 0x10000; port++)
        assert_int_equal(bitmap[port / 8] >> port % 8 & 1, port == 0x64 || port == 0xcf9);
}

static void ports(void **state)
{
    (void)state;
    vm.ports = (struct linux_ports){.pm1a = 0xb004, .off_known = true, .off_type = 5};
    vcpu->reg[VCPU_RAX] = 0x12345678;
    assert_int_equal(serve(EXIT_REASON_IO_INSTRUCTION, 0x64u << 16 | 8), EXIT_EMULATED); /* IN AL */
    assert_int_equal(vcpu->reg[VCPU_RAX], 0x12345664);
    vcpu->reg[VCPU_RAX] = UINT64_MAX;
    assert_int_equal(serve(EXIT_REASON_IO_INSTRUCTION, 0xb004u << 16 | 9), EXIT_EMULATED); /* AX */
    assert_int_equal(vcpu->reg[VCPU_RAX], 0xffffffffffffb004);
    assert_int_equal(serve(EXIT_REASON_IO_INSTRUCTION, 0xb004u << 16 | 11), EXIT_EMULATED);
    assert_int_equal(vcpu->reg[VCPU_RAX], 0xb004); /* IN EAX: bits 63:32 become 0 */
    vcpu->reg[VCPU_RAX] = 0xaabb60;
    assert_int_equal(serve(EXIT_REASON_IO_INSTRUCTION, 0x64u << 16), EXIT_EMULATED); /* OUT AL */
    assert_int_equal(out.port, 0x64);
    assert_int_equal(out.value, 0x60);
    vcpu->reg[VCPU_RAX] = 1 << 13 | 1 << 10; /* a sleep other than S5 */
    assert_int_equal(serve(EXIT_REASON_IO_INSTRUCTION, 0xb004u << 16 | 1), EXIT_REFUSED);
    assert_int_equal(out.count, 1);
    assert_int_equal(serve(EXIT_REASON_INVD, 0), EXIT_EMULATED);
    assert_int_equal(flushes, 1);
    vcpu->reg[VCPU_RAX] = 0xfe;
    assert_int_equal(serve(EXIT_REASON_IO_INSTRUCTION, 0x64u << 16), EXIT_ENDED);
    assert_int_equal(vm.end, LINUX_RESET);
    assert_ptr_equal(vm.ended_by, vcpu);
    assert_int_equal(out.count, 1);
}

static enum exit_done violation(uint64_t address)
{
    FIELD(GUEST_PHYSICAL_ADDRESS) = address;
    return serve(EXIT_REASON_EPT_VIOLATION, 1);
}

/* #GP for who reaches for what is kept, and counted; other memory is mapped where it is. */
static void memory(void **state)
{
    (void)state;
    assert_true(is_protection(violation(KEPT)));
    assert_true(is_protection(violation(KEPT_END - 1)));
    assert_int_equal(vm.accesses_refused, 2);
    assert_false(ept_walk(&vm.vm.ept, KEPT).mapped);
    assert_int_equal(violation(KEPT_END), EXIT_MAPPED);
    assert_int_equal(ept_walk(&vm.vm.ept, KEPT_END + 5).physical, KEPT_END);
    assert_int_equal(ept_walk(&vm.vm.ept, KEPT_END).permissions, EPT_ALL);
    assert_int_equal(violation(KEPT - 1), EXIT_MAPPED);
    assert_false(ept_walk(&vm.vm.ept, KEPT).mapped);
    assert_int_equal(vm.accesses_refused, 2);
    /* While commands are watched every page but the APIC's is as before; else the APIC's, too. */
    vcpu->msr_apic_base = APIC | 0x900;
    vm.watches_commands = true;
    assert_int_equal(violation(APIC - 1), EXIT_MAPPED);
    assert_int_equal(violation(APIC + PAGE_SIZE), EXIT_MAPPED);
    vm.watches_commands = false;
    assert_int_equal(violation(APIC), EXIT_MAPPED);
}

/*
 * SDM Vol. 3, "MTRR Considerations in MP Systems": MTRRs change while they are off; when they are
 * on again EPT has their types, which else count for nobody. The model CPU has no such MSR: its
 * write is made to succeed.
 */
static void mtrrs_that_change(void **state)
{
    (void)state;
    model_cpu.every_feature = true;
    vm.mapped_end = 16u << 20;
    memory_types_read(&vm.types);
    assert_true(linux_map(&vm));
    assert_int_equal(ept_walk(&vm.vm.ept, 8u << 20).type, MEMORY_TYPE_WB);
    assert_int_equal(ept_walk(&vm.vm.ept, 8u << 20).physical, 8u << 20);
    assert_false(ept_walk(&vm.vm.ept, KEPT).mapped);
    assert_true(ept_walk(&vm.vm.ept, KEPT_END).mapped);
    range_type = MEMORY_TYPE_UC;
    assert_int_equal(write_msr(IA32_MTRR_DEF_TYPE, MEMORY_TYPE_WB), EXIT_EMULATED); /* off */
    assert_int_equal(ept_walk(&vm.vm.ept, 8u << 20).type, MEMORY_TYPE_WB);
    assert_int_equal(write_msr(IA32_MTRR_DEF_TYPE, 1u << 11 | MEMORY_TYPE_WB), EXIT_EMULATED);
    assert_int_equal(ept_walk(&vm.vm.ept, 8u << 20).type, MEMORY_TYPE_UC);
    assert_int_equal(ept_walk(&vm.vm.ept, (10u << 20) - 1).type, MEMORY_TYPE_UC);
    assert_int_equal(ept_walk(&vm.vm.ept, 10u << 20).type, MEMORY_TYPE_WB);
    assert_false(ept_walk(&vm.vm.ept, KEPT).mapped);
    range_type = MEMORY_TYPE_WB;
    model_cpu.every_feature = false;
    assert_true(is_protection(write_msr(IA32_MTRR_DEF_TYPE, 1u << 11))); /* as the processor says */
}

/* An event on its way cannot get #GP: the guest's end. */
static void memory_of_an_event(void **state)
{
    (void)state;
    FIELD(GUEST_PHYSICAL_ADDRESS) = KEPT + 0x1000;
    guest_machine_exit(EXIT_REASON_EPT_VIOLATION, 2, 0);
    FIELD(IDT_VECTORING_INFORMATION) = 0x80000030;
    assert_int_equal(vm_exit(vcpu), EXIT_ENDED);
    assert_int_equal(vcpu->end, GUEST_END_MEMORY);
    assert_int_equal(vcpu->end_value, KEPT + 0x1000);
}

/* INIT makes the CPU wait, SIPI starts it at its page; the boot CPU's INIT resets the machine. */
static void starts_by_exits(void **state)
{
    struct vmx_cpu second = guest_machine.cpu;

    (void)state;
    vm.starts_by_exits = true;
    second.cpu = 1;
    vcpu->cpu = &second;
    vcpu->reg[VCPU_RBX] = 5;
    own.nmis_pending = 1;
    assert_int_equal(serve(EXIT_REASON_INIT, 0), EXIT_STATE);
    assert_true(own.waits);
    assert_int_equal(own.nmis_pending, 0);
    assert_int_equal(FIELD(GUEST_ACTIVITY_STATE), ACTIVITY_WAIT_FOR_SIPI);
    assert_int_equal(vcpu->reg[VCPU_RBX], 0);
    assert_int_equal(serve(EXIT_REASON_SIPI, 0x9a), EXIT_STATE);
    assert_false(own.waits);
    assert_true(own.has_started);
    assert_int_equal(FIELD(GUEST_ACTIVITY_STATE), ACTIVITY_ACTIVE);
    assert_int_equal(FIELD(GUEST_CS_SELECTOR), 0x9a00);
    assert_int_equal(FIELD(GUEST_CS_BASE), 0x9a000);
    assert_int_equal(FIELD(GUEST_RIP), 0);
    vm.end = LINUX_POWERED_OFF; /* on another CPU, which sends a SIPI to who waits */
    assert_int_equal(serve(EXIT_REASON_SIPI, 0), EXIT_ENDED);
    assert_int_equal(serve(EXIT_REASON_INIT, 0), EXIT_ENDED);
    assert_int_equal(vm.end, LINUX_POWERED_OFF);
    vm.end = LINUX_RUNS;
    vcpu->cpu = &guest_machine.cpu;
    assert_int_equal(serve(EXIT_REASON_INIT, 0), EXIT_ENDED);
    assert_int_equal(vm.end, LINUX_RESET);
}

/*
 * Asked for with the right number of CPUs; then a MOV to CR3 exits, and is served as ever while the
 * guest could take an interrupt.
 */
static void leaves(void **state)
{
    (void)state;
    model_cpu.cr3 = host_pml4();
    FIELD(VM_ENTRY_CONTROLS) |= ENTRY_IA32E_MODE_GUEST;
    FIELD(GUEST_CS_ACCESS_RIGHTS) |= RIGHTS_L;
    FIELD(GUEST_IA32_EFER) |= EFER_NXE;
    assert_true(is_protection(read_msr(MSR_LINUX_LEAVES)));
    assert_true(is_protection(write_msr(MSR_LINUX_LEAVES, 2)));
    assert_int_equal(
        FIELD(PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS) & PRIMARY_CR3_LOAD_EXITING, 0);
    assert_int_equal(write_msr(MSR_LINUX_LEAVES, 1), EXIT_EMULATED);
    assert_int_not_equal(
        FIELD(PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS) & PRIMARY_CR3_LOAD_EXITING, 0);
    FIELD(GUEST_RFLAGS) = RFLAGS_IF | 2;
    vcpu->reg[VCPU_RDI] = 0x5000;
    assert_int_equal(serve(EXIT_REASON_CONTROL_REGISTER_ACCESS, VCPU_RDI << 8 | 3), EXIT_EMULATED);
    assert_int_equal(FIELD(GUEST_CR3), 0x5000);
    assert_int_equal(FIELD(GUEST_RIP), RIP + 2);
    assert_false(own.leaves);
    FIELD(GUEST_RFLAGS) = 2;
    FIELD(GUEST_INTERRUPTIBILITY_STATE) = BLOCKING_BY_NMI;
    assert_false(leave_is_possible(vcpu));
}

static enum exit_done nmi(void)
{
    FIELD(GUEST_RIP) = RIP;
    guest_machine_exit(EXIT_REASON_EXCEPTION_OR_NMI, 0, 0);
    FIELD(VM_EXIT_INTERRUPTION_INFORMATION) = 0x80000202;
    return vm_exit(vcpu);
}

/* Where INIT is asked for, by an NMI; a SIPI to who does not wait is nothing. */
static void starts_by_asking(void **state)
{
    struct vmx_cpu second = guest_machine.cpu;

    (void)state;
    second.cpu = 1;
    vcpu->cpu = &second;
    own.asked = 1 << 9 | 0x12; /* SIPI */
    assert_int_equal(nmi(), EXIT_HOST);
    assert_int_equal(own.asked, 0);
    assert_int_equal(FIELD(GUEST_RIP), RIP);
    assert_false(own.has_started);
    own.asked = 1 << 8; /* INIT */
    assert_int_equal(nmi(), EXIT_STATE);
    assert_int_equal(own.asked, 0);
    assert_true(own.waits);
    assert_int_equal(FIELD(GUEST_ACTIVITY_STATE), ACTIVITY_HLT);
    assert_int_equal(FIELD(GUEST_RFLAGS) & RFLAGS_IF, 0);
    assert_int_equal(FIELD(VM_ENTRY_INTERRUPTION_INFORMATION), 0);
    own.asked = 1 << 9 | 0x12;
    assert_int_equal(nmi(), EXIT_STATE);
    assert_int_equal(FIELD(GUEST_CS_BASE), 0x12000);
    vm.end = LINUX_RESET;
    assert_int_equal(nmi(), EXIT_ENDED);
    assert_int_equal(guest_machine.host_exceptions, 4); /* each was taken in root operation, too */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(features),
        cmocka_unit_test(features_with_their_controls),
        cmocka_unit_test(fred_is_hidden_whole),
        cmocka_unit_test(leaves_of_a_hypervisor),
        cmocka_unit_test_setup(every_bit_of_every_msr, shown),
        cmocka_unit_test_setup(msrs, shown),
        cmocka_unit_test_setup(report, shown),
        cmocka_unit_test_setup(caches_are_the_guests, shown),
        cmocka_unit_test_setup(what_exits, shown),
        cmocka_unit_test_setup(ports_that_exit, shown),
        cmocka_unit_test_setup(ports, shown),
        cmocka_unit_test_setup(memory, shown),
        cmocka_unit_test_setup(memory_of_an_event, shown),
        cmocka_unit_test_setup(mtrrs_that_change, shown),
        cmocka_unit_test_setup(starts_by_exits, shown),
        cmocka_unit_test_setup(starts_by_asking, shown),
        cmocka_unit_test_setup(leaves, shown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
