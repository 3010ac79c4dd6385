/*
 * What is decided about guests: which run, with which controls and memory, whether one did what it
 * should, what events become. Expectations are the SDM's, or the contract's in vm/guest.h.
 */
#include "kernel/guest_choice.h"
#include "kernel/guests_json.h"
#include "kernel/machine.h"
#include "lib/x86.h"
#include "vm/event.h"
#include "vm/guest_controls.h"
#include "vm/guest_image.h"
#include "vm/guest_judge.h"
#include "vmx/exit_reason.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/host/rule_coverage.h"

static const uint8_t code[] = {0xf4, 0x90, 0x0f, 0xa2};

static const struct guest plain = {
    .name = "plain", .code = code, .code_end = code + sizeof(code), .mode = GUEST_LONG};

/* guest=: choice */

static const struct guest one = {.name = "one"}, two = {.name = "two"}, all_in = {.name = "al"};
static const struct guest *const table[] = {&one, &two, &all_in};
static struct guest_choice choice;

static void choose(const char *names)
{
    guest_choose(names, table, 3, 4, &choice);
}

static void without_the_word_the_first_guest_shows_what_there_is(void **state)
{
    (void)state;
    choose(NULL);
    assert_int_equal(choice.count, 1);
    assert_ptr_equal(choice.item[0].guest, &one);
}

static void names_are_taken_whole_and_in_their_order(void **state)
{
    (void)state;
    choose("two,one bench=exits");
    assert_int_equal(choice.count, 2);
    assert_ptr_equal(choice.item[0].guest, &two);
    assert_ptr_equal(choice.item[1].guest, &one);
    assert_string_equal(choice.unknown, "");
    choose("al");
    assert_int_equal(choice.count, 1);
    assert_ptr_equal(choice.item[0].guest, &all_in);
}

static void all_is_all_and_none_is_none(void **state)
{
    (void)state;
    choose("all");
    assert_int_equal(choice.count, 3);
    assert_ptr_equal(choice.item[2].guest, &all_in);
    choose("none");
    assert_int_equal(choice.count, 0);
    assert_string_equal(choice.unknown, "");
}

static void an_unknown_name_is_told_and_the_others_run(void **state)
{
    (void)state;
    choose("one,thre,two");
    assert_int_equal(choice.count, 2);
    assert_string_equal(choice.unknown, "thre");
}

static void a_guest_may_be_for_one_cpu(void **state)
{
    (void)state;
    choose("cpu3:two,one,cpu0:all");
    assert_int_equal(choice.count, 5);
    assert_ptr_equal(choice.item[0].guest, &two);
    for (uint32_t cpu = 0; cpu < 4; cpu++) {
        assert_int_equal(guest_chosen_for(&choice, 0, cpu), cpu == 3);
        assert_true(guest_chosen_for(&choice, 1, cpu));
        for (uint32_t i = 2; i < 5; i++)
            assert_int_equal(guest_chosen_for(&choice, i, cpu), cpu == 0);
    }
    assert_string_equal(choice.unknown, "");
    assert_string_equal(choice.no_cpu, "");
}

static void a_cpu_that_is_not_there_is_told_and_the_others_run(void **state)
{
    (void)state;
    choose("cpu4:one,cpu1:two,cpu99:all");
    assert_int_equal(choice.count, 1);
    assert_ptr_equal(choice.item[0].guest, &two);
    assert_string_equal(choice.no_cpu, "cpu4:one");
    assert_string_equal(choice.unknown, "");
}

static void what_is_no_cpu_is_an_unknown_name(void **state)
{
    static const char *const wrong[] = {"cpu",   "cpu:one",           "cpu1", "cpux:one", "cpu1one",
                                        "1:one", "cpu12345678901:one"};

    (void)state;
    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        choose(wrong[i]);
        assert_int_equal(choice.count, 0);
        assert_string_equal(choice.unknown, wrong[i]);
    }
    choose("cpu1:three");
    assert_string_equal(choice.unknown, "three");
}

static void more_than_there_is_room_for_is_counted(void **state)
{
    enum { ALL = 3, TIMES = GUEST_CHOICES_MAX / ALL + 1 };
    static char names[TIMES * 4 + 1];

    (void)state;
    for (unsigned i = 0; i < TIMES; i++)
        memcpy(names + i * 4, i + 1 < TIMES ? "all," : "all", 4);
    choose(names);
    assert_int_equal(choice.count, GUEST_CHOICES_MAX);
    assert_int_equal(choice.lost, TIMES * ALL - GUEST_CHOICES_MAX);
}

/* Controls */

static struct vmx_capability capability;
static struct vmcs_config config;
static uint32_t controls[VMX_CONTROL_WORD_COUNT];

