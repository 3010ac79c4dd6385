/*
 * Every basic exit reason through vm_exit(), by the number that the SDM's appendix "VMX Basic Exit
 * Reasons" gives it: what becomes of the guest. The handlers with more to do have tests of their
 * own; here each number meets its handler, and those without one that nobody else sends are whole.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/host/guest_machine.h"
#include "vm/registers/registers.h"

/* What becomes of the guest. */
enum outcome {
    NOT_SERVED, /* it ends: nobody can serve that */
    UNDEFINED,  /* #UD */
    PROTECTED,  /* #GP(0) */
    SKIPPED,    /* after the instruction, with nothing done */
    GOES_ON,    /* at the same instruction, with nothing done */
    WAITS,      /* it ends: it waits for an IPI */
    OPENED,     /* a window that was waited for has opened */
    TOLD,       /* a register, or the flags, have an answer, and it is after the instruction */
    HOSTS,      /* an event of the host's */
    ELSE,       /* it depends on more than the number */
};

static const enum outcome outcomes[] = {
    [0] = ELSE,                                             /* exception or NMI */
    [1] = HOSTS,                                            /* external interrupt */
    [2] = ELSE,                                             /* triple fault */
    [3] = WAITS,       [4] = WAITS,                         /* INIT, SIPI */
    [5] = NOT_SERVED,  [6] = NOT_SERVED,                    /* SMIs */
    [7] = OPENED,      [8] = OPENED,                        /* interrupt and NMI window */
    [9] = ELSE,                                             /* task switch */
    [10] = TOLD,                                            /* CPUID */
    [11] = UNDEFINED,                                       /* GETSEC */
    [12] = ELSE,                                            /* HLT */
    [13] = SKIPPED,                                         /* INVD */
    [14] = ELSE,                                            /* INVLPG */
    [15] = PROTECTED,                                       /* RDPMC */
    [16] = TOLD,                                            /* RDTSC */
    [17] = NOT_SERVED,                                      /* RSM */
    [18] = ELSE,                                            /* VMCALL */
    [19] = UNDEFINED,  [20] = UNDEFINED,  [21] = UNDEFINED, /* VMCLEAR, VMLAUNCH, VMPTRLD */
    [22] = UNDEFINED,  [23] = UNDEFINED,  [24] = UNDEFINED, /* VMPTRST, VMREAD, VMRESUME */
    [25] = UNDEFINED,  [26] = UNDEFINED,  [27] = UNDEFINED, /* VMWRITE, VMXOFF, VMXON */
    [28] = ELSE,       [29] = ELSE,       [30] = ELSE,      /* control, debug registers, I/O */
    [31] = ELSE,       [32] = ELSE,                         /* RDMSR, WRMSR */
    [33] = NOT_SERVED, [34] = NOT_SERVED,                   /* entry failures have bit 31 as well */
    [35] = NOT_SERVED,                                      /* not defined */
    [36] = SKIPPED,                                         /* MWAIT */
    [37] = GOES_ON,                                         /* monitor trap flag */
    [38] = NOT_SERVED,                                      /* not defined */
    [39] = SKIPPED,    [40] = SKIPPED,                      /* MONITOR, PAUSE */
    [41] = ELSE,                                            /* machine check at VM entry */
    [42] = NOT_SERVED,                                      /* not defined */
    [43] = ELSE,       [44] = ELSE,                         /* TPR below threshold, APIC access */
    [45] = GOES_ON,                                         /* virtualized EOI */
    [46] = ELSE,       [47] = ELSE,                         /* descriptor tables */
    [48] = ELSE,       [49] = ELSE,                         /* EPT */
    [50] = UNDEFINED,                                       /* INVEPT */
    [51] = TOLD,                                            /* RDTSCP */
    [52] = ELSE,                                            /* VMX-preemption timer */
    [53] = UNDEFINED,                                       /* INVVPID */
    [54] = SKIPPED,                                         /* WBINVD */
    [55] = ELSE,                                            /* XSETBV */
    [56] = GOES_ON,                                         /* APIC write */
    [57] = TOLD,                                            /* RDRAND */
    [58] = ELSE,                                            /* INVPCID */
    [59] = UNDEFINED,  [60] = UNDEFINED,                    /* VMFUNC, ENCLS */
    [61] = TOLD,                                            /* RDSEED */
    [62] = ELSE,                                            /* page-modification log full */
    [63] = UNDEFINED,  [64] = UNDEFINED,  [65] = UNDEFINED, /* XSAVES, XRSTORS, PCONFIG */
    [66] = NOT_SERVED,                                      /* SPP-related event */
    [67] = TOLD,       [68] = TOLD,                         /* UMWAIT, TPAUSE */
    [69] = UNDEFINED,  [70] = UNDEFINED,                    /* LOADIWKEY, ENCLV */
    [71] = NOT_SERVED,                                      /* not defined */
    [72] = NOT_SERVED, [73] = NOT_SERVED,                   /* ENQCMD, ENQCMDS */
    [74] = GOES_ON,                                         /* bus lock */
    [75] = NOT_SERVED,                                      /* instruction timeout */
    [76] = UNDEFINED,  [77] = UNDEFINED,                    /* SEAMCALL, TDCALL */
    [78] = NOT_SERVED, [79] = NOT_SERVED,                   /* RDMSRLIST, WRMSRLIST */
    [80] = NOT_SERVED, [81] = NOT_SERVED,                   /* URDMSR, UWRMSR */
    [82] = NOT_SERVED, [83] = NOT_SERVED,                   /* not defined */
    [84] = ELSE,       [85] = ELSE,                         /* RDMSR, WRMSRNS that name the MSR */
};

