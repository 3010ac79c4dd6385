/*
 * The contract for built-in guests: a name, code, the state it starts in, what it needs, and what
 * should happen.
 *
 * A guest is one const struct guest. Its code is assembly in vm/guests, section .rodata.guests,
 * copied to guest-physical GUEST_CODE before it starts; it is at most GUEST_CODE_BYTES long and
 * assembled as if it stood there: addresses within it are GUEST_CODE + (label - its start), or
 * relative to RIP. It has no registers but RSP: the others are 0.
 */
#pragma once

/* Guest-physical memory, shared with the assembly. */
#define GUEST_GDT          0x01000 /* selectors below; the TSS stands in the same page */
#define GUEST_TSS          0x01800
#define GUEST_IDT          0x02000 /* handlers of guest_code; in real mode the IVT, at 0 */
#define GUEST_PAGE_TABLES  0x03000 /* PML4 or PDPTEs, PDPT, PD: the first GiB as it is */
#define GUEST_DATA         0x07000 /* a page that is the guest's, zeroed */
#define GUEST_CODE         0x08000
#define GUEST_CODE_BYTES   0x08000
#define GUEST_SUPPORT      0x10000 /* code that guests share */
#define GUEST_STACK_TOP    0x20000
#define GUEST_ARRAY        0x20000 /* room for what a guest counts, zeroed */
#define GUEST_MEMORY_BYTES 0x40000
#define GUEST_TOUCH_BASE   0x200000 /* pages are given at their first touch from here to … */
#define GUEST_TOUCH_END    0x800000
#define GUEST_MACHINE_END  0x100000000 /* where what `sees_machine` shows ends */

/* In the guest's GDT: what it starts with, by mode. */
#define GUEST_CODE_SELECTOR   0x08 /* 32-bit, or 64-bit in long mode */
#define GUEST_DATA_SELECTOR   0x10
#define GUEST_TSS_SELECTOR    0x18 /* 16 bytes in long mode */
#define GUEST_CODE32_SELECTOR 0x28 /* compatibility mode */
#define GUEST_CODE16_SELECTOR 0x30
#define GUEST_DATA16_SELECTOR 0x38

/* Physical: the BIOS, the end of the first MiB. */
#define VM_BIOS       0xf0000
#define VM_BIOS_BYTES 0x10000

#include "vm/vm.h"

/* More numbers of calls than VM_CALL_END. */
#define VM_CALL_FIRST VM_CALL_TIMER /* none that does something is less */
#define VM_CALL_TIMER 0x454d4954    /* "TIME": RCX = ticks of the timer, each time; 0: off */

#ifndef __ASSEMBLER__

#include "lib/format.h"
#include "lib/set.h"
#include "vm/guests/time_budget.h"
#include "vm/memory/ept_walk.h"
#include "vm/vcpu.h"
#include "vmx/entry/vmentry_check.h"

/*
 * GUEST_REAL: CS base GUEST_CODE, IP 0; other segments base 0, limit 0xffff; SP 0xfff0, SS base
 * 0x10000. The others are flat, with identity paging if any. Without EPT, GUEST_LONG runs on page
 * tables that the hypervisor owns, which map the guest's memory only.
 */
enum guest_mode {
    GUEST_REAL,      /* needs unrestricted guest */
    GUEST_PROTECTED, /* 32-bit, no paging; needs unrestricted guest */
    GUEST_PAGED,     /* 32-bit, two-level paging, 4 MiB pages; needs EPT */
    GUEST_PAE,       /* 32-bit; needs EPT */
    GUEST_LONG,      /* 64-bit, four-level paging */
    GUEST_MODE_COUNT,
};

/* What the processor says about one VM exit, as far as it is defined, and what was done about it.
 * SDM Vol. 3, "VM-Exit Information Fields". */
