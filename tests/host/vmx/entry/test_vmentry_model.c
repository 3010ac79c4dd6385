/*
 * Rules of a VM entry that look at several fields at once, against the SDM's sentences written down
 * once more as a model: Vol. 3, "Checks on Guest Segment Registers", "Checks on Guest Non-Register
 * State", "VM-Entry Control Fields" (event injection). Segments by chance, the others each
 * combination of what they depend on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "tests/host/random.h"
#include "tests/host/vmentry_ground.h"
#include "vmx/capability/vmx_controls.h"

static struct vmcs_image image;
static struct vmentry_findings findings;
static bool expected[VMENTRY_RULE_COUNT];

static uint64_t get(unsigned field)
{
    return vmcs_image_get(&image, (enum vmcs_field)field);
}

static void set(unsigned field, uint64_t value)
{
    vmcs_image_set(&image, (enum vmcs_field)field, value);
}

static void expect(enum vmentry_rule rule, bool broken)
{
    expected[rule] = expected[rule] || broken;
}

/* The bits that a rule is about, where it is about some bits of a field. */
static uint64_t part_of(enum vmentry_rule rule)
{
    switch (rule) {
    case VMENTRY_EVENT_TYPE:
        return 7 << 8;
    case VMENTRY_EVENT_VECTOR:
        return 0xff;
    case VMENTRY_EVENT_ERROR_CODE_FORBIDDEN:
    case VMENTRY_EVENT_ERROR_CODE_MISSING:
        return 1 << 11;
    case VMENTRY_EVENT_RESERVED:
        return 0x7fffc000 | 1 << 12;
    case VMENTRY_EVENT_NESTED_EXCEPTION:
        return 1 << 13;
    case VMENTRY_EVENT_ERROR_CODE_RESERVED:
        return 0xffff0000;
    default:
        return UINT64_MAX;
    }
}

/* vmx/entry/vmentry_check.h: of the field that breaks it, what it is and a value that would do;
 * that it would is tried with some of them, for it takes as long as all rules. */
static void wanted_would_do(const struct vmentry_finding *finding)
{
    static unsigned reported;
    struct vmcs_image better = image;
    struct vmentry_findings left;

    assert_int_equal(finding->seen, get(finding->field));
    assert_int_not_equal(finding->wanted, finding->seen);
    assert_int_equal((finding->wanted ^ finding->seen) & ~part_of(finding->rule), 0);
    if (reported++ % 11 != 0)
        return;
    vmcs_image_set(&better, finding->field, finding->wanted);
    vmentry_check(&better, &ground_context, &left);
    for (uint32_t i = 0; i < left.count; i++) {
        if (left.item[i].rule == finding->rule && left.item[i].field == finding->field)
            fail_msg("%s: %#lx would not do", vmentry_rule_text(finding->rule).name,
                     (unsigned long)finding->wanted);
    }
}

/* The rules from one to another, in the order of vmx/entry/vmentry_rules.def. */
static void compare(enum vmentry_rule from, enum vmentry_rule to, uint64_t round)
{
    bool broken[VMENTRY_RULE_COUNT] = {false};

    vmentry_check(&image, &ground_context, &findings);
    for (uint32_t i = 0; i < findings.count; i++)
        broken[findings.item[i].rule] = true;
    for (enum vmentry_rule rule = from; rule <= to; rule++) {
        if (broken[rule] != expected[rule])
            fail_msg("round %lu: %s %s", (unsigned long)round, vmentry_rule_text(rule).name,
                     broken[rule] ? "is broken" : "is not broken");
    }
    for (uint32_t i = 0; i < findings.count; i++) {
        if (findings.item[i].rule >= from && findings.item[i].rule <= to)
            wanted_would_do(&findings.item[i]);
    }
}

/* Segments */

enum { ES, CS, SS, DS, FS, GS, LDTR, TR };

struct segment {
    unsigned selector, limit, type, s, dpl, p, reserved, l, db, g, unusable;
    uint64_t base;
};

static struct segment segment_of(unsigned i)
{
    unsigned rights = (unsigned)get(VMCS_GUEST_ES_ACCESS_RIGHTS + 2 * i);