enum { REASONS = sizeof outcomes / sizeof *outcomes };

#define REGISTER(i) (0x0101010101010101ull * ((i) + 1))
#define ARITHMETIC  0x8d5ull /* SDM Vol. 1, "Status Flags": CF, PF, AF, ZF, SF, OF */

static struct vcpu *vcpu;
static uint64_t rip, rflags;
static uint32_t primary;
static unsigned flushed;

/* A guest with something in every register, and all that it could lose. */
static int reset(void **state)
{
    (void)state;
    guest_machine_reset(GUEST_LONG);
    model_cpu.all_fields = true;
    vcpu = guest_machine_start();
    for (unsigned i = 0; i < VCPU_REGISTERS; i++)
        vcpu->reg[i] = REGISTER(i);
    vcpu->reg[VCPU_RCX] = 1;
    vcpu_control_set(vcpu, VMX_CONTROL_PRIMARY, PRIMARY_INTERRUPT_WINDOW_EXITING, true);
    vcpu_control_set(vcpu, VMX_CONTROL_PRIMARY, PRIMARY_NMI_WINDOW_EXITING, true);
    primary = vcpu->controls[VMX_CONTROL_PRIMARY];
    FIELD(GUEST_RFLAGS) |= ARITHMETIC;
    FIELD(VM_EXIT_INSTRUCTION_INFORMATION) = VCPU_RCX << 3 | 2 << 11;
    rip = FIELD(GUEST_RIP);
    rflags = FIELD(GUEST_RFLAGS);
    flushed = model_cpu.executed[MODEL_INVVPID] + model_cpu.executed[MODEL_INVEPT];
    return 0;
}

static bool registers_are_kept(void)
{
    for (unsigned i = 0; i < VCPU_REGISTERS; i++) {
        if (vcpu->reg[i] != (i == VCPU_RCX ? 1 : REGISTER(i)))
            return false;
    }
    return true;
}

/* Nothing but, perhaps, where the guest stands. */
static bool nothing_is_done(void)
{
    return registers_are_kept() && FIELD(GUEST_RFLAGS) == rflags &&
           guest_machine_injected() >> 31 == 0 && vcpu->controls[VMX_CONTROL_PRIMARY] == primary &&
           guest_machine.host_interrupts + guest_machine.host_exceptions == 0 &&
           model_cpu.interrupts_taken == 0 &&
           model_cpu.executed[MODEL_INVVPID] + model_cpu.executed[MODEL_INVEPT] == flushed;
}

static bool ended(enum guest_end end, uint32_t reason)
{
    return vcpu->end == end && vcpu->end_number == reason && vcpu->end_value == 0x10;
}