struct exit_record {
    union {
        uint32_t reason; /* as the field has it: basic reason in 15:0, entry failure in 31 */
        uint16_t basic;
    };
    enum exit_done done;
    uint64_t qualification;
    uint64_t rip;
    uint64_t guest_linear, guest_physical;
    const char *owner; /* what of the hypervisor is there; NULL: nothing that is known */
    uint32_t instruction_length;
    uint32_t instruction_information;
    uint32_t interruption, interruption_error; /* VM-exit interruption information */
    uint32_t vectoring, vectoring_error;       /* IDT-vectoring information */
    uint64_t rax, rcx, rdx;                    /* the guest's, at the exit */
};

/* In words: "CPUID" … "an undefined reason"; "done for the guest", "page mapped" …; and all of it:
 * reason, qualification, operands, where the guest was, what was done. */
const char *exit_name(uint32_t basic_reason);
const char *exit_done_text(enum exit_done done);
void exit_record_print(struct sink *sink, const struct exit_record *exit);

/* Code of a guest; and entries of the guest's IDT (IVT in real mode), written before it starts. */
struct __attribute__((packed)) guest_code {
    const uint8_t *start;
    uint16_t bytes;
    uint8_t handler_count;
    struct __attribute__((packed)) guest_handler {
        uint8_t vector;
        uint16_t offset; /* within the code */
    } handlers[];
};

/* What guests have in common. Each may be NULL. */
struct guest_kind {
    const struct guest_code *support[2]; /* at GUEST_SUPPORT: of 64-bit guests, of others */

    /* After the guest's end: what is not as PROBES(), MEMORY() or EVENTS() have it, as a sentence;
     * NULL: all is well. And then: what else is worth reporting. */
    const char *(*compare)(const struct vcpu *vcpu);
    void (*print)(const struct vcpu *vcpu, struct sink *sink);
};

/* One exit that is expected, in its turn. */
struct __attribute__((packed)) exit_expected {
    uint8_t reason;             /* basic exit reason */
    const uint8_t *at;          /* the instruction, within the guest's code; NULL: anywhere */
    enum exit_done done;        /* what should be done about it; EXIT_ENDED (0): anything */
    uint8_t times;              /* in a row; 0 counts as 1 */
    int32_t qualification_mask; /* which bits of the exit qualification count; -1: all; 0: none */
    int64_t qualification : 40;
    uint32_t interruption; /* information, of the bits of EVENT_INFO_MASK; 0: does not count */
};

/* Bits of the VM-exit interruption information that count: not bit 12, which may be undefined. */
#define EVENT_INFO_MASK 0x80000fffu

/* A control that a guest wants to be 1, or 0. */
struct guest_control {
    uint8_t word, bit : 7;
    bool on : 1;
};

struct __attribute__((packed)) guest {
    const char *name;    /* as in guest=NAME */
    const char *purpose; /* a plain sentence: what it provokes and what should come of it */
    const struct guest_code *code;
    const struct guest_kind *kind; /* NULL: it has nothing in common with others */
    enum guest_mode mode : 3;
    enum guest_end end : 4; /* how it should end */
    bool any_end : 1;       /* any end will do: a random guest */
    bool unwatched : 1;     /* exits are not recorded: the shortest way (the bench) */
    bool needs_ept : 1;
    bool needs_sender : 1; /* vm/host/signal_sender.h: engaged from before `setup` to the end */

    /* Beside its own memory it sees the machine's, where it is and read-only, from after its own
     * up to GUEST_MACHINE_END, but for what is the hypervisor's. For a guest with EPT. */
    bool sees_machine : 1;
    uint32_t exits_max : 24;   /* budget of exits; 0: GUEST_EXITS_MAX */
    uint32_t time_max_us : 25; /* of time in the guest, in microseconds; 0: GUEST_TIME_MAX_US */

    /* Controls beyond (or without) the base. One that the processor does not offer (or does not let
     * be 0) is reported by name, and the guest is skipped. */
    uint8_t control_count;
    const struct guest_control *controls;

    /* What else is missing on this CPU, as a name or short sentence; NULL: nothing. May be NULL. */
    const char *(*lacks)(const struct vmx_capability *capability);