/* A processor that offers everything and forces nothing. */
static void offer_everything(void)
{
    memset(&capability, 0, sizeof(capability));
    capability.pin_allowed1 = capability.primary_allowed1 = capability.secondary_allowed1 =
        UINT32_MAX;
    capability.exit_allowed1 = capability.entry_allowed1 = UINT32_MAX;
    capability.ept_page_walk_4 = true;
    capability.invept = capability.invept_all_contexts = true;
    capability.invvpid = capability.invvpid_all_contexts = true;
    config = (struct vmcs_config){
        .pin_based_exec_ctrl = PIN_NMI_EXITING,
        .cpu_based_exec_ctrl = PRIMARY_HLT_EXITING | PRIMARY_SECONDARY_CONTROLS,
        .cpu_based_2nd_exec_ctrl = SECONDARY_ENABLE_EPT | SECONDARY_UNRESTRICTED_GUEST,
        .vmexit_ctrl = EXIT_HOST_ADDRESS_SPACE_SIZE,
        .vmentry_ctrl = ENTRY_IA32E_MODE_GUEST,
    };
}

static const char *settle(const struct guest *guest)
{
    return guest_controls_settle(guest, &config, &capability, controls);
}

/*
 * What would reach beyond the guest: the host's priority, its sleep, its caches, its counters, its
 * enclaves.
 */
enum {
    HARM_PRIMARY = PRIMARY_CR8_LOAD_EXITING | PRIMARY_CR8_STORE_EXITING | PRIMARY_MWAIT_EXITING |
                   PRIMARY_MONITOR_EXITING | PRIMARY_RDPMC_EXITING,
    HARM_SECONDARY =
        SECONDARY_WBINVD_EXITING | SECONDARY_ENABLE_ENCLS_EXITING | SECONDARY_ENABLE_ENCLV_EXITING,
};

static void the_base_is_the_configuration_and_a_timer(void **state)
{
    (void)state;
    offer_everything();
    assert_null(settle(&plain));
    assert_int_equal(controls[VMX_CONTROL_PIN], PIN_NMI_EXITING | PIN_PREEMPTION_TIMER);
    assert_int_equal(controls[VMX_CONTROL_PRIMARY], config.cpu_based_exec_ctrl | HARM_PRIMARY);
    assert_int_equal(controls[VMX_CONTROL_SECONDARY],
                     config.cpu_based_2nd_exec_ctrl | HARM_SECONDARY);
    assert_int_equal(controls[VMX_CONTROL_EXIT],
                     EXIT_HOST_ADDRESS_SPACE_SIZE | EXIT_SAVE_PREEMPTION_TIMER);
    assert_int_equal(controls[VMX_CONTROL_ENTRY], ENTRY_IA32E_MODE_GUEST);
}

/* Without the exit control each exit would give the guest its whole time again. */
static void a_timer_that_is_not_saved_is_no_budget(void **state)
{
    (void)state;
    offer_everything();
    capability.exit_allowed1 &= ~(uint64_t)EXIT_SAVE_PREEMPTION_TIMER;
    assert_null(settle(&plain));
    assert_int_equal(controls[VMX_CONTROL_PIN], PIN_NMI_EXITING);
    assert_int_equal(controls[VMX_CONTROL_EXIT], EXIT_HOST_ADDRESS_SPACE_SIZE);
}

static void without_ept_cr3_is_the_hypervisors(void **state)
{
    (void)state;
    offer_everything();
    config.cpu_based_2nd_exec_ctrl = 0;
    assert_null(settle(&plain));
    assert_int_equal(controls[VMX_CONTROL_PRIMARY], config.cpu_based_exec_ctrl | HARM_PRIMARY |
                                                        PRIMARY_CR3_LOAD_EXITING |
                                                        PRIMARY_CR3_STORE_EXITING);
    assert_int_equal(controls[VMX_CONTROL_SECONDARY], HARM_SECONDARY);
}

/* SDM, "Checks on VM-Execution Control Fields": unrestricted guest needs EPT. */
static void an_ept_that_cannot_be_walked_is_none(void **state)
{
    (void)state;
    offer_everything();
    capability.ept_page_walk_4 = false;
    assert_null(settle(&plain));
    assert_int_equal(controls[VMX_CONTROL_SECONDARY], HARM_SECONDARY);
}

/*
 * SDM, "Guidelines for Use of the INVEPT Instruction" and "… INVVPID Instruction": tables and VPIDs
 * that are used anew need one, and of these the all-context form is enough everywhere.
 */
static void what_cannot_be_forgotten_is_not_used(void **state)
{
    const uint32_t both = SECONDARY_ENABLE_EPT | SECONDARY_ENABLE_VPID;

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        offer_everything();
        config.cpu_based_2nd_exec_ctrl = both;
        capability.invept = i != 0;
        capability.invept_all_contexts = i != 1;
        capability.invvpid = i != 2;
        capability.invvpid_all_contexts = i != 3;
        assert_null(settle(&plain));
        assert_int_equal(controls[VMX_CONTROL_SECONDARY] & both,
                         i < 2 ? SECONDARY_ENABLE_VPID : SECONDARY_ENABLE_EPT);
    }
}