static bool is_as_it_should(uint32_t reason, enum exit_done done)
{
    uint64_t moved = FIELD(GUEST_RIP) - rip;

    switch (outcomes[reason]) {
    case NOT_SERVED:
        return done == EXIT_ENDED && ended(GUEST_END_UNHANDLED, reason);
    case WAITS:
        return done == EXIT_ENDED && ended(GUEST_END_WAIT, reason);
    case UNDEFINED:
        return done == EXIT_INJECTED && moved == 0 && guest_machine_injects(X86_VECTOR_UD) &&
               registers_are_kept();
    case PROTECTED:
        return done == EXIT_INJECTED && moved == 0 &&
               guest_machine_injects_error(X86_VECTOR_GP, 0) && registers_are_kept();
    case SKIPPED:
        return done == EXIT_IGNORED && moved == 3 && nothing_is_done();
    case GOES_ON:
        return done == EXIT_STEPPED && moved == 0 && nothing_is_done();
    case OPENED:
        return done == EXIT_WINDOW && moved == 0 && registers_are_kept() &&
               (vcpu->controls[VMX_CONTROL_PRIMARY] ^ primary) ==
                   (reason == 7 ? 1u << 2 : 1u << 22);
    case TOLD:
        return done == EXIT_EMULATED && moved == 3 &&
               (!registers_are_kept() || FIELD(GUEST_RFLAGS) != rflags);
    case HOSTS:
        return done == EXIT_HOST && moved == 0 && registers_are_kept();
    case ELSE:
        break;
    }
    return true;
}

static void each_number_has_its_handler(void **state)
{
    assert_int_equal(REASONS, EXIT_REASON_COUNT);
    for (uint32_t reason = 0; reason < REASONS; reason++) {
        enum exit_done done;

        if (outcomes[reason] == ELSE)
            continue;
        reset(state);
        done = guest_machine_serve(reason, 0x10, 3);
        if (!is_as_it_should(reason, done))
            fail_msg("exit reason %u", reason);
        assert_int_equal(vcpu->exit_count[reason], 1);
    }
}

/* And its numbers: what a handler leaves tells it apart from every other. */
static void numbers_are_those_of_the_appendix(void **state)
{
    (void)state;
    assert_int_equal(guest_machine_serve(2, 0, 0), EXIT_ENDED);
    assert_int_equal(vcpu->end, GUEST_END_TRIPLE_FAULT);
    assert_int_equal(vcpu->end_number, 0);
    assert_int_equal(vcpu->end_value, rip);
    reset(state);
    assert_int_equal(guest_machine_serve(12, 0, 1), EXIT_ENDED); /* HLT with IF = 0 */
    assert_int_equal(vcpu->end, GUEST_END_HALT);
    assert_int_equal(vcpu->end_number, 0);
    assert_int_equal(vcpu->end_value, rip);
    reset(state);
    assert_int_equal(guest_machine_serve(14, 0, 3), EXIT_EMULATED); /* INVLPG */
    assert_int_equal(model_cpu.executed[MODEL_INVVPID] + model_cpu.executed[MODEL_INVEPT],
                     flushed + 1);
    reset(state);
    vcpu->reg[VCPU_RAX] = VM_CALL_END;
    assert_int_equal(guest_machine_serve(18, 0, 3), EXIT_ENDED);
    assert_int_equal(vcpu->end, GUEST_END_CALL);
    assert_int_equal(vcpu->end_number, 0);
    assert_int_equal(vcpu->end_value, 0);
    reset(state);
    FIELD(GUEST_PHYSICAL_ADDRESS) = 0x123456789000;
    assert_int_equal(guest_machine_serve(48, 0x181, 3), EXIT_ENDED);
    assert_int_equal(vcpu->end, GUEST_END_MEMORY);
    assert_int_equal(vcpu->end_value, 0x123456789000);
    reset(state);
    FIELD(GUEST_PHYSICAL_ADDRESS) = 0x123456789000;
    assert_int_equal(guest_machine_serve(49, 0, 3), EXIT_ENDED);
    assert_int_equal(vcpu->end, GUEST_END_MISCONFIGURED);
    assert_int_equal(vcpu->end_value, 0x123456789000);
    reset(state);
    assert_int_equal(guest_machine_serve(52, 0, 0), EXIT_ENDED);
    assert_int_equal(vcpu->end, GUEST_END_TIME);
    assert_int_equal(vcpu->end_number, 0);
    assert_int_equal(vcpu->end_value, rip);
}

/* SDM, "Page-Modification Logging": the index counts down from 511, and an event that was being
 * delivered when the log was full is to be delivered again. */