    return (struct segment){
        .selector = (unsigned)get(VMCS_GUEST_ES_SELECTOR + 2 * i),
        .limit = (unsigned)get(VMCS_GUEST_ES_LIMIT + 2 * i),
        .base = get(VMCS_GUEST_ES_BASE + 2 * i),
        .type = rights & 15,
        .s = rights >> 4 & 1,
        .dpl = rights >> 5 & 3,
        .p = rights >> 7 & 1,
        .reserved = rights & 0xfffe0f00,
        .l = rights >> 13 & 1,
        .db = rights >> 14 & 1,
        .g = rights >> 15 & 1,
        .unusable = rights >> 16 & 1,
    };
}

static bool canonical(uint64_t address)
{
    return (int64_t)(address << 16) >> 16 == (int64_t)address;
}

/* "If any bit in the limit field in the range 11:0 is 0, G must be 0; … 31:20 is 1, G must be 1."
 */
static bool g_must_be_0(struct segment segment)
{
    return (segment.limit & 0xfff) != 0xfff && segment.g;
}

static bool g_must_be_1(struct segment segment)
{
    return segment.limit >> 20 != 0 && !segment.g;
}

struct mode {
    bool v8086, unrestricted, ia32e, pe;
};

static void expect_code_or_data(struct mode mode, unsigned i)
{
    struct segment segment = segment_of(i);
    bool looked_at = !mode.v8086 && (i == CS || !segment.unusable);
    bool data = i != CS && i != SS;

    if (mode.v8086) {
        expect(VMENTRY_SEGMENT_V8086_BASE, segment.base != (uint64_t)segment.selector << 4);
        expect(VMENTRY_SEGMENT_V8086_LIMIT, segment.limit != 0xffff);
        expect(VMENTRY_SEGMENT_V8086_RIGHTS, get(VMCS_GUEST_ES_ACCESS_RIGHTS + 2 * i) != 0xf3);
    }
    if (i == FS || i == GS)
        expect(VMENTRY_SEGMENT_BASE_CANONICAL, !canonical(segment.base));
    else
        expect(VMENTRY_SEGMENT_BASE_HIGH,
               (i == CS || !segment.unusable) && segment.base >> 32 != 0);
    if (!looked_at)
        return;
    expect(VMENTRY_SEGMENT_ACCESSED, data && (segment.type & 1) == 0);
    expect(VMENTRY_SEGMENT_CODE_READABLE, data && (segment.type & 10) == 8);
    expect(VMENTRY_SEGMENT_S, !segment.s);
    expect(VMENTRY_SEGMENT_DPL_RPL, data && !mode.unrestricted && segment.type <= 11 &&
                                        segment.dpl < (segment.selector & 3));
    expect(VMENTRY_SEGMENT_PRESENT, !segment.p);
    expect(VMENTRY_SEGMENT_RESERVED, segment.reserved != 0);
    expect(VMENTRY_SEGMENT_GRANULARITY_LOW, g_must_be_0(segment));
    expect(VMENTRY_SEGMENT_GRANULARITY_HIGH, g_must_be_1(segment));
}

static void expect_code_and_stack(struct mode mode)
{
    struct segment cs = segment_of(CS), ss = segment_of(SS);
    bool code = cs.type == 9 || cs.type == 11 || cs.type == 13 || cs.type == 15;

    if (mode.v8086)
        return;
    expect(VMENTRY_SEGMENT_SS_CS_RPL, !mode.unrestricted && ((cs.selector ^ ss.selector) & 3));
    expect(VMENTRY_SEGMENT_CS_TYPE, !code && !(mode.unrestricted && cs.type == 3));
    expect(VMENTRY_SEGMENT_SS_TYPE, !ss.unusable && ss.type != 3 && ss.type != 7);
    expect(VMENTRY_SEGMENT_CS_DPL_DATA, cs.type == 3 && cs.dpl != 0);
    expect(VMENTRY_SEGMENT_CS_DPL_SS, (cs.type == 9 || cs.type == 11) && cs.dpl != ss.dpl);
    expect(VMENTRY_SEGMENT_CS_DPL_CONFORMING, (cs.type == 13 || cs.type == 15) && cs.dpl > ss.dpl);
    expect(VMENTRY_SEGMENT_SS_DPL_RPL, !mode.unrestricted && ss.dpl != (ss.selector & 3));
    expect(VMENTRY_SEGMENT_SS_DPL_ZERO, (cs.type == 3 || !mode.pe) && ss.dpl != 0);
    expect(VMENTRY_SEGMENT_CS_DB_L, mode.ia32e && cs.l && cs.db);
}

