#include "vm/guests/measure/random_guests.h"

#include "lib/format.h"
#include "lib/string.h"

extern const uint8_t random_16_on_event[];
extern const uint8_t random_32_on_event[], random_32_on_error[];
extern const uint8_t random_64_on_event[], random_64_on_error[];

enum {
    RANDOM_BYTES = 4096,
    RANDOM_EXITS = 300,
    RANDOM_US = 1000,
};

/* A guest of one round; setup() finds the seed after the guest. */
struct random_round {
    struct guest guest; /* first */
    uint64_t state;     /* of the random numbers, before the first */
};

/* SplitMix64, by Sebastiano Vigna: public domain. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t value = *state += 0x9e3779b97f4a7c15;

    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
    value = (value ^ value >> 27) * 0x94d049bb133111eb;
    return value ^ value >> 31;
}

/*
 * Beginnings of instructions that a hypervisor has to do with, which few random bytes are; what
 * follows is random again.
 */
static const struct {
    uint8_t length, bytes[3];
} beginnings[] = {
    {2, {0x0f, 0x00}},
    {2, {0x0f, 0x01}},
    {2, {0x0f, 0x06}},
    {2, {0x0f, 0x08}},
    {2, {0x0f, 0x09}},
    {2, {0x0f, 0x0b}},
    {2, {0x0f, 0x20}},
    {2, {0x0f, 0x21}},
    {2, {0x0f, 0x22}},
    {2, {0x0f, 0x23}},
    {2, {0x0f, 0x30}},
    {2, {0x0f, 0x31}},
    {2, {0x0f, 0x32}},
    {2, {0x0f, 0x33}},
    {2, {0x0f, 0x34}},
    {2, {0x0f, 0x35}},
    {2, {0x0f, 0x78}},
    {2, {0x0f, 0x79}},
    {2, {0x0f, 0xa2}},
    {2, {0x0f, 0xae}},
    {2, {0x0f, 0xc7}},
    {3, {0x0f, 0x01, 0xc1}},
    {1, {0x6c}},
    {1, {0x6e}},
    {3, {0x0f, 0x01, 0xd1}},
    {3, {0x66, 0x0f, 0x38}},
    {1, {0x8e}},
    {1, {0x17}},
    {1, {0x9a}},
    {1, {0x9d}},
    {1, {0xca}},
    {1, {0xcb}},
    {1, {0xcc}},
    {1, {0xcd}},
    {1, {0xce}},
    {1, {0xcf}},
    {1, {0xe4}},
    {1, {0xe6}},
    {1, {0xea}},
    {1, {0xec}},
    {1, {0xee}},
    {1, {0xf1}},
    {1, {0xf3}},
    {1, {0xf4}},
    {1, {0xfa}},
    {1, {0xfb}},
    {1, {0x48}},
    {1, {0x66}},
};

enum { BEGINNINGS = sizeof(beginnings) / sizeof(beginnings[0]) };

static void write_code(uint8_t *code, uint64_t *state)
{
    for (uint32_t i = 0; i < RANDOM_BYTES; i++) {
        uint64_t random = next_random(state);
        uint32_t which = (uint32_t)(random >> 16) % BEGINNINGS;
        uint32_t length = beginnings[which].length;

        if ((random & 3) == 0 && i + length < RANDOM_BYTES) {
            memcpy(code + i, beginnings[which].bytes, length);
            i += length - 1;
        } else {
            code[i] = (uint8_t)(random >> 8);
        }
    }
}

/* Registers are small numbers, addresses in the guest's memory, or anything. */
static uint64_t register_value(uint64_t *state)
{
    uint64_t random = next_random(state);

    switch (random & 3) {
    case 0:
        return random >> 56;
    case 1:
    case 2:
        return (random >> 8) % GUEST_MEMORY_BYTES;
    default:
        return next_random(state);
    }
}

static void setup(struct vcpu *vcpu)
{
    const struct random_round *round = (const struct random_round *)guest_of(vcpu);
    uint64_t state = round->state;
    uint64_t place = GUEST_CODE + (uint64_t)(guest_of(vcpu)->code_end - guest_of(vcpu)->code);

    write_code(vcpu_memory(vcpu, place, RANDOM_BYTES), &state);
    for (unsigned i = 0; i < VCPU_REGISTERS; i++) {
        if (i != VCPU_RSP)
            vcpu->reg[i] = register_value(&state);
    }
}

static uint64_t round_state(uint64_t seed, enum guest_mode mode, uint32_t cpu, uint32_t round)
{
    uint64_t state = seed;

    state = next_random(&state) + (uint64_t)mode;
    state = next_random(&state) + cpu;
    state = next_random(&state) + round;
    return state;
}