static void a_full_page_modification_log_begins_anew(void **state)
{
    const uint32_t event = 1u << 31 | 3 << 8 | X86_VECTOR_UD;

    (void)state;
    guest_machine_exit(62, 0, 3);
    FIELD(PML_INDEX) = 0xffff;
    FIELD(IDT_VECTORING_INFORMATION) = event;
    assert_int_equal(guest_machine_serve_now(), EXIT_STEPPED);
    assert_int_equal(FIELD(PML_INDEX), 511);
    assert_int_equal(FIELD(GUEST_RIP), rip);
    assert_int_equal(guest_machine_injected(), event);
    assert_true(registers_are_kept());
    reset(state);
    assert_int_equal(guest_machine_serve(62, 0, 3), EXIT_STEPPED);
    assert_int_equal(guest_machine_injected() >> 31, 0);
}

/*
 * SDM Vol. 2, "RDRAND", "RDSEED": CF = 0, and all other status flags too; the destination is 0, of
 * 16, 32 (which clears bits 63:32) or 64 bits. Instruction information: 6:3 the register, 12:11
 * the size.
 */
static void no_random_number_is_at_hand(void **state)
{
    static const uint32_t reasons[] = {57, 61};
    static const uint64_t kept[] = {~0xffffull, 0, 0};

    for (unsigned i = 0; i < 2; i++) {
        for (unsigned size = 0; size < 3; size++) {
            for (unsigned reg = 0; reg < VCPU_REGISTERS; reg++) {
                reset(state);
                vcpu_register_set(vcpu, reg, 0x1122334455667788);
                FIELD(VM_EXIT_INSTRUCTION_INFORMATION) = reg << 3 | size << 11;
                assert_int_equal(guest_machine_serve(reasons[i], 0, 4), EXIT_EMULATED);
                assert_int_equal(vcpu_register_get(vcpu, reg), 0x1122334455667788 & kept[size]);
                assert_int_equal(FIELD(GUEST_RFLAGS), rflags & ~ARITHMETIC);
                assert_int_equal(FIELD(GUEST_RIP), rip + 4);
                vcpu_register_set(vcpu, reg, reg == VCPU_RCX ? 1 : REGISTER(reg));
                assert_true(registers_are_kept());
            }
        }
    }
}

/*
 * SDM, "VM-Entry Failures During or After Loading Guest State": bit 31 and reason 33, 34 or 41. Of
 * 34 the qualification is the number of the entry in the MSR-load area. Only 41 is the host's.
 */
static void an_entry_that_failed_ends_the_guest(void **state)
{
    static const uint32_t reasons[] = {33, 34, 41};

    for (unsigned i = 0; i < 3; i++) {
        reset(state);
        assert_int_equal(guest_machine_serve(1u << 31 | reasons[i], 0x10, 0), EXIT_ENDED);
        assert_true(ended(GUEST_END_ENTRY_FAILED, reasons[i]));
        assert_int_equal(vcpu->exit_count[reasons[i]], 1);
        assert_int_equal(guest_machine.host_exceptions, reasons[i] == 41);
        assert_int_equal(FIELD(GUEST_RIP), rip);
    }
}

/* Without bit 31 it would be no entry failure; it ends the guest all the same. */
static void reason_41_alone_is_not_served(void **state)
{
    (void)state;
    assert_int_equal(guest_machine_serve(41, 0x10, 0), EXIT_ENDED);
    assert_true(ended(GUEST_END_UNHANDLED, 41));
}

/* check-entry=always: a guest that could not be entered is not, for no exit reason. */
static void broken_rules_end_a_guest_without_a_number(void **state)
{
    (void)state;
    guest_machine.options.check_entries = true;
    vcpu_watch(vcpu);
    FIELD(GUEST_ACTIVITY_STATE) = 7;
    assert_int_equal(guest_machine_serve(40, 0x10, 2), EXIT_ENDED);
    assert_int_equal(vcpu->end, GUEST_END_RULES);
    assert_int_equal(vcpu->end_number, 0);
    assert_int_equal(vcpu->end_value, 0);
}

/* The reason that is reported beside a used-up budget is the basic one, bits 15:0. */
static void a_used_up_budget_names_the_basic_reason(void **state)
{
    (void)state;
    vcpu->exits_left = 0;
    assert_int_equal(guest_machine_serve(1u << 26 | 40, 0x10, 2), EXIT_ENDED);
    assert_int_equal(vcpu->end, GUEST_END_EXITS);
    assert_int_equal(vcpu->end_number, 40);
    assert_int_equal(vcpu->end_value, 0);
}