static void expect_system(struct mode mode)
{
    struct segment ldtr = segment_of(LDTR), tr = segment_of(TR);
    bool tss = tr.type == 11 || (tr.type == 3 && !mode.ia32e);

    expect(VMENTRY_SEGMENT_TI, tr.selector >> 2 & 1);
    expect(VMENTRY_SEGMENT_BASE_CANONICAL, !canonical(tr.base));
    expect(VMENTRY_TR_TYPE, !tss);
    expect(VMENTRY_SYSTEM_SEGMENT_S, tr.s);
    expect(VMENTRY_SYSTEM_SEGMENT_PRESENT, !tr.p);
    expect(VMENTRY_SYSTEM_SEGMENT_RESERVED, tr.reserved != 0);
    expect(VMENTRY_SYSTEM_GRANULARITY_LOW, g_must_be_0(tr));
    expect(VMENTRY_SYSTEM_GRANULARITY_HIGH, g_must_be_1(tr));
    expect(VMENTRY_TR_UNUSABLE, tr.unusable);
    if (ldtr.unusable)
        return;
    expect(VMENTRY_SEGMENT_TI, ldtr.selector >> 2 & 1);
    expect(VMENTRY_SEGMENT_BASE_CANONICAL, !canonical(ldtr.base));
    expect(VMENTRY_LDTR_TYPE, ldtr.type != 2);
    expect(VMENTRY_SYSTEM_SEGMENT_S, ldtr.s);
    expect(VMENTRY_SYSTEM_SEGMENT_PRESENT, !ldtr.p);
    expect(VMENTRY_SYSTEM_SEGMENT_RESERVED, ldtr.reserved != 0);
    expect(VMENTRY_SYSTEM_GRANULARITY_LOW, g_must_be_0(ldtr));
    expect(VMENTRY_SYSTEM_GRANULARITY_HIGH, g_must_be_1(ldtr));
}

/* Some bits of some segments, so that most rules are kept most of the time. */
static void disturb(uint64_t *seed)
{
    static const uint32_t limits[] = {0,       0xfff,    0xffe,      0xffff,
                                      0xfffff, 0x100fff, 0xfff00000, UINT32_MAX};
    unsigned i = (unsigned)random_below(seed, 8);
    unsigned rights = VMCS_GUEST_ES_ACCESS_RIGHTS + 2 * i;

    switch (random_below(seed, 8)) {
    case 0:
        set(rights, (get(rights) & ~15ull) | random_below(seed, 16));
        break;
    case 1:
        set(rights, get(rights) ^ random_below(seed, 4) << 5);
        break;
    case 2:
        set(rights, get(rights) ^ 1ull << random_below(seed, 32));
        break;
    case 3:
        set(rights, get(rights) ^ 1ull << 16);
        break;
    case 4:
        set(VMCS_GUEST_ES_LIMIT + 2 * i, limits[random_below(seed, 8)]);
        break;
    case 5:
        set(VMCS_GUEST_ES_SELECTOR + 2 * i,
            get(VMCS_GUEST_ES_SELECTOR + 2 * i) ^ 1ull << random_below(seed, 4));
        break;
    case 6:
        set(VMCS_GUEST_ES_BASE + 2 * i, 1ull << random_below(seed, 64));
        break;
    default: /* the same type for CS and SS, as it were conforming, or data */
        set(VMCS_GUEST_CS_ACCESS_RIGHTS,
            (get(VMCS_GUEST_CS_ACCESS_RIGHTS) & ~15ull) | (random_below(seed, 2) ? 3 : 15));
        break;
    }
}

