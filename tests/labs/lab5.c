/* Lab 5: the exit loop and its first handlers. docs/labs/5.md is its page. */
#include "tests/labs/lab.h"
#include "tests/labs/exit_done.h"

#include "tests/host/guest_machine.h"
#include "vm/guests/exits/guest_exits.h"
#include "vm/vm.h"

#define GARBAGE 0xdead0000beef0000ull

static struct vcpu *vcpu;

static int in_long_mode(void **state)
{
    (void)state;
    vcpu = guest_machine_in(GUEST_LONG);
    return 0;
}

/* The exit of an instruction of that length, as the processor leaves it. */
static uint64_t exits(uint32_t reason, uint64_t qualification, uint32_t length)
{
    guest_machine_exit(reason, qualification, length);
    return FIELD(GUEST_RIP);
}

static void want_next(const char *what, uint64_t rip, uint32_t length, enum exit_done done,
                      enum exit_done wanted)
{
    want(done == wanted, "%s: the handler gives %s, not %s", what, done_name(done),
         done_name(wanted));
    want(FIELD(GUEST_RIP) == rip + length,
         "%s: the guest goes on at 0x%llx, but the next instruction is %u bytes behind 0x%llx",
         what, ull(FIELD(GUEST_RIP)), length, ull(rip));
}

/* An exception, and the guest stands where it was. */
static void want_fault(const char *what, uint64_t rip, enum exit_done done, uint8_t vector,
                       bool code)
{
    const uint32_t injected = guest_machine_injected();

    want(done == EXIT_INJECTED && injected >> 31, "%s: no exception %u is injected", what, vector);
    want((injected & 0xff) == vector && (injected >> 8 & 7) == 3,
         "%s: 0x%x is injected, not the hardware exception %u", what, injected, vector);
    want((injected >> 11 & 1) == code, "%s: exception %u is injected %s an error code", what,
         vector, code ? "without" : "with");
    want(FIELD(GUEST_RIP) == rip, "%s: a fault leaves RIP at the instruction", what);
}

static void dispatch(void **state)
{
    const uint32_t before = vcpu->exit_count[EXIT_REASON_CPUID];
    enum exit_done done;

    (void)state;
    vcpu->reg[VCPU_RAX] = 0;
    exits(EXIT_REASON_CPUID, 0, 2);
    vcpu->handlers[EXIT_REASON_CPUID] = exit_skip; /* not what the table has */
    done = vm_exit(vcpu);
    want(done == EXIT_IGNORED,
         "vm_exit() gives %s, not what the handler in vcpu->handlers of that reason gives, %s",
         done_name(done), done_name(EXIT_IGNORED));
    want(vcpu->exit_count[EXIT_REASON_CPUID] == before + 1,
         "the exit is not counted in exit_count");
    exits(0x80000000 | EXIT_REASON_ENTRY_FAILURE_GUEST_STATE, 4, 0);
    done = vm_exit(vcpu);
    want(done == EXIT_ENDED && vcpu->end == GUEST_END_ENTRY_FAILED && vcpu->end_number == 33,
         "a VM entry failed (exit reason 0x80000021): its handler is that of the basic reason, 33; "
         "the "
         "guest's end is %d with number %u",
         vcpu->end, vcpu->end_number);
}

static void budget(void **state)
{
    (void)state;
    vcpu->exits_left = 1;
    exits(EXIT_REASON_CPUID, 0, 2);
    want(vm_exit(vcpu) == EXIT_EMULATED, "one exit is left, but the guest does not go on");
    want(vcpu->exits_left == 0, "an exit leaves %lld of 1", (long long)vcpu->exits_left);
    exits(EXIT_REASON_CPUID, 0, 2);
    want(vm_exit(vcpu) == EXIT_ENDED && vcpu->end == GUEST_END_EXITS,
         "the budget of exits is used up, but the guest does not end by it: a guest must not be "
         "able to "
         "exit for ever");
    want(vcpu->end_number == EXIT_REASON_CPUID, "its end has the number %u, not the exit's reason",
         vcpu->end_number);
}