    /* After the VMCS has its values and before the first entry: what the guest wants changed. */
    void (*setup)(struct vcpu *vcpu);

    /* The guest's own handler; EXIT_DEFAULT: do as always. NULL: always as always. */
    enum exit_done (*on_exit)(struct vcpu *vcpu, const struct exit_record *exit);

    /* What should happen: these exits and no others, in this order. External interrupts, NMIs of
     * the host and the VMCALL that ends the guest need not be named. No list: any exits. */
    const struct exit_expected *expected;
    uint8_t expected_count;

    /* After its end: what guests of its kind are compared with; and then what it checks itself, as
     * the kind's `compare`. May be NULL. */
    uint8_t wanted_count;
    union {
        const struct probe *probes;
        const struct wanted_memory *memory;
        const struct wanted_event *events;
    };
    const char *(*check)(const struct vcpu *vcpu);

    enum vmentry_rule breaks; /* of one that cannot be entered: the rule of VM entry, for `check` */
};

/*
 * Time is real time, whatever the TSC's rate. On Skylake-SP to Emerald Rapids a preemption timer of
 * 2^25 × CPUID.15H:EBX/EAX or more, which is 42 seconds, may expire early (erratum EMR158): the
 * longest budget is below a half of that.
 */
enum {
    GUEST_EXITS_MAX = 10000,
    GUEST_TIME_MAX_US = 400000,
    GUEST_TIME_LONG_US = 20000000,
};

enum guest_result {
    GUEST_OK,      /* all as expected */
    GUEST_DIFFERS, /* it ended as it should, but did not do what was expected */
    GUEST_DIED,    /* it did not end as it should */
    GUEST_SKIPPED, /* this CPU cannot do it */
    GUEST_NO_MEMORY,
    GUEST_RESULT_COUNT,
};

enum { GUEST_DETAIL_SIZE = 320, ENTRY_FINDINGS_KEPT = 4 };

/* Why a VM entry failed, or was not made. */
struct entry_failure {
    bool checked;             /* it was what the VMCS holds; else the rest says nothing */
    enum vmentry_class class; /* what the processor said, or would say */
    uint32_t broken;          /* rules, the first of which are kept */
    uint32_t unread;          /* rules that could not be checked: memory could not be read */
    uint32_t unchecked[(VMENTRY_RULE_COUNT + 31) / 32]; /* which, by bit */
    struct vmentry_finding item[ENTRY_FINDINGS_KEPT];
};

/* Room for every basic exit reason that the SDM defines, and some more. */
enum { VM_EXIT_REASONS = 96 };
_Static_assert((int)EXIT_REASON_COUNT <= (int)VM_EXIT_REASONS, "every reason can be counted");

/* What came of a guest on one CPU. */
struct guest_run {
    const struct guest *guest;
    enum guest_result result;
    enum guest_end end;
    uint32_t exits[VM_EXIT_REASONS];  /* by basic reason */
    char detail[GUEST_DETAIL_SIZE];   /* a sentence: what is missing, differs, or killed it; "" */
    char reported[GUEST_DETAIL_SIZE]; /* the same with the guest's name, for a finding */
    struct entry_failure entry;       /* where its VMCS could not be entered with */
};

/* All built-in guests, in the order of guest=all. */
SET_DECLARE(guests, const struct guest);

/* Makes a guest one of them. `place`, of four digits, says where in the order it stands; `label` is
 * its code's name in assembly; what follows the purpose are other members of struct guest. */