/* What a hypervisor must never come to, whatever its guest does. */
static bool is_our_fault(const struct guest_run *run)
{
    return run->result == GUEST_NO_MEMORY || run->end == GUEST_END_ENTRY_ERROR ||
           run->end == GUEST_END_ENTRY_FAILED || run->end == GUEST_END_RULES;
}

static void print_ends(const uint32_t ends[GUEST_END_COUNT], uint32_t rounds, struct guest_run *run)
{
    static const char *const names[GUEST_END_COUNT] = {
        [GUEST_END_CALL] = "its own call",
        [GUEST_END_HALT] = "halted",
        [GUEST_END_TRIPLE_FAULT] = "triple fault",
        [GUEST_END_MEMORY] = "memory it has not",
        [GUEST_END_MISCONFIGURED] = "EPT misconfiguration",
        [GUEST_END_TIME] = "time",
        [GUEST_END_EXITS] = "exits",
        [GUEST_END_ENTRY_ERROR] = "VM entry error",
        [GUEST_END_ENTRY_FAILED] = "VM entry failure",
        [GUEST_END_RULES] = "rules of VM entry",
        [GUEST_END_WAIT] = "waiting",
        [GUEST_END_UNHANDLED] = "unserved exit",
    };
    struct text_buffer text;

    text_buffer_init(&text, run->detail, sizeof(run->detail));
    print_to(&text.sink, "%u rounds; ended by", rounds);
    for (uint32_t i = 0; i < GUEST_END_COUNT; i++) {
        if (ends[i] != 0)
            print_to(&text.sink, " %s %u,", names[i], ends[i]);
    }
    run->detail[text.length - 1] = '\0'; /* the last comma */
}

void random_guest_run(const struct guest *guest, struct vmx_cpu *cpu,
                      const struct vm_options *options, struct guest_run *run)
{
    uint32_t ends[GUEST_END_COUNT] = {0};
    uint32_t rounds = options->random.rounds;
    struct guest_run one;

    *run = (struct guest_run){.guest = guest, .result = GUEST_OK};
    for (uint32_t i = 0; i < rounds; i++) {
        const struct random_round round = {
            *guest, round_state(options->random.seed, guest->mode, cpu->cpu, i)};

        guest_run(&round.guest, cpu, options, &one);
        if (one.result == GUEST_SKIPPED || is_our_fault(&one)) {
            run->result = one.result == GUEST_OK ? GUEST_DIED : one.result;
            run->end = one.end;
            if (one.result == GUEST_SKIPPED)
                format_text(run->detail, sizeof(run->detail), "%s", one.detail);
            else
                format_text(run->detail, sizeof(run->detail), "seed %lu, round %u: %s",
                            options->random.seed, i, one.detail);
            return;
        }
        ends[one.end]++;
        for (uint32_t reason = 0; reason < VM_EXIT_REASONS; reason++)
            run->exits[reason] += one.exits[reason];
    }
    print_ends(ends, rounds, run);
}

/* The exceptions with an error code are 8, 10 to 14, 17 and 21. */
#define HANDLERS(event, error)                                                              \
    {                                                                                       \
        {0, event}, {1, event}, {3, event}, {4, event}, {5, event}, {6, event}, {7, event}, \
            {8, error}, {10, error}, {11, error}, {12, error}, {13, error}, {14, error},    \
            {16, event}, {17, error}, {18, event}, {19, event}, {21, error},                \
    }

static const struct guest_handler handlers_16[] = HANDLERS(random_16_on_event, random_16_on_event);
static const struct guest_handler handlers_32[] = HANDLERS(random_32_on_event, random_32_on_error);
static const struct guest_handler handlers_64[] = HANDLERS(random_64_on_event, random_64_on_error);

#define RANDOM_GUEST(place, bits, mode, text)                                                     \
    BUILT_IN_GUEST(place, random_##bits, mode, "chaos-" text,                                     \
                   "Random bytes, as code in " text " mode.", HANDLERS_IN(handlers_##bits),       \
                   .setup = setup, .any_end = true, .unwatched = true, .exits_max = RANDOM_EXITS, \
                   .time_max_us = RANDOM_US)

RANDOM_GUEST(0440, 16, GUEST_REAL, "real");
RANDOM_GUEST(0450, 32, GUEST_PROTECTED, "protected");
RANDOM_GUEST(0460, 32, GUEST_PAGED, "paged");
RANDOM_GUEST(0470, 32, GUEST_PAE, "pae");
RANDOM_GUEST(0480, 64, GUEST_LONG, "long");