static void each_mode_says_what_it_lacks(void **state)
{
    static const struct {
        enum guest_mode mode;
        const char *without_ept, *without_unrestricted;
    } cases[] = {
        {GUEST_REAL, "enable EPT", "unrestricted guest"},
        {GUEST_PROTECTED, "enable EPT", "unrestricted guest"},
        {GUEST_PAGED, "enable EPT", NULL},
        {GUEST_PAE, "enable EPT", NULL},
        {GUEST_LONG, NULL, NULL},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct guest guest = {.mode = cases[i].mode};
        const char *missing;

        offer_everything();
        assert_null(settle(&guest));
        assert_int_equal((controls[VMX_CONTROL_ENTRY] & ENTRY_IA32E_MODE_GUEST) != 0,
                         cases[i].mode == GUEST_LONG);
        config.cpu_based_2nd_exec_ctrl = SECONDARY_ENABLE_EPT;
        missing = settle(&guest);
        assert_int_equal(missing != NULL, cases[i].without_unrestricted != NULL);
        if (missing != NULL)
            assert_string_equal(missing, cases[i].without_unrestricted);
        config.cpu_based_2nd_exec_ctrl = 0;
        missing = settle(&guest);
        assert_int_equal(missing != NULL, cases[i].without_ept != NULL);
        if (missing != NULL)
            assert_string_equal(missing, cases[i].without_ept);
    }
}

static void a_guests_own_wishes_are_met_or_named(void **state)
{
    struct guest guest = plain;

    (void)state;
    guest.on[VMX_CONTROL_PRIMARY] = PRIMARY_MONITOR_TRAP_FLAG;
    guest.off[VMX_CONTROL_PRIMARY] = PRIMARY_HLT_EXITING;
    offer_everything();
    assert_null(settle(&guest));
    assert_int_equal(controls[VMX_CONTROL_PRIMARY],
                     PRIMARY_SECONDARY_CONTROLS | PRIMARY_MONITOR_TRAP_FLAG | HARM_PRIMARY);
    capability.primary_allowed1 &= ~(uint64_t)PRIMARY_MONITOR_TRAP_FLAG;
    assert_string_equal(settle(&guest), "monitor trap flag");
    offer_everything();
    capability.primary_allowed0 = PRIMARY_HLT_EXITING;
    assert_string_equal(settle(&guest), "HLT exiting");
    guest = plain;
    guest.needs_ept = true;
    config.cpu_based_2nd_exec_ctrl = 0;
    assert_string_equal(settle(&guest), "enable EPT");
}

static void what_cannot_exit_does_not(void **state)
{
    (void)state;
    offer_everything();
    capability.primary_allowed1 &= ~(uint64_t)HARM_PRIMARY;
    capability.secondary_allowed1 &= ~(uint64_t)HARM_SECONDARY;
    assert_null(settle(&plain));
    assert_int_equal(controls[VMX_CONTROL_PRIMARY], config.cpu_based_exec_ctrl);
    assert_int_equal(controls[VMX_CONTROL_SECONDARY], config.cpu_based_2nd_exec_ctrl);
    offer_everything();
    config.cpu_based_exec_ctrl &= ~(uint32_t)PRIMARY_SECONDARY_CONTROLS;
    config.cpu_based_2nd_exec_ctrl = 0;
    assert_null(settle(&plain));
    assert_int_equal(controls[VMX_CONTROL_SECONDARY], 0);
}

/* Memory */

static uint8_t memory[GUEST_MEMORY_BYTES];

static uint64_t word(uint64_t address)
{
    uint64_t value;

    memcpy(&value, memory + address, sizeof(value));
    return value;
}

static void write_image(const struct guest *guest)
{
    memset(memory, 0, sizeof(memory));
    assert_true(guest_image_write(guest, memory));
}

/* SDM, "4-Level Paging": follows the entries as the processor would. */
static uint64_t translate_long(uint64_t linear)
{
    uint64_t pml4e = word(GUEST_PAGE_TABLES + (linear >> 39 & 511) * 8), pdpte, pde;

    assert_int_equal(pml4e & 7, 7);
    pdpte = word((pml4e & ~0xfffull) + (linear >> 30 & 511) * 8);
    assert_int_equal(pdpte & 0x87, 7);
    pde = word((pdpte & ~0xfffull) + (linear >> 21 & 511) * 8);
    assert_int_equal(pde & 0x87, 0x87);
    return (pde & ~0x1fffffull) + (linear & 0x1fffff);
}