#define GUEST(place, label, mode_of, name_of, purpose_of, ...)        \
    extern const struct guest_code code_##label;                      \
    static const struct guest guest_##place = {.name = name_of,       \
                                               .purpose = purpose_of, \
                                               .code = &code_##label, \
                                               .mode = mode_of,       \
                                               __VA_ARGS__};          \
    SET_MEMBER(guests, place, const struct guest, guest_##place)

/* Parts of rows: what is done about an exit. */
#define EMULATED .done = EXIT_EMULATED
#define IGNORED  .done = EXIT_IGNORED
#define STEPPED  .done = EXIT_STEPPED
#define MAPPED   .done = EXIT_MAPPED

/* Lists of struct guest: an array, or the rows themselves. */
#define ON(word, id)  GUEST_CONTROL(word, id, true)
#define OFF(word, id) GUEST_CONTROL(word, id, false)
#define GUEST_CONTROL(word, id, on)                        \
    {                                                      \
        VMX_CONTROL_##word, __builtin_ctz(word##_##id), on \
    }
#define CONTROLS_IN(array) .controls = (array), .control_count = COUNT_OF(array)
#define EXPECTED_IN(array) .expected = (array), .expected_count = COUNT_OF(array)
#define COUNT_OF(array)    (sizeof(array) / sizeof((array)[0]))
#define CONTROLS(...)      CONTROLS_IN(((const struct guest_control[]){__VA_ARGS__}))
#define EXITS(...)         EXPECTED_IN(((const struct exit_expected[]){__VA_ARGS__}))

/* How random guests are made (vm/guests/measure/random_guests.c). */
struct random_plan {
    uint64_t seed;
    uint32_t rounds; /* of each such guest, on each CPU */
};

/* What the person asked for, and what is called at each exit and end: of all guests the same. */
struct vm_options {
    struct random_plan random;
    bool check_entries; /* check the VMCS before every VM entry, not only after one that failed */

    uint64_t image;   /* physical: where the hypervisor's begins */
    const void *bios; /* VM_BIOS_BYTES at VM_BIOS as it sees them; NULL where it cannot */

    /* When a guest has ended and its memory still stands, and of every exit, as it came and was
     * served (`trace=exits`). May be NULL. */
    void (*finished)(const struct vcpu *vcpu);
    void (*trace)(const struct vcpu *vcpu, const struct exit_record *exit);
};

/* A built-in guest's VM, with its only vCPU, and what is written down about it. */
enum { VCPU_EXITS_RECORDED = 64, MISTAKE_SIZE = 200 };

struct guest_vm {
    struct vcpu vcpu;
    struct vm vm;
    const struct guest *guest;
    const struct vm_options *options;
    struct guest_run *run;    /* what comes of it */
    struct time_budget time;  /* of the preemption timer, where there is one */
    uint64_t deadline;        /* without one: the TSC when its time is up; else 0 */
    uint64_t pat;             /* where VM entry cannot load it: remembered, and without effect */
    struct ept_recent recent; /* where an EPT violation mapped a fresh page */
    enum ept_misconfiguration misconfiguration; /* of GUEST_END_MISCONFIGURED */
    uint32_t record_count; /* of the guest's exits, not the host's; may exceed what was recorded */
    struct exit_record record[VCPU_EXITS_RECORDED];
    uint32_t instruction_error;  /* what the VMCS says, before the last exit was served */
    uint32_t failed_instruction; /* what it said after: `mistake` is about it; 0: about another */
    struct exit_record last;     /* exit, and how many before it were the same */
    uint32_t without_progress;
    char mistake[MISTAKE_SIZE]; /* of the code around the guest; "": none */
};

static inline struct guest_vm *guest_vm_of(const struct vcpu *vcpu)
{
    return (struct guest_vm *)((uintptr_t)vcpu - offsetof(struct guest_vm, vcpu));
}

static inline const struct guest *guest_of(const struct vcpu *vcpu)
{
    return guest_vm_of(vcpu)->guest;
}

/* The controls of a word that the guest wants to be 1, or 0. */
uint32_t guest_control_mask(const struct guest *guest, unsigned word, bool on);

/* What built-in guests may see and use: what is not known there is hidden. */
extern const struct vm_policy guest_policy;

/* From now on every exit is recorded, traced, and given to the guest's own handler first. */
void vcpu_watch(struct vcpu *vcpu);

const char *guest_result_name(enum guest_result result); /* "ok", "differs", "died", "skipped" … */

#endif