static void segments_are_as_the_sentences_say(void **state)
{
    static const struct {
        enum vmentry_base base;
        struct mode mode;
    } modes[] = {
        {VMENTRY_BASE_LONG, {.ia32e = true, .pe = true}},
        {VMENTRY_BASE_PROTECTED, {.pe = true}},
        {VMENTRY_BASE_V8086, {.v8086 = true, .pe = true}},
        {VMENTRY_BASE_REAL, {.unrestricted = true}},
        {VMENTRY_BASE_LONG_FREE, {.unrestricted = true, .ia32e = true, .pe = true}},
    };
    uint64_t seed = 0x5e63e47;

    (void)state;
    for (uint64_t round = 0; round < 40000; round++) {
        unsigned n = (unsigned)(round % (sizeof modes / sizeof *modes));

        ground_reset(GROUND_ALL);
        assert_true(vmentry_base_image(&ground, modes[n].base, &image));
        for (uint64_t changes = 1 + random_below(&seed, 6); changes > 0; changes--)
            disturb(&seed);
        memset(expected, 0, sizeof expected);
        for (unsigned i = ES; i <= GS; i++)
            expect_code_or_data(modes[n].mode, i);
        expect_code_and_stack(modes[n].mode);
        expect_system(modes[n].mode);
        compare(VMENTRY_SEGMENT_TI, VMENTRY_TR_UNUSABLE, round);
    }
}

/* What CR4.FRED (bit 32) asks of segments: "Checks on Guest Segment Registers". */
static void fred_knows_rings_0_and_3(void **state)
{
    (void)state;
    for (unsigned dpl = 0; dpl < 4; dpl++) {
        for (unsigned fred = 0; fred < 2; fred++) {
            ground_reset(GROUND_ALL);
            assert_true(vmentry_base_image(&ground, VMENTRY_BASE_LONG_FREE, &image));
            set(VMCS_GUEST_CR4, get(VMCS_GUEST_CR4) | (uint64_t)fred << 32);
            set(VMCS_GUEST_SS_ACCESS_RIGHTS, 0xc093 | dpl << 5);
            set(VMCS_GUEST_CS_ACCESS_RIGHTS, 0xa09b | dpl << 5);
            vmentry_check(&image, &ground_context, &findings);
            assert_int_equal(vmentry_has(&findings, VMENTRY_SEGMENT_SS_DPL_FRED),
                             fred && (dpl == 1 || dpl == 2));
        }
    }
}

/* Non-register state */

/* Bits 31:0 of the VM-entry interruption information. */
enum event {
    NO_EVENT = 0,
    INTERRUPT = (int)0x80000040,
    NMI = (int)0x80000202,
    DB = (int)0x80000301,
    MC = (int)0x80000312,
    UD = (int)0x80000306,
    SOFTWARE_1 = (int)0x80000401, /* INT 1, of #DB's number, and INT 18 */
    SOFTWARE_18 = (int)0x80000412,
    PENDING_MTF = (int)0x80000700,
};

static const enum event events[] = {NO_EVENT, INTERRUPT,  NMI,         DB,         MC,
                                    UD,       SOFTWARE_1, SOFTWARE_18, PENDING_MTF};

enum { STI = 1, MOV_SS = 2, SMI = 4, BY_NMI = 8, ENCLAVE = 16 };

static void expect_activity(unsigned activity, unsigned blocking, enum event event, unsigned dpl)
{
    bool wakes_hlt =
        event == INTERRUPT || event == NMI || event == DB || event == MC || event == PENDING_MTF;

    expect(VMENTRY_ACTIVITY_SUPPORTED, activity > 3);
    expect(VMENTRY_ACTIVITY_HLT_DPL, activity == 1 && dpl != 0);
    expect(VMENTRY_ACTIVITY_BLOCKED, activity != 0 && (blocking & (STI | MOV_SS)) != 0);
    expect(VMENTRY_ACTIVITY_HLT_EVENT, activity == 1 && event != NO_EVENT && !wakes_hlt);
    expect(VMENTRY_ACTIVITY_SHUTDOWN_EVENT,
           activity == 2 && event != NO_EVENT && event != NMI && event != MC);
    expect(VMENTRY_ACTIVITY_SIPI_EVENT, activity == 3 && event != NO_EVENT);
}