/* "Interrupt-window exiting" and "NMI-window exiting": bits 2 and 22 of the primary controls; each
 * window closes alone. */
static void a_window_that_opened_is_waited_for_no_longer(void **state)
{
    static const struct {
        uint32_t reason, control;
    } windows[] = {{7, 1u << 2}, {8, 1u << 22}};

    for (unsigned i = 0; i < 2; i++) {
        reset(state);
        assert_int_equal(guest_machine_serve(windows[i].reason, 0, 0), EXIT_WINDOW);
        assert_int_equal(FIELD(PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS),
                         primary & ~windows[i].control);
        assert_int_equal(guest_machine_injected() >> 31, 0);
    }
}

/*
 * SDM Vol. 2, "SGDT", "SIDT", "SLDT", "STR": "#GP(0) if the destination is located in a
 * non-writable segment"; LGDT, LIDT and LLDT only read. Instruction information: 29:28 which, 27
 * and 22 neither base nor index, 17:15 the segment, 9:7 the address size; the qualification is the
 * address.
 */
static void only_a_store_needs_a_writable_segment(void **state)
{
    static const uint32_t reasons[] = {46, 47};

    (void)state;
    for (unsigned n = 0; n < 2 * 4 * 2; n++) {
        unsigned which = n >> 1 & 3, writable = n & 1;
        bool stores = which < 2;

        if (n >> 3 == 1 && which == 3)
            continue; /* LTR of a null selector is #GP(0), whatever the segment */
        vcpu = guest_machine_in(GUEST_PROTECTED);
        FIELD(GUEST_DS_ACCESS_RIGHTS) = writable ? 0xc093 : 0xc091;
        FIELD(VM_EXIT_INSTRUCTION_INFORMATION) =
            which << 28 | 1u << 27 | 1u << 22 | 3 << 15 | 1 << 7;
        if (stores && !writable) {
            assert_int_equal(guest_machine_serve(reasons[n >> 3], GUEST_DATA, 7), EXIT_INJECTED);
            assert_true(guest_machine_injects_error(X86_VECTOR_GP, 0));
        } else {
            assert_int_equal(guest_machine_serve(reasons[n >> 3], GUEST_DATA, 7), EXIT_EMULATED);
        }
    }
}

/* What test guests have beside what the core does: vm/guests/exits/guest_exits.h. */
static bool is_served_otherwise(uint32_t reason)
{
    static const uint32_t reasons[] = {EXIT_REASON_EXCEPTION_OR_NMI,
                                       EXIT_REASON_EXTERNAL_INTERRUPT,
                                       EXIT_REASON_VMCALL,
                                       EXIT_REASON_PREEMPTION_TIMER,
                                       EXIT_REASON_HLT,
                                       EXIT_REASON_EPT_VIOLATION,
                                       EXIT_REASON_EPT_MISCONFIGURATION};

    for (uint32_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (reasons[i] == reason)
            return true;
    }
    return false;
}

/* vm/exit.c and exits.def both name handlers: what the core serves, it serves a test guest
 * likewise, but for those. */
static void the_cores_handlers_are_those_of_the_table(void **state)
{
    uint32_t served = 0;

    (void)state;
    for (uint32_t i = 0; i < guest_policy.exit_count; i++) {
        uint32_t reason = guest_policy.exits[i].reason;

        if (exit_handler_of(reason) == exit_unhandled)
            continue;
        assert_true((exit_handler_of(reason) == guest_policy.exits[i].handler) ==
                    !is_served_otherwise(reason));
        served++;
    }
    assert_true(served > 25);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, reset)
    const struct CMUnitTest tests[] = {
        TEST(each_number_has_its_handler),
        TEST(the_cores_handlers_are_those_of_the_table),
        TEST(numbers_are_those_of_the_appendix),
        TEST(a_full_page_modification_log_begins_anew),
        TEST(no_random_number_is_at_hand),
        TEST(an_entry_that_failed_ends_the_guest),
        TEST(reason_41_alone_is_not_served),
        TEST(broken_rules_end_a_guest_without_a_number),
        TEST(a_used_up_budget_names_the_basic_reason),
        TEST(only_a_store_needs_a_writable_segment),
        TEST(a_window_that_opened_is_waited_for_no_longer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