static void next_instruction(void **state)
{
    uint64_t rip = exits(EXIT_REASON_INVD, 0, 2);

    (void)state;
    FIELD(GUEST_INTERRUPTIBILITY_STATE) = BLOCKING_BY_STI;
    want_next("INVD behind STI", rip, 2, exit_skip(vcpu), EXIT_IGNORED);
    want(FIELD(GUEST_INTERRUPTIBILITY_STATE) == 0,
         "an instruction behind STI is done, but interrupts are still blocked by STI: 0x%llx",
         ull(FIELD(GUEST_INTERRUPTIBILITY_STATE)));
    (void)exits(EXIT_REASON_INVD, 0, 2);
    FIELD(GUEST_INTERRUPTIBILITY_STATE) = BLOCKING_BY_NMI | BLOCKING_BY_MOV_SS;
    (void)exit_skip(vcpu);
    want(FIELD(GUEST_INTERRUPTIBILITY_STATE) == BLOCKING_BY_NMI,
         "blocking is 0x%llx, but of 0xa only that by MOV SS ends with the instruction; NMIs stay "
         "blocked",
         ull(FIELD(GUEST_INTERRUPTIBILITY_STATE)));
    (void)exits(EXIT_REASON_INVD, 0, 2);
    FIELD(GUEST_RFLAGS) |= RFLAGS_RF;
    (void)exit_skip(vcpu);
    want((FIELD(GUEST_RFLAGS) & RFLAGS_RF) == 0, "an instruction is done, but RFLAGS.RF stays 1");
}

static void single_step(void **state)
{
    const uint64_t rip = exits(EXIT_REASON_INVD, 0, 2);

    (void)state;
    FIELD(GUEST_RFLAGS) |= RFLAGS_TF;
    want_next("INVD with RFLAGS.TF", rip, 2, exit_skip(vcpu), EXIT_IGNORED);
    want(FIELD(GUEST_PENDING_DEBUG_EXCEPTIONS) == 1 << 14,
         "RFLAGS.TF is 1 and the instruction is done: pending debug exceptions are 0x%llx, not BS "
         "(bit 14)",
         ull(FIELD(GUEST_PENDING_DEBUG_EXCEPTIONS)));
    (void)exits(EXIT_REASON_INVD, 0, 2);
    FIELD(GUEST_PENDING_DEBUG_EXCEPTIONS) =
        1 << 12 | 1; /* a data breakpoint that MOV SS held back */
    (void)exit_skip(vcpu);
    want(
        FIELD(GUEST_PENDING_DEBUG_EXCEPTIONS) == (1 << 14 | 1 << 12 | 1),
        "a breakpoint was pending beside the single step: pending debug exceptions are 0x%llx now, "
        "not 0x5001",
        ull(FIELD(GUEST_PENDING_DEBUG_EXCEPTIONS)));
}

static void wrap(void **state)
{
    (void)state;
    vcpu = guest_machine_in(GUEST_PROTECTED);
    exits(EXIT_REASON_INVD, 0, 2);
    FIELD(GUEST_RIP) = 0xffffffff;
    (void)exit_skip(vcpu);
    want(FIELD(GUEST_RIP) == 1,
         "outside of 64-bit mode an instruction pointer has 32 bits: behind 0xffffffff comes 1, "
         "not 0x%llx",
         ull(FIELD(GUEST_RIP)));
}

static void cpuid_registers(void **state)
{
    uint64_t rip = exits(EXIT_REASON_CPUID, 0, 2);

    (void)state;
    vcpu->reg[VCPU_RAX] = GARBAGE << 32 | 1;
    vcpu->reg[VCPU_RBX] = vcpu->reg[VCPU_RDX] = GARBAGE;
    vcpu->reg[VCPU_RCX] = GARBAGE << 32;
    want_next("CPUID", rip, 2, exit_cpuid(vcpu), EXIT_EMULATED);
    want((vcpu->reg[VCPU_RAX] | vcpu->reg[VCPU_RBX] | vcpu->reg[VCPU_RCX] | vcpu->reg[VCPU_RDX]) >>
                 32 ==
             0,
         "CPUID clears the high halves of RAX, RBX, RCX and RDX");
    want((vcpu->reg[VCPU_RCX] & 1u << 5) == 0,
         "CPUID.1:ECX.VMX is shown, but the guest has no VMX");
    want((vcpu->reg[VCPU_RCX] & 1u << 31) != 0,
         "CPUID.1:ECX bit 31 does not say that there is a hypervisor");
}