static void a_long_mode_guest_has_the_first_gib_as_it_is(void **state)
{
    static const uint64_t addresses[] = {0, GUEST_CODE, 0x1fffff, 0x200000, 0x3fffffff};

    (void)state;
    write_image(&plain);
    for (unsigned i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
        assert_int_equal(translate_long(addresses[i]), addresses[i]);
    assert_int_equal(word(GUEST_PAGE_TABLES + 8), 0);
    assert_int_equal(word(GUEST_PAGE_TABLES + 0x1000 + 8), 0);
    assert_memory_equal(memory + GUEST_CODE, code, sizeof(code));
}

/* SDM, "PAE Paging": PDPTEs have reserved bits 2:1 and 8:5. */
static void a_pae_guest_has_pdptes_without_reserved_bits(void **state)
{
    struct guest guest = plain;
    uint64_t pdpte;

    (void)state;
    guest.mode = GUEST_PAE;
    write_image(&guest);
    pdpte = word(GUEST_PAGE_TABLES);
    assert_int_equal(pdpte & 0x1e7, 1);
    assert_int_equal(word((pdpte & ~0xfffull) + 511 * 8), 511ull << 21 | 0x87);
    assert_int_equal(word(GUEST_PAGE_TABLES + 8), 0);
}

static void a_32_bit_guest_has_4_mib_pages(void **state)
{
    struct guest guest = plain;

    (void)state;
    guest.mode = GUEST_PAGED;
    write_image(&guest);
    for (uint32_t i = 0; i < 256; i++)
        assert_int_equal((uint32_t)word(GUEST_PAGE_TABLES + i * 4), i << 22 | 0x87);
    assert_int_equal((uint32_t)word(GUEST_PAGE_TABLES + 256 * 4), 0);
}

/* SDM, "IDT Descriptors" and "64-Bit Mode IDT"; in real mode an entry is offset and segment. */
static void handlers_stand_where_the_mode_looks_for_them(void **state)
{
    const struct guest_handler handler = {.vector = 13, .entry = code + 2};
    struct guest guest = plain;
    const uint64_t gate = 0x0000ee0000088002; /* present, DPL 3, interrupt gate, 8:0x8002 */

    (void)state;
    guest.handlers = &handler;
    guest.handler_count = 1;
    write_image(&guest);
    assert_int_equal(word(GUEST_IDT + 13 * 16), gate);
    assert_int_equal(word(GUEST_IDT + 13 * 16 + 8), 0);
    guest.mode = GUEST_PROTECTED;
    write_image(&guest);
    assert_int_equal(word(GUEST_IDT + 13 * 8), gate);
    guest.mode = GUEST_REAL;
    write_image(&guest);
    assert_int_equal((uint32_t)word(13 * 4), 0x08000002);
}

/* SDM, "Segment Descriptors": the L bit is bit 53, D is bit 54. */
static void the_code_segment_is_the_modes(void **state)
{
    struct guest guest = plain;

    (void)state;
    write_image(&guest);
    assert_int_equal(word(GUEST_GDT + GUEST_CODE_SELECTOR) >> 53 & 3, 1);
    guest.mode = GUEST_PROTECTED;
    write_image(&guest);
    assert_int_equal(word(GUEST_GDT + GUEST_CODE_SELECTOR) >> 53 & 3, 2);
    assert_int_equal(word(GUEST_GDT + GUEST_CODE16_SELECTOR) >> 53 & 3, 0);
}

static void code_that_is_too_long_is_refused(void **state)
{
    static const uint8_t much[GUEST_CODE_BYTES + 1];
    struct guest guest = plain;

    (void)state;
    guest.code = much;
    guest.code_end = much + GUEST_CODE_BYTES;
    assert_true(guest_image_write(&guest, memory));
    guest.code_end++;
    assert_false(guest_image_write(&guest, memory));
}

/* Events: SDM, table "Conditions for Generating a Double Fault". */

static uint32_t exception(uint32_t vector)
{
    return EVENT_INFORMATION_VALID | EVENT_HARDWARE_EXCEPTION << 8 | vector;
}

static void exceptions_combine_as_the_table_says(void **state)
{
    static const struct {
        uint32_t first, second;
        enum event_outcome outcome;
    } cases[] = {
        {X86_VECTOR_DB, X86_VECTOR_GP, EVENT_STAYS},
        {X86_VECTOR_GP, X86_VECTOR_DB, EVENT_STAYS},
        {X86_VECTOR_GP, X86_VECTOR_NP, EVENT_BECOMES_DOUBLE_FAULT},
        {X86_VECTOR_DE, X86_VECTOR_SS, EVENT_BECOMES_DOUBLE_FAULT},
        {X86_VECTOR_GP, X86_VECTOR_PF, EVENT_STAYS},
        {X86_VECTOR_PF, X86_VECTOR_GP, EVENT_BECOMES_DOUBLE_FAULT},
        {X86_VECTOR_PF, X86_VECTOR_PF, EVENT_BECOMES_DOUBLE_FAULT},
        {X86_VECTOR_PF, X86_VECTOR_UD, EVENT_STAYS},
        {X86_VECTOR_DF, X86_VECTOR_GP, EVENT_BECOMES_TRIPLE_FAULT},
        {X86_VECTOR_DF, X86_VECTOR_PF, EVENT_BECOMES_TRIPLE_FAULT},
        {X86_VECTOR_DF, X86_VECTOR_DB, EVENT_STAYS},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(event_combine(exception(cases[i].first), exception(cases[i].second)),
                         cases[i].outcome);
    assert_int_equal(event_combine(0, exception(X86_VECTOR_GP)), EVENT_STAYS);
    assert_int_equal(event_combine(EVENT_INFORMATION_VALID | 0x20, exception(X86_VECTOR_GP)),
                     EVENT_STAYS); /* the delivery of an external interrupt is benign */
}

/* Judging a run */

static struct vcpu vcpu;
static struct guest_run run;

static void add_exit(uint32_t reason, uint64_t qualification, uint64_t rip, enum exit_done done)
{
    vcpu.record[vcpu.record_count++] = (struct exit_record){
        .reason = reason, .qualification = qualification, .rip = rip, .done = done};
}

static void begin(const struct guest *guest, enum guest_end end)
{
    memset(&vcpu, 0, sizeof(vcpu));
    vcpu.guest = guest;
    vcpu.end = end;
}

static enum guest_result judge(void)
{
    memset(&run, 0xee, sizeof(run));
    run.guest = vcpu.guest;
    guest_judge(&vcpu, &run);
    return run.result;
}

static void end_by_call(void)
{
    add_exit(EXIT_REASON_VMCALL, 0, GUEST_CODE + 9, EXIT_ENDED);
}

/* vm/guest.h, sees_machine: whose memory it was is told; and then what the guest has to say. */
static void say_more(const struct vcpu *of, struct sink *sink)
{
    assert_ptr_equal(of, &vcpu);
    print_to(sink, "; more");
}

static void a_guest_that_reaches_for_the_hypervisor_is_told_so(void **state)
{
    static struct guest guest;

    (void)state;
    guest = plain;
    guest.end = GUEST_END_MEMORY;
    guest.tell = say_more;
    begin(&guest, GUEST_END_MEMORY);
    vcpu.end_value = 0x200000;
    assert_int_equal(judge(), GUEST_OK);
    assert_string_equal(run.detail, "reached for memory that it does not have, at guest-physical "
                                    "address 0x200000; more");
    vcpu.end_owner = "its image";
    assert_int_equal(judge(), GUEST_OK);
    assert_string_equal(run.detail, "reached for the hypervisor's own memory, its image, at "
                                    "guest-physical address 0x200000; more");
    guest.end = GUEST_END_CALL; /* then it died, and has nothing more to say */
    assert_int_equal(judge(), GUEST_DIED);
    assert_string_equal(run.detail, "reached for the hypervisor's own memory, its image, at "
                                    "guest-physical address 0x200000");
}

static const struct exit_expected twice_cpuid_then_io[] = {
    {.reason = EXIT_REASON_CPUID, .at = code + 2, .times = 2, .done = EXIT_EMULATED},
    {.reason = EXIT_REASON_IO_INSTRUCTION,
     .qualification_mask = 0xffff0000,
     .qualification = 0x80 << 16},
};

static struct guest expecting(void)
{
    struct guest guest = plain;

    guest.expected = twice_cpuid_then_io;
    guest.expected_count = 2;
    return guest;
}

static void exits_in_their_order_are_well(void **state)
{
    static struct guest guest;

    (void)state;
    guest = expecting();
    begin(&guest, GUEST_END_CALL);
    add_exit(EXIT_REASON_CPUID, 0, GUEST_CODE + 2, EXIT_EMULATED);
    add_exit(EXIT_REASON_CPUID, 0, GUEST_CODE + 2, EXIT_EMULATED);
    add_exit(EXIT_REASON_IO_INSTRUCTION, 0x80 << 16 | 3, GUEST_CODE + 4, EXIT_IGNORED);
    end_by_call();
    assert_int_equal(judge(), GUEST_OK);
    assert_string_equal(run.detail, "");
}

/* Each of these differs from the run above in one thing. */
static void any_other_exit_differs(void **state)
{
    static struct guest guest;

    (void)state;
    guest = expecting();
    for (unsigned change = 0; change < 6; change++) {
        begin(&guest, GUEST_END_CALL);
        add_exit(change == 0 ? EXIT_REASON_HLT : EXIT_REASON_CPUID, 0, GUEST_CODE + 2,
                 EXIT_EMULATED);
        if (change != 1)
            add_exit(EXIT_REASON_CPUID, 0, change == 2 ? GUEST_CODE : GUEST_CODE + 2,
                     change == 3 ? EXIT_INJECTED : EXIT_EMULATED);
        add_exit(EXIT_REASON_IO_INSTRUCTION, (change == 4 ? 0x81 : 0x80) << 16, GUEST_CODE + 4,
                 EXIT_IGNORED);
        if (change == 5)
            add_exit(EXIT_REASON_HLT, 0, GUEST_CODE + 6, EXIT_IGNORED);
        end_by_call();
        assert_int_equal(judge(), GUEST_DIFFERS);
        assert_int_not_equal(run.detail[0], '\0');
    }
}

static void an_exit_that_is_missing_at_the_end_differs(void **state)
{
    static struct guest guest;

    (void)state;
    guest = expecting();
    begin(&guest, GUEST_END_CALL);
    add_exit(EXIT_REASON_CPUID, 0, GUEST_CODE + 2, EXIT_EMULATED);
    add_exit(EXIT_REASON_CPUID, 0, GUEST_CODE + 2, EXIT_EMULATED);
    end_by_call();
    assert_int_equal(judge(), GUEST_DIFFERS);
}

static void an_end_that_is_not_its_own_is_death_and_says_of_what(void **state)
{
    static char details[GUEST_END_COUNT][GUEST_DETAIL_SIZE];

    (void)state;
    for (unsigned end = 0; end < GUEST_END_COUNT; end++) {
        begin(&plain, (enum guest_end)end);
        vcpu.end_value = 0xdead000;
        assert_int_equal(judge(), end == GUEST_END_CALL ? GUEST_OK : GUEST_DIED);
        assert_int_equal(strlen(run.detail) > 0, end != GUEST_END_CALL);
        for (unsigned other = 0; other < end; other++)
            assert_string_not_equal(run.detail, details[other]);
        memcpy(details[end], run.detail, sizeof(run.detail));
        if (end == GUEST_END_MEMORY || end == GUEST_END_TRIPLE_FAULT)
            assert_non_null(strstr(run.detail, "0xdead000"));
    }
}

static void a_misconfigured_ept_entry_is_told_with_its_rule(void **state)
{
    (void)state;
    begin(&plain, GUEST_END_MISCONFIGURED);
    vcpu.end_value = 0xdead000;
    vcpu.misconfiguration = EPT_WRITE_WITHOUT_READ;
    assert_int_equal(judge(), GUEST_DIED);
    assert_non_null(strstr(run.detail, "0xdead000: it allows writes but not reads"));
}

static void a_death_that_is_expected_is_well(void **state)
{
    static struct guest guest;

    (void)state;
    guest = plain;
    guest.end = GUEST_END_TRIPLE_FAULT;
    begin(&guest, GUEST_END_TRIPLE_FAULT);
    assert_int_equal(judge(), GUEST_OK);
    begin(&guest, GUEST_END_CALL);
    assert_int_equal(judge(), GUEST_DIED);
    guest.any_end = true;
    assert_int_equal(judge(), GUEST_OK);
}

static const char *complain(const struct vcpu *seen)
{
    return seen->reg[VCPU_RAX] == 1 ? NULL : "RAX is not 1";
}

static void the_guests_own_check_has_the_last_word(void **state)
{
    static struct guest guest;

    (void)state;
    guest = plain;
    guest.check = complain;
    begin(&guest, GUEST_END_CALL);
    assert_int_equal(judge(), GUEST_DIFFERS);
    assert_string_equal(run.detail, "RAX is not 1");
    vcpu.reg[VCPU_RAX] = 1;
    assert_int_equal(judge(), GUEST_OK);
}

/* The verdict */

static struct machine *machine;
static struct cpu *cpu_list[2];
static struct guest_run runs[2][1];

static int set_up(void **state)
{
    (void)state;
    machine = calloc(1, sizeof(*machine));
    for (uint32_t i = 0; i < 2; i++) {
        cpu_list[i] = calloc(1, sizeof(*cpu_list[i]));
        cpu_list[i]->phase = CPU_READY;
        cpu_list[i]->guest_runs = runs[i];
        cpu_list[i]->vmx.state = VMX_CPU_LOADED;
        runs[i][0] = (struct guest_run){.guest = &plain, .result = GUEST_OK};
    }
    machine->cpus = cpu_list;
    machine->cpu_count = 2;
    machine->guests.count = 1;
    machine->guests.item[0] = (struct guest_chosen){.guest = &plain, .every_cpu = true};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(cpu_list[0]);
    free(cpu_list[1]);
    free(machine);
    return 0;
}

static void each_result_has_its_finding(void **state)
{
    static const struct {
        enum guest_result result;
        enum rule rule;
    } cases[] = {{GUEST_DIFFERS, RULE_GUEST_DIFFERS},
                 {GUEST_DIED, RULE_GUEST_DIED},
                 {GUEST_NO_MEMORY, RULE_GUEST_MEMORY}};

    (void)state;
    machine_judge_guests(machine);
    runs[0][0].result = GUEST_SKIPPED;
    machine_judge_guests(machine);
    assert_int_equal(machine->findings.count, 0);
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        runs[1][0].result = cases[i].result;
        machine->findings.count = 0;
        machine_judge_guests(machine);
        assert_int_equal(machine->findings.count, 1);
        assert_int_equal(machine->findings.item[0].rule, cases[i].rule);
        assert_int_equal(machine->findings.item[0].cpu, 1);
        assert_string_equal(machine->findings.item[0].detail, "plain");
        assert_true(machine_refused(machine));
    }
    strcpy(runs[1][0].detail, "triple fault, at RIP 0x8000");
    machine->findings.count = 0;
    machine_judge_guests(machine);
    assert_string_equal(machine->findings.item[0].detail, "plain: triple fault, at RIP 0x8000");
    machine->guests.item[0] = (struct guest_chosen){.guest = &plain, .cpu = 0}; /* not on CPU 1 */
    machine->findings.count = 0;
    machine_judge_guests(machine);
    assert_int_equal(machine->findings.count, 0);
    machine->guests.item[0].cpu = 1;
    machine_judge_guests(machine);
    assert_int_equal(machine->findings.count, 1);
    cpu_list[1]->phase = CPU_SILENT; /* has no results */
    machine->findings.count = 0;
    machine_judge_guests(machine);
    assert_int_equal(machine->findings.count, 0);
}

static void an_unknown_guest_is_a_warning(void **state)
{
    (void)state;
    machine_judge_choice(machine);
    assert_int_equal(machine->findings.count, 0);
    strcpy(machine->guests.unknown, "nobody");
    machine_judge_choice(machine);
    assert_int_equal(machine->findings.item[0].rule, RULE_GUEST_UNKNOWN);
    assert_false(machine_refused(machine));
}

static void guests_that_do_not_run_are_warnings(void **state)
{
    (void)state;
    strcpy(machine->guests.no_cpu, "cpu7:plain");
    machine->guests.lost = 1;
    machine_judge_choice(machine);
    assert_int_equal(machine->findings.count, 2);
    assert_int_equal(machine->findings.item[0].rule, RULE_GUEST_NO_CPU);
    assert_string_equal(machine->findings.item[0].detail, "cpu7:plain");
    assert_int_equal(machine->findings.item[1].rule, RULE_GUEST_LEFT_OUT);
    assert_false(machine_refused(machine));
}

/* Keeps it, if it is wanted; gives whether it was. */
static bool keep(uint32_t cpu, bool entry_failed)
{
    bool wanted = machine_wants_vmcs(machine, cpu, entry_failed);

    if (wanted) {
        machine->vmcs.guest = "plain";
        machine->vmcs.cpu = cpu;
        machine->vmcs.entry_failed = entry_failed;
    }
    return wanted;
}

static void unasked_the_first_vmcs_that_was_not_entered_is_kept(void **state)
{
    (void)state;
    assert_false(keep(0, false));
    assert_true(keep(1, true));
    assert_false(keep(0, true));
    assert_false(keep(1, true));
    assert_false(keep(0, false));
}

static void asked_the_last_of_the_first_cpu_is_kept_but_for_a_failed_entry(void **state)
{
    (void)state;
    machine->options.dump_vmcs = true;
    assert_true(keep(1, false));
    assert_true(keep(1, false));
    assert_true(keep(0, false));
    assert_false(keep(1, false));
    assert_true(keep(0, false));
    assert_true(keep(1, true));
    assert_false(keep(0, false));
    assert_int_equal(machine->vmcs.cpu, 1);
}

static void without_room_for_results_it_is_refused(void **state)
{
    (void)state;
    machine_judge_guest_room(machine);
    assert_int_equal(machine->findings.item[0].rule, RULE_GUEST_MEMORY);
    assert_true(machine_refused(machine));
}

static void guests_need_every_cpu_loaded(void **state)
{
    (void)state;
    assert_true(machine_all_loaded(machine));
    cpu_list[1]->vmx.state = VMX_CPU_ROOT;
    assert_false(machine_all_loaded(machine));
    cpu_list[1]->phase = CPU_SILENT; /* takes no part */
    assert_true(machine_all_loaded(machine));
}

static void the_json_tells_each_run_and_what_was_measured(void **state)
{
    static const struct bench_row rows[BENCH_ROWS] = {
        {"cpuid", true, 1, 2, 3},
        {"vmcall", false, 0, 0, 0},
    };
    char text[4096];
    struct text_buffer buffer;
    struct json json;

    (void)state;
    text_buffer_init(&buffer, text, sizeof(text));
    json_init(&json, &buffer.sink);
    runs[0][0].exits[EXIT_REASON_CPUID] = 2;
    runs[1][0].result = GUEST_DIED;
    strcpy(runs[1][0].detail, "of age");
    runs[1][0].entry = (struct entry_failure){
        .judged = true,
        .class = VMENTRY_GUEST,
        .broken = 6,
        .unread = 1,
        .item = {{.rule = VMENTRY_GUEST_RFLAGS_BIT_1, .field = VMCS_GUEST_RFLAGS, .wanted = 2},
                 {.rule = VMENTRY_GUEST_RFLAGS_VM, .field = VMCS_GUEST_RFLAGS},
                 {.rule = VMENTRY_GUEST_RFLAGS_IF, .field = VMCS_GUEST_RFLAGS},
                 {.rule = VMENTRY_MSR_SMM, .field = VMCS_VM_ENTRY_MSR_LOAD_ADDRESS, .entry = 7}}};
    memcpy(machine->bench.row, rows, sizeof(rows));
    for (unsigned i = 2; i < BENCH_ROWS; i++)
        machine->bench.row[i] = (struct bench_row){.name = "x"};
    machine->guests_done = machine->bench_done = true;
    json_object_begin(&json, NULL);
    guests_json(&json, machine);
    json_object_end(&json);
    for (char *from = text, *to = text;; from++) { /* the layout is the writer's business */
        if (*from != '\n' && *from != ' ')
            *to++ = *from;
        if (*from == '\0')
            break;
    }
    assert_non_null(strstr(text, "{\"guests\":[{\"name\":\"plain\",\"cpu\":0,\"result\":\"ok\","
                                 "\"exits\":{\"CPUID\":2},\"detail\":\"\",\"entry\":null},"
                                 "{\"name\":\"plain\",\"cpu\":1,\"result\":\"died\","
                                 "\"exits\":{},\"detail\":\"ofage\",\"entry\":"
                                 "{\"class\":\"exitreason33\",\"broken\":6,\"unread\":1,\"rules\":["
                                 "{\"rule\":\"guest-rflags-bit-1\","
                                 "\"text\":\"bit1ofguestRFLAGSis1\","
                                 "\"sdm\":\"ChecksonGuestRIP,RFLAGS,andSSP\","
                                 "\"field\":\"GuestRFLAGS\",\"seen\":\"0x0\",\"wanted\":\"0x2\","
                                 "\"entry\":0},"));
    /* Of six that are broken four are kept. */
    assert_non_null(strstr(text,
                           "\"entry\":7}]}}],"
                           "\"bench\":{\"exits\":{\"cpuid\":{\"min\":1,\"median\":2,\"max\":3},"
                           "\"vmcall\":null,"));
}

static void an_exit_is_told_with_its_operands(void **state)
{
    static const struct {
        struct exit_record exit;
        const char *parts[3];
    } cases[] = {
        {{.reason = EXIT_REASON_CPUID,
          .rax = 0x40000000,
          .rcx = 3,
          .rip = 0x8002,
          .done = EXIT_EMULATED},
         {"leaf 0x40000000, subleaf 0x3", "RIP 0x8002", "done for the guest"}},
        {{.reason = EXIT_REASON_WRMSR,
          .rcx = 0x277,
          .rax = 0xffffffff00000006,
          .rdx = 7,
          .done = EXIT_INJECTED},
         {"MSR 0x277", "value 0x700000006", "injected"}},
        {{.reason = EXIT_REASON_EPT_VIOLATION,
          .qualification = 1,
          .guest_physical = 0x200000,
          .done = EXIT_MAPPED},
         {"EPT violation", "0x200000", "page mapped"}},
        {{.reason = EXIT_REASON_EPT_VIOLATION,
          .qualification = 1,
          .guest_physical = 0x200000,
          .owner = "its image",
          .done = EXIT_REFUSED},
         {"0x200000", "the hypervisor's own: its image", "refused"}},
    };
    char text[512];
    struct text_buffer buffer;

    (void)state;
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        text_buffer_init(&buffer, text, sizeof(text));
        exit_record_print(&buffer.sink, &cases[i].exit);
        for (unsigned part = 0; part < 3; part++)
            assert_non_null(strstr(text, cases[i].parts[part]));
    }
}