static void expect_blocking(unsigned blocking, bool interrupts, enum event event, bool virtual_nmis,
                            bool sgx)
{
    expect(VMENTRY_BLOCKING_STI_AND_MOV_SS, (blocking & (STI | MOV_SS)) == (STI | MOV_SS));
    expect(VMENTRY_BLOCKING_STI_IF, (blocking & STI) != 0 && !interrupts);
    expect(VMENTRY_BLOCKING_EXTERNAL_INTERRUPT,
           event == INTERRUPT && (blocking & (STI | MOV_SS)) != 0);
    expect(VMENTRY_BLOCKING_NMI_MOV_SS, event == NMI && (blocking & MOV_SS) != 0);
    expect(VMENTRY_BLOCKING_SMI, (blocking & SMI) != 0); /* outside of SMM */
    expect(VMENTRY_BLOCKING_NMI_STI, event == NMI && (blocking & STI) != 0);
    expect(VMENTRY_BLOCKING_VIRTUAL_NMI, event == NMI && virtual_nmis && (blocking & BY_NMI) != 0);
    expect(VMENTRY_BLOCKING_ENCLAVE_MOV_SS, (blocking & (ENCLAVE | MOV_SS)) == (ENCLAVE | MOV_SS));
    expect(VMENTRY_BLOCKING_ENCLAVE_SGX, (blocking & ENCLAVE) != 0 && !sgx);
}

static void enter(unsigned activity, unsigned blocking, uint64_t rflags, enum event event)
{
    ground_reset(GROUND_ALL);
    assert_true(vmentry_base_image(&ground, VMENTRY_BASE_LONG, &image));
    set(VMCS_GUEST_ACTIVITY_STATE, activity);
    set(VMCS_GUEST_INTERRUPTIBILITY_STATE, blocking);
    set(VMCS_GUEST_RFLAGS, 2 | rflags);
    set(VMCS_VM_ENTRY_INTERRUPTION_INFORMATION, (uint32_t)event);
    set(VMCS_VM_ENTRY_INSTRUCTION_LENGTH, 2);
    memset(expected, 0, sizeof expected);
}

static void activity_and_blocking_are_as_the_sentences_say(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 5 * 32 * 2 * 2 * 2 * 2; n++) {
        unsigned activity = n / 512, blocking = n & 31, interrupts = n >> 5 & 1, dpl = n >> 6 & 1;
        bool virtual_nmis = n >> 7 & 1, sgx = n >> 8 & 1;

        for (unsigned i = 0; i < sizeof events / sizeof *events; i++) {
            enter(activity, blocking, interrupts << 9, events[i]);
            ground_context.sgx = sgx;
            set(VMCS_GUEST_SS_ACCESS_RIGHTS, 0xc093 | dpl * 3 << 5);
            set(VMCS_PIN_BASED_VM_EXECUTION_CONTROLS,
                (get(VMCS_PIN_BASED_VM_EXECUTION_CONTROLS) & ~0x28ull) | (virtual_nmis ? 0x28 : 0));
            expect_activity(activity, blocking, events[i], dpl);
            expect_blocking(blocking, interrupts != 0, events[i], virtual_nmis, sgx);
            compare(VMENTRY_ACTIVITY_SUPPORTED, VMENTRY_BLOCKING_ENCLAVE_SGX, n);
        }
    }
}

/*
 * "Pending debug exceptions": under blocking by STI or MOV SS, or in HLT, BS (bit 14) must be 1
 * where RFLAGS.TF (8) is 1 and IA32_DEBUGCTL.BTF (1) is 0, and 0 otherwise.
 */
static void single_steps_are_pending_as_the_sentences_say(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 3 * 8 * 2 * 2 * 16; n++) {
        unsigned activity = n / 512, blocking = n & 7, tf = n >> 3 & 1, bs = n >> 4 & 1,
                 debugctl = n >> 5 & 15;
        bool known = (blocking & 3) != 0 || activity == 1, steps = tf && (debugctl & 2) == 0;

        enter(activity, blocking, 1 << 9 | tf << 8, NO_EVENT);
        set(VMCS_GUEST_IA32_DEBUGCTL, debugctl);
        set(VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS, bs << 14);
        expect(VMENTRY_PENDING_BS_MISSING, known && steps && !bs);
        expect(VMENTRY_PENDING_BS_FORBIDDEN, known && !steps && bs);
        compare(VMENTRY_PENDING_RESERVED, VMENTRY_PENDING_BS_FORBIDDEN, n);
    }
}