static void cpuid_subleaf(void **state)
{
    uint64_t first, second;

    (void)state;
    model_cpu.xsave_features = (struct cpuid_registers){~0u, ~0u, ~0u, ~0u};
    exits(EXIT_REASON_CPUID, 0, 2);
    vcpu->reg[VCPU_RAX] = CPUID_LEAF_XSAVE;
    vcpu->reg[VCPU_RCX] = 0;
    (void)exit_cpuid(vcpu);
    first = vcpu->reg[VCPU_RAX];
    vcpu->reg[VCPU_RAX] = CPUID_LEAF_XSAVE;
    vcpu->reg[VCPU_RCX] = 1;
    (void)exit_cpuid(vcpu);
    second = vcpu->reg[VCPU_RAX];
    want(
        first != second && second == 7,
        "CPUID leaf 0xd gives EAX 0x%llx and 0x%llx for subleaves 0 and 1: ECX chooses the subleaf",
        ull(first), ull(second));
}

static void hlt(void **state)
{
    uint64_t rip = exits(EXIT_REASON_HLT, 0, 1);

    (void)state;
    FIELD(GUEST_RFLAGS) |= RFLAGS_IF;
    want_next("HLT with interrupts on", rip, 1, exit_hlt(vcpu), EXIT_IGNORED);
    rip = exits(EXIT_REASON_HLT, 0, 1);
    FIELD(GUEST_RFLAGS) &= ~RFLAGS_IF;
    want(exit_hlt(vcpu) == EXIT_ENDED && vcpu->end == GUEST_END_HALT,
         "HLT with interrupts off: nothing can wake it, so the guest ends (GUEST_END_HALT)");
    want(vcpu->end_value == rip, "the end's value is 0x%llx, not the guest's RIP",
         ull(vcpu->end_value));
}

static void vmcall(void **state)
{
    uint64_t rip = exits(EXIT_REASON_VMCALL, 0, 3);

    (void)state;
    vcpu->reg[VCPU_RAX] = 7;
    want_next("VMCALL with RAX 7", rip, 3, exit_vmcall(vcpu), EXIT_EMULATED);
    want(vcpu->reg[VCPU_RAX] == 7, "VMCALL with RAX 7 changes RAX");
    exits(EXIT_REASON_VMCALL, 0, 3);
    vcpu->reg[VCPU_RAX] = GARBAGE << 32 | VM_CALL_END;
    want(exit_vmcall(vcpu) == EXIT_ENDED && vcpu->end == GUEST_END_CALL,
         "VMCALL with EAX = VM_CALL_END does not end the guest: 32 bits of RAX count");
}

static void faults(void **state)
{
    uint64_t rip = exits(EXIT_REASON_VMXON, 0, 4);

    (void)state;
    want_fault("VMXON in the guest", rip, exit_undefined(vcpu), X86_VECTOR_UD, false);
    rip = exits(EXIT_REASON_RDPMC, 0, 2);
    FIELD(VM_ENTRY_EXCEPTION_ERROR_CODE) = 9;
    want_fault("RDPMC", rip, exit_protection(vcpu), X86_VECTOR_GP, true);
    want(FIELD(VM_ENTRY_EXCEPTION_ERROR_CODE) == 0, "the error code of this #GP is %llu, not 0",
         ull(FIELD(VM_ENTRY_EXCEPTION_ERROR_CODE)));
}