#define WITH_MACHINE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_the_word_the_first_guest_shows_what_there_is),
        cmocka_unit_test(names_are_taken_whole_and_in_their_order),
        cmocka_unit_test(all_is_all_and_none_is_none),
        cmocka_unit_test(an_unknown_name_is_told_and_the_others_run),
        cmocka_unit_test(a_guest_may_be_for_one_cpu),
        cmocka_unit_test(a_cpu_that_is_not_there_is_told_and_the_others_run),
        cmocka_unit_test(what_is_no_cpu_is_an_unknown_name),
        cmocka_unit_test(more_than_there_is_room_for_is_counted),
        cmocka_unit_test(the_base_is_the_configuration_and_a_timer),
        cmocka_unit_test(a_timer_that_is_not_saved_is_no_budget),
        cmocka_unit_test(without_ept_cr3_is_the_hypervisors),
        cmocka_unit_test(what_cannot_exit_does_not),
        cmocka_unit_test(an_ept_that_cannot_be_walked_is_none),
        cmocka_unit_test(what_cannot_be_forgotten_is_not_used),
        cmocka_unit_test(each_mode_says_what_it_lacks),
        cmocka_unit_test(a_guests_own_wishes_are_met_or_named),
        cmocka_unit_test(a_long_mode_guest_has_the_first_gib_as_it_is),
        cmocka_unit_test(a_pae_guest_has_pdptes_without_reserved_bits),
        cmocka_unit_test(a_32_bit_guest_has_4_mib_pages),
        cmocka_unit_test(handlers_stand_where_the_mode_looks_for_them),
        cmocka_unit_test(the_code_segment_is_the_modes),
        cmocka_unit_test(code_that_is_too_long_is_refused),
        cmocka_unit_test(exceptions_combine_as_the_table_says),
        cmocka_unit_test(a_guest_that_reaches_for_the_hypervisor_is_told_so),
        cmocka_unit_test(exits_in_their_order_are_well),
        cmocka_unit_test(any_other_exit_differs),
        cmocka_unit_test(an_exit_that_is_missing_at_the_end_differs),
        cmocka_unit_test(an_end_that_is_not_its_own_is_death_and_says_of_what),
        cmocka_unit_test(a_misconfigured_ept_entry_is_told_with_its_rule),
        cmocka_unit_test(a_death_that_is_expected_is_well),
        cmocka_unit_test(the_guests_own_check_has_the_last_word),
        WITH_MACHINE(each_result_has_its_finding),
        WITH_MACHINE(an_unknown_guest_is_a_warning),
        WITH_MACHINE(guests_that_do_not_run_are_warnings),
        WITH_MACHINE(unasked_the_first_vmcs_that_was_not_entered_is_kept),
        WITH_MACHINE(asked_the_last_of_the_first_cpu_is_kept_but_for_a_failed_entry),
        WITH_MACHINE(without_room_for_results_it_is_refused),
        WITH_MACHINE(guests_need_every_cpu_loaded),
        WITH_MACHINE(the_json_tells_each_run_and_what_was_measured),
        cmocka_unit_test(an_exit_is_told_with_its_operands),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