/*
 * "If bit 16 (RTM) is 1: bits 11:0, bits 15:13 and bits 63:17 must be 0, and bit 12 must be 1; the
 * processor must support RTM; the interruptibility state must not indicate blocking by MOV SS."
 */
static void transactions_are_pending_as_the_sentences_say(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit < 64; bit++) {
        for (unsigned n = 0; n < 16; n++) {
            bool enabled = n & 1, rtm = n >> 1 & 1, mov_ss = n >> 2 & 1, pending = n >> 3 & 1;
            uint64_t value = (pending ? 1ull << 16 : 0) | (enabled ? 1ull << 12 : 0) | 1ull << bit;

            enter(0, mov_ss ? MOV_SS : 0, 1 << 8, NO_EVENT);
            ground_context.rtm = rtm;
            set(VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS, value);
            pending = value >> 16 & 1;
            expect(VMENTRY_PENDING_RTM, pending && (value & ~(1ull << 16)) != 1ull << 12);
            expect(VMENTRY_PENDING_RTM_SUPPORTED, pending && (!rtm || mov_ss));
            compare(VMENTRY_PENDING_RTM, VMENTRY_PENDING_RTM_SUPPORTED, bit * 100 + n);
        }
    }
}

/* Events */

/* #DF, #TS, #NP, #SS, #GP, #PF, #AC */
static bool has_error_code(unsigned vector)
{
    return vector == 8 || (vector >= 10 && vector <= 14) || vector == 17;
}

struct event_case {
    unsigned type, vector, length;
    bool error_code, protected_mode, unrestricted, trap_flag, any_error_code, zero_length, nested;
};

static void expect_event(const struct event_case *c)
{
    bool hardware = c->type == 3, real = c->unrestricted && !c->protected_mode;
    /* INT n, INT1, INT3, INTO; and SYSCALL and SYSENTER, other events 1 and 2 */
    bool software =
        (c->type >= 4 && c->type <= 6) || (c->type == 7 && (c->vector == 1 || c->vector == 2));
    bool may = hardware && !real && (c->any_error_code || has_error_code(c->vector));
    bool should = hardware && !real && !c->any_error_code && has_error_code(c->vector);

    expect(VMENTRY_EVENT_TYPE, c->type == 1 || (c->type == 7 && !c->trap_flag));
    expect(VMENTRY_EVENT_VECTOR, (c->type == 2 && c->vector != 2) || (hardware && c->vector > 31) ||
                                     (c->type == 7 && c->trap_flag && c->vector != 0));
    expect(VMENTRY_EVENT_ERROR_CODE_FORBIDDEN, c->error_code && !may);
    expect(VMENTRY_EVENT_ERROR_CODE_MISSING, !c->error_code && should);
    expect(VMENTRY_EVENT_NESTED_EXCEPTION, false);
    expect(VMENTRY_EVENT_INSTRUCTION_LENGTH,
           software && (c->length > 15 || (c->length == 0 && !c->zero_length)));
}

static void inject(const struct event_case *c)
{
    ground_reset(GROUND_ALL);
    /* Neither FRED, which has more events of type 7, nor anything but what the case has. */
    ground_capability.entry_allowed1 &= ~(uint64_t)ENTRY_LOAD_FRED;
    ground_capability.any_event_error_code = c->any_error_code;
    ground_capability.zero_length_injection = c->zero_length;
    if (!c->trap_flag)
        ground_capability.primary_allowed1 &= ~(uint64_t)PRIMARY_MONITOR_TRAP_FLAG;
    assert_true(vmentry_base_image(&ground,
                                   !c->unrestricted    ? VMENTRY_BASE_LONG
                                   : c->protected_mode ? VMENTRY_BASE_LONG_FREE
                                                       : VMENTRY_BASE_REAL,
                                   &image));
    set(VMCS_VM_ENTRY_INTERRUPTION_INFORMATION,
        1u << 31 | c->type << 8 | c->vector | (c->error_code ? 1 << 11 : 0));
    set(VMCS_VM_ENTRY_INSTRUCTION_LENGTH, c->length);
    memset(expected, 0, sizeof expected);
}