static void msr_read(void **state)
{
    uint64_t rip = exits(EXIT_REASON_RDMSR, 0, 2);

    (void)state;
    FIELD(GUEST_IA32_SYSENTER_EIP) = 0xffff800012345678;
    vcpu->reg[VCPU_RCX] = GARBAGE << 32 | IA32_SYSENTER_EIP;
    vcpu->reg[VCPU_RAX] = vcpu->reg[VCPU_RDX] = GARBAGE;
    want_next("RDMSR of IA32_SYSENTER_EIP", rip, 2, exit_rdmsr(vcpu), EXIT_EMULATED);
    want(vcpu->reg[VCPU_RAX] == 0x12345678 && vcpu->reg[VCPU_RDX] == 0xffff8000,
         "RDMSR of 0xffff800012345678 gives RAX 0x%llx and RDX 0x%llx: EDX:EAX, the high halves 0",
         ull(vcpu->reg[VCPU_RAX]), ull(vcpu->reg[VCPU_RDX]));
    rip = exits(EXIT_REASON_RDMSR, 0, 2);
    vcpu->reg[VCPU_RCX] = 0x480;
    want_fault("RDMSR of IA32_VMX_BASIC, which the guest does not have", rip, exit_rdmsr(vcpu),
               X86_VECTOR_GP, true);
}

static void msr_write(void **state)
{
    uint64_t rip = exits(EXIT_REASON_WRMSR, 0, 2);

    (void)state;
    vcpu->reg[VCPU_RCX] = IA32_SYSENTER_EIP;
    vcpu->reg[VCPU_RAX] = 0x1100001234;
    vcpu->reg[VCPU_RDX] = GARBAGE << 32 | 0x22;
    want_next("WRMSR of IA32_SYSENTER_EIP", rip, 2, exit_wrmsr(vcpu), EXIT_EMULATED);
    want(FIELD(GUEST_IA32_SYSENTER_EIP) == 0x2200001234,
         "WRMSR of EDX:EAX 0x22:0x1234 writes 0x%llx: the high halves of RAX and RDX do not count",
         ull(FIELD(GUEST_IA32_SYSENTER_EIP)));
    rip = exits(EXIT_REASON_WRMSR, 0, 2);
    vcpu->reg[VCPU_RCX] = 0x480;
    want_fault("WRMSR of IA32_VMX_BASIC", rip, exit_wrmsr(vcpu), X86_VECTOR_GP, true);
}

/* A guest that owns the machine has the processor's MSRs where no rule names them. */
static void msr_passes(void **state)
{
    enum { PASSES = 0xc0000103 /* IA32_TSC_AUX */, MISSING = 0x12345 };
    struct vm_policy policy = *vcpu->vm->policy;
    uint64_t rip;

    (void)state;
    vcpu->vm->policy = &policy;
    policy.owns_machine = true;
    policy.msr_count = 0;
    *model_msr(PASSES) = 0x1122334455667788;
    rip = exits(EXIT_REASON_RDMSR, 0, 2);
    vcpu->reg[VCPU_RCX] = PASSES;
    want_next("RDMSR of an MSR that passes", rip, 2, exit_rdmsr(vcpu), EXIT_EMULATED);
    want(vcpu->reg[VCPU_RAX] == 0x55667788 && vcpu->reg[VCPU_RDX] == 0x11223344,
         "RDMSR of an MSR that passes gives EDX:EAX %llx:%llx, and the processor says "
         "11223344:55667788",
         ull(vcpu->reg[VCPU_RDX]), ull(vcpu->reg[VCPU_RAX]));
    rip = exits(EXIT_REASON_WRMSR, 0, 2);
    vcpu->reg[VCPU_RAX] = GARBAGE | 5;
    vcpu->reg[VCPU_RDX] = 0;
    want_next("WRMSR of an MSR that passes", rip, 2, exit_wrmsr(vcpu), EXIT_EMULATED);
    want(*model_msr(PASSES) == (GARBAGE & 0xffffffff) + 5,
         "WRMSR of an MSR that passes: the processor's is 0x%llx", ull(*model_msr(PASSES)));
    vcpu->reg[VCPU_RCX] = MISSING;
    rip = exits(EXIT_REASON_RDMSR, 0, 2);
    want_fault("RDMSR of an MSR that passes and that the processor lacks", rip, exit_rdmsr(vcpu),
               X86_VECTOR_GP, true);
    rip = exits(EXIT_REASON_WRMSR, 0, 2);
    want_fault("WRMSR of an MSR that passes and that the processor lacks", rip, exit_wrmsr(vcpu),
               X86_VECTOR_GP, true);
}