static void events_are_as_the_sentences_say(void **state)
{
    static const unsigned vectors[] = {0,  1,  2,  3,  7,  8,  9,  10, 11, 12, 13, 14,  15,
                                       16, 17, 18, 21, 30, 31, 32, 33, 63, 64, 72, 254, 255};
    static const unsigned lengths[] = {0, 1, 14, 15, 16};

    (void)state;
    for (unsigned n = 0; n < 8 * 64; n++) {
        for (unsigned v = 0; v < sizeof vectors / sizeof *vectors; v++) {
            unsigned length = lengths[(n + v) % 5];
            struct event_case c = {.type = n / 64,
                                   .vector = vectors[v],
                                   .length = length,
                                   .error_code = n & 1,
                                   .unrestricted = n >> 1 & 1,
                                   .protected_mode = (n >> 2 & 1) || !(n >> 1 & 1),
                                   .trap_flag = n >> 3 & 1,
                                   .any_error_code = n >> 4 & 1,
                                   .zero_length = n >> 5 & 1};

            inject(&c);
            expect_event(&c);
            compare(VMENTRY_EVENT_TYPE, VMENTRY_EVENT_ERROR_CODE_MISSING, n * 100 + v);
            compare(VMENTRY_EVENT_NESTED_EXCEPTION, VMENTRY_EVENT_NESTED_EXCEPTION, n);
            compare(VMENTRY_EVENT_INSTRUCTION_LENGTH, VMENTRY_EVENT_INSTRUCTION_LENGTH, n);
        }
    }
}

/* Each length of each type; nothing counts that is not injected. */
static void lengths_are_those_of_instructions(void **state)
{
    (void)state;
    for (unsigned type = 0; type < 8; type++) {
        for (unsigned length = 0; length < 40; length++) {
            struct event_case c = {.type = type,
                                   .vector = 2,
                                   .length = length,
                                   .protected_mode = true,
                                   .trap_flag = true};

            inject(&c);
            expect_event(&c);
            compare(VMENTRY_EVENT_INSTRUCTION_LENGTH, VMENTRY_EVENT_INSTRUCTION_LENGTH, length);
            set(VMCS_VM_ENTRY_INTERRUPTION_INFORMATION, type << 8 | 0x7ffff802);
            memset(expected, 0, sizeof expected);
            compare(VMENTRY_EVENT_TYPE, VMENTRY_EVENT_INSTRUCTION_LENGTH, length);
        }
    }
}

/* "Bits 30:14 and bit 12 are 0"; bit 13 with FRED, of a hardware exception; the error code has 16
 * bits, where it is delivered. */
static void reserved_bits_are_0(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit < 32; bit++) {
        for (unsigned nested = 0; nested < 2; nested++) {
            for (unsigned type = 0; type < 7; type++) {
                struct event_case c = {.type = type,
                                       .vector = 14,
                                       .length = 2,
                                       .error_code = true,
                                       .protected_mode = true};

                inject(&c);
                ground_capability.nested_exception = nested;
                if (bit >= 12 && bit != 31)
                    set(VMCS_VM_ENTRY_INTERRUPTION_INFORMATION,
                        get(VMCS_VM_ENTRY_INTERRUPTION_INFORMATION) | 1ull << bit);
                set(VMCS_VM_ENTRY_EXCEPTION_ERROR_CODE, 1ull << bit);
                expect(VMENTRY_EVENT_RESERVED, bit == 12 || (bit >= 14 && bit != 31));
                expect(VMENTRY_EVENT_NESTED_EXCEPTION, bit == 13 && !(type == 3 && nested));
                expect(VMENTRY_EVENT_ERROR_CODE_RESERVED, bit >= 16);
                compare(VMENTRY_EVENT_RESERVED, VMENTRY_EVENT_ERROR_CODE_RESERVED, bit);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segments_are_as_the_sentences_say),
        cmocka_unit_test(fred_knows_rings_0_and_3),
        cmocka_unit_test(activity_and_blocking_are_as_the_sentences_say),
        cmocka_unit_test(single_steps_are_pending_as_the_sentences_say),
        cmocka_unit_test(transactions_are_pending_as_the_sentences_say),
        cmocka_unit_test(events_are_as_the_sentences_say),
        cmocka_unit_test(lengths_are_those_of_instructions),
        cmocka_unit_test(reserved_bits_are_0),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