static void in(void **state)
{
    static const struct {
        uint64_t qualification, rax;
    } accesses[] = {{0, 0x11112222333344ff}, {1, 0x111122223333ffff}, {3, 0xffffffff}};

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        const uint64_t rip =
            exits(EXIT_REASON_IO_INSTRUCTION, accesses[i].qualification | 1 << 3, 1);

        vcpu->reg[VCPU_RAX] = 0x1111222233334444;
        want_next("IN", rip, 1, exit_io(vcpu), EXIT_EMULATED);
        want(vcpu->reg[VCPU_RAX] == accesses[i].rax,
             "IN of %llu bytes from a port without a device: RAX 0x1111222233334444 becomes "
             "0x%llx, not "
             "0x%llx; only 4 bytes clear the high half",
             ull(accesses[i].qualification + 1), ull(vcpu->reg[VCPU_RAX]), ull(accesses[i].rax));
    }
}

static void out(void **state)
{
    const uint64_t rip = exits(EXIT_REASON_IO_INSTRUCTION, 0, 2);

    (void)state;
    vcpu->reg[VCPU_RAX] = GARBAGE;
    want_next("OUT", rip, 2, exit_io(vcpu), EXIT_IGNORED);
    want(vcpu->reg[VCPU_RAX] == GARBAGE, "OUT changes RAX: bit 3 of the exit qualification is 0");
}

/* INS and OUTS need the guest's memory. */
static void strings(void **state)
{
    enum { DS = 3 << 15, ADDRESS_64 = 2 << 7 }; /* VM-exit instruction information */
    const uint64_t rip = exits(EXIT_REASON_IO_INSTRUCTION, 1 << 4, 1);

    (void)state;
    FIELD(VM_EXIT_INSTRUCTION_INFORMATION) = DS | ADDRESS_64;
    FIELD(GUEST_RFLAGS) &= ~(uint64_t)RFLAGS_DF;
    vcpu->reg[VCPU_RSI] = GUEST_DATA;
    want_next("OUTS of a byte, where string_io() does it", rip, 1, exit_io(vcpu), EXIT_EMULATED);
    want(vcpu->reg[VCPU_RSI] == GUEST_DATA + 1,
         "OUTS of a byte: RSI goes from 0x%llx to 0x%llx; string_io() takes its size from "
         "io_bytes()",
         ull(GUEST_DATA), ull(vcpu->reg[VCPU_RSI]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(dispatch, in_long_mode),
        cmocka_unit_test_setup(budget, in_long_mode),
        cmocka_unit_test_setup(next_instruction, in_long_mode),
        cmocka_unit_test_setup(single_step, in_long_mode),
        cmocka_unit_test_setup(wrap, in_long_mode),
        cmocka_unit_test_setup(cpuid_registers, in_long_mode),
        cmocka_unit_test_setup(cpuid_subleaf, in_long_mode),
        cmocka_unit_test_setup(hlt, in_long_mode),
        cmocka_unit_test_setup(vmcall, in_long_mode),
        cmocka_unit_test_setup(faults, in_long_mode),
        cmocka_unit_test_setup(msr_read, in_long_mode),
        cmocka_unit_test_setup(msr_write, in_long_mode),
        cmocka_unit_test_setup(msr_passes, in_long_mode),
        cmocka_unit_test_setup(in, in_long_mode),
        cmocka_unit_test_setup(out, in_long_mode),
        cmocka_unit_test_setup(strings, in_long_mode),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
